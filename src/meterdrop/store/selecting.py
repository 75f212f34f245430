"""How do many rows come out of the database? Column by column: no row is an object of its own."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
import pyarrow as pa
from sqlalchemy import ColumnElement, Connection, Select, Text, cast, literal_column

from meterdrop.store.copying import told_as_ours
from meterdrop.tables import DAY, DECIMAL, as_frame

if TYPE_CHECKING:
    import psycopg

Columns = Mapping[str, pd.ArrowDtype]

AT_ONCE: Final = 50_000
"""Rows that are on their way at the same time: a few MB."""

_EPOCH: Final[ColumnElement[Any]] = literal_column("DATE '1970-01-01'")


def select_frame(connection: Connection, statement: Select[Any], *, columns: Columns) -> pd.DataFrame:
    """All rows of the statement in their order: a frame of these columns, named and typed as here, one for one.

    PostgreSQL writes them by COPY, as CSV that Arrow reads whole columns at a time.
    """
    by_copy = connection.dialect.name == "postgresql"
    tables = _copied(connection, statement, columns) if by_copy else _fetched(connection, statement, columns)
    return as_frame(pa.concat_tables([_schema(columns).empty_table(), *tables]).combine_chunks())


def _schema(columns: Columns) -> Any:  # noqa: ANN401 - pyarrow has no types
    return pa.schema([(name, dtype.pyarrow_dtype) for name, dtype in columns.items()])


def _fetched(connection: Connection, statement: Select[Any], columns: Columns) -> Iterator[Any]:
    """Days and decimals come as texts, to be cast whole columns at a time."""
    as_text = [dtype in (DAY, DECIMAL) for dtype in columns.values()]
    wanted = statement.with_only_columns(
        *(
            cast(column, Text) if text else column
            for column, text in zip(statement.selected_columns, as_text, strict=True)
        )
    )
    result = connection.execute(wanted, execution_options={"yield_per": AT_ONCE})
    for rows in result.partitions(AT_ONCE):
        told = zip(zip(*rows, strict=True), columns.values(), as_text, strict=True)
        yield pa.table(
            [
                pa.array(cells, pa.string() if text else dtype.pyarrow_dtype).cast(dtype.pyarrow_dtype)
                for cells, dtype, text in told
            ],
            schema=_schema(columns),
        )


def _copied(connection: Connection, statement: Select[Any], columns: Columns) -> Iterator[Any]:
    """Days come as numbers: how they are written is a setting of the server's."""
    wanted = statement.with_only_columns(
        *(
            column - _EPOCH if dtype == DAY else column
            for column, dtype in zip(statement.selected_columns, columns.values(), strict=True)
        )
    ).compile(dialect=connection.dialect, compile_kwargs={"render_postcompile": True})
    query = f"COPY ({wanted}) TO STDOUT (FORMAT csv)"
    with told_as_ours(connection, query):
        cursor: psycopg.Cursor[Any] = connection.connection.cursor()  # type: ignore[assignment]  # psycopg's, on PostgreSQL
        with cursor, cursor.copy(query.encode(), wanted.params or None) as copy:
            rows = iter(copy)
            while some := b"".join(islice(rows, AT_ONCE)):
                yield _read(some, columns)


def _read(some: bytes, columns: Columns) -> Any:  # noqa: ANN401 - pyarrow has no types
    """A text in quotes may be empty; nothing at all is null."""
    from pyarrow import csv  # those who use SQLite need it not

    types = {name: pa.int32() if dtype == DAY else dtype.pyarrow_dtype for name, dtype in columns.items()}
    read = csv.read_csv(
        pa.BufferReader(some),
        read_options=csv.ReadOptions(column_names=list(columns), use_threads=False, block_size=len(some) + 1),
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            column_types=types,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            true_values=["t"],
            false_values=["f"],
        ),
    )
    return read.cast(_schema(columns))
