"""Where do a meter's readings belong? To the service of its number that they were read in, however late that is learnt."""

from datetime import date
from typing import NamedTuple

import pandas as pd
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Date,
    FromClause,
    MetaData,
    Select,
    Table,
    Text,
    and_,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from meterdrop.store.schema import device, quarantine, reading, reading_history
from meterdrop.store.temporary import temporary

# Without keys: SQLite goes through these few rows and looks for their readings, not the other way round.
_NUMBER = Table(
    "renewed_number",
    MetaData(),
    Column("partner", Text, nullable=False),
    Column("serial_key", Text, nullable=False),
    prefixes=["TEMPORARY"],
)
_PAIR = Table(
    "service_and_other",
    MetaData(),
    Column("partner", Text, nullable=False),
    Column("serial_key", Text, nullable=False),
    Column("device", BigInteger, nullable=False),
    Column("start", Date),
    Column("end", Date),
    Column("other", BigInteger, nullable=False),
    Column("other_start", Date),
    Column("other_end", Date),
    prefixes=["TEMPORARY"],
)
_ASTRAY = Table(
    "astray_reading",
    MetaData(),
    Column("device", BigInteger, nullable=False),
    Column("day", Date, nullable=False),
    Column("partner", Text, nullable=False),
    Column("service", BigInteger, nullable=False),
    prefixes=["TEMPORARY"],
)


class Followed(NamedTuple):
    """Readings of one meter that went from one of its services to another; the line that told of that one last."""

    partner: str
    before: int
    after: int
    readings: int
    first: date
    last: date
    delivery: int
    line: int


def follow(connection: Connection, *, numbers: pd.DataFrame, read_out: str) -> list[Followed]:
    """Gives stored readings to the service of their number (partner, serial_key) that was in service on their day.

    Only where they are outside of the one they are stored with, and the other has none of that day. On the day of a
    change they are the newer one's, unless their kind is `read_out`.
    """
    if len(numbers) == 0:
        return []
    with (
        temporary(connection, _NUMBER, numbers),
        temporary(connection, _PAIR),
        temporary(connection, _ASTRAY),
    ):
        connection.execute(insert(_PAIR).from_select([*_PAIR.columns], _pairs()))
        connection.execute(insert(_ASTRAY).from_select([*_ASTRAY.columns], _astray(read_out)))
        told = [Followed._make(row) for row in connection.execute(_by_service())]
        if told:
            _give(connection)
    return told


def _pairs() -> Select[tuple[object, ...]]:
    """Any two services of one number, each way round."""
    own, other = device.alias("own"), device.alias("other")
    return (
        select(
            own.c.partner,
            own.c.serial_key,
            *(own.c[name] for name in ("id", "installed_from", "installed_to")),
            *(other.c[name] for name in ("id", "installed_from", "installed_to")),
        )
        .select_from(_NUMBER)
        .join(own, _of_number(own, _NUMBER))
        .join(other, and_(_of_number(other, _NUMBER), other.c.id != own.c.id))
    )


def _astray(read_out: str) -> Select[tuple[object, ...]]:
    there = reading.alias("there")
    read_out_there = and_(reading.c.day == _PAIR.c.end, reading.c.kind == read_out)
    taken = exists().where(
        there.c.partner == _PAIR.c.partner, there.c.device == _PAIR.c.other, there.c.day == reading.c.day
    )
    return (
        select(func.min(reading.c.device), reading.c.day, reading.c.partner, _PAIR.c.other)
        .select_from(_PAIR)
        .join(reading, and_(reading.c.partner == _PAIR.c.partner, reading.c.device == _PAIR.c.device))
        .where(
            or_(reading.c.day < _PAIR.c.start, reading.c.day >= _PAIR.c.end),
            func.coalesce(~read_out_there, True),
            or_(_serves(_PAIR.c.other_start, _PAIR.c.other_end), _left_that_day()),
            ~taken,
        )
        .group_by(reading.c.partner, _PAIR.c.other, reading.c.day)
    )


def _serves(start: ColumnElement[date], end: ColumnElement[date]) -> ColumnElement[bool]:
    return and_(start <= reading.c.day, or_(end.is_(None), reading.c.day < end))


def _left_that_day() -> ColumnElement[bool]:
    """It was the other's last day, nobody of the number had begun by then, and it wasn't its own last day as well."""
    following = device.alias("following")
    begun = exists().where(
        _of_number(following, _PAIR), _serves(following.c.installed_from, following.c.installed_to)
    )
    return and_(
        reading.c.day == _PAIR.c.other_end,
        _PAIR.c.other_start < _PAIR.c.other_end,
        func.coalesce(_PAIR.c.end != reading.c.day, True),
        ~begun,
    )


def _of_number(one: FromClause, which: Table) -> ColumnElement[bool]:
    return and_(one.c.partner == which.c.partner, one.c.serial_key == which.c.serial_key)


def _by_service() -> Select[tuple[object, ...]]:
    days = (func.count(), func.min(_ASTRAY.c.day), func.max(_ASTRAY.c.day))
    services = (_ASTRAY.c.partner, _ASTRAY.c.device, _ASTRAY.c.service)
    return (
        select(*services, *days, device.c.delivery, device.c.line)
        .join(device, device.c.id == _ASTRAY.c.service)
        .group_by(*services, device.c.delivery, device.c.line)
        .order_by(*services)
    )


def _give(connection: Connection) -> None:
    """The readings, what they superseded, and the links of quarantined lines to them."""
    for table in (reading, reading_history):
        here = and_(
            table.c.partner == _ASTRAY.c.partner,
            table.c.device == _ASTRAY.c.device,
            table.c.day == _ASTRAY.c.day,
        )
        connection.execute(update(table).values(device=_ASTRAY.c.service).where(here))
    linked = and_(quarantine.c.reading_device == _ASTRAY.c.device, quarantine.c.reading_day == _ASTRAY.c.day)
    connection.execute(update(quarantine).values(reading_device=_ASTRAY.c.service).where(linked))
