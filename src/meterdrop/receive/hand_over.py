"""How does a file of a watched folder get to the doorstep? Copied, with a ticket, by one atomic rename: as the door does it."""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from meterdrop.model.errors import TryAgain
from meterdrop.model.ticket import Ticket
from meterdrop.receive.still import FileState
from meterdrop.receive.tickets import CONTENT, TICKET

_BLOCK: Final = 1024 * 1024
_FOLDER_MODE: Final = 0o770
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True)
class Copied:
    """The bytes as they were copied; `mark` is the hash of the first so many."""

    sha256: str
    mark: str | None


def copy(
    descriptor: int, *, to: Path, state: FileState, mark_at: int, goes_on: Callable[[], bool]
) -> Copied | None:
    """Copies an opened file that is in this state into a new folder `to`; None if it changed meanwhile, or `goes_on`
    said no.

    A copy always: whoever has the file open may write to it for as long as he likes, and through a link to ours as well.
    """
    hashed, mark, come = hashlib.sha256(), None, 0
    with _our_own():
        shutil.rmtree(to, ignore_errors=True)
        to.mkdir(parents=True, mode=_FOLDER_MODE)
        content = (to / CONTENT).open("wb")
    with _our_own(), content:
        while (
            come <= state.size
            and goes_on()
            and (block := _read(descriptor, _next(come, mark_at=mark_at, size=state.size), at=come))
        ):
            hashed.update(block)
            content.write(block)
            come += len(block)
            if come == mark_at:
                mark = hashed.hexdigest()
        content.flush()
        os.fsync(content.fileno())
    if come != state.size or FileState.of(os.fstat(descriptor)) != state:
        return None
    return Copied(sha256=hashed.hexdigest(), mark=mark)


@contextmanager
def _our_own() -> Iterator[None]:
    """What goes wrong in the home's own folders is not the file's fault: all files wait, and the operator is told why."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise TryAgain("no room on the disk to copy a file of a watched folder: make some") from error
        where = "" if error.filename is None else f"{error.filename}: "
        raise TryAgain(f"the home can't be written to: {where}{error.strerror}") from error


class NotRead(Exception):
    """The watched file itself can't be read."""


def _read(descriptor: int, count: int, *, at: int) -> bytes:
    try:
        return os.pread(descriptor, count, at)
    except OSError as error:
        raise NotRead(os.strerror(error.errno or 0)) from error


def _next(come: int, *, mark_at: int, size: int) -> int:
    """How many bytes to read now: not over the mark, and one more than there should be, to see that it did not grow."""
    left = size + 1 - come
    return min(_BLOCK, left, mark_at - come if come < mark_at else left)


def hand_over(made: Path, *, ticket: Ticket, landing: Path) -> None:
    """Puts a folder with its content (or without) on the doorstep; doing it twice is harmless."""
    with _our_own():
        made.mkdir(parents=True, exist_ok=True, mode=_FOLDER_MODE)
        with (made / TICKET).open("w", encoding="utf-8") as stream:
            stream.write(_as_json(ticket))
            stream.flush()
            os.fsync(stream.fileno())
        sync_folder(made)
        target = landing / ticket.upload
        if target.exists():
            shutil.rmtree(made)
            return
        made.rename(target)
        sync_folder(landing)


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _as_json(ticket: Ticket) -> str:
    facts = {name: value for name, value in asdict(ticket).items() if name != "watched"}
    watched = ticket.watched
    fingerprints = {} if watched is None else {"watched": watched.state, "body": watched.body}
    times = {"opened_at": _time(ticket.opened_at), "finished_at": _time(ticket.finished_at)}
    return json.dumps({"ticket": 1, **facts, **times, **fingerprints})


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
