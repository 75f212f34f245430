"""How does the register change? Devices as the rules of the register read and write them, whole columns at a time."""

from collections.abc import Collection
from typing import Any, Final

import pandas as pd
import pyarrow as pa
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Date,
    MetaData,
    Table,
    Text,
    cast,
    exists,
    func,
    or_,
    select,
    update,
)

from meterdrop.store.bulk import insert_frame
from meterdrop.store.columns import ExactDecimal
from meterdrop.store.schema import device, reading
from meterdrop.store.temporary import temporary
from meterdrop.tables import DAY, DECIMAL, LINE, TEXT

_CHANGEABLE: Final = frozenset(device.columns.keys()) - {"id", "partner", "serial_key"}

_ELSEWHERE: Final = Table(
    "service_elsewhere",
    MetaData(),
    Column("device", BigInteger, primary_key=True, autoincrement=False),
    Column("start", Date, primary_key=True),
    Column("end", Date),
    Column("other", BigInteger),
    prefixes=["TEMPORARY"],
)


def _dtype(column: Column[Any]) -> pd.ArrowDtype:
    if isinstance(column.type, ExactDecimal):
        return DECIMAL
    return {"DATE": DAY, "INTEGER": LINE, "BIGINT": LINE}.get(str(column.type), TEXT)


_KNOWN: Final = {
    column.name: _dtype(column) for column in device.columns if column.name not in ("id", "delivery", "line")
}


def known(connection: Connection, *, partners: Collection[str]) -> pd.DataFrame:
    """Every device of these partners as the rules of the register know it: `device` is its id, the rest by name."""
    texts = [cast(device.c[name], Text).label(name) for name in _KNOWN]
    wanted = select(device.c.id, *texts).where(device.c.partner.in_(partners)).order_by(device.c.id)
    rows = connection.execute(wanted).all()
    columns = list(zip(*rows, strict=True)) if rows else [()] * (len(_KNOWN) + 1)
    frame = {"device": pd.Series(pa.array(columns[0], pa.int64()), dtype=LINE)}
    for (name, dtype), cells in zip(_KNOWN.items(), columns[1:], strict=True):
        # As text both databases say the same, and Arrow reads it a column at a time.
        frame[name] = pd.Series(pa.array(cells, pa.string()).cast(dtype.pyarrow_dtype), dtype=dtype)
    return pd.DataFrame(frame)


def add(connection: Connection, devices: pd.DataFrame) -> None:
    """New devices, in order; a column for each of the table's but the id."""
    insert_frame(connection, table=device, frame=devices)


def change(connection: Connection, devices: pd.DataFrame) -> None:
    """New values of known devices: `device`, and a column for each one that is new. No partner or number changes."""
    unknown = set(devices.columns) - _CHANGEABLE - {"device"}
    if unknown:
        raise ValueError(f"not a device's changeable columns: {sorted(unknown)}")
    if len(devices) == 0:
        return
    told = _told([device.c[name] for name in devices.columns if name != "device"])
    with temporary(connection, told, devices):
        connection.execute(
            update(device)
            .values({name: told.c[name] for name in devices.columns if name != "device"})
            .where(device.c.id == told.c.device)
        )


def readings_outside(
    connection: Connection, *, services: pd.DataFrame, elsewhere: pd.DataFrame
) -> pd.DataFrame:
    """Of readings that lie outside of these services: device, how many, the first and the last day.

    `services` has device, partner, start and end (null: in service); the days at both ends belong to a service.
    Readings of days on which the meter served `elsewhere` (device, start, end, other) are not counted, unless that
    other service has readings of those days itself.
    """
    if len(services) == 0:
        return _outside([])
    span = _told([device.c.partner, Column("start", Date), Column("end", Date)])
    with (
        temporary(connection, span, services[["device", "partner", "start", "end"]]),
        temporary(connection, _ELSEWHERE, elsewhere),
    ):
        rows = connection.execute(
            select(reading.c.device, func.count(), func.min(reading.c.day), func.max(reading.c.day))
            .select_from(span)
            .join(reading, (reading.c.partner == span.c.partner) & (reading.c.device == span.c.device))
            .where(or_(reading.c.day < span.c.start, reading.c.day > span.c.end), ~_goes_elsewhere())
            .group_by(reading.c.device)
            .order_by(reading.c.device)
        ).all()
    return _outside([tuple(row) for row in rows])


def _goes_elsewhere() -> ColumnElement[bool]:
    there = reading.alias("there")
    taken = (
        exists()
        .where(
            there.c.partner == reading.c.partner,
            there.c.device == _ELSEWHERE.c.other,
            there.c.day == reading.c.day,
        )
        .correlate_except(there)
    )
    return exists().where(
        _ELSEWHERE.c.device == reading.c.device,
        _ELSEWHERE.c.start <= reading.c.day,
        or_(_ELSEWHERE.c.end.is_(None), reading.c.day <= _ELSEWHERE.c.end),
        func.coalesce(_ELSEWHERE.c.start < _ELSEWHERE.c.end, True),
        ~taken,
    )


def _outside(rows: list[tuple[object, ...]]) -> pd.DataFrame:
    types = {"device": LINE, "count": LINE, "first": DAY, "last": DAY}
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(types)
    return pd.DataFrame(
        {
            name: pd.Series(pa.array(cells, type=dtype.pyarrow_dtype), dtype=dtype)
            for (name, dtype), cells in zip(types.items(), columns, strict=True)
        }
    )


def _told(columns: list[Column[Any]]) -> Table:
    """A table of devices' ids with such columns, for one statement."""
    made = [Column(column.name, column.type) for column in columns]
    # No primary key: SQLite goes through these few rows and looks each up, not through all readings.
    key = Column("device", BigInteger, nullable=False)
    return Table("told_device", MetaData(), key, *made, prefixes=["TEMPORARY"])
