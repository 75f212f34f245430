"""Is there a place for the readings of a month? PostgreSQL keeps each month in a table of its own; SQLite needs none."""

from collections.abc import Collection, Iterator
from datetime import date
from typing import Final

from sqlalchemy import Connection, text

from meterdrop.model.errors import TryAgain

AHEAD: Final = 3
"""So many months after this one have their place before a reading needs it."""

_LOCK: Final = 0x6D6F6E746873
"""Who makes a month holds this, so that two never make the same one."""
_EXISTING: Final = text(
    "SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid "
    "WHERE inhparent = 'reading'::regclass AND NOT inhdetachpending"
)
_TAKEN: Final = text(
    "SELECT relname FROM pg_class WHERE relname = ANY(:names) AND relnamespace = "
    "(SELECT relnamespace FROM pg_class WHERE oid = 'reading'::regclass)"
)
_PREFIX: Final = "reading_"


def missing(connection: Connection, *, days: Collection[date]) -> tuple[date, ...]:
    """The first days of those months of these days that have no place yet; none on SQLite."""
    if connection.dialect.name == "sqlite" or not days:
        return ()
    there = set(connection.execute(_EXISTING).scalars())
    return tuple(
        first for first in sorted({day.replace(day=1) for day in days}) if name_of(first) not in there
    )


def make(connection: Connection, *, days: Collection[date]) -> tuple[date, ...]:
    """Makes a place for each month of these days; the first days of those it made.

    To be called in a transaction of its own, and before the one that stores. A table is made beside the others and
    joined to them afterwards: that waits for nobody who reads or stores, and nobody waits for it. `TryAgain` if a table
    of that month is just on its way out.
    """
    if not missing(connection, days=days):
        return ()
    connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
    made = missing(connection, days=days)  # someone else may have made them while we waited
    taken = connection.execute(_TAKEN, {"names": [name_of(first) for first in made]}).scalars().all()
    if taken:
        raise TryAgain(f"{', '.join(sorted(taken))}: the retention is taking this month out of the readings")
    for first in made:
        name, after = name_of(first), _after(first)
        within = f"day >= DATE '{first}' AND day < DATE '{after}'"
        # All of these are our own words: names and days of months.
        connection.execute(
            text(f"CREATE TABLE {name} (LIKE reading INCLUDING ALL, CONSTRAINT month CHECK ({within}))")
        )
        connection.execute(
            text(f"ALTER TABLE reading ATTACH PARTITION {name} FOR VALUES FROM ('{first}') TO ('{after}')")
        )
        connection.execute(text(f"ALTER TABLE {name} DROP CONSTRAINT month"))
    return made


def ahead(today: date) -> tuple[date, ...]:
    """The first days of this month and of those for which there should be a place already."""
    return tuple(_months_from(today.replace(day=1), count=AHEAD + 1))


def name_of(first: date) -> str:
    """The table of a month: `reading_2026_11`."""
    return f"{_PREFIX}{first:%Y_%m}"


def _months_from(first: date, *, count: int) -> Iterator[date]:
    for _ in range(count):
        yield first
        first = _after(first)


def _after(first: date) -> date:
    return date(first.year + first.month // 12, first.month % 12 + 1, 1)
