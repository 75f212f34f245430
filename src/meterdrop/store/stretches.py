"""Which old readings are there to be looked through? Month by month, and some thousand devices at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Final

from sqlalchemy import ColumnElement, Connection, delete, func, select, update

from meterdrop.store.once import insert_once
from meterdrop.store.schema import device, old_readings, reading

DEVICES_TOGETHER: Final = 2_000
"""So many devices' readings of a month are looked through in one transaction: some 60,000 rows at most, about a second."""


@dataclass(frozen=True)
class Stretch:
    """Readings of one partner: those of devices in a range of keys, on days of one month; `end` is not one of them."""

    partner: str
    lowest: int
    highest: int
    start: date
    end: date
    kept_from: date | None = None
    """Readings before this day are on their way out: as if they were gone."""


def thinned_before(connection: Connection, *, partner: str) -> date | None:
    """All readings of this partner before this day were thinned; None: none were."""
    wanted = select(old_readings.c.thinned_before).where(old_readings.c.partner == partner)
    before: date | None = connection.execute(wanted).scalar_one_or_none()
    return before


def gone_before(connection: Connection, *, partner: str) -> date | None:
    """All readings of this partner before this day were taken away; None: none were."""
    wanted = select(old_readings.c.gone_before).where(old_readings.c.partner == partner)
    before: date | None = connection.execute(wanted).scalar_one_or_none()
    return before


def note_thinned(connection: Connection, *, partner: str, before: date) -> None:
    """All readings of this partner before this day are thinned now."""
    _note(connection, partner, thinned_before=before)


def note_gone(connection: Connection, *, partner: str, before: date) -> None:
    """All readings of this partner before this day are gone now."""
    _note(connection, partner, gone_before=before)


def _note(connection: Connection, partner: str, **days: date) -> None:
    connection.execute(insert_once(connection, old_readings).values(partner=partner))
    connection.execute(update(old_readings).where(old_readings.c.partner == partner).values(days))


def first_day(connection: Connection, *, partner: str) -> date | None:
    """The day of the oldest reading of a partner, found with one look for each device."""
    of_device = (reading.c.partner == partner, reading.c.device == device.c.id)
    oldest = select(func.min(reading.c.day)).where(*of_device).correlate(device).scalar_subquery()
    each = select(oldest.label("day")).where(device.c.partner == partner).subquery()
    found: date | None = connection.execute(
        select(func.min(each.c.day, type_=reading.c.day.type))
    ).scalar_one()
    return found


def ranges(connection: Connection, *, partner: str) -> Iterator[tuple[int, int]]:
    """Ranges of keys with at most DEVICES_TOGETHER devices of this partner each, in order."""
    numbered = (
        select(device.c.id, func.row_number().over(order_by=device.c.id).label("number"))
        .where(device.c.partner == partner)
        .subquery()
    )
    is_first = (numbered.c.number - 1) % DEVICES_TOGETHER == 0
    firsts = connection.execute(select(numbered.c.id).where(is_first).order_by(numbered.c.id)).scalars().all()
    highest = connection.execute(
        select(func.max(device.c.id)).where(device.c.partner == partner)
    ).scalar_one()
    for first, after in pairwise([*firsts, (highest or 0) + 1]):
        yield first, after - 1


def count(connection: Connection, stretch: Stretch) -> int:
    """How many readings there are in it."""
    return connection.execute(select(func.count()).select_from(reading).where(*_within(stretch))).scalar_one()


def drop(connection: Connection, stretch: Stretch) -> int:
    """Takes all readings of it away; how many. They leave no history."""
    return connection.execute(delete(reading).where(*_within(stretch))).rowcount


def _within(stretch: Stretch) -> tuple[ColumnElement[bool], ...]:
    """By device: SQLite finds a month of each by the key, and would else go through all of the partner's readings."""
    theirs = select(device.c.id).where(
        device.c.partner == stretch.partner, device.c.id.between(stretch.lowest, stretch.highest)
    )
    return (
        reading.c.partner == stretch.partner,
        reading.c.device.in_(theirs),
        reading.c.day >= stretch.start,
        reading.c.day < stretch.end,
    )
