"""A client that may say anything, and what the door was like meanwhile: alive, small, quick for others, and silent about itself."""

import statistics
import struct
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh
from asyncssh.constants import (
    MSG_CHANNEL_DATA,
    MSG_CHANNEL_OPEN,
    MSG_CHANNEL_OPEN_CONFIRMATION,
    MSG_CHANNEL_OPEN_FAILURE,
    MSG_REQUEST_FAILURE,
    MSG_REQUEST_SUCCESS,
    MSG_UNIMPLEMENTED,
)
from asyncssh.packet import SSHPacket

from tests.integration.door.house import House

EVERYTHING = 2**32 - 1
_ANSWERS = (MSG_REQUEST_SUCCESS, MSG_REQUEST_FAILURE, MSG_CHANNEL_OPEN_FAILURE, MSG_UNIMPLEMENTED)


def text(content: bytes) -> bytes:
    """A string as SSH writes it."""
    return struct.pack(">I", len(content)) + content


def number(value: int) -> bytes:
    """A number of 32 bits."""
    return struct.pack(">I", value)


def resident_mib(house: House) -> int:
    """How much memory the door holds."""
    status = Path(f"/proc/{house.running().pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) // 1024


class _NoChannel:
    """Takes what the door says about channels that only the door believes in."""

    def log_received_packet(self, *_: object) -> None:
        """Nothing."""

    def process_packet(self, *_: object) -> bool:
        """Taken."""
        return True


class _AnyChannel(dict[int, object]):
    def __missing__(self, key: int) -> object:
        return _NoChannel()


class Attacker:
    """A logged-in connection without manners: it does not mind what it is answered, and never leaves by itself."""

    def __init__(self, connection: asyncssh.SSHClientConnection) -> None:
        self.connection = connection
        self._next_channel = 1000
        self._process = connection.process_packet
        connection.process_packet = self._take  # type: ignore[method-assign]  # asyncssh would leave at an unasked answer
        connection._channels = _AnyChannel(connection._channels)  # type: ignore[assignment]  # the same

    def _take(self, pkttype: int, pktid: int, packet: SSHPacket) -> bool | Awaitable[None]:
        about = int.from_bytes(packet.get_remaining_payload()[:4], "big")
        is_opened = pkttype == MSG_CHANNEL_OPEN_CONFIRMATION and about not in self.connection._channels
        if pkttype in _ANSWERS or is_opened:
            return True
        return self._process(pkttype, pktid, packet)

    @property
    def is_sent_away(self) -> bool:
        """Whether the door has closed the connection."""
        return self.connection.is_closed()

    def say(self, kind: int, *content: bytes) -> None:
        """One message of SSH, whatever it is."""
        if not self.is_sent_away:
            self.connection.send_packet(kind, *content)

    def write(self, content: bytes) -> None:
        """Bytes past all encryption."""
        self.connection._send(content)

    def open_channel(
        self, kind: bytes = b"session", *, window: int = EVERYTHING, packet: int = 32768
    ) -> None:
        """Ask for a channel, and forget about it."""
        self._next_channel += 1
        self.say(MSG_CHANNEL_OPEN, text(kind), number(self._next_channel), number(window), number(packet))

    def data(self, content: bytes, *, channel: int = 0) -> None:
        """Data for one of the door's channels."""
        self.say(MSG_CHANNEL_DATA, number(channel), text(content))

    def stop_reading(self) -> None:
        """What the door says is left in the network."""
        transport = self.connection._transport
        assert transport is not None
        transport.pause_reading()


@asynccontextmanager
async def attacker(house: House) -> AsyncIterator[Attacker]:
    """Somebody with a partner's key and bad intent; being sent away is no failure."""
    connection = await asyncssh.connect(
        "127.0.0.1", house.port, username="techem", client_keys=[str(house.key_file("techem"))],
        known_hosts=None, config=None, agent_path=None,
    )  # fmt: skip
    try:
        yield Attacker(connection)
    finally:
        connection.abort()


@dataclass
class Innocent:
    """Another partner, and how long the door let it wait."""

    waited: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    @property
    def longest_ms(self) -> int:
        """The longest wait."""
        return round(max(self.waited, default=0) * 1000)

    @property
    def usual_ms(self) -> int:
        """The median."""
        return round(statistics.median(self.waited or [0]) * 1000)


@contextmanager
def innocent_partner(house: House) -> Iterator[Innocent]:
    """Somebody who only looks at a folder, again and again, all the time."""
    seen = Innocent()
    done = threading.Event()

    def look() -> None:
        try:
            with house.sftp("ista") as sftp:
                while not done.wait(0.02):
                    start = time.monotonic()
                    sftp.stat("/incoming")
                    seen.waited.append(time.monotonic() - start)
        except Exception as error:
            seen.failed.append(repr(error))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join(timeout=20)
