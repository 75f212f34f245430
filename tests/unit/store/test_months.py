"""Every month has its place before a reading comes, and making one holds up nobody."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from meterdrop.model.errors import TryAgain
from meterdrop.store import months
from meterdrop.store.engine import writing

pytestmark = pytest.mark.only_on("postgresql")
NOVEMBER = date(2031, 11, 24)
INSERT = (
    "INSERT INTO reading (partner, device, day, value, canonical_value, canonical_unit, kind, estimated, serial, "
    "delivery, line) VALUES ('anyone', {device}, '{day}', '1', 1, 'm3', 'RADIO', false, '1', 1, 2)"
)


def make(engine: Engine, *days: date) -> tuple[date, ...]:
    with writing(engine) as store:
        return months.make(store, days=days)


def test_month_is_made_once_and_takes_its_first_and_its_last_day(engine: Engine) -> None:
    assert make(engine, NOVEMBER, NOVEMBER - timedelta(days=1)) == (date(2031, 11, 1),)
    assert make(engine, NOVEMBER) == ()
    with engine.connect() as store:  # nothing of it is kept: there is no such meter
        for day in ("2031-11-01", "2031-11-30"):
            store.execute(text(INSERT.format(device=1, day=day)))
        told = store.execute(text("SELECT tableoid::regclass::text, day FROM reading ORDER BY day")).all()
    assert [(name, str(day)) for name, day in told] == [
        ("reading_2031_11", "2031-11-01"),
        ("reading_2031_11", "2031-11-30"),
    ]


def test_reading_of_a_month_that_went_in_the_meantime_is_tried_again(engine: Engine) -> None:
    with pytest.raises(TryAgain, match="month of readings is being taken out"), writing(engine) as store:
        store.execute(text(INSERT.format(device=1, day="2031-11-01")))


def test_month_has_the_key_of_all_readings(engine: Engine) -> None:
    make(engine, NOVEMBER)
    with writing(engine) as store:
        keys = store.execute(
            text("SELECT indexdef FROM pg_indexes WHERE tablename = 'reading_2031_11'")
        ).scalars()
        assert [one.partition("btree ")[2] for one in keys] == ["(partner, device, day)"]


def test_months_are_made_while_others_read_and_store(engine: Engine) -> None:
    """One transaction stores into November and stays open; December and October are made meanwhile."""
    make(engine, NOVEMBER)
    with engine.connect() as store:
        store.execute(text(INSERT.format(device=1, day=NOVEMBER)))
        with writing(engine) as other:
            other.execute(text("SET LOCAL lock_timeout = '2s'"))
            assert months.make(other, days=[date(2031, 12, 5), date(2031, 10, 5)]) == (
                date(2031, 10, 1),
                date(2031, 12, 1),
            )
        store.execute(text(INSERT.format(device=1, day="2031-12-01")))
        assert store.execute(text("SELECT count(*) FROM reading")).scalar_one() == 2


@given(st.dates(min_value=date(1900, 1, 1), max_value=date(2999, 1, 1)))
def test_months_ahead_follow_each_other(today: date) -> None:
    told = months.ahead(today)
    assert (told[0].year, told[0].month, len(told)) == (today.year, today.month, months.AHEAD + 1)
    for first, after in pairwise(told):
        assert (first + timedelta(days=31)).replace(day=1) == after
