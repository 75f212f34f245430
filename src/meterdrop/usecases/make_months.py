"""The next months have their place before a reading of theirs comes."""

from collections.abc import Collection
from datetime import date

import structlog

from meterdrop.store import months
from meterdrop.store.database import Database

log = structlog.get_logger()


def make_months(database: Database, *, days: Collection[date]) -> None:
    """Makes a place for each month of these days that has none yet, and asks first: nobody waits for a look."""
    with database.reading() as store:
        missing = months.missing(store, days=days)
    if not missing:
        return
    with database.writing() as store:
        made = months.make(store, days=missing)
    log.info("months.made", months=[f"{first:%Y-%m}" for first in made])
