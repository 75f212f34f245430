"""Rows that are asked for as columns are the rows that are there, in their order, on either database."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    Boolean,
    Column,
    Date,
    Engine,
    Integer,
    MetaData,
    Table,
    Text,
    cast,
    insert,
    literal,
    select,
)
from sqlalchemy.exc import DataError

from meterdrop.model.errors import TryAgain
from meterdrop.store import selecting
from meterdrop.store.columns import ExactDecimal
from meterdrop.store.engine import make_engine, reading_from, writing
from meterdrop.store.selecting import select_frame
from meterdrop.tables import DAY, DECIMAL, FLAG, LINE, TEXT
from tests.postgres import Server

THING = Table(
    "selected_thing",
    MetaData(),
    Column("number", Integer),
    Column("text", Text),
    Column("flag", Boolean),
    Column("day", Date),
    Column("exact", ExactDecimal),
)
TYPES = {"number": LINE, "text": TEXT, "flag": FLAG, "day": DAY, "exact": DECIMAL}

Row = tuple[int, str | None, bool | None, date | None, Decimal | None]

rows = st.lists(
    st.tuples(
        st.integers(min_value=1, max_value=3),
        st.none()
        | st.sampled_from(["", "\\.", "\\N", "NULL", "t", 'a,"b"\r\n'])
        | st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=3),
        st.none() | st.booleans(),
        st.none() | st.dates(min_value=date(1, 1, 1)),
        st.none() | st.decimals(min_value=-(10**15), max_value=10**15, places=10),
    ),
    max_size=12,
)


def selected(told: Sequence[Row], *, engine: Engine, before: str = "SELECT 1") -> list[tuple[object, ...]]:
    """The rows of 1 and of 2 by number, as they come after these words to the database."""
    with engine.connect() as store, store.begin() as changes:
        store.exec_driver_sql(before)
        THING.create(store)
        if told:
            store.execute(insert(THING), [dict(zip(TYPES, row, strict=True)) for row in told])
        wanted = select(THING).where(THING.c.number.in_([1, 2])).order_by(THING.c.number)
        found = select_frame(store, wanted, columns=TYPES)
        changes.rollback()
    assert dict(found.dtypes) == TYPES
    return [
        tuple(None if cell is pd.NA or cell is pd.NaT else cell for cell in row)
        for row in found.astype(object).itertuples(index=False)
    ]


def expected(told: Sequence[Row]) -> set[Row]:
    return {row for row in told if row[0] != 3}


@settings(max_examples=100)
@given(told=rows, at_once=st.integers(1, 8))
def test_every_row_comes_out_of_sqlite_as_it_is(told: list[Row], at_once: int) -> None:
    engine = make_engine("sqlite://")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(selecting, "AT_ONCE", at_once)
        found = selected(told, engine=engine)
    engine.dispose()
    assert set(found) == expected(told)
    assert [row[0] for row in found] == sorted(row[0] for row in told if row[0] != 3)


@settings(max_examples=100)
@given(told=rows, at_once=st.integers(1, 8))
def test_every_row_comes_out_of_postgresql_as_it_is(
    told: list[Row], at_once: int, postgresql: Server
) -> None:
    engine = make_engine(url_of(postgresql))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(selecting, "AT_ONCE", at_once)
        found = selected(told, engine=engine, before="SET LOCAL datestyle = 'German'")
    engine.dispose()
    assert set(found) == expected(told)
    assert [row[0] for row in found] == sorted(row[0] for row in told if row[0] != 3)


def test_what_the_server_refuses_is_told_without_its_cells(postgresql: Server) -> None:
    engine = make_engine(url_of(postgresql))
    with pytest.raises(DataError) as refused, reading_from(engine) as store:
        select_frame(store, select(cast(literal("a cell"), Integer)), columns={"number": LINE})
    engine.dispose()
    assert "a cell that the database refuses" in str(refused.value)
    assert 'a cell"' not in str(refused.value.orig)


def test_server_that_goes_away_means_try_again(postgresql: Server) -> None:
    engine = make_engine(url_of(postgresql))
    with pytest.raises(TryAgain):
        select_from_a_connection_that_is_ended(engine, server=postgresql)
    engine.dispose()


def select_from_a_connection_that_is_ended(engine: Engine, *, server: Server) -> None:
    with writing(engine) as store:
        THING.create(store)
        pid = store.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        server.execute(f"SELECT pg_terminate_backend({pid})")
        select_frame(store, select(THING), columns=TYPES)


def url_of(server: Server) -> str:
    return server.url.render_as_string(hide_password=False)
