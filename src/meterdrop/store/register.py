"""Which meters does a partner have, and where? The device register."""

from collections.abc import Collection, Iterator

import pandas as pd
from sqlalchemy import Connection, select

from meterdrop.store.schema import device
from meterdrop.store.selecting import select_frame
from meterdrop.tables import DAY, DECIMAL, LINE, TEXT, empty_frame

_FACTS = {
    "device": LINE,
    "key": TEXT,
    "radio_key": TEXT,
    "media": TEXT,
    "dimension": TEXT,
    "installed_from": DAY,
    "installed_to": DAY,
    "unit": TEXT,
    "start_value": DECIMAL,
    "end_value": DECIMAL,
    "digits": LINE,
}


def facts(connection: Connection, *, partner: str, keys: Collection[str] | None = None) -> pd.DataFrame:
    """What the rules need to know of each device, by id: names, medium, dimension, days of service, what it can show.

    With `keys`, only devices with these serial keys.
    """
    wanted = (
        select(
            device.c.id,
            device.c.serial_key,
            device.c.radio_key,
            device.c.media,
            device.c.dimension,
            device.c.installed_from,
            device.c.installed_to,
            device.c.unit,
            device.c.start_value,
            device.c.end_value,
            device.c.digits,
        )
        .where(device.c.partner == partner)
        .order_by(device.c.id)
    )
    if keys is not None:
        wanted = wanted.where(device.c.serial_key.in_(keys))
    return select_frame(connection, wanted, columns=_FACTS)


def has_at_most(connection: Connection, count: int, *, partner: str) -> bool:
    """Whether the partner has no more devices than that; more are not counted."""
    one_more = select(device.c.id).where(device.c.partner == partner).offset(count).limit(1)
    return connection.execute(one_more).first() is None


def nothing() -> pd.DataFrame:
    """The facts of no device."""
    return empty_frame(_FACTS)


def exported(connection: Connection, *, partner: str | None) -> Iterator[dict[str, object]]:
    """The register by partner and serial."""
    wanted = select(device).order_by(device.c.partner, device.c.serial_key, device.c.installed_from)
    if partner is not None:
        wanted = wanted.where(device.c.partner == partner)
    for row in connection.execute(wanted, execution_options={"yield_per": 10_000}):
        yield dict(row._mapping)
