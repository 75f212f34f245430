"""Is ours the only door of this home? Two would cut the parts that the other writes."""

import asyncio
import fcntl
import os
from pathlib import Path

from sftp_server.audit import warn
from sftp_server.refusals import StopAtStart

_LOOK_EVERY = 0.1


class HomeLock:
    """A lock on a file of the home that ends with its holder, whatever ends it."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._descriptor: int | None = None

    async def take(self, *, wait: float) -> None:
        """Wait up to so many seconds for another door to end (it may be draining); else raise `StopAtStart`."""
        descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o640)
        try:
            await self._wait(descriptor, seconds=wait)
        except BaseException:
            os.close(descriptor)
            raise
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    async def _wait(self, descriptor: int, *, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        told = False
        while not _locked(descriptor):
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            if loop.time() >= end:
                raise StopAtStart(
                    f"another door (process {holder}) works in this home. Stop it first; only one may."
                )
            if not told:
                warn("door.waits", process=holder, seconds=seconds)
                told = True
            await asyncio.sleep(_LOOK_EVERY)

    def release(self) -> None:
        """Let the next door in."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
