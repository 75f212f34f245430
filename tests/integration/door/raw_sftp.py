"""An SFTP session without a client: packets in, packets out, whatever they hold."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager

import paramiko

from tests.integration.door.house import House

FXP_INIT, FXP_OPEN, FXP_STATUS, FXP_HANDLE = 1, 3, 101, 102


def text(content: bytes) -> bytes:
    """A string as SSH writes it."""
    return struct.pack(">I", len(content)) + content


class Raw:
    """An SFTP session without a client: packets in, packets out."""

    def __init__(self, channel: paramiko.Channel) -> None:
        self.channel = channel
        self._id = 0
        channel.settimeout(10)
        self.send(bytes([FXP_INIT]) + struct.pack(">I", 3))
        self.receive()

    def send(self, payload: bytes) -> None:
        """One packet."""
        self.channel.sendall(text(payload))

    def receive(self) -> bytes:
        """One answer; `EOFError` when the session was ended."""
        (length,) = struct.unpack(">I", self._exactly(4))
        return self._exactly(length)

    def _exactly(self, size: int) -> bytes:
        came = b""
        while len(came) < size:
            more = self.channel.recv(size - len(came))
            if not more:
                raise EOFError
            came += more
        return came

    def ask(self, kind: int, body: bytes) -> bytes:
        """A request and its answer, without kind and id."""
        self._id += 1
        self.send(bytes([kind]) + struct.pack(">I", self._id) + body)
        answer = self.receive()
        assert struct.unpack(">I", answer[1:5]) == (self._id,)
        return answer[:1] + answer[5:]

    def status(self, kind: int, body: bytes) -> int:
        """The status code of an answer that must be a status."""
        answer = self.ask(kind, body)
        assert answer[0] == FXP_STATUS
        return int(struct.unpack(">I", answer[1:5])[0])

    def open(self, name: bytes, flags: int) -> bytes:
        """A handle."""
        answer = self.ask(FXP_OPEN, text(name) + struct.pack(">II", flags, 0))
        assert answer[0] == FXP_HANDLE
        return answer[5:]


@contextmanager
def raw_session(house: House, partner: str = "techem") -> Iterator[Raw]:
    """A logged-in channel that speaks SFTP by hand."""
    with house.transport(partner) as transport:
        channel = transport.open_session()
        channel.invoke_subsystem("sftp")
        yield Raw(channel)
