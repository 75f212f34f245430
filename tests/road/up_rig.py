"""`meterdrop up` for real: door and pipeline as processes, partners with keys, clients as partners have them."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import asyncssh
import paramiko
import pytest

from meterdrop.bootstrap import House
from meterdrop.settings import read_settings
from tests.homes import Homes
from tests.road.pipeline_rig import TODAY, wait_for


class Up:
    """One running house and its partners' keys."""

    def __init__(self, home: Path, *, homes: Homes) -> None:
        self.home = home
        self.port = 0
        self.told: dict[str, Any] = {}
        homes.make(home)

    def house(self) -> House:
        """A fresh look at the home."""
        return House(settings=read_settings(self.home))

    def add_partner(self, partner: str, *, group: int = 2) -> Path:
        """A partner with a key of its own; the private key's file."""
        key = self.home.parent / f"{partner}.key"
        public = key.with_suffix(".key.pub")
        made = asyncssh.generate_private_key("ssh-ed25519", comment=partner)
        made.write_private_key(str(key))
        key.chmod(0o600)
        made.write_public_key(str(public))
        house = self.house()
        house.partners.add(partner, name=partner, group=group, keys=[public], networks=[], who="test")
        house.database.close()
        return key

    def start(self, **settings: str) -> "subprocess.Popen[bytes]":
        """Starts it, with one worker unless told otherwise; it may not be ready yet."""
        command = [sys.executable, "-m", "meterdrop", "--home", str(self.home), "up"]
        with (self.home / "work" / "up.log").open("ab") as log:
            return subprocess.Popen(
                [*command, "--sftp-host", "127.0.0.1", "--sftp-port", "0"],
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, "METERDROP_TODAY": TODAY, "METERDROP_WORKERS": "1", **settings},
            )

    def ready(self, process: "subprocess.Popen[bytes]") -> None:
        """Waits until it says so."""
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said, self.log()
        told = json.loads(said)
        assert told["event"] == "ready"
        self.told = told
        self.port = told["sftp_port"]

    def log(self) -> str:
        """What it logged so far."""
        return (self.home / "work" / "up.log").read_text(errors="replace")

    @contextmanager
    def running(self, **settings: str) -> Iterator["subprocess.Popen[bytes]"]:
        """Runs it, and stops it with SIGTERM: exit code 0."""
        process = self.start(**settings)
        try:
            self.ready(process)
            yield process
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0, self.log()
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()

    def options(self, key: Path) -> list[str]:
        """What OpenSSH's clients are told."""
        return [
            "-i",
            str(key),
            "-o",
            "IdentitiesOnly=yes",
            "-o",
            "StrictHostKeyChecking=no",
            "-o",
            "UserKnownHostsFile=/dev/null",
            "-o",
            "LogLevel=ERROR",
            "-o",
            "BatchMode=yes",
            "-F",
            "/dev/null",
        ]

    def sftp(self, partner: str, key: Path, *batch: str) -> "subprocess.CompletedProcess[str]":
        """OpenSSH's sftp with a batch of commands."""
        return subprocess.run(
            ["sftp", *self.options(key), "-P", str(self.port), "-b", "-", f"{partner}@127.0.0.1"],
            input="\n".join(batch) + "\n",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    @contextmanager
    def paramiko(self, partner: str, key: Path) -> Iterator[paramiko.SFTPClient]:
        """paramiko's SFTP client."""
        transport = paramiko.Transport(("127.0.0.1", self.port))
        transport.connect(
            username=partner, pkey=paramiko.Ed25519Key.from_private_key(StringIO(key.read_text()))
        )
        client = paramiko.SFTPClient.from_transport(transport)
        assert client is not None
        yield client
        transport.close()

    def results(self, partner: str, file: str) -> list[dict[str, Any]]:
        """The results of uploads of this name that are there now, in order of arrival."""
        folder = self.home / "receipts" / partner
        paths = sorted(folder.glob(f"{file}.*.result.json"), key=lambda path: path.name)
        return [json.loads(path.read_bytes()) for path in paths]

    def result(self, partner: str, file: str, *, count: int = 1) -> dict[str, Any]:
        """The newest result, waited for; exactly `count` of them must be there then."""
        found = wait_for(
            lambda: got if len(got := self.results(partner, file)) >= count else None,
            what=f"result of {file}",
        )
        assert len(found) == count
        return found[-1]


def client(name: str) -> str:
    """The client's path, or a named skip."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"the SFTP client {name} is not installed on this machine")
    return path


def readings(serials: Sequence[str], *, day: str = "2026-10-31", first: int = 1) -> bytes:
    """A clean file of readings."""
    rows = [f"{serial};{first + number},25;m3;{day}" for number, serial in enumerate(serials)]
    return ("\n".join(["SerialNum;Value;Unit;Date", *rows]) + "\n").encode()


def register(serials: Sequence[str]) -> bytes:
    """A register of water meters, each at a place of its own."""
    header = "Date;Location;TypeUnit;Room;Media;SerialNumber;RadioNumber;Seq;DateFrom;Correction"
    rows = [
        f"2026-01-01;A{number};m3;hall;CW;{serial};-;1;2024-01-01;1" for number, serial in enumerate(serials)
    ]
    return ("\n".join([header, *rows]) + "\n").encode()
