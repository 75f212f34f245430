"""One running house for all clients: files with a day of their own, cut uploads, and what became of each file."""

import hashlib
import itertools
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import asyncssh

from tests.road.pipeline_rig import wait_for
from tests.road.up_rig import Up

PARTNER = "alpha"
HOST = "127.0.0.1"
SERIALS = [f"{70_000 + number}" for number in range(20)]
LAST_YEAR = 1_760_000_000
"""The time of every file that is sent, to be found again at the door."""
_PADDING = "x" * 60_000


@dataclass
class Road:
    """The house, its partner's key, and a fresh day for each file so that no file is like another."""

    up: Up
    key: Path
    days: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def content(self, *, large: bool = False) -> bytes:
        """Good readings of a new day; large ones (1.2 MB) have a long note in each line."""
        day = date(2026, 1, 1) + timedelta(days=next(self.days))
        note = _PADDING if large else ""
        rows = [f"{serial};{number + 1},25;m3;{day};{note}" for number, serial in enumerate(SERIALS)]
        return ("\n".join(["SerialNum;Value;Unit;Date;Note", *rows]) + "\n").encode()

    def file(self, folder: Path, name: str, *, large: bool = False) -> Path:
        """Such a file, as old as `LAST_YEAR`."""
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.content(large=large))
        os.utime(path, (LAST_YEAR, LAST_YEAR))
        return path

    # -- what became of it -------------------------------------------------------------------------------------

    def audit(self, event: str, path: str | None = None) -> list[dict[str, Any]]:
        """The door's lines of this kind about this path, or about any."""
        lines = (self.up.home / "audit" / "door.jsonl").read_text("utf-8").splitlines()
        told = [line for line in map(json.loads, lines) if line["event"] == event]
        return [line for line in told if path is None or line.get("name") == path]

    def hand_overs(self, path: str) -> int:
        """How often the door handed a file of this path over."""
        return len(self.audit("upload.finished", path))

    def handed_over_below(self, folder: str) -> list[str]:
        """The paths below a folder that were handed over, in order."""
        return [line["name"] for line in self.audit("upload.finished") if line["name"].startswith(folder)]

    def arrived(
        self, path: str, content: bytes, *, times: int = 1, verdict: str = "accepted"
    ) -> dict[str, Any]:
        """The result of the newest upload of `path`, once `times` uploads, no more, were handed over and told of."""
        wait_for(lambda: self.hand_overs(path) >= times or None, what=f"hand-over of {path}")
        result = self.up.result(PARTNER, path.rpartition("/")[2], count=times)
        last = self.audit("upload.finished", path)[-1]
        assert self.hand_overs(path) == times
        assert (result["upload"], result["path"]) == (last["upload"], path)
        assert (result["bytes"], result["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
        assert result["verdict"] == verdict
        lines = result["lines"]
        assert lines["accepted"] + lines["duplicate"] == len(SERIALS) == lines["physical"] - lines["header"]
        return result

    def receipt(self, result: dict[str, Any]) -> str:
        """The name of its receipt."""
        return f"{result['file']}.{result['upload']}.result.json"

    def status(self, path: str) -> tuple[int | None, int | None]:
        """Size and time that the door tells of a path."""
        with self.up.paramiko(PARTNER, self.key) as sftp:
            told = sftp.stat(path)
        return told.st_size, told.st_mtime

    # -- before a client comes -----------------------------------------------------------------------------------

    def cut(self, path: str, content: bytes) -> None:
        """An upload that broke off in the middle, by another client of the partner."""
        with self.up.paramiko(PARTNER, self.key) as sftp:
            stream = sftp.open(path, "wb")
            stream.set_pipelined(True)
            stream.write(content[: len(content) // 2])
            sftp.stat(path)  # what was written before has arrived
            channel = sftp.get_channel()
            assert channel is not None
            channel.get_transport().sock.close()
        wait_for(lambda: self.audit("upload.lost", path) or None, what=f"loss of {path}")
        assert self.hand_overs(path) == 0

    # -- clients -----------------------------------------------------------------------------------------------------

    def ssh_options(self) -> list[str]:
        """What OpenSSH's programs are told, and those that start them."""
        return self.up.options(self.key)

    def host_key(self) -> str:
        """The fingerprint of the house."""
        file = self.up.home / "hostkeys" / "ssh_host_ed25519_key"
        return asyncssh.read_private_key(str(file)).get_fingerprint()


def run(*command: str, given: str = "", folder: Path | None = None) -> "subprocess.CompletedProcess[str]":
    """Run a client to its end, in a place where letters are UTF-8."""
    return subprocess.run(
        command, input=given, capture_output=True, text=True, timeout=60, check=False, cwd=folder,
        env={**os.environ, "LC_ALL": "C.UTF-8", **({"HOME": str(folder)} if folder else {})},
    )  # fmt: skip
