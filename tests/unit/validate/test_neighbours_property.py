"""Any readings beside any stored ones: what stands is consistent, what fell had to, and no more fell than must."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import combinations, pairwise

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from meterdrop.validate.neighbours import check_neighbours
from tests.unit.validate.metered import Meter, Reading, at, frame, meters, step

WRONG = ("falls", "too fast")
CODES = {"falls": "reading.below-previous", "too fast": "reading.implausible-rise"}
KNOWN = [
    Meter(),
    Meter(digits=2),
    Meter(start="3", installed_from="2026-03-02"),
    Meter(media="HT", unit=None),
]

values = st.integers(0, 40).map(Decimal) | st.sampled_from(
    [Decimal("20.004"), Decimal("20.008"), Decimal(9999)]
)
kinds = st.sampled_from(["RADIO"] * 8 + ["EXCHANGE_IN", "EXCHANGE_OUT"])


@st.composite
def timelines(draw: st.DrawFn, *, exchanges: bool = True) -> tuple[list[Reading], list[Reading], Meter]:
    """Rows of a file, stored readings, and their meter: some days have either, some both."""
    meter = draw(st.sampled_from(KNOWN))
    told: dict[bool, list[Reading]] = {True: [], False: []}
    for day in range(1, draw(st.integers(1, 9)) + 1):
        for new in draw(st.sampled_from([(), (True,), (True,), (False,), (True, False)])):
            kind = draw(kinds) if exchanges else "RADIO"
            line = len(told[True]) + 2 if new else 0
            told[new].append(Reading(line, 1, at(day), draw(values), kind, unit=meter.unit))
    return told[True], told[False], meter


def findings(rows: Sequence[Reading], known: Sequence[Reading], meter: Meter) -> pd.DataFrame:
    return check_neighbours(frame(rows), stored=frame(known), meters=meters(meter))


def fallen(found: pd.DataFrame) -> set[int]:
    return {int(line) for line in found.loc[found["severity"] == "error", "line"]}


def registered(meter: Meter) -> list[Reading]:
    """The start value as a reading of the day before."""
    if meter.start is None:
        return []
    return [Reading(-1, 1, at(0), Decimal(meter.start), "START", unit=meter.unit)]


def pairs_of(
    standing: Sequence[Reading], *, exchanges: Sequence[Reading]
) -> Iterator[tuple[Reading, Reading]]:
    """Neighbours in time that no exchange parts; `exchanges` are all readings, also those that fell."""
    ordered = sorted(standing, key=lambda one: one.day)
    for older, newer in pairwise(ordered):
        first = older.kind == "START"
        same_stretch = first and newer.day == older.day + timedelta(days=1)
        parted = any(
            (one.kind == "EXCHANGE_IN" and older.day < one.day <= newer.day and not same_stretch)
            or (one.kind == "EXCHANGE_OUT" and older.day <= one.day < newer.day)
            for one in exchanges
        )
        if not parted:
            yield older, newer


def left(rows: Sequence[Reading], known: Sequence[Reading], gone: set[int], meter: Meter) -> list[Reading]:
    """What stands: accepted rows, and stored readings that none of them corrects."""
    accepted = [one for one in rows if one.line not in gone]
    days = {one.day for one in accepted}
    return [*accepted, *(one for one in known if one.day not in days), *registered(meter)]


def new_pairs(
    rows: Sequence[Reading], known: Sequence[Reading], gone: set[int], meter: Meter
) -> Iterator[tuple[Reading, Reading]]:
    standing = left(rows, known, gone, meter)
    for older, newer in pairs_of(standing, exchanges=[*rows, *known]):
        if max(older.line, newer.line) > 0:
            yield older, newer


@given(timelines())
def test_neighbours_that_stand_fit(told: tuple[list[Reading], list[Reading], Meter]) -> None:
    """Every pair of which the file has one at least."""
    rows, known, meter = told
    gone = fallen(findings(rows, known, meter))
    assert [
        (older, newer)
        for older, newer in new_pairs(rows, known, gone, meter)
        if step(older, newer, meter) in WRONG
    ] == []


@given(timelines())
def test_file_that_fits_loses_nothing(told: tuple[list[Reading], list[Reading], Meter]) -> None:
    rows, known, meter = told
    fits = all(step(*pair, meter) not in WRONG for pair in new_pairs(rows, known, set(), meter))
    assert (fallen(findings(rows, known, meter)) == set()) == fits


@given(timelines())
def test_new_reading_that_fell_fits_nowhere(told: tuple[list[Reading], list[Reading], Meter]) -> None:
    """Put back between its neighbours it would be wrong beside one of them."""
    rows, known, meter = told
    gone = fallen(findings(rows, known, meter))
    stored_days = {one.day for one in known}
    for one in rows:
        if one.line in gone and one.day not in stored_days:
            back = gone - {one.line}
            beside = [pair for pair in new_pairs(rows, known, back, meter) if one in pair]
            assert any(step(*pair, meter) in WRONG for pair in beside), one


@given(timelines())
def test_error_names_a_reading_beside_which_the_line_is_wrong(
    told: tuple[list[Reading], list[Reading], Meter],
) -> None:
    """By its value and its day; and says rightly what is wrong."""
    rows, known, meter = told
    found = findings(rows, known, meter)
    for line, code, value, against in found.loc[
        found["severity"] == "error", ["line", "code", "value", "against"]
    ].itertuples(index=False):
        [one] = [row for row in rows if row.line == line]
        assert value == str(one.value)
        others = [other for other in [*rows, *known, *registered(meter)] if _written(other) == against]
        steps = {
            step(min(one, other, key=_day), max(one, other, key=_day), meter)
            for other in others
            if other.day != one.day
        }
        assert code in {CODES.get(each) for each in steps}, (one, against)


def _day(one: Reading) -> date:
    return one.day


def _written(one: Reading) -> str:
    """A start value is told with the first day of service."""
    day = one.day if one.kind != "START" else one.day + timedelta(days=1)
    return f"{one.value} ({day})" if one.unit is None else f"{one.value} {one.unit} ({day})"


@given(
    st.lists(st.none() | st.integers(0, 30), min_size=1, max_size=8),
    st.none() | st.integers(0, 30),
    st.none() | st.integers(0, 30),
)
def test_no_more_lines_fall_than_must(
    told_values: list[int | None], before: int | None, after: int | None
) -> None:
    """Between two stored readings, of all sets of lines that could stay; of the largest the earliest."""
    rows = [
        Reading(number + 2, 1, at(number), Decimal(value))
        for number, value in enumerate(told_values)
        if value is not None
    ]
    known = [Reading(0, 1, at(-1), Decimal(before))] if before is not None else []
    if after is not None:
        known.append(Reading(0, 1, at(len(told_values)), Decimal(after)))
    kept = {one.line for one in rows} - fallen(findings(rows, known, Meter()))
    assert kept == _largest(rows, known)


def _largest(rows: Sequence[Reading], known: Sequence[Reading]) -> set[int]:
    for length in range(len(rows), 0, -1):
        for chosen in combinations(rows, length):
            ordered = sorted([*known, *chosen], key=lambda one: one.day)
            if all(step(*pair, Meter()) not in WRONG for pair in pairwise(ordered)):
                return {one.line for one in chosen}
    return set()


@given(timelines(), st.randoms(use_true_random=False))
def test_order_of_the_rows_does_not_matter(
    told: tuple[list[Reading], list[Reading], Meter], chance: object
) -> None:
    """Nor that other meters have readings on the same days."""
    rows, known, meter = told
    others = [replace(one, device=2, line=one.line + 100) for one in rows]
    shuffled = [*rows, *others]
    chance.shuffle(shuffled)  # type: ignore[attr-defined]  # Hypothesis' Random has no public type
    both = check_neighbours(
        frame(shuffled), stored=frame(known), meters=meters(meter, replace(meter, start=None))
    )
    alone = findings(rows, known, meter)
    mine = both.loc[both["line"] < 100].reset_index(drop=True)
    assert sorted(map(tuple, mine.fillna("").values.tolist())) == sorted(
        map(tuple, alone.fillna("").values.tolist())
    )
