"""How a register gets from one reading to the next: exactly, in the order of FEEDS."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from meterdrop.validate.rises import NOBODY, Points, Rises, Step
from meterdrop.validate.timeline import timeline
from tests.unit.validate.metered import RULES, Meter, Reading, frame, meters, step, told_days

NAMES = {
    Step.RISES: "rises",
    Step.RESET: "reset",
    Step.ROLLOVER: "rollover",
    Step.SMALL_FALL: "small fall",
    Step.TOO_FAST: "too fast",
    Step.FALLS: "falls",
}


def steps(*told: Reading, meter: Meter, hasty: bool = False) -> list[str]:
    """The steps from each reading to the next."""
    points = timeline(frame(told), stored=frame([]), meters=meters(meter)).points
    rises = Rises(points=points, meters=meters(meter), hasty=hasty)
    at = np.arange(len(told), dtype=np.int64)
    return [NAMES[Step(one)] for one in rises.between(at[:-1], at[1:])]


def pair(older: str, newer: str, *, days: int = 1, unit: str | None = "m3") -> list[Reading]:
    first = Reading(2, 1, date(2026, 3, 1), Decimal(older), unit=unit)
    return [first, replace(first, line=3, day=first.day + timedelta(days=days), value=Decimal(newer))]


@pytest.mark.parametrize(
    ("older", "newer", "days", "meter", "expected"),
    [
        ("100", "110", 1, Meter(), "rises"),
        ("100", "110.000001", 1, Meter(), "too fast"),
        ("100", "130", 3, Meter(), "rises"),
        ("100", "130.001", 3, Meter(), "too fast"),
        ("100", "99.995", 1, Meter(), "small fall"),
        ("100", "99.994999", 1, Meter(), "falls"),
        ("99999", "5", 1, Meter(digits=5), "rollover"),
        ("99999", "9", 1, Meter(digits=5), "rollover"),
        ("99999", "9.001", 1, Meter(digits=5), "falls"),
        ("99999", "5", 1, Meter(), "falls"),
        ("100000", "5", 1, Meter(digits=5), "falls"),
        ("99999", "5", 1, Meter(digits=6), "falls"),
        ("999", "1", 1, Meter(digits=16), "falls"),
        ("999", "1", 1, Meter(media="EL"), "falls"),
        ("100", "9999999", 1, Meter(media="EL"), "rises"),
    ],
)
def test_step_is_judged_to_the_last_decimal(
    older: str, newer: str, days: int, meter: Meter, expected: str
) -> None:
    """At the limits themselves all is well; where the register or the rules say nothing, nothing is guessed."""
    told = pair(older, newer, days=days)
    assert steps(*told, meter=meter) == [expected]
    assert step(told[0], told[1], meter) == expected


def test_register_runs_over_in_the_unit_of_the_meter_whatever_unit_is_sent() -> None:
    """A meter of five digits that counts litres begins anew at 100 m³."""
    in_litres = Meter(unit="l", digits=5)
    assert steps(*pair("99", "1"), meter=in_litres) == ["rollover"]
    assert steps(*pair("99000", "1000", unit="l"), meter=in_litres) == ["rollover"]
    assert steps(*pair("99000", "1000"), meter=in_litres) == ["falls"]


@pytest.mark.parametrize(
    ("older", "newer", "expected"),
    [
        ("2025-12-30", "2025-12-31", "reset"),
        ("2025-11-29", "2025-11-30", "reset"),
        ("2025-11-28", "2025-11-29", "falls"),
        ("2026-01-30", "2026-01-31", "reset"),
        ("2026-01-31", "2026-02-01", "falls"),
        ("2025-10-31", "2026-03-31", "reset"),
        ("2026-02-28", "2026-10-31", "falls"),
    ],
)
def test_allocator_begins_anew_about_its_reset_day_only(older: str, newer: str, expected: str) -> None:
    """At some time between the two readings; 31 days around 31 December."""
    allocator = Meter(media="HT", unit=None)
    told = [
        Reading(2, 1, date.fromisoformat(older), Decimal(900), unit=None),
        Reading(3, 1, date.fromisoformat(newer), Decimal(10), unit=None),
    ]
    assert steps(*told, meter=allocator) == [expected]
    assert step(told[0], told[1], allocator) == expected


def test_meter_that_is_no_allocator_never_resets() -> None:
    """Heat meters don't."""
    told = [replace(one, day=one.day.replace(month=1)) for one in pair("900", "10", unit="GJ")]
    assert steps(*told, meter=Meter(media="HT", unit="GJ")) == ["falls"]


def test_nobody_stands_in_nobody_s_way() -> None:
    """And with haste allowed, a rise is never too fast."""
    told = told_days("1", "100")
    points = timeline(frame(told), stored=frame([]), meters=meters()).points
    nobody, one = np.array([NOBODY]), np.array([1])
    assert Rises(points=points, meters=meters()).allows(nobody, one).tolist() == [True]
    assert Rises(points=points, meters=meters()).allows(one - 1, one).tolist() == [False]
    assert Rises(points=points, meters=meters(), hasty=True).allows(one - 1, one).tolist() == [True]
    assert Rises(points=points, meters=meters(), hasty=True).allows(one, one - 1).tolist() == [False]


KNOWN = [
    Meter(),
    Meter(unit="l", digits=5),
    Meter(digits=3),
    Meter(media="HT", unit="kWh", digits=4),
    Meter(media="HT", unit=None),
    Meter(media="HT", unit=None, digits=3),
    Meter(media="EL", unit="kWh"),
]
UNITS_OF = {"m3": ("m3", "l"), "l": ("m3", "l"), "kWh": ("kWh", "GJ"), None: (None, "dílek")}


@given(st.data())
def test_every_step_is_what_the_rules_written_the_slow_way_say(data: st.DataObject) -> None:
    """For all kinds of meters, units and days."""
    meter = data.draw(st.sampled_from(KNOWN))
    number = st.decimals(0, 2000, places=3) | st.decimals(0, 999_999_999_999_999, places=0)
    near = data.draw(number)
    values = number | st.decimals(-20, 20, places=3).map(lambda more: abs(near + more))
    days = st.dates(date(2025, 9, 1), date(2026, 4, 30))
    one, other = (
        Reading(
            line, 1, data.draw(days), data.draw(values), unit=data.draw(st.sampled_from(UNITS_OF[meter.unit]))
        )
        for line in (2, 3)
    )
    assume(one.day < other.day)
    assert steps(one, other, meter=meter) == [step(one, other, meter)]


def test_keys_order_points_as_steps_do() -> None:
    """What rises in both keys can follow, without looking at the two themselves."""
    told = told_days("5", "14", "25", "24", "34.000001")
    known = meters()
    points = timeline(frame(told), stored=frame([]), meters=known).points
    rises = Rises(points=points, meters=known)
    at = np.arange(len(told))
    low, high = rises.rising_keys(at)
    for a in range(len(told)):
        for b in range(a + 1, len(told)):
            can = step(told[a], told[b], Meter()) == "rises"
            assert bool(low[a] <= low[b] and high[a] <= high[b]) == can, (a, b)


def test_points_are_told_by_meter_and_day() -> None:
    """The frame's order doesn't matter."""
    told = [*told_days("1", "2", device=2), *told_days("3", "4", line=9)]
    line = timeline(frame(told), stored=frame([]), meters=meters(Meter(), Meter()))
    assert isinstance(line.points, Points)
    assert line.row.tolist() == [2, 3, 0, 1]
    assert RULES.reset_day == (12, 31)
