"""Registers that fall, begin anew or rise too fast: told beside the readings before and after."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pandas as pd
import pytest

from meterdrop.validate.arrays import Numbers
from meterdrop.validate.neighbours import check_neighbours
from meterdrop.validate.rises import Rises
from tests.unit.validate.metered import Meter, Reading, at, frame, meters, stored, told_days

FALLS = "reading.below-previous"
TOO_FAST = "reading.implausible-rise"

Told = list[tuple[int, str, str | None]]


def told(rows: Sequence[Reading], known: Sequence[Reading] = (), *of: Meter, hasty: bool = False) -> Told:
    """Line, code and what it was compared with, of every finding."""
    found = check_neighbours(
        frame(rows), stored=frame(known), meters=meters(*of), hasty=hasty, heading="Stav"
    )
    assert set(found["column"].dropna()) <= {"Stav"}
    cells = zip(found["line"], found["code"], found["against"], strict=True)
    return [(line, code, None if pd.isna(against) else against) for line, code, against in cells]


def test_register_that_rises_is_told_nothing() -> None:
    """Also where it stands still, and beside what is stored on both sides."""
    assert told(told_days("100", "100", "105.5"), stored((-3, "90"), (9, "120"))) == []


def test_the_later_of_two_that_fall_is_set_aside() -> None:
    assert told(told_days("100", "90")) == [(3, FALLS, "100 m3 (2026-03-01)")]


def test_one_wrong_value_costs_its_own_line_only() -> None:
    """High, low, at the beginning or in the middle: whatever leaves most of the others."""
    assert told(told_days("100", "99999999", "102", "103")) == [
        (3, FALLS, "102 m3 (2026-03-03)"),
        (3, TOO_FAST, "100 m3 (2026-03-01)"),
    ]
    assert told(told_days("100", "9", "102", "103")) == [
        (3, FALLS, "100 m3 (2026-03-01)"),
        (3, TOO_FAST, "102 m3 (2026-03-03)"),
    ]
    assert told(told_days("900", "101", "102")) == [(2, FALLS, "101 m3 (2026-03-02)")]
    assert told(told_days("5", "100", "101", "102")) == [(2, TOO_FAST, "100 m3 (2026-03-02)")]


def test_several_wrong_values_cost_their_lines_only() -> None:
    """Wherever they stand."""
    values = ["100", "7", "101", "101.5", "500", "102", "8", "8", "103", "104"]
    assert {line for line, _, _ in told(told_days(*values))} == {3, 6, 8, 9}


def test_what_is_stored_is_right() -> None:
    """A new reading that doesn't fit is wrong, however many they are."""
    fallen = told(told_days("50", "51", "52"), stored((-1, "100")))
    assert fallen == [(line, FALLS, "100 m3 (2026-02-28)") for line in (2, 3, 4)]


def test_late_reading_is_compared_with_the_one_after_it() -> None:
    """It must not be above that one, nor so low that the next rise becomes impossible."""
    known = stored((-5, "100"), (5, "120"))
    assert told(told_days("121"), known) == [(2, FALLS, "120 m3 (2026-03-06)")]
    assert told([Reading(2, 1, at(4), Decimal("105"))], known) == [(2, TOO_FAST, "120 m3 (2026-03-06)")]
    assert told(told_days("110"), known) == []


def test_late_reading_may_fail_on_both_sides() -> None:
    """Both are told: the value is too high for the one and too fast for the other."""
    known = stored((-1, "100"), (1, "105"))
    assert told(told_days("500"), known) == [
        (2, FALLS, "105 m3 (2026-03-02)"),
        (2, TOO_FAST, "100 m3 (2026-02-28)"),
    ]


def test_correction_stands_in_place_of_what_it_corrects() -> None:
    """The value that it takes the place of is no neighbour any more."""
    known = stored((-1, "100"), (0, "150"), (1, "110"))
    assert told(told_days("105"), known) == []


def test_correction_that_does_not_fit_leaves_the_stored_reading_in_its_place() -> None:
    """And a new reading beside it is compared with that."""
    known = stored((-1, "100"), (1, "104"), (3, "106"))
    rows = [Reading(2, 1, at(0), Decimal("104.5")), Reading(3, 1, at(1), Decimal("140"))]
    assert told(rows, known) == [
        (2, FALLS, "104 m3 (2026-03-02)"),
        (3, FALLS, "106 m3 (2026-03-04)"),
        (3, TOO_FAST, "100 m3 (2026-02-28)"),
    ]


def test_series_of_corrections_falls_one_after_another() -> None:
    """The last does not fit what follows; so its stored reading is back, which the one before does not fit …"""
    known = stored(*((number, str(100 + number)) for number in range(6)))
    fallen = told(told_days("101.5", "102.5", "103.5", "104.5", "105.5"), known)
    assert fallen == [(line, FALLS, f"{line + 99} m3 (2026-03-0{line})") for line in (2, 3, 4, 5, 6)]


def test_new_reading_that_only_a_fallen_correction_contradicted_stands() -> None:
    """What fell is no neighbour."""
    known = stored((0, "100"), (2, "104"), (4, "106"))
    rows = [Reading(2, 1, at(1), Decimal("102")), Reading(3, 1, at(2), Decimal("99.5"))]
    assert told(rows, known) == [(3, FALLS, "102 m3 (2026-03-02)")]


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        ("EXCHANGE_OUT", "EXCHANGE_IN", True),
        ("EXCHANGE_OUT", "RADIO", True),
        ("RADIO", "EXCHANGE_IN", True),
        ("EXCHANGE_IN", "EXCHANGE_OUT", False),
        ("BILLING", "INTERIM", False),
    ],
)
def test_exchange_begins_a_new_segment(first: str, second: str, found: bool) -> None:
    """A reading out ends one, a reading in begins one; nothing is compared across."""
    rows = [
        *told_days("1309", line=2),
        Reading(3, 1, at(1), Decimal("1310"), first),
        Reading(4, 1, at(2), Decimal("5"), second),
        Reading(5, 1, at(3), Decimal("6")),
    ]
    expected = [(4, "reading.exchange", "1310 m3 (2026-03-02)")]
    assert (told(rows) == expected) == found


def test_stored_exchange_counts_for_late_and_later_readings() -> None:
    """Its kind is stored with it."""
    known = [
        *stored((0, "1310"), kind="EXCHANGE_OUT"),
        *stored((2, "5"), kind="EXCHANGE_IN"),
    ]
    rows = [Reading(2, 1, at(-1), Decimal("1309")), Reading(3, 1, at(3), Decimal("6"))]
    assert told(rows, known) == []
    assert told([Reading(2, 1, at(-1), Decimal("1311"))], known) == [(2, FALLS, "1310 m3 (2026-03-01)")]
    assert told([Reading(2, 1, at(3), Decimal("4"))], known) == [(2, FALLS, "5 m3 (2026-03-03)")]


def test_exchange_holds_also_where_its_own_value_is_wrong() -> None:
    """The partner said that the meter was exchanged; only the value is a slip."""
    rows = [
        *told_days("1310", line=2),
        Reading(3, 1, at(1), Decimal("500"), "EXCHANGE_IN"),
        *[replace(one, day=at(2 + n), line=4 + n) for n, one in enumerate(told_days("6", "7", "8"))],
    ]
    assert told(rows) == [
        (3, FALLS, "6 m3 (2026-03-03)"),
        (4, "reading.exchange", "1310 m3 (2026-03-01)"),
    ]


def test_register_s_start_and_end_values_are_readings_too() -> None:
    """Of the day of installation and of removal; they are compared with the first and last readings."""
    known = Meter(installed_from="2026-03-01", installed_to="2026-03-04", start="5", end="20.5")
    assert told(told_days("5", "12", "20", "20.5"), (), known) == []
    assert told(told_days("4.9", "12"), (), known) == [(2, FALLS, "5 m3 (2026-03-01)")]
    assert told(told_days("5", "12", "20", "21"), (), known) == [(5, FALLS, "20.5 m3 (2026-03-04)")]
    assert told(told_days("15.1"), (), known) == [(2, TOO_FAST, "5 m3 (2026-03-01)")]


def test_reading_in_on_the_first_day_begins_with_the_start_value() -> None:
    """It is the same stretch of the meter's life; one that is read in later begins another."""
    known = Meter(installed_from="2026-03-01", start="5")
    first = Reading(2, 1, at(0), Decimal("4"), "EXCHANGE_IN")
    assert told([first], (), known) == [(2, FALLS, "5 m3 (2026-03-01)")]
    assert told([replace(first, day=at(9))], (), known) == [(2, "reading.exchange", "5 m3 (2026-03-01)")]


def test_reading_out_on_the_last_day_ends_with_the_end_value() -> None:
    known = Meter(installed_to="2026-03-01", end="100")
    last = Reading(2, 1, at(0), Decimal("101"), "EXCHANGE_OUT")
    assert told([last], (), known) == [(2, FALLS, "100 m3 (2026-03-01)")]


def test_start_value_is_in_the_unit_of_the_meter() -> None:
    """Litres in the register, cubic metres in the file."""
    known = Meter(unit="l", installed_from="2026-03-01", start="5000")
    assert told(told_days("4.99"), (), known) == [(2, FALLS, "5 m3 (2026-03-01)")]
    assert told(told_days("5"), (), known) == []


def test_start_value_of_zero_is_told_as_zero() -> None:
    """As a person writes it, whatever Arrow does."""
    known = Meter(installed_from="2026-03-01", start="0")
    assert told(told_days("500"), (), known) == [(2, TOO_FAST, "0 m3 (2026-03-01)")]


def test_allocator_s_new_year_is_told_once() -> None:
    """On the first reading after it."""
    allocator = Meter(media="HT", unit=None)
    rows = [
        Reading(line, 1, date.fromisoformat(day), Decimal(value), unit=None)
        for line, (day, value) in enumerate(
            [("2025-11-30", "1500"), ("2025-12-31", "1600"), ("2026-01-31", "40"), ("2026-02-28", "90")],
            start=2,
        )
    ]
    assert told(rows, (), allocator) == [(4, "reading.reset", "1600 (2025-12-31)")]


def test_rollover_is_told_and_what_stands_around_a_typo_is_kept() -> None:
    """The typo is found on either side of the place where the register ran over."""
    known = Meter(digits=5)
    assert told(told_days("99990", "99995", "3", "8"), (), known) == [
        (4, "reading.rollover", "99995 m3 (2026-03-02)")
    ]
    assert told(told_days("99990", "50000", "3", "8"), (), known) == [
        (3, FALLS, "99990 m3 (2026-03-01)"),
        (4, "reading.rollover", "99990 m3 (2026-03-01)"),
    ]
    assert told(told_days("99990", "99995", "3", "50000", "8", "9"), (), known) == [
        (4, "reading.rollover", "99995 m3 (2026-03-02)"),
        (5, FALLS, "8 m3 (2026-03-05)"),
        (5, TOO_FAST, "3 m3 (2026-03-03)"),
    ]


def test_small_fall_is_told_and_many_of_them_are_not_one_large_one() -> None:
    """Each reading is compared with its neighbour."""
    assert told(told_days("100.000", "99.996", "99.992")) == [
        (3, "reading.small-fall", "100.000 m3 (2026-03-01)"),
        (4, "reading.small-fall", "99.996 m3 (2026-03-02)"),
    ]
    assert told(told_days("100.000", "99.996", "99.990")) == [
        (3, "reading.small-fall", "100.000 m3 (2026-03-01)"),
        (4, FALLS, "99.996 m3 (2026-03-02)"),
    ]


def test_what_is_told_of_a_late_reading_is_told_of_it() -> None:
    """Not of the stored one after it, which has no line here."""
    assert told(told_days("100.004"), stored((1, "100"))) == [
        (2, "reading.small-fall", "100 m3 (2026-03-02)")
    ]


def test_haste_that_a_person_allows_is_told_and_sets_nothing_aside() -> None:
    """And is judged no further: what follows is compared with it. A fall is not allowed by it."""
    assert told(told_days("100", "500", "501"), hasty=True) == [(3, TOO_FAST, "100 m3 (2026-03-01)")]
    assert told(told_days("500"), stored((-1, "100"), (1, "105")), hasty=True)[0] == (
        2,
        FALLS,
        "105 m3 (2026-03-02)",
    )


def test_corrections_that_fall_one_after_another_are_not_looked_at_again_and_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each is wrong beside the one that fell before it; a hostile file must not cost the square of its lines."""
    days = 200
    known = stored(*((day, str(2 * day)) for day in range(days)))
    rows = told_days(*(str(2 * day + 3) for day in range(days - 1)))
    looked_at: list[int] = []
    between = Rises.between

    def counted(self: Rises, older: Numbers, newer: Numbers) -> Numbers:
        looked_at.append(len(older))
        return between(self, older, newer)

    monkeypatch.setattr(Rises, "between", counted)
    assert len(told(rows, known)) == days - 1
    assert sum(looked_at) < 20 * days


def test_units_and_meters_do_not_disturb_each_other() -> None:
    """Litres and cubic metres of one meter; another meter's values on the same days."""
    rows = [
        *told_days("100", "101"),
        replace(told_days("102500")[0], day=at(2), unit="l", line=4),
        *told_days("900", "3", device=2, line=5),
    ]
    assert told(rows, (), Meter(), Meter()) == [(6, FALLS, "900 m3 (2026-03-01)")]


def test_no_readings_have_no_neighbours() -> None:
    assert told([], stored((0, "5"))) == []
