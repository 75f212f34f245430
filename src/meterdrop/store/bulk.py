"""How do many rows go in at once? Whole columns to tuples in Arrow, one prepared statement, no SQL per row."""

from collections.abc import Iterator, Sequence
from typing import Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection, Table

from meterdrop.store.columns import ExactDecimal

_MOST_NAMED: Final = 10_000
_AT_ONCE: Final = 20_000
"""Rows that are Python objects at the same time, on their way to the driver."""


def insert_frame(connection: Connection, *, table: Table, frame: pd.DataFrame) -> None:
    """Inserts every row of the frame; its columns are named as the table's."""
    if len(frame) == 0:
        return
    names = list(frame.columns)
    quoted = ", ".join(f'"{name}"' for name in names)
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    marks = ", ".join([mark] * len(names))
    # Names are of our own schema, never of the data.
    statement = f'INSERT INTO "{table.name}" ({quoted}) VALUES ({marks})'  # noqa: S608
    for start in range(0, len(frame), _AT_ONCE):
        part = frame.iloc[start : start + _AT_ONCE]
        values = [
            _for_driver(_arrow(part[name]), text_decimals=_is_text_decimal(connection, table, name))
            for name in names
        ]
        connection.exec_driver_sql(statement, _tuples(values))


def _is_text_decimal(connection: Connection, table: Table, name: str) -> bool:
    return connection.dialect.name == "sqlite" and isinstance(table.c[name].type, ExactDecimal)


def _arrow(series: pd.Series) -> pa.Array:
    array = pa.Array.from_pandas(series)
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _for_driver(array: pa.Array, *, text_decimals: bool) -> list[object]:
    if text_decimals or pa.types.is_decimal(array.type):
        array = decimal_text(array)
    elif pa.types.is_date32(array.type):
        array = pc.cast(array, pa.string())
    values: list[object] = array.to_pylist()
    return values


def decimal_text(array: pa.Array) -> pa.Array:
    """Decimals in plain notation without trailing zeros, whole columns at a time."""
    text = pc.cast(array, pa.string()) if not pa.types.is_string(array.type) else array
    with_fraction = pc.match_substring(text, ".")
    trimmed = pc.utf8_rtrim(pc.utf8_rtrim(text, "0"), ".")
    return pc.if_else(with_fraction, trimmed, text)


def _tuples(columns: Sequence[list[object]]) -> list[tuple[object, ...]]:
    return list(zip(*columns, strict=True))


def portions(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    """The numbers in lists that a statement can name one by one: databases take only so many."""
    return (numbers[start : start + _MOST_NAMED] for start in range(0, len(numbers), _MOST_NAMED))


def text_column(value: str | None, count: int) -> pd.Series:
    """The same text in every row."""
    return pd.Series(pa.repeat(pa.scalar(value, pa.string()), count), dtype=pd.ArrowDtype(pa.string()))


def number_column(value: int | None, count: int) -> pd.Series:
    """The same whole number in every row."""
    return pd.Series(pa.repeat(pa.scalar(value, pa.int64()), count), dtype=pd.ArrowDtype(pa.int64()))
