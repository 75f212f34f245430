"""How much of SSH's own messages does one client get answered? More than any client needs, and no flood.

Key exchanges, login tries, global requests and channel openings cost us more than the client; files and their data are not
counted here. Leans on a private name; see `tests/integration/door/test_asyncssh_is_as_we_know_it.py`.
"""

from collections.abc import Awaitable
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


class _Bucket:
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


class SmallTalk:
    """Counts one connection's messages, and ends it when they become a flood."""

    def __init__(self, connection: asyncssh.SSHServerConnection) -> None:
        self._process = connection.process_packet
        now = monotonic()
        self._buckets = {kind: _Bucket(allowance, now=now) for kind, allowance in ALLOWANCES.items()}
        self._any = _Bucket(ANY, now=now)
        connection.process_packet = self._counted  # type: ignore[method-assign]  # asyncssh looks it up each time

    def _counted(self, pkttype: int, pktid: int, packet: SSHPacket) -> bool | Awaitable[None]:
        if pkttype not in _FREE:
            self._check(pkttype, packet)
        return self._process(pkttype, pktid, packet)

    def _check(self, kind: int, packet: SSHPacket) -> None:
        if not self._buckets.get(kind, self._any).take(now=monotonic()):
            raise asyncssh.ProtocolError("too many messages")
        if kind in LONGEST and len(packet.get_remaining_payload()) > LONGEST[kind]:
            raise asyncssh.ProtocolError("the request is too long")
