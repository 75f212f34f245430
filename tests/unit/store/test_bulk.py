"""Frames put into a table are there row by row, however many rows there are and whatever they share."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from traceback import format_exception
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
    Engine,
    Integer,
    MetaData,
    Table,
    Text,
    create_engine,
    select,
)
from sqlalchemy.exc import DataError

from meterdrop.model.errors import TryAgain
from meterdrop.store import bulk, copying
from meterdrop.store.bulk import insert_frame
from meterdrop.store.columns import Bytes, ExactDecimal, plain
from meterdrop.store.engine import make_engine, writing
from meterdrop.tables import DAY, DECIMAL, FLAG, LINE, RAW, TEXT, decimal_text
from tests.postgres import Server

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


def stored(
    told: Sequence[Row], *, url: str = "sqlite://", **constants: str | int | None
) -> list[tuple[object, ...]]:
    engine = create_engine(url)
    with engine.connect() as store:
        THING.create(store)
        insert_frame(store, table=THING, frame=frame(told), constants=constants)
        found = [tuple(row) for row in store.execute(select(THING))]
        store.rollback()
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


@settings(max_examples=100)
@given(told=rows, at_once=st.integers(1, 8))
def test_every_row_is_copied_as_it_is(told: list[Row], at_once: int, postgresql: Server) -> None:
    """But for NUL, which PostgreSQL can't keep in a text."""
    kept: list[Row] = [(number, text and text.replace("\0", ""), *rest) for number, text, *rest in told]  # type: ignore[misc]  # mypy forgets what *rest are
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copying, "AT_ONCE", at_once)
        found = stored(kept, url=url_of(postgresql), owner="anyone", delivery=7)
    assert found == [(*row, "anyone", 7) for row in kept]


def test_words_of_copy_s_own_are_cells_like_others(postgresql: Server) -> None:
    r"""`\.` ends the rows of a file that a server reads itself, and `\N` is its null."""
    told: list[Row] = [
        (number, text, None, None, None, None) for number, text in enumerate(["a\n\\.\nb", "\\.", "\\N", ""])
    ]
    assert stored(told, url=url_of(postgresql)) == [(*row, None, None) for row in told]


def test_refused_row_is_told_as_an_error_without_its_cells(postgresql: Server) -> None:
    cell = f"{date(2026, 1, 1)}\0"
    with pytest.raises(DataError) as refused:
        stored([(1, cell, None, None, None, None)], url=url_of(postgresql))
    assert cell[:10] not in "".join(format_exception(refused.value))


def test_server_that_goes_away_in_a_copy_means_try_again(postgresql: Server) -> None:
    engine = make_engine(url_of(postgresql))
    with pytest.raises(TryAgain):
        copy_from_a_connection_that_is_ended(engine, server=postgresql)
    with writing(engine) as store:
        assert store.exec_driver_sql("SELECT 1").scalar_one() == 1
    engine.dispose()


def copy_from_a_connection_that_is_ended(engine: Engine, *, server: Server) -> None:
    with writing(engine) as store:
        THING.create(store)
        server.execute(f"SELECT pg_terminate_backend({pid_of(store)})")
        insert_frame(store, table=THING, frame=frame([(1, None, None, None, None, None)]))


def pid_of(store: Connection) -> int:
    pid: int = store.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    return pid


def url_of(server: Server) -> str:
    return server.url.render_as_string(hide_password=False)


@given(st.lists(st.none() | st.decimals(-(10**18), 10**18, places=10) | st.decimals(-1, 1, places=10)))
def test_decimals_are_written_plainly(values: list[Decimal | None]) -> None:
    """As one by one: no exponent, no zeros at the end, and zero is 0."""
    values = [*values, Decimal(0), Decimal("0.0000000036"), None]
    found = decimal_text(pa.array(values, DECIMAL.pyarrow_dtype)).to_pylist()
    assert found == [None if value is None else plain(value) if value else "0" for value in values]
