"""Which months of readings can go as a whole? On PostgreSQL each is a table: it is put aside, for its owner to keep or drop."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import Connection, text

from meterdrop.store.months import name_of

_TABLES: Final = text(
    "SELECT relname, inhparent IS NOT NULL AS attached, coalesce(inhdetachpending, false) AS pending "
    "FROM pg_class LEFT JOIN pg_inherits ON inhrelid = pg_class.oid "
    "WHERE relkind = 'r' AND relname LIKE 'reading\\_____\\___' AND relnamespace = "
    "(SELECT relnamespace FROM pg_class WHERE oid = 'reading'::regclass) ORDER BY relname"
)
_MONTH: Final = re.compile(r"reading_(\d{4})_(\d{2})")
_ASIDE: Final = "detached_"
_PATIENCE: Final = "SET lock_timeout = '60s'"
"""So long at most is waited for each of those who are at a month, or at any, when it is taken out."""


@dataclass(frozen=True)
class MonthTable:
    """A month that is a table: still one of all readings, on its way out, or out already under its old name."""

    first: date
    attached: bool
    pending: bool


@dataclass(frozen=True)
class PutAside:
    """A table with the readings of a month that are none of ours any more."""

    name: str
    readings: int
    bytes: int


def before(connection: Connection, day: date) -> tuple[MonthTable, ...]:
    """The months that are tables and end before a day, the oldest first."""
    found = []
    for row in connection.execute(_TABLES):
        told = _MONTH.fullmatch(row.relname)
        first = None if told is None else date(int(told[1]), int(told[2]), 1)
        if first is not None and first < day:
            found.append(MonthTable(first=first, attached=row.attached, pending=row.pending))
    return tuple(found)


def any_half_out(connection: Connection) -> bool:
    """Whether a month was begun to be taken out, and has not got its other name yet."""
    return any(row.pending or not row.attached for row in connection.execute(_TABLES))


def measured(connection: Connection, month: MonthTable) -> PutAside:
    """What there is in a month: its readings, and the bytes of their rows."""
    name = name_of(month.first)
    readings: int = connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one()  # noqa: S608 - our own name
    size: int = connection.execute(text(f"SELECT pg_relation_size('{name}')")).scalar_one()
    return PutAside(name=name, readings=readings, bytes=size)


def detach(connection: Connection, month: MonthTable) -> None:
    """Takes a month out of the readings, statement by statement; an earlier try that was cut off is finished.

    It waits for those who read or store now; nobody has to wait for it, as for a plain DETACH.
    """
    if not month.attached:
        return
    how = "FINALIZE" if month.pending else "CONCURRENTLY"
    connection.execute(text(_PATIENCE))
    try:
        # Names of months are our own words.
        connection.execute(text(f"ALTER TABLE reading DETACH PARTITION {name_of(month.first)} {how}"))
    finally:
        connection.execute(text("RESET lock_timeout"))


def put_aside(connection: Connection, month: MonthTable) -> PutAside:
    """Gives the table of a detached month a name that no month will ever need: `detached_reading_2016_11`."""
    told = measured(connection, month)
    aside = _ASIDE + told.name
    taken = set(
        connection.execute(
            text("SELECT relname FROM pg_class WHERE relname LIKE :start"), {"start": f"{aside}%"}
        ).scalars()
    )
    number = 1
    while (name := aside if number == 1 else f"{aside}_{number}") in taken:
        number += 1
    connection.execute(text(f"ALTER TABLE {told.name} RENAME TO {name}"))
    # Its key has the month's name, which the next table of that month would want.
    connection.execute(text(f"ALTER INDEX IF EXISTS {told.name}_pkey RENAME TO {name}_pkey"))
    return PutAside(name=name, readings=told.readings, bytes=told.bytes)
