"""A reading's own day, value and unit."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from meterdrop.model.feed import DateMeans
from meterdrop.validate.readings import (
    ReadingRules,
    canonical_values,
    check_days,
    check_readings,
    check_units,
    check_values,
)
from tests.unit.validate.typed import agreement, layout, readings, rows, told

TODAY = date(2026, 11, 24)
RULES = ReadingRules.of(agreement("readings").feed)
LAYOUT = layout("SerialNum", "Value", "Unit", "Date")


def test_reading_of_tomorrow_is_fine_and_of_the_day_after_is_not() -> None:
    """Clocks and time zones may be a day ahead."""
    frame = readings(Date=["2026-11-24", "2026-11-25", "2026-11-26", "9999-12-31"])
    found = check_days(frame, today=TODAY, rules=RULES, layout=LAYOUT)
    assert told(found) == [(4, "date.in-future", "Date"), (5, "date.in-future", "Date")]
    assert found["value"].tolist() == ["2026-11-26", "9999-12-31"]


def test_day_is_told_as_it_was_written_and_as_it_was_read() -> None:
    """The partner looks for it in the file; who stamps the start of a day means the end of the day before."""
    start = replace(agreement("readings"), date_means=DateMeans.START_OF_DAY)
    cells = {
        "SerialNum": ["1"] * 2,
        "Value": ["1"] * 2,
        "Unit": ["m3"] * 2,
        "Date": ["27.11.2026", "1.1.2020"],
    }
    frame = rows("readings", cells, under=start).frame
    found = check_days(frame, today=TODAY, rules=RULES, layout=LAYOUT)
    assert found["value"].tolist() == ["27.11.2026", "1.1.2020"]
    assert found["against"].tolist() == ["2026-11-26", "2019-12-31"]
    plain = check_days(readings(Date=["2026-11-26"]), today=TODAY, rules=RULES, layout=LAYOUT)
    assert plain["against"].isna().all()


def test_reading_of_three_years_ago_is_fine_and_the_day_before_is_too_old() -> None:
    """The parameter is the feed's."""
    frame = readings(Date=["2023-11-24", "2023-11-23"])
    assert told(check_days(frame, today=TODAY, rules=RULES, layout=LAYOUT)) == [(3, "date.too-old", "Date")]
    longer = replace(RULES, years_back=4)
    assert told(check_days(frame, today=TODAY, rules=longer, layout=LAYOUT)) == []


def test_three_years_before_a_leap_day_is_the_28th_of_february() -> None:
    """There is no other day."""
    frame = readings(Date=["2025-02-28", "2025-02-27"])
    found = check_days(frame, today=date(2028, 2, 29), rules=RULES, layout=LAYOUT)
    assert told(found) == [(3, "date.too-old", "Date")]


def test_eighty_thousand_cubic_metres_is_no_value() -> None:
    """In any unit of volume; of energy it may be one."""
    frame = readings(
        Value=["80000", "80000000", "80000.0", "80000", "79999"], Unit=["m3", "l", "m3", "MJ", "m3"]
    )
    found = check_values(frame, rules=RULES, layout=LAYOUT)
    assert told(found) == [(line, "value.sentinel", "Value") for line in (2, 3, 4)]
    assert found["value"].tolist() == ["80000", "80000000", "80000.0"]


def test_unit_is_missing_where_the_medium_is_not_heating() -> None:
    """Heating and unknown media are asked of the register."""
    frame = readings(Unit=["", "", "", "m3", "xx"], Media=["CW", "HT", "", "CW", "CW"])
    assert told(check_units(frame, layout=LAYOUT)) == [(2, "cell.missing", "Unit")]


@pytest.mark.parametrize(
    ("value", "unit", "canonical"),
    [
        ("0.123456", "l", "0.000123456"),
        ("0.123456", "Wh", "0.0004444416"),
        ("999999999999999", "MWh", "3599999999999996400"),
        ("12.5", "kWh", "45"),
        ("7", "", "7"),
    ],
)
def test_canonical_value_is_exact(value: str, unit: str, canonical: str) -> None:
    """Also for the smallest and the largest of what may be sent."""
    frame = readings(Value=[value], Unit=[unit])
    assert canonical_values(frame).tolist() == [Decimal(canonical)]


def test_canonical_value_of_an_unknown_unit_is_unknown() -> None:
    """Not the value itself."""
    assert canonical_values(readings(Value=["7", "x"], Unit=["xx", "m3"])).isna().all()


def test_all_errors_of_a_reading_are_told_at_once() -> None:
    """Day, value and unit in one pass."""
    frame = readings(
        Value=["80000", "1"], Date=["2020-01-01", "2026-11-01"], Unit=["m3", ""], Media=["CW", "HW"]
    )
    found = check_readings(frame, today=TODAY, rules=RULES, layout=LAYOUT)
    assert told(found) == [
        (2, "date.too-old", "Date"),
        (2, "value.sentinel", "Value"),
        (3, "cell.missing", "Unit"),
    ]
