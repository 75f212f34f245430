"""What can be done with a home before, or without, its house? Make it; look at what is the door's own."""

import time
from datetime import UTC, datetime
from pathlib import Path

from ulid import ULID

from meterdrop.bootstrap.originals import problems_of_originals
from meterdrop.model.errors import StopAtStart
from meterdrop.settings import read_settings
from meterdrop.store.database import Database
from meterdrop.usecases import init
from meterdrop.usecases.bans import Bans
from meterdrop.usecases.hostkeys import HostKeys


def now() -> datetime:
    """The time, aware."""
    return datetime.now(UTC)


def make_home(home: Path, *, database: str | None) -> list[str]:
    """Makes what a home needs and isn't there; what it made. `StopAtStart` before that if originals can't be kept."""
    if database is not None:
        Database(database).close()  # a URL that can't be read is refused before anything is made
    if problems := problems_of_originals(read_settings(home, database=database)):
        raise StopAtStart(problems)
    return init.make_home(
        home, database=database, open_database=lambda: Database(read_settings(home).database_url)
    )


def host_keys(home: Path) -> HostKeys:
    """The door's host keys: files of the home that only the door's user may read."""
    return HostKeys(home / "hostkeys")


def bans_of(home: Path) -> Bans:
    """The door's bans, and how to ask it about them."""
    return Bans(home, now=now, pause=time.sleep, new_id=lambda: str(ULID()))
