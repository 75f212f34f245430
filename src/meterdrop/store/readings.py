"""What did the registers show? Current readings, and the versions they superseded."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime

import pandas as pd
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Date,
    MetaData,
    Select,
    Table,
    delete,
    insert,
    literal,
    select,
    tuple_,
)

from meterdrop.store.bulk import insert_frames
from meterdrop.store.schema import device, reading, reading_history
from meterdrop.store.temporary import temporary

_KEY = ("device", "day")
_VERSION = tuple(column.name for column in reading.columns if column.name not in ("partner", *_KEY))
_EXPORT_ROWS = 50_000
_WANTED = Table(
    "wanted_reading",
    MetaData(),
    Column("device", BigInteger, nullable=False),
    Column("day", Date, nullable=False),
    prefixes=["TEMPORARY"],
)


def store_new(connection: Connection, *, partner: str, blocks: Iterable[pd.DataFrame]) -> None:
    """Stores readings whose (device, day) has none yet; fastest where they come in the order of that key.

    Who makes the blocks leaves this connection alone: on PostgreSQL it is in the middle of a COPY meanwhile.
    """
    insert_frames(connection, table=reading, frames=blocks, constants={"partner": partner})


def supersede(
    connection: Connection,
    *,
    partner: str,
    rows: pd.DataFrame,
    delivery: int,
    now: datetime,
    who: str,
    why: str,
) -> None:
    """Stores readings in place of the current ones, which go to the history with who, when and why."""
    if len(rows) == 0:
        return
    with temporary(connection, _WANTED, rows[[*_KEY]]):
        wanted = select(_WANTED.c.device, _WANTED.c.day)
        at_wanted = (reading.c.partner == partner) & tuple_(reading.c.device, reading.c.day).in_(wanted)
        version = [reading.c[name] for name in ("partner", *_KEY, *_VERSION)]
        added = [
            literal(now, reading_history.c.superseded_at.type),
            literal(delivery),
            literal(who),
            literal(why),
        ]
        connection.execute(
            insert(reading_history).from_select(
                ["partner", *_KEY, *_VERSION, "superseded_at", "superseded_by", "who", "why"],
                select(*version, *added).where(at_wanted),
            )
        )
        connection.execute(delete(reading).where(at_wanted))
    store_new(connection, partner=partner, blocks=[rows])


def history(connection: Connection, *, partner: str, device_key: int, day: date) -> list[dict[str, object]]:
    """The superseded versions of one reading, the oldest first."""
    rows = connection.execute(
        select(reading_history)
        .where(
            reading_history.c.partner == partner,
            reading_history.c.device == device_key,
            reading_history.c.day == day,
        )
        .order_by(reading_history.c.id)
    )
    return [dict(row._mapping) for row in rows]


def exported(
    connection: Connection, *, partner: str | None, start: date | None, end: date | None
) -> Iterator[pd.DataFrame]:
    """Current readings in blocks, by partner, serial and day; `end` is the last day wanted."""
    wanted: Select[tuple[object, ...]] = (
        select(
            reading.c.partner,
            reading.c.serial,
            reading.c.day.label("date"),
            reading.c.value,
            reading.c.unit,
            reading.c.canonical_value,
            reading.c.canonical_unit,
            reading.c.kind,
            reading.c.estimated,
            reading.c.delivery,
            reading.c.line,
        )
        .join(device, device.c.id == reading.c.device)
        .order_by(reading.c.partner, device.c.serial_key, reading.c.day)
    )
    if partner is not None:
        wanted = wanted.where(reading.c.partner == partner)
    if start is not None:
        wanted = wanted.where(reading.c.day >= start)
    if end is not None:
        wanted = wanted.where(reading.c.day <= end)
    result = connection.execute(wanted, execution_options={"yield_per": _EXPORT_ROWS})
    names = list(result.keys())
    for rows in result.partitions(_EXPORT_ROWS):
        yield pd.DataFrame(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)), dtype=object)
