"""What would come of it, told exactly: it is done, in a home of its own with a copy of the database, and thrown away."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from meterdrop.model.errors import TryAgain
from meterdrop.store.database import Database
from meterdrop.store.room import Room

COPY: Final = "meterdrop.db"
_ROOM: Final = 2
"""A copy is made where there is room for so many: what is done in it needs some, too."""


@contextmanager
def rehearsal_home(database: Database, *, folder: Path, room: Room) -> Iterator[Path | None]:
    """A folder with a copy of the database as of now, gone afterwards; None if it can't be copied, or lacks room.

    One at a time: what is there of a rehearsal that was killed is taken away.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        fits = _fits(database, room=room)
        if fits:
            database.copy_to(folder / COPY)
        yield folder if fits else None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _fits(database: Database, *, room: Room) -> bool:
    size = database.size()
    if size is None:
        return False
    try:
        room.check(needed=_ROOM * size)
    except TryAgain:
        return False
    return True
