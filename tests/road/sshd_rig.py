"""OpenSSH's own server with internal-sftp, on a free port and out of anybody's way, for partners' folders that we only watch."""

import os
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import asyncssh
import paramiko
import pytest

from tests.rules.page import ROOT

HOST = "127.0.0.1"
_SSHD = "/usr/sbin/sshd"
_USERS = ("games", "news", "man", "lp")
"""Users that Linux systems have anyway; in these tests partners are called so, for a chroot has its user's name."""
_ROOTS_OWN = "/run"
"""OpenSSH refuses a chroot below a folder that others may write to, such as /tmp."""


def sshd() -> str:
    """The server's path, or a named skip."""
    if not Path(_SSHD).exists():
        pytest.skip("OpenSSH's server is not installed on this machine (openssh-server)")
    return _SSHD


def documented_block() -> list[str]:
    """The lines for sshd_config that docs/operations.md gives, without their `Match`."""
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    found = re.search(r"^Match Group sftponly\n((?:  .+\n)+)", page, re.MULTILINE)
    assert found is not None
    return [line.strip() for line in found[1].splitlines()]


class OtherServer:
    """One sshd, the folders of its partners, and clients that know them. Where we are not root, there is no chroot."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.folder = place / "partners"
        self.port = 0
        self.is_root = os.geteuid() == 0
        self.partners: Sequence[str] = _two_users() if self.is_root else ("first", "second")
        self._process: subprocess.Popen[bytes] | None = None
        place.chmod(0o755)
        self.folder.mkdir()
        (place / "keys").mkdir()
        for partner in self.partners:
            self._furnish(partner)

    def _furnish(self, partner: str) -> None:
        """As docs/operations.md says."""
        root = self.folder / partner
        for path, mode in ((root, 0o755), (root / "incoming", 0o2750), (root / "receipts", 0o2755)):
            path.mkdir()
            path.chmod(mode)
        key = asyncssh.generate_private_key("ssh-ed25519")
        key.write_private_key(str(self.key(partner)))
        self.key(partner).chmod(0o600)
        public = key.export_public_key().decode().strip()
        if self.is_root:
            os.chown(root / "incoming", pwd.getpwnam(partner).pw_uid, os.getegid())
            (self.place / "keys" / partner).write_text(f"{public}\n", encoding="utf-8")
        else:
            with (self.place / "keys" / _own_name()).open("a", encoding="utf-8") as keys:
                keys.write(f'command="internal-sftp -u 0027 -d {root}" {public}\n')

    def key(self, partner: str) -> Path:
        """The partner's private key."""
        return self.place / f"{partner}.key"

    def start(self) -> None:
        """Starts it and waits until it accepts."""
        if self.is_root:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd wants it; packages leave it to systemd
        host_key = self.place / "host_key"
        asyncssh.generate_private_key("ssh-ed25519").write_private_key(str(host_key))
        host_key.chmod(0o600)
        self.port = _free_port()
        config = self.place / "sshd_config"
        config.write_text("\n".join(self._config(host_key)) + "\n", encoding="utf-8")
        with (self.place / "sshd.log").open("ab") as log:
            self._process = subprocess.Popen([sshd(), "-D", "-e", "-f", str(config)], stderr=log)
        until = time.monotonic() + 10
        while not self._accepts():
            assert time.monotonic() < until, (self.place / "sshd.log").read_text()
            time.sleep(0.02)

    def _config(self, host_key: Path) -> list[str]:
        lines = [
            f"Port {self.port}", f"ListenAddress {HOST}", f"HostKey {host_key}", "PidFile none", "UsePAM no",
            f"AuthorizedKeysFile {self.place}/keys/%u", "StrictModes no", "PasswordAuthentication no",
            "KbdInteractiveAuthentication no", "Subsystem sftp internal-sftp",
        ]  # fmt: skip
        if self.is_root:
            lines += [f"Match User {','.join(self.partners)}"]
            lines += [line.replace("/srv/partners", str(self.folder)) for line in documented_block()]
        return lines

    def _accepts(self) -> bool:
        with suppress(OSError), socket.create_connection((HOST, self.port), timeout=1):
            return True
        return False

    def stop(self) -> None:
        """Leaves nothing running."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)

    def command(self, partner: str, *options: str) -> list[str]:
        """OpenSSH's client, kept away from the user's own files; commands come on stdin."""
        user = partner if self.is_root else _own_name()
        return [
            "sftp", "-F", "/dev/null", "-i", str(self.key(partner)), "-P", str(self.port), "-b", "-",
            "-o", f"User={user}", "-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=no",
            "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "BatchMode=yes", *options, HOST,
        ]  # fmt: skip

    def sftp(self, partner: str, *commands: str) -> "subprocess.CompletedProcess[str]":
        """Runs the client to its end."""
        return subprocess.run(
            self.command(partner), input="\n".join(commands) + "\n",
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    @contextmanager
    def paramiko(self, partner: str) -> Iterator[paramiko.SFTPClient]:
        """A client that can stop in the middle."""
        transport = paramiko.Transport((HOST, self.port))
        try:
            key = paramiko.Ed25519Key.from_private_key_file(str(self.key(partner)))
            transport.connect(username=partner if self.is_root else _own_name(), pkey=key)
            client = paramiko.SFTPClient.from_transport(transport)
            assert client is not None
            yield client
        finally:
            transport.close()


def _own_name() -> str:
    return pwd.getpwuid(os.geteuid()).pw_name


def _two_users() -> Sequence[str]:
    there = [name for name in _USERS if _is_user(name)]
    if len(there) < 2:
        pytest.skip(f"this machine has none of the users {', '.join(_USERS)} to log in as")
    return there[:2]


def _is_user(name: str) -> bool:
    with suppress(KeyError):
        return pwd.getpwnam(name).pw_uid != 0
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def other_server() -> Iterator[OtherServer]:
    """A running sshd, and nothing left of it."""
    sshd()
    place = Path(tempfile.mkdtemp(prefix="meterdrop-sshd-", dir=_ROOTS_OWN if os.geteuid() == 0 else None))
    try:
        server = OtherServer(place)
        try:
            server.start()
            if not server.is_root and server.sftp(server.partners[0], "ls").returncode != 0:
                pytest.skip("OpenSSH's server does not let this user in (a locked account?)")
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(place)
