"""What may a client ask of a channel? To become an SFTP session; all else is refused before it costs anything.

Leans on asyncssh's private names; `tests/integration/door/test_asyncssh_is_as_we_know_it.py` fails when an upgrade changes them.
"""

import asyncio
from collections.abc import Awaitable
from time import monotonic

from asyncssh import SSHServerConnection
from asyncssh.channel import SSHServerChannel
from asyncssh.constants import MSG_CHANNEL_REQUEST
from asyncssh.misc import ProtocolError
from asyncssh.packet import SSHPacket

from sftp_server.visitors.small_talk import Allowance, Bucket

_WINDOW = 2 * 1024 * 1024
_PACKET = 32 * 1024
REQUESTS = Allowance(at_once=1000, a_second=2)
"""Clients send a dozen: the session, variables of the environment. And signs of life, dropbear's for as long as it is there."""
_SMALL = 4096
"""Shorter pieces of data are joined while they wait: each piece costs a hundred bytes beside its own."""


def joined_if_small(before: bytes, last: bytes) -> bytes | None:
    """Both as one piece, or None if that would be large."""
    return before + last if len(before) + len(last) <= _SMALL else None


class DoorChannel(SSHServerChannel[bytes]):
    """A channel without a terminal, an environment or anything to forward."""

    _requests: Bucket | None = None

    def process_packet(self, pkttype: int, pktid: int, packet: SSHPacket) -> bool | Awaitable[None]:
        """One message about this channel; a flood of requests ends the connection."""
        if pkttype == MSG_CHANNEL_REQUEST:
            if self._requests is None:
                self._requests = Bucket(REQUESTS, now=monotonic())
            if not self._requests.take(now=monotonic()):
                raise ProtocolError("too many requests")
        return super().process_packet(pkttype, pktid, packet)

    def _refuse(self, packet: SSHPacket) -> bool:
        """asyncssh would parse these, and keep every variable of the environment."""
        return False

    _process_env_request = _refuse
    _process_pty_req_request = _refuse
    _process_x11_req_request = _refuse
    _process_auth_agent_req_at_openssh_dot_com_request = _refuse  # type: ignore[assignment]  # asyncssh's answers later
    _process_shell_request = _refuse
    _process_exec_request = _refuse

    def _accept_data(self, data: bytes, datatype: int | None = None) -> None:
        """Data for a session that has begun; what comes before is dropped: it may never begin."""
        if self._recv_paused == "starting":
            self._recv_window -= len(data)
            return
        super()._accept_data(data, datatype)
        waiting = self._recv_buf
        if len(waiting) > 1 and waiting[-1][1] == waiting[-2][1]:
            joined = joined_if_small(waiting[-2][0], waiting[-1][0])
            if joined is not None:
                waiting[-2:] = [(joined, datatype)]


def door_channel(connection: SSHServerConnection) -> DoorChannel:
    """A new channel; as `create_server_channel` makes one, but ours."""
    return DoorChannel(
        connection, asyncio.get_running_loop(), allow_pty=False, line_editor=False, line_echo=False, line_history=0,
        max_line_length=0, encoding=None, errors="strict", window=_WINDOW, max_pktsize=_PACKET,
    )  # fmt: skip
