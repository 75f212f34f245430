"""Whose turn is it to write? Those who write to one database file stand in line, whatever process they are.

SQLite lets one write at a time, and whoever finds it busy tries again after a while of its own: with many writers luck decides,
and some have no luck for half a minute. So each draws a number and waits until the one before it has written.

The line is one small file: its content is the last number drawn, and a writer holds a lock on the byte of its number (of the
kind that belongs to an open file: it ends with its holder, kill -9 included). Nothing depends on the line but fairness: where it
can't be made, or stands still, SQLite's own lock decides.
"""

import fcntl
import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

LINE: Final = "-turns"
"""What the name of the file has behind that of the database."""

_NUMBER: Final = struct.Struct("<q")
_LOCK: Final = struct.Struct("hhqqi4x")
"""`struct flock` of Linux on 64 bits: kind, whence, start, length, process."""
_COUNTER: Final = 0
_FIRST: Final = 1_000
"""The byte of number 0; a lock may stand far behind the end of the file."""
_SOON: Final = 0.000_5
_LATE: Final = 0.01
"""Seconds between two looks: more the further behind one stands, up to this."""


@contextmanager
def turn(database: Path, *, wait: float) -> Iterator[None]:
    """Waits, up to `wait` seconds, until those have written who came before; the turn ends with the block."""
    line = _open(Path(f"{database}{LINE}"), like=database)
    try:
        if line is not None:
            _stand(line, until=time.monotonic() + wait)
        yield
    finally:
        if line is not None:
            os.close(line)


def _open(line: Path, *, like: Path) -> int | None:
    """The line, for whoever may write the database itself; None if this place knows none."""
    if not hasattr(fcntl, "F_OFD_SETLK"):
        return None
    try:
        return os.open(line, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        pass
    except OSError:
        return None
    try:
        mode = like.stat()
        made = os.open(line, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if os.geteuid() == 0:
            os.fchown(made, mode.st_uid, mode.st_gid)
        os.fchmod(made, mode.st_mode & 0o666)
    except OSError:
        return None
    return made


def _stand(line: int, *, until: float) -> None:
    try:
        number = _draw(line, until=until)
        if number is not None:
            _wait(line, number, until=until)
    except OSError:
        return  # a file system without such locks


def _draw(line: int, *, until: float) -> int | None:
    """A number, and the lock on its byte; None if even that can't be had in time."""
    while not _locked(line, _COUNTER):
        if time.monotonic() > until:
            return None
        time.sleep(_SOON)
    number = _last(line) + 1
    _locked(line, _FIRST + number)
    os.pwrite(line, _NUMBER.pack(number), 0)
    _let_go(line, _COUNTER)
    return number


def _last(line: int) -> int:
    said = os.pread(line, _NUMBER.size, 0)
    number: int = _NUMBER.unpack(said)[0] if len(said) == _NUMBER.size else 0
    return number if 0 <= number < 2**62 else 0


def _wait(line: int, number: int, *, until: float) -> None:
    """Until no lower number is held."""
    while time.monotonic() < until:
        lowest = _lowest_held(line, below=number)
        if lowest is None:
            return
        time.sleep(min(_SOON * (number - lowest), _LATE))


def _lowest_held(line: int, *, below: int) -> int | None:
    """One of the numbers that others still hold below this one: the system tells the first that it finds."""
    asked = _LOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, _FIRST, below, 0)
    kind, _, start, _, _ = _LOCK.unpack(fcntl.fcntl(line, fcntl.F_OFD_GETLK, asked))
    return None if kind == fcntl.F_UNLCK else start - _FIRST


def _locked(line: int, byte: int) -> bool:
    try:
        fcntl.fcntl(line, fcntl.F_OFD_SETLK, _LOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, byte, 1, 0))
    except (BlockingIOError, PermissionError):
        return False
    return True


def _let_go(line: int, byte: int) -> None:
    fcntl.fcntl(line, fcntl.F_OFD_SETLK, _LOCK.pack(fcntl.F_UNLCK, os.SEEK_SET, byte, 1, 0))
