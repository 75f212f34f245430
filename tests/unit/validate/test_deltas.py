"""Consumption instead of states: it may be anything that a meter can measure since the reading before."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pandas as pd
import pytest

from meterdrop.validate.deltas import check_deltas
from tests.unit.validate.metered import Meter, Reading, at, frame, meters, stored, told_days


def told(
    rows: Sequence[Reading], known: Sequence[Reading] = (), *of: Meter
) -> list[tuple[int, str, str | None]]:
    found = check_deltas(frame(rows), stored=frame(known), meters=meters(*of), heading="Value")
    assert set(found["code"]) <= {"reading.implausible-rise"}
    assert set(found["column"]) <= {"Value"}
    return list(zip(found["line"], found["value"], found["against"], strict=True))


def test_consumption_may_fall() -> None:
    assert told(told_days("9", "1", "0", "5")) == []


@pytest.mark.parametrize(("value", "wrong"), [("10", False), ("10.000001", True)])
def test_more_than_a_meter_can_measure_since_the_reading_before_is_told(value: str, wrong: bool) -> None:
    """In the file, or in the store; to the last decimal."""
    assert told(told_days("1", value)) == [(3, value, "1 m3 (2026-03-01)")] * wrong
    assert told(told_days(value), stored((-1, "4"))) == [(2, value, "4 m3 (2026-02-28)")] * wrong
    assert told(told_days("1", None, "20")) == []


def test_first_reading_of_a_meter_is_not_asked_since_when_it_counts() -> None:
    """Nobody knows; a later stored one doesn't tell."""
    assert told(told_days("99999"), stored((3, "4"))) == []


def test_reading_before_counts_also_where_its_own_value_is_too_much() -> None:
    """Its day is that of a reading all the same."""
    assert told(told_days("1", "500", "9")) == [(3, "500", "1 m3 (2026-03-01)")]


def test_correction_is_compared_with_the_reading_before_and_not_with_what_it_corrects() -> None:
    known = stored((-1, "4"), (0, "6"))
    assert told(told_days("10"), known) == []
    assert told(told_days("11"), known) == [(2, "11", "4 m3 (2026-02-28)")]


def test_meters_and_units_are_kept_apart() -> None:
    """Each is compared with its own; a medium without a limit with nothing."""
    rows = [
        *told_days("1", "9"),
        *[replace(one, unit="l") for one in told_days("1", "10001", device=2, line=4)],
        *[replace(one, unit="kWh") for one in told_days("1", "99999", device=3, line=6)],
    ]
    known = (Meter(), Meter(unit="l"), Meter(media="EL", unit="kWh"))
    assert told(rows, (), *known) == [(5, "10001", "1 l (2026-03-01)")]


def test_nothing_used_nothing() -> None:
    assert told([]) == []
    assert told([Reading(2, 1, at(0), Decimal(1))]) == []
    assert isinstance(check_deltas(frame([]), stored=frame([]), meters=meters()), pd.DataFrame)
