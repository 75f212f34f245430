"""Frames put into a table are there row by row, however many rows there are and whatever they share."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Date,
    Integer,
    MetaData,
    Table,
    Text,
    create_engine,
    select,
)

from meterdrop.store import bulk
from meterdrop.store.bulk import insert_frame
from meterdrop.store.columns import Bytes, ExactDecimal, plain
from meterdrop.tables import DAY, DECIMAL, FLAG, LINE, RAW, TEXT, decimal_text

THING = Table(
    "thing",
    MetaData(),
    Column("number", Integer),
    Column("text", Text),
    Column("raw", Bytes),
    Column("flag", Boolean),
    Column("day", Date),
    Column("exact", ExactDecimal),
    Column("owner", Text),
    Column("delivery", Integer),
)
TYPES: Mapping[str, Any] = {
    "number": LINE,
    "text": TEXT,
    "raw": RAW,
    "flag": FLAG,
    "day": DAY,
    "exact": DECIMAL,
}

Row = tuple[int, str | None, bytes | None, bool | None, date | None, Decimal | None]

rows = st.lists(
    st.tuples(
        st.integers(min_value=1, max_value=3),
        st.none() | st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=3),
        st.none() | st.binary(max_size=3),
        st.none() | st.booleans(),
        st.none() | st.dates(min_value=date(1, 1, 1)),
        st.none() | st.decimals(min_value=-1000, max_value=1000, places=3),
    ),
    max_size=12,
)


def frame(told: Sequence[Row]) -> pd.DataFrame:
    columns = zip(*told, strict=True) if told else [()] * len(TYPES)
    return pd.DataFrame(
        {
            name: pd.Series(
                pd.arrays.ArrowExtensionArray(pa.array(list(cells), dtype.pyarrow_dtype)), dtype=dtype
            )
            for (name, dtype), cells in zip(TYPES.items(), columns, strict=True)
        }
    )


def stored(told: Sequence[Row], **constants: str | int | None) -> list[tuple[object, ...]]:
    engine = create_engine("sqlite://")
    with engine.begin() as store:
        THING.create(store)
        insert_frame(store, table=THING, frame=frame(told), constants=constants)
        found = [tuple(row) for row in store.execute(select(THING))]
    engine.dispose()
    return found


@settings(max_examples=300)
@given(
    told=rows,
    sizes=st.fixed_dictionaries(
        {
            "_A_STATEMENT": st.integers(1, 5),
            "_AT_ONCE": st.integers(1, 8),
            "_FEW": st.integers(1, 3),
            "_LOOK": st.integers(1, 3),
        }
    ),
)
def test_every_row_comes_in_as_it_is(told: list[Row], sizes: dict[str, int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name, size in sizes.items():
            patch.setattr(bulk, name, size)
        assert stored(told, owner="anyone", delivery=7) == [(*row, "anyone", 7) for row in told]


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 20_000, 20_001, 20_199])
def test_no_row_is_lost_between_statements_and_portions(count: int) -> None:
    told: list[Row] = [(n, f"t{n}", None, n % 2 == 0, None, None) for n in range(count)]
    assert stored(told, delivery=1) == [(*row, None, 1) for row in told]


def test_database_without_numbered_marks_gets_the_same_rows() -> None:
    """Not tried against a real one: here a stand-in counts its marks as the driver would."""
    told: list[Row] = [
        (n, (None, "a", "b")[n % 3], b"%d" % n, True, date(2026, 1, 1), Decimal("1.50")) for n in range(203)
    ]
    got: list[tuple[object, ...]] = []

    def take(statement: str, sets: Sequence[tuple[object, ...]]) -> None:
        names = re.findall(r'"(\w+)"', statement.partition("VALUES")[0])[1:]
        for cells in sets:
            assert statement.count("%s") == len(cells)
            for start in range(0, len(cells), len(names)):
                row = dict(zip(names, cells[start : start + len(names)], strict=True))
                got.append(tuple(row[name] for name in (*TYPES, "owner")))

    driver: Any = SimpleNamespace(dialect=SimpleNamespace(name="postgresql"), exec_driver_sql=take)
    connection: Connection = driver
    insert_frame(connection, table=THING, frame=frame(told), constants={"owner": "anyone"})
    assert got == [(*row[:4], "2026-01-01", "1.5", "anyone") for row in told]


@given(st.lists(st.none() | st.decimals(-(10**18), 10**18, places=10) | st.decimals(-1, 1, places=10)))
def test_decimals_are_written_plainly(values: list[Decimal | None]) -> None:
    """As one by one: no exponent, no zeros at the end, and zero is 0."""
    values = [*values, Decimal(0), Decimal("0.0000000036"), None]
    found = decimal_text(pa.array(values, DECIMAL.pyarrow_dtype)).to_pylist()
    assert found == [None if value is None else plain(value) if value else "0" for value in values]
