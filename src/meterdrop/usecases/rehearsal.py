"""What would come of it, told exactly: it is done, in a home of its own, and thrown away or taken back."""

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from meterdrop.model.errors import TryAgain
from meterdrop.store.database import Database
from meterdrop.store.room import Room

_COPY: Final = "meterdrop.db"
_ROOM: Final = 2
"""A copy is made where there is room for so many: what is done in it needs some, too."""


@dataclass(frozen=True)
class Rehearsal:
    """Where to try: a folder, and the database to use."""

    folder: Path
    database: Database


@contextmanager
def rehearse(database: Database, *, folder: Path, room: Room) -> Iterator[Rehearsal | None]:
    """A place to try, gone afterwards: with a copy of a database that is a file, or in one transaction that is taken back.

    None if there is no room for a copy. One at a time: what is there of a rehearsal that was killed is taken away.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        if not database.is_file():
            with database.taken_back() as taken_back:
                yield Rehearsal(folder, taken_back)
        elif _fits(database, room=room):
            with closing(_copied(database, folder / _COPY)) as copy:
                yield Rehearsal(folder, copy)
        else:
            yield None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _copied(database: Database, to: Path) -> Database:
    database.copy_to(to)
    return Database(f"sqlite:///{to}")


def _fits(database: Database, *, room: Room) -> bool:
    try:
        room.check(needed=_ROOM * (database.size() or 0))
    except TryAgain:
        return False
    return True
