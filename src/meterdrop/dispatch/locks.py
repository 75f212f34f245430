"""Is someone at it already? Locks between processes that end with their holder, kill -9 included."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final, Protocol

from meterdrop.model.errors import TryAgain

_LOOK_AGAIN_SOON: Final = 0.001
_LOOK_AGAIN: Final = 0.02


class Locks(Protocol):
    """Named locks, of one machine or of all that work together."""

    def hold(self, name: str, *, wait: float) -> AbstractContextManager[None]:
        """Holds the lock; `TryAgain` if it isn't free within `wait` seconds."""


class FileLocks:
    """Named locks as files of one folder, for the processes of one machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def hold(self, name: str, *, wait: float) -> Iterator[None]:
        """Holds the lock; `TryAgain` if it isn't free within `wait` seconds."""
        self._folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._folder / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            _take(handle, name=name, until=time.monotonic() + wait)
            yield
        finally:
            os.close(handle)


def _take(handle: int, *, name: str, until: float) -> None:
    pause = _LOOK_AGAIN_SOON
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() >= until:
                raise TryAgain(f"{name}: another process is at it; try again when it is done") from error
            time.sleep(pause)
            pause = min(2 * pause, _LOOK_AGAIN)
        else:
            return
