"""The two that are compared: our door, and OpenSSH's sshd with internal-sftp. Each is started here and ended here."""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import asyncssh

from sftp_server.uploads.handoff import clear_half_made
from tests.bench.door.processes import wait_for_children
from tests.integration.door.house import HOST, House

SSHD: Final = "/usr/sbin/sshd"
_KEEPER_AND_SSHD: Final = 2
PARTNERS: Final = 200
_ROOMY: Final = {
    "connections_per_second": 100_000, "connections_before_login": 1000, "connections_per_partner": 1000,
    "connections_before_login_per_address": 1000, "max_file_bytes": 1 << 40,
}  # fmt: skip
"""All come from one address here: limits that keep out a flood must not be what is measured."""


class Key:
    """The one key of all partners of the benchmark."""

    def __init__(self, place: Path) -> None:
        self.file = place / "partner_key"
        key = asyncssh.generate_private_key("ssh-ed25519")
        key.write_private_key(str(self.file))
        key.write_public_key(f"{self.file}.pub")
        self.file.chmod(0o600)

    @property
    def public(self) -> str:
        """As it stands in authorized_keys."""
        return Path(f"{self.file}.pub").read_text().strip()


class DoorServer:
    """Our door with a home of its own and many partners; nobody takes from landing what it hands over."""

    name = "door"
    folder = "/incoming"

    def __init__(self, place: Path, key: Key) -> None:
        self._house = House(home=place / "home", settings=dict(_ROOMY))
        self._house.furnish()
        for number in range(PARTNERS):
            self._house.write_account(self.login(number), keys=[key.public])
        self._house.start()
        self.pid, self.port = self._house.running().pid, self._house.port

    def login(self, number: int) -> str:
        """The user name of a partner."""
        return f"partner{number}"

    def taken(self) -> int:
        """How many files were handed over."""
        return len(self._house.tickets("finished"))

    def rest(self) -> None:
        """Nothing to wait for: the door answers when all is done."""

    def clear(self) -> None:
        """Throw away what was uploaded."""
        for folder in (self._house.home / "landing").iterdir():
            shutil.rmtree(folder)
        clear_half_made(self._house.home / "landing")
        for folder in (self._house.home / "partners").glob("*/files/incoming"):
            for file in folder.iterdir():
                file.unlink()

    def stop(self) -> None:
        """End it."""
        self._house.stop()
        self._house.clear_away()


class SshServer:
    """OpenSSH's sshd, as one would set it up for partners, with room for many at once. Needs no service and no root."""

    name = "sshd"

    def __init__(self, place: Path, key: Key) -> None:
        self._files = place / "sshd"
        self.folder = str(self._files / "incoming")
        (self._files / "incoming").mkdir(parents=True)
        self.port = _free_port()
        host_key = self._files / "ssh_host_ed25519_key"
        asyncssh.generate_private_key("ssh-ed25519").write_private_key(str(host_key))
        host_key.chmod(0o600)
        (self._files / "authorized_keys").write_text(key.public + "\n")
        config = self._files / "sshd_config"
        config.write_text(self._config(host_key))
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # the empty folder that sshd insists on
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.door.keeper", SSHD, "-D", "-e", "-f", str(config)],
            stderr=subprocess.DEVNULL,
        )
        self.pid = self._process.pid
        _wait_for(self.port)

    def _config(self, host_key: Path) -> str:
        lines = [
            f"Port {self.port}", f"ListenAddress {HOST}", f"HostKey {host_key}", "PidFile none", "UsePAM no",
            f"AuthorizedKeysFile {self._files}/authorized_keys", "StrictModes no", "PermitRootLogin yes",
            "PasswordAuthentication no", "KbdInteractiveAuthentication no", "Compression no", "UseDNS no",
            "MaxStartups 1000", "PerSourceMaxStartups none", "MaxSessions 1000", "LogLevel ERROR",
            "PrintMotd no", "Subsystem sftp internal-sftp",
        ]  # fmt: skip
        return "\n".join(lines) + "\n"

    def login(self, number: int) -> str:
        """One user stands for all partners: who runs the benchmark."""
        return getpass.getuser()

    def taken(self) -> int:
        """How many files are there."""
        return sum(1 for _ in Path(self.folder).iterdir())

    def rest(self) -> None:
        """Wait until the processes of all connections are gone."""
        wait_for_children(self.pid, at_most=_KEEPER_AND_SSHD)

    def clear(self) -> None:
        """Throw away what was uploaded."""
        for file in Path(self.folder).iterdir():
            file.unlink()

    def stop(self) -> None:
        """End it and all its children."""
        self.rest()
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(timeout=10)


Server = DoorServer | SshServer


def _free_port() -> int:
    with socket.socket() as found:
        found.bind((HOST, 0))
        port: int = found.getsockname()[1]
        return port


def _wait_for(port: int, *, seconds: float = 10) -> None:
    """Until somebody listens there."""
    end = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection((HOST, port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
