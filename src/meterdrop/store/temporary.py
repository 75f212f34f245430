"""Rows of ours as a table of the database's, for as long as some statements join it."""

from collections.abc import Iterator
from contextlib import contextmanager

import pandas as pd
from sqlalchemy import Connection, Table

from meterdrop.store.bulk import insert_frame


@contextmanager
def temporary(connection: Connection, table: Table, rows: pd.DataFrame | None = None) -> Iterator[None]:
    """The rows as a temporary table, so that one statement finds them all; an empty one without rows."""
    table.create(connection, checkfirst=False)
    if rows is not None:
        insert_frame(connection, table=table, frame=rows)
    yield
    table.drop(connection, checkfirst=False)
