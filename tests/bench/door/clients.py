"""The clients of the benchmark: OpenSSH's own, with the same cipher and key exchange for both servers."""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Final

from tests.bench.door.servers import Key, Server
from tests.integration.door.house import HOST

AES: Final = "aes128-gcm@openssh.com"
CHACHA: Final = "chacha20-poly1305@openssh.com"
KEX: Final = "curve25519-sha256"
AT_ONCE: Final = 16
_SECONDS: Final = 300

_VERSION, _HANDLE, _STATUS = 2, 102, 101


def options(server: Server, key: Key, *, number: int = 0, cipher: str = AES) -> list[str]:
    """Options that keep the client away from the user's own files, and equal for both servers."""
    words = {
        "User": server.login(number), "IdentityFile": str(key.file), "IdentitiesOnly": "yes", "Ciphers": cipher,
        "KexAlgorithms": KEX, "StrictHostKeyChecking": "no", "UserKnownHostsFile": "/dev/null",
        "UpdateHostKeys": "no", "LogLevel": "ERROR", "BatchMode": "yes", "Compression": "no",
        "Port": str(server.port),
    }  # fmt: skip
    return ["-F", "/dev/null", *(f"-o{name}={value}" for name, value in words.items())]


def put(
    server: Server, key: Key, *files: str, number: int = 0, cipher: str = AES, sync: bool = False
) -> None:
    """OpenSSH's sftp, one session; with `sync` it asks the server to fsync each file."""
    batch = "".join(f"put{' -f' * sync} {file} {server.folder}/\n" for file in files)
    subprocess.run(
        ["sftp", *options(server, key, number=number, cipher=cipher), "-b", "-", HOST],
        input=batch, stdout=subprocess.DEVNULL, text=True, timeout=_SECONDS, check=True,
    )  # fmt: skip


def copy(server: Server, key: Key, file: Path, *, cipher: str = AES) -> None:
    """OpenSSH's scp."""
    subprocess.run(
        ["scp", "-s", *options(server, key, cipher=cipher), str(file), f"{HOST}:{server.folder}/"],
        stdout=subprocess.DEVNULL, timeout=_SECONDS, check=True,
    )  # fmt: skip


def put_together(server: Server, key: Key, *, file: str, partners: int, sync: bool = False) -> None:
    """Many partners, each with its own client, at the same time."""
    with ThreadPoolExecutor(partners) as crowd:
        each = [
            crowd.submit(put, server, key, f"{file}{number}", number=number, sync=sync)
            for number in range(partners)
        ]
        for one in each:
            one.result()


def come_and_go(server: Server, key: Key, *, partners: int, content: bytes) -> None:
    """Each partner connects, uploads one small file and leaves; some at once. Light: one `ssh` each, no `sftp`."""
    with ThreadPoolExecutor(AT_ONCE) as crowd:
        list(crowd.map(lambda number: _come(server, key, number=number, content=content), range(partners)))


def _come(server: Server, key: Key, *, number: int, content: bytes) -> None:
    command = ["ssh", *options(server, key, number=number), "-s", HOST, "sftp"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as client:
        if client.stdin is None or client.stdout is None:
            raise ValueError("no pipes")
        _ask(client.stdin, 1, (3).to_bytes(4, "big"))
        _expect(client.stdout, _VERSION)
        name = f"{server.folder}/small{number}.csv".encode()
        wish = (0x1A).to_bytes(4, "big")  # write, create, truncate
        _ask(client.stdin, 3, _number(1), _text(name), wish, _number(0))
        handle = _expect(client.stdout, _HANDLE)[4:]
        _ask(client.stdin, 6, _number(2), handle, bytes(8), _text(content))
        _expect(client.stdout, _STATUS)
        _ask(client.stdin, 4, _number(3), handle)
        if _expect(client.stdout, _STATUS)[4:8] != bytes(4):
            raise ValueError(f"{server.name} did not take the file of partner {number}")


def _number(value: int) -> bytes:
    return value.to_bytes(4, "big")


def _text(content: bytes) -> bytes:
    return _number(len(content)) + content


def _ask(stream: IO[bytes], kind: int, *parts: bytes) -> None:
    stream.write(_text(bytes([kind]) + b"".join(parts)))
    stream.flush()


def _expect(stream: IO[bytes], kind: int) -> bytes:
    """The rest of one answer of that kind."""
    packet = stream.read(int.from_bytes(stream.read(4), "big"))
    if packet[:1] != bytes([kind]):
        raise ValueError(f"answer {packet[:1]!r} instead of {kind}")
    return packet[1:]
