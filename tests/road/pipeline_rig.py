"""A home, its pipeline as a real process, and uploads put on the doorstep as the door would."""

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from ulid import ULID

from meterdrop.bootstrap import House
from meterdrop.settings import read_settings
from tests.homes import Homes
from tests.leftovers import noted

REGISTER_HEADER = "Date;Location;TypeUnit;Room;Media;SerialNumber;RadioNumber;Seq;DateFrom;Correction"
READINGS_HEADER = "SerialNum;Value;Unit;Date"
TODAY = "2026-11-24"

Found = TypeVar("Found")


class Rig:
    """One home for one test."""

    def __init__(self, home: Path, *, homes: Homes, partner: str = "anyone", group: int = 2) -> None:
        self.home = home
        self.partner = partner
        homes.make(home)
        self.add_partner(partner, group=group)

    def add_partner(self, partner: str, *, group: int = 2) -> None:
        """One more partner."""
        house = self.house()
        house.partners.add(partner, name=partner, group=group, keys=[], networks=[], who="test")
        house.database.close()

    def house(self) -> House:
        """A fresh look at the home."""
        return House(settings=read_settings(self.home))

    def register(self, serials: Sequence[str], *, partner: str | None = None) -> None:
        """Registers water meters, each at a place of its own."""
        rows = [f"2026-01-01;A-{serial};m3;hall;CW;{serial};-;1;2024-01-01;1" for serial in serials]
        path = self.home / "work" / f"register-{ULID()}.csv"
        path.write_text("\n".join([REGISTER_HEADER, *rows]) + "\n", encoding="utf-8")
        house = self.house()
        [done] = house.take_files([path], partner=partner or self.partner, feed=None)
        house.database.close()
        assert done.state.value == "accepted"

    def hand_over(
        self,
        content: bytes | Iterable[bytes],
        *,
        name: str = "incoming/readings.csv",
        partner: str | None = None,
    ) -> str:
        """What the door does at the end of an upload; the upload id."""
        upload = str(ULID())
        made = self.home / "landing" / f".{upload}.tmp"
        made.mkdir(parents=True)
        hashed, size = hashlib.sha256(), 0
        with (made / "content").open("wb") as stream:
            for block in [content] if isinstance(content, bytes) else content:
                hashed.update(block)
                size += stream.write(block)
        ticket = {
            "ticket": 1,
            "upload": upload,
            "partner": partner or self.partner,
            "name": name,
            "outcome": "finished",
            "bytes": size,
            "sha256": hashed.hexdigest(),
            "opened_at": _now(),
            "finished_at": _now(),
            "key": None,
            "address": "127.0.0.1",
            "client": None,
        }
        (made / "ticket.json").write_text(json.dumps(ticket), encoding="utf-8")
        made.rename(self.home / "landing" / upload)
        return upload

    def pipeline(self, **settings: str) -> "subprocess.Popen[bytes]":
        """Starts the pipeline, with one worker unless told otherwise."""
        with (self.home / "work" / "pipeline.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "meterdrop", "--home", str(self.home), "pipeline"],
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, "METERDROP_TODAY": TODAY, "METERDROP_WORKERS": "1", **settings},
            )
        return noted(process)

    def worker(
        self, *, concurrency: int = 1, home: Path | None = None, **settings: str
    ) -> "subprocess.Popen[bytes]":
        """Starts `meterdrop worker`, which logs where the pipeline does; its first line says that it is ready.

        `home` is its own, where it is to be on another machine.
        """
        with (self.home / "work" / "pipeline.log").open("ab") as log:
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "meterdrop",
                    "--home",
                    str(home or self.home),
                    "worker",
                    "--concurrency",
                    str(concurrency),
                ],
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, "METERDROP_TODAY": TODAY, **settings},
            )
        return noted(process)

    def command(self, *words: str, **settings: str) -> "subprocess.CompletedProcess[bytes]":
        """Runs one command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "meterdrop", "--home", str(self.home), *words],
            capture_output=True,
            env={**os.environ, "METERDROP_TODAY": TODAY, **settings},
            check=False,
        )

    def logged(self, event: str) -> list[dict[str, Any]]:
        """What the pipelines of this home logged under an event's name."""
        lines = (self.home / "work" / "pipeline.log").read_text(encoding="utf-8").splitlines()
        told = [json.loads(line) for line in lines if line.startswith("{")]
        return [one for one in told if one["event"] == event]

    def receipts(self, ending: str, *, partner: str | None = None) -> list[Path]:
        """The partner's receipts of one kind."""
        folder = self.home / "receipts" / (partner or self.partner)
        return sorted(folder.glob(f"*{ending}")) if folder.is_dir() else []

    def result(self, upload: str, *, partner: str | None = None, seconds: float = 60.0) -> dict[str, Any]:
        """The result of an upload, waited for."""
        what = f"result of {upload}"
        told: dict[str, Any] = json.loads(
            wait_for(lambda: self._result(upload, partner), what=what, seconds=seconds)
        )
        return told

    def _result(self, upload: str, partner: str | None) -> bytes | None:
        for path in self.receipts(f"{upload}.result.json", partner=partner):
            return path.read_bytes()
        return None

    def stored(self) -> list[tuple[str, str, str]]:
        """(serial, day, value) of all current readings."""
        house = self.house()
        rows = house.export.readings(partner=self.partner, start=None, end=None)
        found = [(str(row["serial"]), str(row["date"]), str(row["value"])) for row in rows]
        house.database.close()
        return found


def _now() -> str:
    """The door's clock is the true one: deliveries are loaded in the order in which they came."""
    return f"{datetime.now(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def wait_for(look: Callable[[], Found | None], *, what: str, seconds: float = 60.0) -> Found:
    """Looks until there is something to see; a look that takes long is taken less often, for it slows what it waits for."""
    until = time.monotonic() + seconds
    while (begun := time.monotonic()) < until:
        found = look()
        if found is not None:
            return found
        time.sleep(max(0.02, 2 * (time.monotonic() - begun)))
    raise AssertionError(f"waited {seconds:.0f} s in vain for {what}")


def children(pid: int) -> list[int]:
    """The processes that a process started and that are still there."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                if int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1]) == pid:
                    found.append(int(entry.name))
    return found


def is_gone(pid: int) -> bool:
    """Whether a process has ended, also if nobody has asked for its exit code yet."""
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def stop(process: "subprocess.Popen[bytes]") -> int:
    """SIGTERM, and the exit code."""
    with suppress(ProcessLookupError):
        process.terminate()
    return process.wait(60)
