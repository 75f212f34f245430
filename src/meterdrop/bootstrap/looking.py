"""Who tells how things are, and who asks for receipts from afar?"""

from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from meterdrop.bootstrap.home import now
from meterdrop.bootstrap.originals import trouble_with_originals
from meterdrop.bootstrap.watching import told_in
from meterdrop.dispatch.jobs import Jobs
from meterdrop.settings import Settings
from meterdrop.store import outbox
from meterdrop.store.database import Database
from meterdrop.store.room import Room
from meterdrop.usecases.status import LookAround

if TYPE_CHECKING:
    from meterdrop.dispatch.scaled import Ring


def look_around(settings: Settings, *, database: Database, aside: Path, room: Room) -> LookAround:
    """`meterdrop status`."""
    return LookAround(
        database=database,
        landing=settings.home / "landing",
        aside=aside,
        watched=told_in(settings.home),
        room=room,
        silent_after=timedelta(days=settings.silent_days),
        is_scaled=settings.dispatch == "scaled",
        clock=now,
        trouble_with_originals=partial(trouble_with_originals, settings),
    )


def ring(jobs: Jobs, *, database: Database) -> "Ring":
    """Asks the service next to the door to write receipts."""
    from meterdrop.dispatch.scaled import Ring

    def waiting() -> tuple[str, ...]:
        with database.reading() as store:
            return outbox.partners_waiting(store)

    return Ring(jobs=jobs, waiting=waiting)
