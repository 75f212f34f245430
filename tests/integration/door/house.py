"""A real door for tests: a home made on the spot, the process, and clients that know its partners."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh
import paramiko

HOST = "127.0.0.1"
ROOT = Path(__file__).parents[3]


def wait_until(holds: Callable[[], bool], *, seconds: float = 10) -> None:
    """Wait for something to become true, or fail."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.02)


@dataclass
class House:
    """A home with partners, and the door process when it runs."""

    home: Path
    settings: dict[str, int | float | bool | list[str]] = field(default_factory=dict)
    process: "subprocess.Popen[str] | None" = None
    port: int = 0
    from_address: str = HOST
    """Where clients of `clients.py` come from: the audit writes only so many refusals of one address."""
    metrics_port: int = 0

    def furnish(self) -> None:
        """Make the home and a host key."""
        (self.home / "hostkeys").mkdir(parents=True)
        host_key = self.home / "hostkeys" / "ssh_host_ed25519_key"
        asyncssh.generate_private_key("ssh-ed25519").write_private_key(str(host_key))
        host_key.chmod(0o600)
        (self.home / "accounts").mkdir()
        relaxed = {"connections_per_second": 200, "free_disk_floor": 0, "ban_score": 1000, **self.settings}
        lines = [f"{name} = {json.dumps(value)}" for name, value in relaxed.items()]
        (self.home / "door.toml").write_text("\n".join(lines))

    def key_file(self, partner: str) -> Path:
        """The private key of a partner, made at first use."""
        file = self.home.parent / f"{partner}_key"
        if not file.exists():
            key = asyncssh.generate_private_key("ssh-ed25519", comment=f"{partner} at home")
            key.write_private_key(str(file))
            key.write_public_key(f"{file}.pub")
            file.chmod(0o600)
        return file

    def write_account(self, partner: str, *, more: str = "", keys: list[str] | None = None) -> None:
        """The partner's account file, put in place in one step."""
        public = [Path(f"{self.key_file(partner)}.pub").read_text().strip()] if keys is None else keys
        file = self.home / "accounts" / f"{partner}.toml"
        new = file.with_suffix(".new")
        new.write_text(f'partner = "{partner}"\nkeys = {json.dumps(public)}\n{more}\n')
        new.rename(file)

    def start(self, *, crash_at: str | None = None, with_stdin: bool = False) -> None:
        """Start the door and wait until it accepts."""
        environment = {name: value for name, value in os.environ.items() if name != "METERDROP_CRASH_AT"}
        if crash_at is not None:
            environment["METERDROP_CRASH_AT"] = crash_at
        command = [
            sys.executable,
            "-m",
            "sftp_server",
            "--home",
            str(self.home),
            "--host",
            HOST,
            "--port",
            "0",
        ]
        with self.stderr_file.open("a") as stderr:
            self.process = subprocess.Popen(
                command + ["--stop-with-stdin"] * with_stdin,
                cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, text=True,
            )  # fmt: skip
        assert self.process.stdout is not None
        ready = json.loads(self.process.stdout.readline())
        assert ready["event"] == "ready"
        self.port = ready["sftp_port"]
        self.metrics_port = ready.get("metrics_port", 0)

    def running(self) -> "subprocess.Popen[str]":
        """The process, which must have been started."""
        assert self.process is not None
        return self.process

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self.running().terminate()
        return self.running().wait(timeout=30)

    def kill(self) -> None:
        """SIGKILL: the power-cut of processes."""
        self.running().send_signal(signal.SIGKILL)
        self.running().wait(timeout=10)

    def clear_away(self) -> None:
        """Leave nothing running."""
        if self.process is not None:
            if self.process.poll() is None:
                self.kill()
            for stream in (self.process.stdin, self.process.stdout):
                if stream is not None:
                    stream.close()

    @property
    def stderr_file(self) -> Path:
        """What the door said on stderr."""
        return self.home.parent / f"{self.home.name}.stderr"

    def warnings(self) -> list[dict[str, Any]]:
        """The door's warnings, all of them JSON."""
        return [json.loads(line) for line in self.stderr_file.read_text().splitlines()]

    # -- what the pipeline would see ---------------------------------------------------------------------------

    def tickets(self, outcome: str | None = None) -> list[dict[str, Any]]:
        """The tickets in landing, oldest first; all of them, or those with one outcome."""
        files = sorted((self.home / "landing").glob("[!.]*/ticket.json"))
        found = [json.loads(file.read_text()) for file in files]
        return [ticket for ticket in found if outcome in (None, ticket["outcome"])]

    def content(self, ticket: dict[str, Any]) -> bytes:
        """The bytes that were handed over with a ticket."""
        file: Path = self.home / "landing" / ticket["upload"] / "content"
        return file.read_bytes()

    def staging(self, partner: str = "techem") -> list[str]:
        """The names of what lies in a partner's staging."""
        return sorted(file.name for file in (self.home / "partners" / partner / ".staging").iterdir())

    def visible(self, name: str, partner: str = "techem") -> Path:
        """Where a partner's visible file lies."""
        return self.home / "partners" / partner / "files" / name

    def audit(self, event: str) -> list[dict[str, Any]]:
        """The audit lines of one kind."""
        file = self.home / "audit" / "door.jsonl"
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        return [line for line in lines if line["event"] == event]

    # -- clients -----------------------------------------------------------------------------------------------

    @contextmanager
    def transport(
        self, partner: str = "techem", *, key_of: str | None = None
    ) -> Iterator[paramiko.Transport]:
        """A logged-in paramiko connection."""
        transport = paramiko.Transport((HOST, self.port))
        try:
            key = paramiko.Ed25519Key.from_private_key_file(str(self.key_file(key_of or partner)))
            transport.connect(username=partner, pkey=key)
            yield transport
        finally:
            transport.close()

    @contextmanager
    def sftp(self, partner: str = "techem") -> Iterator[paramiko.SFTPClient]:
        """A paramiko SFTP session."""
        with self.transport(partner) as transport:
            client = paramiko.SFTPClient.from_transport(transport)
            assert client is not None
            yield client

    def ssh_options(self, partner: str = "techem") -> list[str]:
        """Options for OpenSSH's clients that keep them away from the user's own files."""
        return [
            "-F", "/dev/null", "-i", str(self.key_file(partner)), "-o", f"User={partner}",
            "-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
            "-o", "LogLevel=ERROR", "-o", "BatchMode=yes",
        ]  # fmt: skip

    def openssh_sftp(self, *commands: str, partner: str = "techem") -> "subprocess.CompletedProcess[str]":
        """Run OpenSSH's sftp with a batch of commands."""
        return subprocess.run(
            ["sftp", *self.ssh_options(partner), "-P", str(self.port), "-b", "-", HOST],
            input="\n".join(commands) + "\n", capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    @asynccontextmanager
    async def connect(
        self, partner: str = "techem", *, keys: list[Path] | None = None
    ) -> AsyncIterator[asyncssh.SSHClientConnection]:
        """A logged-in asyncssh connection."""
        chosen = [self.key_file(partner)] if keys is None else keys
        connection = await asyncssh.connect(
            HOST, self.port, username=partner, client_keys=[str(file) for file in chosen],
            known_hosts=None, config=None, agent_path=None,
        )  # fmt: skip
        async with connection:
            yield connection
