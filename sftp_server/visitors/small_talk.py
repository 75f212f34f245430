"""How much of SSH's own messages does one client get answered? More than any client needs, and no flood.

Key exchanges, login tries, global requests and channel openings cost us more than the client; files and their data are not
counted here. Leans on private names; see `tests/integration/door/test_asyncssh_is_as_we_know_it.py`.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic

import asyncssh
from asyncssh.constants import (
    MSG_GLOBAL_REQUEST,
    MSG_IGNORE,
    MSG_KEXINIT,
    MSG_REQUEST_FAILURE,
    MSG_REQUEST_SUCCESS,
    MSG_UNIMPLEMENTED,
    MSG_USERAUTH_REQUEST,
)
from asyncssh.packet import SSHPacket

LONGEST = {MSG_GLOBAL_REQUEST: 4096, MSG_USERAUTH_REQUEST: 16 * 1024}
"""In bytes. Each host key in `hostkeys-prove` costs a signature, each letter of a password a look into tables."""
_FREE = frozenset({MSG_IGNORE, MSG_UNIMPLEMENTED, MSG_REQUEST_SUCCESS, MSG_REQUEST_FAILURE})
"""asyncssh as a client sends an IGNORE before every message; none of these is answered."""


@dataclass(frozen=True)
class Allowance:
    """So many at once, and so many a second after that."""

    at_once: int
    a_second: float


ALLOWANCES = {
    MSG_KEXINIT: Allowance(20, 1),
    MSG_USERAUTH_REQUEST: Allowance(100, 0),
    MSG_GLOBAL_REQUEST: Allowance(100, 5),
}
ANY = Allowance(1000, 100)


BYTES_OF_AN_EXCHANGE = 256 * 1024
"""So many bytes of files or answers earn one more key exchange: a client may change keys after each megabyte, at any speed."""


class Bucket:
    """What is left of an allowance."""

    def __init__(self, allowance: Allowance, *, now: float) -> None:
        self._allowance = allowance
        self._left = float(allowance.at_once)
        self._filled = now

    def take(self, *, now: float) -> bool:
        """Whether one more is within the allowance."""
        most, rate = self._allowance.at_once, self._allowance.a_second
        self._left = min(most, self._left + (now - self._filled) * rate)
        self._filled = now
        self._left -= 1
        return self._left >= 0

    def earn(self, more: float) -> None:
        """Put something back, beside what time does."""
        self._left += more


class SmallTalk:
    """Counts one connection's messages, and ends it when they become a flood."""

    def __init__(self, connection: asyncssh.SSHServerConnection, *, received: Callable[[], int]) -> None:
        """`received`: bytes of files that came on this connection until now."""
        self._connection = connection
        self._received, self._paid_for = received, 0
        self._process = connection.process_packet
        now = monotonic()
        self._buckets = {kind: Bucket(allowance, now=now) for kind, allowance in ALLOWANCES.items()}
        self._any = Bucket(ANY, now=now)
        connection.process_packet = self._counted  # type: ignore[method-assign]  # asyncssh looks it up each time

    def _counted(self, pkttype: int, pktid: int, packet: SSHPacket) -> bool | Awaitable[None]:
        if pkttype not in _FREE:
            self._check(pkttype, packet)
        return self._process(pkttype, pktid, packet)

    def _check(self, kind: int, packet: SSHPacket) -> None:
        if kind == MSG_KEXINIT:
            self._buckets[kind].earn(self._carried_since_last_exchange() / BYTES_OF_AN_EXCHANGE)
        if not self._buckets.get(kind, self._any).take(now=monotonic()):
            raise asyncssh.ProtocolError("too many messages")
        if kind in LONGEST and len(packet.get_remaining_payload()) > LONGEST[kind]:
            raise asyncssh.ProtocolError("the request is too long")

    def _carried_since_last_exchange(self) -> int:
        """Bytes both ways; asyncssh counts what it sent since it last changed keys."""
        received, before = self._received(), self._paid_for
        self._paid_for = received
        return received - before + self._connection._rekey_bytes_sent
