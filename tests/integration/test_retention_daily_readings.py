"""Daily readings are thinned to month-ends; what tells more than that a day has passed stays."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, text

from meterdrop.model.retention import Kept
from meterdrop.settings import read_settings
from meterdrop.store import months, stretches, thinning
from meterdrop.store.engine import make_engine, writing
from meterdrop.store.schema import reading
from tests.homes import NIGHTLY, POSTGRESQL, Homes, change, rows
from tests.integration.retention_rig import Rig

pytestmark = pytest.mark.by_night(POSTGRESQL)

PERIOD: dict[str, Any] = {"retention_daily_readings_months": 2}
LATER = 200
"""So many days from now all that the tests store is old enough."""
HEADER = "SerialNum;Value;Unit;Date;Kind;Estimated;Status"


@pytest.fixture
def rig(homes: Homes, furnished_home: Path, tmp_path: Path) -> Rig:
    return Rig(homes.copy(furnished_home, tmp_path / "home"))


def days_of(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


AUTUMN = days_of(date(2026, 9, 28), date(2026, 11, 2))
ENDS = {"2026-09-28", "2026-09-30", "2026-10-31", "2026-11-02"}
"""The first and the last of a device that has all of them, and the ends of its months."""


def daily(serial: str = "1", *, without: tuple[str, ...] = ()) -> list[str]:
    """A reading for each day of the autumn, which rises by one each day."""
    return [
        f"{serial};{number + 1};m3;{day};;;"
        for number, day in enumerate(AUTUMN)
        if day.isoformat() not in without
    ]


def stored(rig: Rig, serial: str = "1") -> set[str]:
    return {str(day) for (day,) in rows(rig.home, "SELECT day FROM reading WHERE serial = ?", serial)}


def test_the_last_of_each_month_stays_and_the_first_and_last_of_the_device(rig: Rig) -> None:
    rig.register("1", "2")
    rig.take(*daily("1"), *daily("2"), header=HEADER)
    gone = rig.run(in_days=LATER, **PERIOD)[Kept.DAILY_READINGS]
    assert stored(rig, "1") == stored(rig, "2") == ENDS
    assert (gone.count, gone.bytes) == (2 * (len(AUTUMN) - len(ENDS)), None)
    assert (gone.first, gone.last) == (date(2026, 9, 1), date(2026, 11, 30))
    assert [one["count"] for one in rig.events(Kept.DAILY_READINGS)] == [2, 60, 2]


def test_month_that_is_not_old_enough_stays_whole(rig: Rig) -> None:
    rig.register("1")
    rig.take(*daily(), header=HEADER)
    today = datetime.now(UTC).date()
    for_november = (date(2027, 2, 1) - today).days  # two months before February is December
    rig.run(in_days=for_november - 1, **PERIOD)
    assert stored(rig) == ENDS | {f"2026-11-0{day}" for day in (1, 2)}
    rig.run(in_days=for_november, **PERIOD)
    assert stored(rig) == ENDS


def test_reading_that_is_no_ordinary_one_stays(rig: Rig) -> None:
    rig.register("1")
    telling = ["VISUAL;;", "SELF;;", "BILLING;;", "INTERIM;;", "ESTIMATE;1;", ";;LEAK", ";;OK|BATTERY"]
    own = dict(zip((f"2026-10-0{day}" for day in range(1, 9)), [*telling, "RADIO;0;OK"], strict=True))
    theirs = [f"1;{AUTUMN.index(date.fromisoformat(day)) + 1};m3;{day};{cells}" for day, cells in own.items()]
    rig.take(*daily(without=tuple(own)), *theirs, header=HEADER)
    rig.run(in_days=LATER, **PERIOD)
    assert stored(rig) == ENDS | set(own) - {"2026-10-08"}, "the last of them says that it is an ordinary one"


@pytest.mark.by_day(POSTGRESQL)
def test_corrected_reading_stays_with_its_history(rig: Rig) -> None:
    rig.register("1")
    rig.take(*daily(), header=HEADER)
    rig.take("1;10.5;m3;2026-10-07;;;", header=HEADER)
    rig.run(in_days=LATER, **PERIOD)
    assert stored(rig) == ENDS | {"2026-10-07"}
    assert rows(rig.home, "SELECT day, value FROM reading_history") == [("2026-10-07", "10")]


def test_both_sides_of_a_fall_stay(rig: Rig) -> None:
    """Within a month, and from one month to the next."""
    rig.register("1")
    rig.take(*daily(), header=HEADER)
    fall = "UPDATE reading SET canonical_value = canonical_value - {} WHERE day >= '{}'"
    if _is_sqlite(rig):
        fall = "UPDATE reading SET canonical_value = CAST(canonical_value - {} AS TEXT) WHERE day >= '{}'"
    for day in ("2026-10-01", "2026-10-15"):
        change(rig.home, fall.format(3, day))
    rig.run(in_days=LATER, **PERIOD)
    assert stored(rig) == ENDS | {"2026-10-01", "2026-10-14", "2026-10-15"}


def _is_sqlite(rig: Rig) -> bool:
    return read_settings(rig.home).database is None


def test_what_was_used_since_the_last_reading_stays(rig: Rig) -> None:
    """A sum of deltas can't do without one of them."""
    rig.register("1")
    rig.take(*daily(), header=HEADER)
    change(rig.home, "UPDATE reading SET delta = true")
    assert rig.run(in_days=LATER, **PERIOD)[Kept.DAILY_READINGS].count == 0


def test_readings_beside_an_open_line_stay(rig: Rig) -> None:
    """Of that meter and month, and of the month next to it; those of other meters go."""
    rig.register("1", "2")
    rig.take(*daily("1", without=("2026-10-20",)), *daily("2"), header=HEADER)
    rig.take("1;1;m3;2026-10-20;;;", header=HEADER)
    rig.run(in_days=LATER, **PERIOD)
    assert len(stored(rig, "1")) == len(AUTUMN) - 1
    assert stored(rig, "2") == ENDS


def test_days_on_which_a_device_came_or_went_stay(rig: Rig) -> None:
    rig.register("1")
    rig.take(*daily(), header=HEADER)
    change(rig.home, "UPDATE device SET installed_to = '2026-10-12', stated_to = '2026-10-13'")
    rig.run(in_days=LATER, **PERIOD)
    assert stored(rig) == ENDS | {"2026-10-12", "2026-10-13"}


def test_late_readings_are_thinned_when_the_next_month_is_old_enough(rig: Rig) -> None:
    rig.register("1")
    rig.take(*daily(without=("2026-10-20",)), header=HEADER)
    rig.run(in_days=LATER, **PERIOD)
    number = AUTUMN.index(date(2026, 10, 20)) + 1
    rig.take(f"1;{number};m3;2026-10-20;;;", header=HEADER)
    assert stored(rig) == ENDS | {"2026-10-20"}, "it was judged by what is left"
    assert rig.run(in_days=LATER, **PERIOD)[Kept.DAILY_READINGS].count == 0
    assert rig.run(in_days=LATER + 31, **PERIOD)[Kept.DAILY_READINGS].count == 1
    assert stored(rig) == ENDS


def test_later_readings_are_judged_as_if_nothing_had_gone(rig: Rig, homes: Homes, tmp_path: Path) -> None:
    """One rises, one falls, one rises too fast, and a correction of what stayed; also one between two months."""
    rig.register("1", "2", "3", "4")
    rig.take(*(line for serial in "1234" for line in daily(serial)), header=HEADER)
    other = Rig(homes.copy(rig.home, tmp_path / "other"))
    rig.run(in_days=LATER, **PERIOD)
    later = [
        "1;50;m3;2026-11-20;;;",
        "2;3;m3;2026-11-20;;;",
        "3;90000;m3;2026-11-20;;;",
        "4;35.5;m3;2026-11-02;;;",
        "4;2;m3;2026-10-31;;;",
    ]
    told = [one.take(*later, header=HEADER) for one in (rig, other)]
    assert told[0].findings_by_code == told[1].findings_by_code
    assert told[0].lines == told[1].lines
    assert told[0].lines.quarantined > 0


def test_partner_has_another_version_then(rig: Rig) -> None:
    """Whoever remembers its readings has to look again."""
    rig.register("1")
    rig.take(*daily(), header=HEADER)
    before = rows(rig.home, "SELECT version FROM partner")
    rig.run(in_days=LATER, **PERIOD)
    assert rows(rig.home, "SELECT version FROM partner") > before


class _Killed(Exception):
    pass


@pytest.mark.by_day(POSTGRESQL)
def test_run_killed_between_two_months_is_finished_by_the_next(rig: Rig) -> None:
    rig.register("1")
    rig.take(*daily(), header=HEADER)

    def die(_passed: str) -> None:
        raise _Killed

    todo = rig.retention(in_days=LATER, **PERIOD)
    [part] = todo.parts
    with pytest.raises(_Killed):
        replace(todo, parts=[replace(part, at=die)])(who="test")  # type: ignore[type-var]  # parts are dataclasses
    assert stored(rig) == {day.isoformat() for day in AUTUMN} - {"2026-09-29"}
    rig.run(in_days=LATER, **PERIOD)
    assert stored(rig) == ENDS


@pytest.mark.by_day(POSTGRESQL)
def test_devices_are_thinned_range_by_range(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stretches, "DEVICES_TOGETHER", 2)
    rig.register("1", "2", "3", "4", "5")
    rig.take(*(line for serial in "12345" for line in daily(serial)), header=HEADER)
    rig.run(in_days=LATER, **PERIOD)
    assert all(stored(rig, serial) == ENDS for serial in "12345")
    assert [one["count"] for one in rig.events(Kept.DAILY_READINGS)] == [2, 2, 1, 60, 60, 30, 2, 2, 1]


@dataclass(frozen=True)
class Made:
    """A reading as the law is tried with."""

    device: int
    day: date
    value: Decimal
    kind: str
    estimated: bool
    status: str | None


SPRING = days_of(date(2026, 1, 25), date(2026, 4, 5))


@st.composite
def made(draw: st.DrawFn) -> list[Made]:
    """Readings of two devices on some days, which mostly rise, and are mostly ordinary."""
    kinds = st.sampled_from(["RADIO"] * 6 + ["VISUAL", "ESTIMATE"])
    steps = st.sampled_from(
        [Decimal(0), Decimal("0.1"), Decimal(1), Decimal(9), Decimal(-2), Decimal("-0.003")]
    )
    found = []
    for device in (1, 2):
        value = Decimal(100)
        for day in sorted(draw(st.sets(st.sampled_from(SPRING), max_size=30))):
            value += draw(steps)
            kind = draw(kinds)
            status = draw(st.sampled_from([None] * 6 + ["OK", "LEAK"]))
            found.append(Made(device, day, value, kind, kind == "ESTIMATE", status))
    return found


def expected(of: list[Made], *, before: date) -> Iterator[Made]:
    """The law, reading by reading: what stays."""
    for number, one in enumerate(of):
        mine = [other for other in of if other.device == one.device]
        alike = [
            other
            for other in mine
            if (other.day.year, other.day.month, other.estimated)
            == (one.day.year, one.day.month, one.estimated)
        ]
        earlier = of[number - 1] if one is not mine[0] else None
        later = of[number + 1] if one is not mine[-1] else None
        ordinary = one.kind == "RADIO" and one.status in (None, "OK")
        falls = (earlier is not None and earlier.value > one.value) or (
            later is not None and one.value > later.value
        )
        if one.day >= before or not ordinary or earlier is None or one is alike[-1] or falls:
            yield one


@pytest.fixture
def bare(rig: Rig) -> Rig:
    """Two devices, numbers 1 and 2, and a delivery to which readings can belong."""
    rig.register("1", "2")
    engine = make_engine(read_settings(rig.home).database_url)
    with writing(engine) as store:
        months.make(store, days=SPRING)
    engine.dispose()
    return rig


@pytest.mark.by_day(POSTGRESQL)
@given(told=made(), march=st.booleans())
@settings(max_examples=500 if NIGHTLY else 15)
def test_what_stays_is_what_the_law_says(bare: Rig, told: list[Made], march: bool) -> None:
    before = date(2026, 4, 1) if march else date(2026, 3, 1)
    engine = make_engine(read_settings(bare.home).database_url)
    with writing(engine) as store:
        store.execute(text("DELETE FROM reading"))
        for one in told:
            store.execute(
                insert(reading).values(
                    partner="anyone", device=one.device, day=one.day, value=str(one.value), unit="m3",
                    canonical_value=one.value, canonical_unit="m3", kind=one.kind, estimated=one.estimated,
                    status=one.status, serial=str(one.device), delivery=1, line=2, delta=False,
                )
            )  # fmt: skip
        for first in (date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)):
            if first < before:
                end = (first + timedelta(days=31)).replace(day=1)
                stretch = stretches.Stretch("anyone", 1, 2, first, end)
                foreseen = thinning.count(store, stretch)
                assert thinning.thin(store, stretch) == foreseen
                assert thinning.count(store, stretch) == 0
        left = {(row.device, row.day) for row in store.execute(reading.select())}
    engine.dispose()
    assert left == {(one.device, one.day) for one in expected(told, before=before)}
