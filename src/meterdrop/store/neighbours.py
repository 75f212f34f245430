"""What is stored about a meter before, on and after some days? One statement finds it for all of them."""

from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Date,
    MetaData,
    Select,
    Table,
    Text,
    cast,
    exists,
    func,
    select,
    true,
)

from meterdrop.store.plans import by_index
from meterdrop.store.schema import reading
from meterdrop.store.selecting import select_frame
from meterdrop.store.temporary import temporary
from meterdrop.tables import DAY, DECIMAL, FLAG, LINE, TEXT, Lines, empty_frame, framed

STORED_COLUMNS: Final = {
    "device": LINE,
    "day": DAY,
    "value": TEXT,
    "unit": TEXT,
    "canonical_value": DECIMAL,
    "canonical_unit": TEXT,
    "kind": TEXT,
    "estimated": FLAG,
    "delta": FLAG,
    "delivery": LINE,
}

_APART: Final = 3
"""Days of one device that are at most so far apart are looked for as one stretch."""
_STRETCH = Table(
    "wanted_stretch",
    MetaData(),
    Column("device", BigInteger, nullable=False),
    Column("first", Date, nullable=False),
    Column("last", Date, nullable=False),
    Column("canonical_unit", Text, nullable=False),
    prefixes=["TEMPORARY"],
)
_DEVICE = Table(
    "wanted_device", MetaData(), Column("device", BigInteger, nullable=False), prefixes=["TEMPORARY"]
)


def around(
    connection: Connection, *, partner: str, keys: pd.DataFrame, delta: bool, without: int | None = None
) -> pd.DataFrame:
    """The current readings at these keys and next to them: a frame of STORED_COLUMNS, each once.

    `keys` have device, day and canonical_unit, of a device always the same. Next to a day are the nearest reading
    before it and the nearest after it in that unit that are deltas too, or states too; at a key there may be any.
    Readings of the delivery `without` count as not stored.
    """
    if not len(keys) or not _any_stored(connection, partner=partner, keys=keys):
        return empty_frame(STORED_COLUMNS)
    with temporary(connection, _STRETCH, stretches(keys)), by_index(connection):
        found = select_frame(
            connection, _beside(partner=partner, delta=delta, without=without), columns=STORED_COLUMNS
        )
    return found.drop_duplicates(["device", "day"], ignore_index=True)


def last(connection: Connection, *, partner: str, devices: Lines) -> pd.DataFrame:
    """The last reading of each of these devices that has one, be it a state or a delta: a frame of STORED_COLUMNS."""
    wanted = framed({"device": pa.array(devices)})
    if not len(wanted) or not _any_stored(connection, partner=partner, keys=wanted):
        return empty_frame(STORED_COLUMNS)
    with temporary(connection, _DEVICE, wanted), by_index(connection):
        return select_frame(connection, _last(connection, partner=partner), columns=STORED_COLUMNS)


def _last(connection: Connection, *, partner: str) -> Select[tuple[object, ...]]:
    """PostgreSQL goes to each device's last reading once; SQLite, which can't, to its day and then to itself."""
    of_device = (reading.c.partner == partner, reading.c.device == _DEVICE.c.device)
    if connection.dialect.name == "postgresql":
        found = (
            select(*(reading.c[name] for name in STORED_COLUMNS))
            .where(*of_device)
            .order_by(reading.c.day.desc())
            .limit(1)
            .correlate(_DEVICE)
            .lateral("last_reading")
        )
        return select(*(found.c[name] for name in STORED_COLUMNS)).select_from(_DEVICE.join(found, true()))
    other = reading.alias("other")
    day = (
        select(func.max(other.c.day))
        .where(other.c.partner == partner, other.c.device == _DEVICE.c.device)
        .correlate(_DEVICE)
        .scalar_subquery()
    )
    return (
        select(*(reading.c[name] for name in STORED_COLUMNS))
        .select_from(_DEVICE.join(reading, reading.c.device == _DEVICE.c.device))
        .where(*of_device, reading.c.day == day)
    )


def _any_stored(connection: Connection, *, partner: str, keys: pd.DataFrame) -> bool:
    """Whether anything is stored of devices in this range: of a new partner nothing is."""
    lowest, highest = int(keys["device"].min()), int(keys["device"].max())
    at_all = exists().where(reading.c.partner == partner, reading.c.device.between(lowest, highest))
    there: bool = connection.execute(select(at_all)).scalar_one()
    return there


def _beside(*, partner: str, delta: bool, without: int | None) -> Select[tuple[object, ...]]:
    of_device = [reading.c.partner == partner, reading.c.device == _STRETCH.c.device]
    if without is not None:
        of_device.append(reading.c.delivery != without)
    alike = [
        *of_device,
        reading.c.delta == cast(delta, Boolean),
        reading.c.canonical_unit == _STRETCH.c.canonical_unit,
    ]
    before = _day(func.max, *alike, reading.c.day < _STRETCH.c.first)
    after = _day(func.min, *alike, reading.c.day > _STRETCH.c.last)
    # Apart, for a bound that is asked for in the condition itself is looked up once to choose the month, and once more.
    bounds = (
        select(
            _STRETCH.c.device,
            func.coalesce(before, _STRETCH.c.first).label("first"),
            func.coalesce(after, _STRETCH.c.last).label("last"),
        )
        .cte("bounds")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    of_device[1] = reading.c.device == bounds.c.device
    return (
        select(*(reading.c[name] for name in STORED_COLUMNS))
        .select_from(bounds.join(reading, reading.c.device == bounds.c.device))
        .where(*of_device, reading.c.day >= bounds.c.first, reading.c.day <= bounds.c.last)
    )


def _day(pick: Any, *wanted: ColumnElement[bool]) -> ColumnElement[Any]:  # noqa: ANN401 - SQLAlchemy's functions
    return select(pick(reading.c.day)).where(*wanted).correlate(_STRETCH).scalar_subquery()


def stretches(keys: pd.DataFrame) -> pd.DataFrame:
    """Days of each device that lie near each other as one row: device, first and last day, canonical_unit."""
    device, day = keys["device"].to_numpy(dtype=np.int64), _numbers(keys["day"])
    order = np.lexsort((day, device))
    device, day = device[order], day[order]
    new = np.ones(len(order), dtype=np.bool_)
    new[1:] = (device[1:] != device[:-1]) | (day[1:] - day[:-1] > _APART)
    first = np.flatnonzero(new)
    last = np.append(first[1:], len(order)) - 1
    return framed(
        {
            "device": pa.array(device[first]),
            "first": _days(day[first]),
            "last": _days(day[last]),
            "canonical_unit": pa.array(keys["canonical_unit"].array).take(pa.array(order[first])),
        }
    )


def _numbers(day: pd.Series) -> Lines:
    cells = pa.array(day)
    whole = cells.combine_chunks() if isinstance(cells, pa.ChunkedArray) else cells
    numbers: Lines = whole.cast(pa.int32()).cast(pa.int64()).to_numpy()
    return numbers


def _days(numbers: Lines) -> pa.Array:
    return pa.array(numbers, pa.int32()).cast(pa.date32())
