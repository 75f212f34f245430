"""How do many rows go into PostgreSQL? By COPY, as CSV that Arrow writes whole columns at a time."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection, Table
from sqlalchemy.exc import DBAPIError

from meterdrop.store.engine import without_cells

if TYPE_CHECKING:
    import psycopg

AT_ONCE: Final = 50_000
"""Rows that are written as text at the same time, on their way to the server: a few MB."""

_HEX: Final = np.frombuffer("".join(f"{byte:02x}" for byte in range(256)).encode(), dtype="<u2")
"""For each byte its two digits, as one number of two bytes."""


def copy_frames(
    connection: Connection,
    *,
    table: Table,
    frames: Iterable[pd.DataFrame],
    constants: Mapping[str, int | str | None],
) -> None:
    """Inserts every row of these frames, and the same `constants` with each, in the order they come.

    One COPY for all of them, inside the connection's transaction: to begin one for every 20,000 rows takes a fifth more
    time. Columns are named as the table's, and are the same in all frames. The next frame is asked for while the server
    is still at the one before: what makes it must leave this connection alone.
    """
    waiting = (frame for frame in frames if len(frame))
    first = next(waiting, None)
    if first is None:
        return
    names = [*constants, *first.columns]
    quoted = ", ".join(f'"{name}"' for name in names)
    # Names are of our own schema, never of the data.
    statement = f'COPY "{table.name}" ({quoted}) FROM STDIN (FORMAT csv)'
    with told_as_ours(connection, statement):
        cursor: psycopg.Cursor[Any] = connection.connection.cursor()  # type: ignore[assignment]  # psycopg's, on PostgreSQL
        with cursor, cursor.copy(statement.encode()) as copy:
            for frame in chain([first], waiting):
                for start in range(0, len(frame), AT_ONCE):
                    copy.write(_as_csv(frame.iloc[start : start + AT_ONCE], constants=constants))


def _as_csv(part: pd.DataFrame, *, constants: Mapping[str, int | str | None]) -> memoryview:
    """Texts in quotes, and nothing at all for null: PostgreSQL tells an empty text from none by that."""
    from pyarrow import csv  # those who use SQLite need it not

    columns: dict[str, Any] = {name: _repeated(value, len(part)) for name, value in constants.items()}
    columns |= {name: _plain(part[name]) for name in part.columns}
    written = pa.BufferOutputStream()
    csv.write_csv(pa.table(columns), written, csv.WriteOptions(include_header=False))
    return memoryview(written.getvalue())


def _repeated(value: int | str | None, count: int) -> Any:  # noqa: ANN401 - pyarrow has no types
    return pa.nulls(count, pa.string()) if value is None else pa.repeat(pa.scalar(value), count)


def _plain(series: pd.Series) -> Any:  # noqa: ANN401 - pyarrow has no types
    array = pa.Array.from_pandas(series)
    whole = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    if pa.types.is_large_binary(whole.type) or pa.types.is_binary(whole.type):
        return _as_hex(whole.cast(pa.large_binary()))
    return whole


def _as_hex(array: Any) -> Any:  # noqa: ANN401 - pyarrow has no types
    r"""Bytes as PostgreSQL reads them: `\x00ff`."""
    _, offsets, content = array.buffers()
    starts = np.frombuffer(offsets, dtype=np.int64)[array.offset : array.offset + len(array) + 1]
    octets = np.frombuffer(content or b"", dtype=np.uint8)[starts[0] : starts[-1]]
    digits = pa.py_buffer(_HEX[octets].tobytes())
    places = pa.py_buffer(((starts - starts[0]) * 2).tobytes())
    hexed = pa.Array.from_buffers(pa.large_string(), len(array), [None, places, digits])
    marked = pc.binary_join_element_wise(
        pa.scalar("\\x", pa.large_string()), hexed, pa.scalar("", pa.large_string())
    )
    return pc.if_else(array.is_valid(), marked, pa.scalar(None, pa.large_string()))


@contextmanager
def told_as_ours(connection: Connection, statement: str) -> Iterator[None]:
    """What fails is told as SQLAlchemy tells failures, without the row that it failed at."""
    errors = connection.dialect.loaded_dbapi
    try:
        yield
    except errors.Error as error:
        gone = connection.dialect.is_disconnect(error, None, None)
        told = DBAPIError.instance(
            statement, None, without_cells(error), errors.Error, hide_parameters=True,
            connection_invalidated=gone, dialect=connection.dialect,
        )  # fmt: skip
        if gone:
            connection.invalidate()
        raise told from error
