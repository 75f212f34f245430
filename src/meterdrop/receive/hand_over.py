"""How does a file of a watched folder get to the doorstep? Copied, with a ticket, by one atomic rename: as the door does it."""

import hashlib
import json
import os
import shutil
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from meterdrop.model.ticket import Ticket
from meterdrop.receive.still import FileState
from meterdrop.receive.tickets import CONTENT, TICKET

_BLOCK: Final = 1024 * 1024
_FOLDER_MODE: Final = 0o770


@dataclass(frozen=True)
class Copied:
    """The bytes as they were copied; `mark` is the hash of the first so many."""

    sha256: str
    mark: str | None


def copy(descriptor: int, *, to: Path, state: FileState, mark_at: int) -> Copied | None:
    """Copies an opened file that is in this state into a new folder `to`; None if it changed meanwhile.

    A copy always: whoever has the file open may write to it for as long as he likes, and through a link to ours as well.
    """
    shutil.rmtree(to, ignore_errors=True)
    to.mkdir(parents=True, mode=_FOLDER_MODE)
    hashed, mark, come = hashlib.sha256(), None, 0
    with (to / CONTENT).open("wb") as content:
        while come <= state.size and (
            block := os.pread(descriptor, _next(come, mark_at=mark_at, size=state.size), come)
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


def _next(come: int, *, mark_at: int, size: int) -> int:
    """How many bytes to read now: not over the mark, and one more than there should be, to see that it did not grow."""
    left = size + 1 - come
    return min(_BLOCK, left, mark_at - come if come < mark_at else left)


def hand_over(made: Path, *, ticket: Ticket, landing: Path) -> None:
    """Puts a folder with its content (or without) on the doorstep; doing it twice is harmless."""
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
