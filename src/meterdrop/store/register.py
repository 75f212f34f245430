"""Which meters does a partner have, and where? The device register."""

from collections.abc import Iterator, Mapping

import pandas as pd
import pyarrow as pa
from sqlalchemy import Connection, func, insert, select, update

from meterdrop.store.schema import device
from meterdrop.tables import DAY, LINE, TEXT

_FACTS = {
    "device": LINE,
    "key": TEXT,
    "radio_key": TEXT,
    "media": TEXT,
    "dimension": TEXT,
    "installed_from": DAY,
    "installed_to": DAY,
}
_CHANGEABLE = tuple(
    column.name for column in device.columns if column.name not in ("id", "partner", "serial_key")
)


def facts(connection: Connection, *, partner: str) -> pd.DataFrame:
    """What the rules need to know of each device: its id, names, medium, dimension and days of service."""
    rows = connection.execute(
        select(
            device.c.id,
            device.c.serial_key,
            device.c.radio_key,
            device.c.media,
            device.c.dimension,
            device.c.installed_from,
            device.c.installed_to,
        )
        .where(device.c.partner == partner)
        .order_by(device.c.id)
    ).all()
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(_FACTS)
    return pd.DataFrame(
        {
            name: pd.Series(pa.array(values, type=dtype.pyarrow_dtype), dtype=dtype)
            for (name, dtype), values in zip(_FACTS.items(), columns, strict=True)
        }
    )


def known(connection: Connection, *, partner: str) -> dict[tuple[str, object], dict[str, object]]:
    """Every device of the partner by (serial key, installed from)."""
    rows = connection.execute(select(device).where(device.c.partner == partner))
    return {(row.serial_key, row.installed_from): dict(row._mapping) for row in rows}


def add(connection: Connection, devices: list[dict[str, object]]) -> None:
    """New devices, all of their columns given."""
    if devices:
        connection.execute(insert(device), devices)


def change(connection: Connection, *, key: int, values: Mapping[str, object]) -> None:
    """New facts of one device; its partner and serial key never change."""
    unknown = set(values) - set(_CHANGEABLE)
    if unknown:
        raise ValueError(f"not a device's changeable columns: {sorted(unknown)}")
    connection.execute(update(device).where(device.c.id == key).values(**values))


def count(connection: Connection, *, partner: str | None = None) -> int:
    """How many devices are registered."""
    wanted = select(func.count()).select_from(device)
    if partner is not None:
        wanted = wanted.where(device.c.partner == partner)
    return connection.execute(wanted).scalar_one()


def exported(connection: Connection, *, partner: str | None) -> Iterator[dict[str, object]]:
    """The register by partner and serial."""
    wanted = select(device).order_by(device.c.partner, device.c.serial_key, device.c.installed_from)
    if partner is not None:
        wanted = wanted.where(device.c.partner == partner)
    for row in connection.execution_options(yield_per=10_000).execute(wanted):
        yield dict(row._mapping)
