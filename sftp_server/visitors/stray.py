"""Which answers does a client give that nobody asked for?

The door tells clients all its host keys in a global request that wants no answer. phpseclib (2 and 3) answers all the same; OpenSSH's
server overlooks that, asyncssh ends the connection. Here it is overlooked. Leans on private names of asyncssh;
`tests/integration/door/test_asyncssh_is_as_we_know_it.py` fails when an upgrade changes them.
"""

import asyncssh
from asyncssh.constants import MSG_REQUEST_FAILURE, MSG_REQUEST_SUCCESS
from asyncssh.packet import SSHPacket


def _take_answer(connection: asyncssh.SSHServerConnection, kind: int, number: int, packet: SSHPacket) -> None:
    """The answer to a keepalive, or to nothing."""
    if connection._global_request_waiters:
        connection._process_global_response(kind, number, packet)


_HANDLERS = {
    **asyncssh.SSHServerConnection._packet_handlers,
    MSG_REQUEST_SUCCESS: _take_answer,
    MSG_REQUEST_FAILURE: _take_answer,
}


def overlook_stray_answers(connection: asyncssh.SSHServerConnection) -> None:
    """Let this client answer what was not asked."""
    connection._packet_handlers = _HANDLERS
