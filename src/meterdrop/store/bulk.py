"""How do many rows go in at once? On SQLite as tuples that Arrow makes of whole columns, a hundred rows a statement."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from types import MappingProxyType
from typing import Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection, Table

from meterdrop.store.columns import ExactDecimal
from meterdrop.store.copying import copy_frames
from meterdrop.tables import decimal_text

_MOST_NAMED: Final = 10_000
_AT_ONCE: Final = 20_000
"""Rows that are Python objects at the same time, on their way to the driver."""
_A_STATEMENT: Final = 100
"""Rows that one statement inserts: to begin and end one costs as much as to insert a row."""
_FEW: Final = 8
"""So many different texts are few."""
_LOOK: Final = 500
"""Rows that show whether it is worth while to look for few different cells in all."""

Constant = int | str | None
"""A cell that is the same in every row."""


@dataclass(frozen=True)
class _Column:
    """The cells of some rows as the driver takes them: `cells`, or their places among few different `choices`.

    A place that is none of them is null; without `cells` all rows have the one choice.
    """

    name: str
    cells: Sequence[object] = ()
    choices: Sequence[object] = ()

    def mark(self, number: int, *, choices: int) -> str:
        """What stands for a row's cell: its own mark has this number, and the first choice's is `choices`."""
        if not self.choices:
            return f"?{number}"
        if not self.cells:
            return f"?{choices}"
        chosen = " ".join(f"WHEN {place} THEN ?{choices + place}" for place in range(len(self.choices)))
        return f"CASE ?{number} {chosen} END"


def insert_frame(
    connection: Connection,
    *,
    table: Table,
    frame: pd.DataFrame,
    constants: Mapping[str, Constant] = MappingProxyType({}),
) -> None:
    """Inserts every row of the frame, and the same `constants` with each; columns are named as the table's.

    A column with nothing in it may be left out: the table's own default must be null. See `copying` for PostgreSQL.
    """
    insert_frames(connection, table=table, frames=[frame], constants=constants)


def insert_frames(
    connection: Connection,
    *,
    table: Table,
    frames: Iterable[pd.DataFrame],
    constants: Mapping[str, Constant] = MappingProxyType({}),
) -> None:
    """The same with the rows of many frames of the same columns, in order; who makes them leaves this connection alone."""
    if connection.dialect.name != "sqlite":
        copy_frames(connection, table=table, frames=frames, constants=constants)
        return
    for frame in frames:
        _insert_frame(connection, table, frame, constants=constants)


def _insert_frame(
    connection: Connection, table: Table, frame: pd.DataFrame, *, constants: Mapping[str, Constant]
) -> None:
    same = [_Column(name, choices=[value]) for name, value in constants.items()]
    for start in range(0, len(frame), _AT_ONCE):
        part = frame.iloc[start : start + _AT_ONCE]
        _insert(connection, table, columns=same + _columns(table, part), count=len(part))


def _columns(table: Table, part: pd.DataFrame) -> list[_Column]:
    """The columns in which there is anything.

    Findings and readings have many with few different texts: SQLite takes a number in a third of a text's time.
    """
    columns: list[_Column] = []
    for name in part.columns:
        array = _arrow(part[name])
        if array.null_count == len(array):
            continue
        is_decimal = isinstance(table.c[name].type, ExactDecimal)
        places = _few(array)
        if places is None:
            columns.append(_Column(name, _for_sqlite(array, is_decimal=is_decimal)))
            continue
        choices = _for_sqlite(places.dictionary, is_decimal=is_decimal)
        one = len(choices) == 1 and places.null_count == 0
        cells = [] if one else pc.fill_null(places.indices, len(choices)).to_pylist()
        columns.append(_Column(name, cells, choices))
    return columns


def _few(array: pa.Array) -> pa.DictionaryArray | None:
    """The column by its different cells, if they are few; of what is no text only if it is one."""
    few = _FEW if pa.types.is_string(array.type) else 1
    if len(array[:_LOOK].unique()) > few:
        return None
    places = array.dictionary_encode()
    return places if len(places.dictionary) <= few else None


def _insert(connection: Connection, table: Table, *, columns: Sequence[_Column], count: int) -> None:
    own = [column.cells for column in columns if column.cells]
    row_by_row: list[object] = [None] * (count * len(own))
    for place, cells in enumerate(own):
        row_by_row[place :: len(own)] = cells
    choices = tuple(chain.from_iterable(column.choices for column in columns))
    done = 0
    for rows in (_A_STATEMENT, 1):
        ends = range(done + rows, count + 1, rows)
        if ends:
            statement = _statement(table, columns, rows=rows)
            taken = [(*choices, *row_by_row[(end - rows) * len(own) : end * len(own)]) for end in ends]
            connection.exec_driver_sql(statement, taken)
            done = ends[-1]


def _statement(table: Table, columns: Sequence[_Column], *, rows: int) -> str:
    """The statement for so many rows. Numbered marks are first those of all choices, then each row's own."""
    quoted = ", ".join(f'"{column.name}"' for column in columns)
    first = list(accumulate((len(column.choices) for column in columns), initial=1))
    number = first.pop()
    values = []
    for _ in range(rows):
        marks = []
        for column, choices in zip(columns, first, strict=True):
            marks.append(column.mark(number, choices=choices))
            number += bool(column.cells)
        values.append(f"({', '.join(marks)})")
    # Names are of our own schema, never of the data.
    return f'INSERT INTO "{table.name}" ({quoted}) VALUES {", ".join(values)}'  # noqa: S608


def _arrow(series: pd.Series) -> pa.Array:
    array = pa.Array.from_pandas(series)
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _for_sqlite(array: pa.Array, *, is_decimal: bool) -> list[object]:
    """As the driver takes them. For flags and bytes it would look for adapters, which takes as long as to insert them."""
    if is_decimal or pa.types.is_decimal(array.type):
        array = decimal_text(array)
    elif pa.types.is_date32(array.type):
        array = pc.cast(array, pa.string())
    elif pa.types.is_boolean(array.type):
        array = pc.cast(array, pa.int8())
    elif pa.types.is_large_binary(array.type):
        raws: list[bytes | None] = array.to_pylist()
        return [None if raw is None else bytearray(raw) for raw in raws]
    values: list[object] = array.to_pylist()
    return values


def portions(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    """The numbers in lists that a statement can name one by one: databases take only so many."""
    return (numbers[start : start + _MOST_NAMED] for start in range(0, len(numbers), _MOST_NAMED))


def number_column(value: int | None, count: int) -> pd.Series:
    """The same whole number in every row."""
    return pd.Series(pa.repeat(pa.scalar(value, pa.int64()), count), dtype=pd.ArrowDtype(pa.int64()))
