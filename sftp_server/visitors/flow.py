"""Does the client take what we send? While it does not, nothing more is read from it.

asyncssh ignores its transport's wish to pause, and keeps answers without limit: for a client that never reads, and for one that
begins a key exchange and never ends it. Leans on private names; see `tests/integration/door/test_asyncssh_is_as_we_know_it.py`.
"""

import asyncio

import asyncssh

from sftp_server.settings import MIB

_BEFORE_LOGIN = MIB // 16
_AFTER_LOGIN = 4 * MIB
"""More than clients ask for at once: at slow lines, too, who reads is never paused for long."""
_LOOK_AGAIN = 0.05


class Flow:
    """The bytes on their way to one client."""

    def __init__(self, connection: asyncssh.SSHServerConnection) -> None:
        self._connection = connection
        self._room = asyncio.Event()
        self._room.set()
        connection.pause_writing = self._pause  # type: ignore[method-assign]  # asyncssh's own does nothing
        connection.resume_writing = self._resume  # type: ignore[method-assign]  # the same
        self._allow(_BEFORE_LOGIN)

    def widen(self) -> None:
        """The client has logged in: it may ask for whole files now."""
        self._allow(_AFTER_LOGIN)

    def _allow(self, most: int) -> None:
        transport = self._connection._transport
        if transport is not None:
            transport.set_write_buffer_limits(high=most, low=most // 4)

    def _pause(self) -> None:
        self._room.clear()
        transport = self._connection._transport
        if transport is not None and not transport.is_closing():
            transport.pause_reading()

    def _resume(self) -> None:
        self._room.set()
        transport = self._connection._transport
        if transport is not None and not transport.is_closing():
            transport.resume_reading()

    async def taken(self) -> None:
        """Wait until the client has taken most of what was answered; returns at once if the connection is gone."""
        while self._connection._transport is not None and (not self._room.is_set() or self.deferred):
            try:
                await asyncio.wait_for(self._room.wait(), 1)
            except TimeoutError:
                continue
            if self.deferred:
                await asyncio.sleep(_LOOK_AGAIN)

    @property
    def deferred(self) -> int:
        """How many answers wait for the end of a key exchange."""
        return len(self._connection._deferred_packets)
