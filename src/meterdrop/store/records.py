"""Where do rows of feeds without a metering table go? As JSON, so that a new CSV feed needs no Python."""

import json
from collections.abc import Iterator

import pandas as pd
from sqlalchemy import Connection, select

from meterdrop.store.bulk import Constant, insert_frame
from meterdrop.store.schema import record


def add(connection: Connection, *, rows: pd.DataFrame, delivery: int, partner: str, feed: str) -> None:
    """Stores records; `rows` has line and cells (JSON text), and may have quarantine."""
    same: dict[str, Constant] = {"delivery": delivery, "partner": partner, "feed": feed}
    insert_frame(connection, table=record, frame=rows, constants=same)


def exported(connection: Connection, *, feed: str, partner: str | None) -> Iterator[dict[str, object]]:
    """Records of a feed in order of arrival: partner, delivery, line and the cells."""
    wanted = select(record).where(record.c.feed == feed).order_by(record.c.delivery, record.c.line)
    if partner is not None:
        wanted = wanted.where(record.c.partner == partner)
    for row in connection.execute(wanted, execution_options={"yield_per": 10_000}):
        yield {"partner": row.partner, "delivery": row.delivery, "line": row.line, **json.loads(row.cells)}
