"""The stored readings on and next to some days, against looking at all of them."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, insert

from meterdrop.model.ticket import Ticket
from meterdrop.store import deliveries
from meterdrop.store.engine import reading_from, writing
from meterdrop.store.neighbours import STORED_COLUMNS, around, stretches
from meterdrop.store.schema import device, reading
from meterdrop.tables import DAY, LINE, TEXT

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
FIRST = date(2026, 3, 1)
DAYS = (0, 1, 2, 5, 9, 30)


@dataclass(frozen=True)
class Stored:
    device: int
    day: int
    delta: bool
    delivery: int
    unit: str = "m3"


def keys(*wanted: tuple[int, int], unit: str = "m3") -> pd.DataFrame:
    return pd.DataFrame(
        {
            "device": pd.Series([each[0] for each in wanted], dtype=LINE),
            "day": pd.Series([FIRST + timedelta(days=each[1]) for each in wanted], dtype=DAY),
            "canonical_unit": pd.Series([unit] * len(wanted), dtype=TEXT),
        }
    )


@pytest.fixture
def full(engine: Engine, ticket: Ticket) -> tuple[Engine, list[Stored]]:
    """Two devices with readings of both kinds and two dimensions by two deliveries, and one of another partner."""
    known = [
        Stored(
            number,
            day,
            delta=(number + place) % 3 == 0,
            delivery=1 + place % 2,
            unit="MJ" if place in (2, 3) else "m3",
        )
        for number in (1, 2)
        for place, day in enumerate(DAYS)
    ]
    with writing(engine) as store:
        for upload in ("a" * 26, "b" * 26):
            deliveries.add_received(
                store, ticket=Ticket(**{**vars(ticket), "upload": upload}), now=NOW, feed=None
            )
        for number, partner in ((1, "anyone"), (2, "anyone"), (3, "other")):
            store.execute(
                insert(device).values(
                    id=number,
                    partner=partner,
                    serial=str(number),
                    serial_key=str(number),
                    media="CW",
                    location="A",
                    room="WC",
                    seq=number,
                    correction=Decimal(1),
                    role="UNIT",
                    installed_from=date(2020, 1, 1),
                    seen_on=FIRST,
                    delivery=1,
                    line=2,
                )
            )
        for one in [*known, Stored(3, 1, delta=False, delivery=1)]:
            store.execute(
                insert(reading).values(
                    partner="other" if one.device == 3 else "anyone",
                    device=one.device,
                    day=FIRST + timedelta(days=one.day),
                    value=f"{one.day}.50",
                    unit="l",
                    canonical_value=Decimal(one.day) / 1000,
                    canonical_unit=one.unit,
                    kind="RADIO",
                    estimated=False,
                    serial=str(one.device),
                    delivery=one.delivery,
                    line=2,
                    delta=one.delta,
                )
            )
    return engine, known


def wanted_by_hand(
    known: list[Stored], wanted: set[tuple[int, int]], *, unit: str, delta: bool, without: int | None
) -> set[tuple[int, int]]:
    there = [one for one in known if one.delivery != without]
    found = {(one.device, one.day) for one in there if (one.device, one.day) in wanted}
    for number, day in wanted:
        mine = [one.day for one in there if (one.device, one.unit, one.delta) == (number, unit, delta)]
        before, after = [each for each in mine if each < day], [each for each in mine if each > day]
        found |= {(number, max(before))} if before else set()
        found |= {(number, min(after))} if after else set()
    return found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # it is only read from
@given(data=st.data())
def test_nearest_readings_are_found_whatever_is_asked(
    full: tuple[Engine, list[Stored]], data: st.DataObject
) -> None:
    """At least those that are asked for, each once, and nobody else's."""
    engine, known = full
    wanted = data.draw(st.sets(st.tuples(st.integers(1, 3), st.integers(-2, 33)), min_size=1, max_size=6))
    delta, without = data.draw(st.booleans()), data.draw(st.sampled_from([None, 1, 2, 9]))
    unit = data.draw(st.sampled_from(["m3", "MJ"]))
    asked = keys(*sorted(wanted), unit=unit)
    with reading_from(engine) as store:
        found = around(store, partner="anyone", keys=asked, delta=delta, without=without)
    at = [(number, (day - FIRST).days) for number, day in zip(found["device"], found["day"], strict=True)]
    there = {(one.device, one.day) for one in known if one.delivery != without}
    assert len(at) == len(set(at))
    assert wanted_by_hand(known, wanted, unit=unit, delta=delta, without=without) <= set(at) <= there


def test_reading_comes_as_it_is_stored(full: tuple[Engine, list[Stored]]) -> None:
    """With exact decimals, days, and value and unit as sent."""
    engine, _ = full
    with reading_from(engine) as store:
        found = around(store, partner="anyone", keys=keys((1, 9)), delta=True)
    assert {name: found[name].dtype for name in found.columns} == STORED_COLUMNS
    [row] = found.loc[found["day"] == FIRST + timedelta(days=9)].to_dict("records")
    assert row == {
        "device": 1,
        "day": FIRST + timedelta(days=9),
        "value": "9.50",
        "unit": "l",
        "canonical_value": Decimal("0.009"),
        "canonical_unit": "m3",
        "kind": "RADIO",
        "estimated": False,
        "delta": False,
        "delivery": 1,
    }


def test_nothing_stored_is_a_frame_of_nothing(engine: Engine) -> None:
    with reading_from(engine) as store:
        for wanted in (keys(), keys((7, 1))):
            found = around(store, partner="anyone", keys=wanted, delta=False)
            assert len(found) == 0
            assert {name: found[name].dtype for name in found.columns} == STORED_COLUMNS


def test_days_that_lie_near_each_other_are_one_stretch() -> None:
    """So that a daily file asks once for each meter."""
    found = stretches(keys((2, 9), (1, 0), (1, 3), (1, 7), (1, 1)))
    days = [(first - FIRST).days for first in found["first"]], [(last - FIRST).days for last in found["last"]]
    assert found["device"].tolist() == [1, 1, 2]
    assert days == ([0, 7, 9], [3, 7, 9])
    assert found.dtypes["first"] == DAY
