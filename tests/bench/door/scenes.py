"""What is measured: one scene after the other, each server in turn."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench.door import clients
from tests.bench.door.processes import cpu_seconds, resident_mb, shared_out_mb, watching
from tests.bench.door.servers import PARTNERS, Key, Server

MB: Final = 1_000_000
BIG: Final = 300 * MB
SMALL: Final = 2 * 1024
MANY: Final = 1000
TOGETHER: Final = 20
IDLE: Final = 500
_IDLE_PARTNERS: Final = 50


@dataclass(frozen=True)
class Took:
    """Seconds on the wall, and seconds of CPU of the server with all its children."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class Files:
    """What is uploaded, made before."""

    place: Path

    def make(self) -> None:
        """Bytes that do not compress; one big file under twenty names."""
        with (self.place / "big").open("wb") as big:
            for _ in range(BIG // MB):
                big.write(os.urandom(MB))
        for number in range(TOGETHER):
            (self.place / f"big{number}").symlink_to("big")
        (self.place / "small").mkdir()
        for number in range(MANY):
            (self.place / "small" / f"readings{number:04}.csv").write_bytes(os.urandom(SMALL))


@dataclass(frozen=True)
class Scene:
    """`act` has the server take `files` files; with `synced` the client asks for an fsync of each, which the door does anyway."""

    title: str
    files: int
    act: Callable[[Server], None]
    synced: Callable[[Server], None] | None = None


def scenes(files: Files, key: Key) -> list[Scene]:
    """All that are timed."""
    big, small = files.place / "big", str(files.place / "small" / "*")

    def one(server: Server) -> None:
        clients.put(server, key, str(big))

    def one_synced(server: Server) -> None:
        clients.put(server, key, str(big), sync=True)

    def one_chacha(server: Server) -> None:
        clients.put(server, key, str(big), cipher=clients.CHACHA)

    def one_scp(server: Server) -> None:
        clients.copy(server, key, big)

    def many(server: Server) -> None:
        clients.put(server, key, small)

    def many_synced(server: Server) -> None:
        clients.put(server, key, small, sync=True)

    def come_and_go(server: Server) -> None:
        clients.come_and_go(server, key, partners=PARTNERS, content=bytes(SMALL))

    return [
        Scene("300 MB, sftp, aes128-gcm", 1, one, one_synced),
        Scene("300 MB, sftp, chacha20", 1, one_chacha),
        Scene("300 MB, scp, aes128-gcm", 1, one_scp),
        Scene("1,000 files of 2 KB", MANY, many, many_synced),
        Scene("200 come and go", PARTNERS, come_and_go),
    ]


def timed(server: Server, act: Callable[[Server], None], *, files: int) -> Took:
    """One run; all files must be there in the end, and nothing is left for the next run."""
    worked, start = cpu_seconds(server.pid), time.perf_counter()
    act(server)
    wall = time.perf_counter() - start
    server.rest()
    took = Took(wall=wall, cpu=cpu_seconds(server.pid) - worked)
    if server.taken() != files:
        raise ValueError(f"{server.name} took {server.taken()} files instead of {files}")
    server.clear()
    os.sync()
    return took


def held_by_idle(server: Server, key: Key, *, sessions: int = IDLE) -> tuple[float, float]:
    """MB that the server holds alone and with idle sessions; sshd's processes share pages, counted once."""
    crowd = [
        sys.executable, "-m", "tests.bench.door.crowd", "--port", str(server.port), "--key", str(key.file),
        "--sessions", str(sessions), "--users", *(server.login(number) for number in range(_IDLE_PARTNERS)),
    ]  # fmt: skip
    before = _held(server)
    with subprocess.Popen(crowd, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as client:
        if client.stdin is None or client.stdout is None or client.stdout.readline() != b"here\n":
            raise ValueError("the idle crowd did not come")
        held = _held(server)
        client.stdin.close()
    server.rest()
    return before, held


def _held(server: Server) -> float:
    return resident_mb(server.pid) if server.name == "door" else shared_out_mb(server.pid)


def together(server: Server, key: Key, files: Files, *, sync: bool = False) -> tuple[Took, list[float]]:
    """Many upload a big file each at the same time; also what the server's first process held meanwhile, in MB."""
    big = str(files.place / "big")
    with watching(server.pid) as seen:
        took = timed(
            server,
            lambda one: clients.put_together(one, key, file=big, partners=TOGETHER, sync=sync),
            files=TOGETHER,
        )
    return took, seen
