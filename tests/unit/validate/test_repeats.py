"""One reading per device and day: repeats, conflicts, corrections."""

from collections import defaultdict
from dataclasses import replace
from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterdrop.tables import join_findings
from meterdrop.validate import repeated
from meterdrop.validate.repeated import KEY_COLUMNS, check_in_file, told_in
from meterdrop.validate.repeats import Repeats, check_against_stored
from tests.unit.validate.metered import Reading, at, frame
from tests.unit.validate.typed import told


def reading(line: int, value: str, *, device: int = 1, day: int = 0, kind: str = "RADIO") -> Reading:
    return Reading(line, device, at(day), Decimal(value), kind)


def in_file(readings: list[Reading], *, size: int = 100) -> Repeats:
    """The readings in blocks of that size, put together."""
    blocks = [frame(readings[start : start + size]) for start in range(0, len(readings), size)]
    known = told_in([block[KEY_COLUMNS] for block in blocks])
    each = [check_in_file(block, told=known) for block in blocks]
    return Repeats(
        findings=join_findings([one.findings for one in each]),
        duplicates=np.array([line for one in each for line in one.duplicates], dtype=np.int64),
        corrections=np.zeros(0, dtype=np.int64),
    )


def codes(found: Repeats) -> list[tuple[int, str]]:
    return [(line, code) for line, code, _ in told(found.findings)]


def against(found: Repeats) -> list[str | None]:
    ordered = found.findings.sort_values("line", kind="stable")
    return [None if pd.isna(each) else str(each) for each in ordered["against"]]


def test_same_value_again_is_a_duplicate_and_the_first_stays() -> None:
    """`5` and `5.0` are one value; another device or day is another reading."""
    found = in_file(
        [
            reading(9, "5.0"),
            reading(3, "5"),
            reading(4, "5", device=2),
            reading(5, "5", day=-1),
        ]
    )
    assert found.duplicates.tolist() == [9]
    assert codes(found) == [(9, "reading.same-value")]


def test_of_an_estimate_and_an_actual_reading_of_one_value_the_actual_one_stays() -> None:
    """In whichever order they stand."""
    found = in_file([reading(2, "5", kind="ESTIMATE"), reading(3, "5"), reading(4, "5")])
    assert found.duplicates.tolist() == [2, 4]


@pytest.mark.parametrize("kind", ["EXCHANGE_OUT", "EXCHANGE_IN"])
def test_of_readings_of_one_value_the_one_taken_at_an_exchange_stays(kind: str) -> None:
    """It alone tells that the meter was exchanged; an estimate of that moment is an estimate."""
    found = in_file([reading(2, "5"), reading(3, "5", kind=kind), reading(4, "5", kind="VISUAL")])
    assert found.duplicates.tolist() == [2, 4]
    found = in_file([replace(reading(2, "5", kind=kind), estimated=True), reading(3, "5")])
    assert found.duplicates.tolist() == [2]


def test_other_value_of_the_same_day_sets_all_its_lines_aside() -> None:
    """Also the two that agree: nobody knows which is right. Each names a line that says otherwise."""
    found = in_file([reading(2, "5"), reading(3, "5"), reading(4, "6"), reading(5, "6", device=2)])
    assert found.duplicates.tolist() == []
    assert codes(found) == [(line, "reading.conflict-in-file") for line in (2, 3, 4)]
    assert against(found) == ["4", "4", "2"]


def test_other_value_is_a_conflict_also_where_one_is_an_estimate() -> None:
    """One file must not contradict itself."""
    found = in_file([reading(2, "5", kind="ESTIMATE"), reading(3, "6")])
    assert codes(found) == [(line, "reading.conflict-in-file") for line in (2, 3)]


def test_meter_read_out_and_another_read_in_under_one_number_are_no_contradiction() -> None:
    """The register lacks one of them."""
    found = in_file([reading(2, "1310", kind="EXCHANGE_OUT"), reading(3, "0", kind="EXCHANGE_IN")])
    assert codes(found) == [(line, "reading.exchange-unregistered") for line in (2, 3)]


def test_line_beside_an_exchange_that_says_a_third_thing_is_a_conflict() -> None:
    """It is neither of the two."""
    found = in_file(
        [reading(2, "1310", kind="EXCHANGE_OUT"), reading(3, "0", kind="EXCHANGE_IN"), reading(4, "7")]
    )
    assert codes(found) == [
        (2, "reading.exchange-unregistered"),
        (3, "reading.exchange-unregistered"),
        (4, "reading.conflict-in-file"),
    ]


@given(
    told_readings=st.lists(
        st.tuples(
            st.integers(1, 3),
            st.integers(1, 3),
            st.sampled_from(["1", "2.5", "99999999999"]),
            st.sampled_from(["RADIO", "ESTIMATE", "EXCHANGE_OUT"]),
        ),
        max_size=30,
    ),
    size=st.integers(1, 9),
)
def test_every_line_is_kept_once_repeated_or_contested(
    told_readings: list[tuple[int, int, str, str]], size: int
) -> None:
    """Against the rule written the slow way, however the file is cut into blocks."""
    lines = [
        reading(line, value, device=device, day=day, kind=kind)
        for line, (device, day, value, kind) in enumerate(told_readings, start=2)
    ]
    of_key: dict[tuple[int, date], list[Reading]] = defaultdict(list)
    for one in lines:
        of_key[one.device, one.day].append(one)
    contested, repeated = {}, set()
    for told_here in of_key.values():
        if len({one.value for one in told_here}) > 1:
            for one in told_here:
                contested[one.line] = {other.line for other in told_here if other.value != one.value}
        else:
            best = ["EXCHANGE_OUT", "RADIO", "ESTIMATE"]
            kept = min(told_here, key=lambda one: (best.index(one.kind), one.line))
            repeated |= {one.line for one in told_here} - {kept.line}
    found = in_file(lines, size=size)
    assert set(found.duplicates.tolist()) == repeated
    assert codes(found) == sorted(
        [(line, "reading.conflict-in-file") for line in contested]
        + [(line, "reading.same-value") for line in repeated]
    )
    named = zip(codes(found), against(found), strict=True)
    assert all(int(str(other)) in contested[line] for (line, _), other in named if line in contested)


def test_many_blocks_are_put_together_before_all_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of one device's lines only must not fill the memory; the outcome is the same."""
    monkeypatch.setattr(repeated, "_MOST_WAITING", 3)
    lines = [reading(line, "5", day=line % 2) for line in range(2, 40)] + [reading(40, "6")]
    found = in_file(lines, size=2)
    even = [(line, "reading.conflict-in-file") for line in range(2, 41, 2)]
    odd = [(line, "reading.same-value") for line in range(5, 40, 2)]
    assert codes(found) == sorted(even + odd)


def stored(value: str, **cells: object) -> Reading:
    return replace(reading(0, value), **cells)  # type: ignore[arg-type]  # any of its fields


def test_stored_value_again_is_a_duplicate_and_another_is_a_correction() -> None:
    """A new day is neither; the neighbours that come with the stored ones are not asked."""
    found = check_against_stored(
        frame([reading(2, "5.0"), reading(3, "6", device=2), reading(4, "7", device=3)]),
        stored=frame(
            [stored("5", device=2), stored("5"), stored("5", device=3, day=at(-1)), stored("9", day=at(1))]
        ),
    )
    assert found.duplicates.tolist() == [2]
    assert found.corrections.tolist() == [3]
    assert codes(found) == [(2, "reading.same-value"), (3, "reading.correction")]
    assert against(found) == [None, "5 m3 (2026-03-01)"]


def test_estimate_never_replaces_an_actual_reading() -> None:
    """By its kind or by its flag; the other way round it is a correction, also with the same value."""
    new = [
        reading(2, "6", device=1, kind="ESTIMATE"),
        replace(reading(3, "6", device=2), estimated=True),
        reading(4, "6", device=3),
        reading(5, "6", device=4, kind="ESTIMATE"),
        reading(6, "5", device=5, kind="ESTIMATE"),
        reading(7, "5", device=6),
    ]
    known = [
        stored("5", device=device, estimated=estimated)
        for device, estimated in enumerate([False, False, True, True, False, True], start=1)
    ]
    found = check_against_stored(frame(new), stored=frame(known))
    assert codes(found) == [
        (2, "reading.worse-kind"),
        (3, "reading.worse-kind"),
        (4, "reading.correction"),
        (5, "reading.correction"),
        (6, "reading.same-value"),
        (7, "reading.correction"),
    ]
    assert found.duplicates.tolist() == [2, 3, 6]
    assert found.corrections.tolist() == [4, 5, 7]


@pytest.mark.parametrize("kind", ["EXCHANGE_OUT", "EXCHANGE_IN"])
def test_reading_taken_at_an_exchange_gives_way_to_another_one_only(kind: str) -> None:
    """It parts the meter's life; in whichever order the two come, with the same value or another one, it stays."""
    new = [
        reading(2, "6", device=1),
        reading(3, "5", device=2, kind="VISUAL"),
        reading(4, "6", device=3, kind=kind),
        reading(5, "5", device=4, kind=kind),
        reading(6, "6", device=5, kind=kind),
        replace(reading(7, "6", device=6, kind=kind), estimated=True),
    ]
    kinds = [kind, kind, "RADIO", "RADIO", kind, "RADIO"]
    known = [stored("5", device=device, kind=each) for device, each in enumerate(kinds, start=1)]
    found = check_against_stored(frame(new), stored=frame(known))
    assert codes(found) == [
        (2, "reading.worse-kind"),
        (3, "reading.same-value"),
        (4, "reading.correction"),
        (5, "reading.correction"),
        (6, "reading.correction"),
        (7, "reading.worse-kind"),
    ]
    assert found.duplicates.tolist() == [2, 3, 7]


def test_reading_judged_late_corrects_nothing_that_was_told_since() -> None:
    """It came with delivery 7; only what deliveries before it told may be corrected, and what is of a worse kind."""
    told_values = ((2, "6"), (3, "6"), (4, "5"), (5, "6"), (6, "6"))
    new = [reading(line, value, device=line - 1) for line, value in told_values]
    known = [
        stored("5", delivery=6),
        stored("5", device=2, delivery=8),
        stored("5", device=3, delivery=8),
        stored("5", device=4, delivery=8, kind="ESTIMATE"),
        stored("5", device=5, delivery=7),  # of two lines of one file a person chose this one
    ]
    found = check_against_stored(frame(new), stored=frame(known), came_with=7)
    assert codes(found) == [
        (2, "reading.correction"),
        (3, "reading.superseded"),
        (4, "reading.same-value"),
        (5, "reading.correction"),
        (6, "reading.superseded"),
    ]
    assert found.corrections.tolist() == [2, 5]
    assert found.duplicates.tolist() == [3, 4, 6]


def test_new_meter_s_first_reading_does_not_correct_the_old_one_s_last() -> None:
    """Nor the reverse: the register has to know both."""
    new = [reading(2, "0", kind="EXCHANGE_IN"), reading(3, "1310", device=2, kind="EXCHANGE_OUT")]
    known = [stored("1310", kind="EXCHANGE_OUT"), stored("0", device=2, kind="EXCHANGE_IN")]
    found = check_against_stored(frame(new), stored=frame(known))
    assert codes(found) == [(line, "reading.exchange-unregistered") for line in (2, 3)]
    assert against(found) == ["1310 m3 (2026-03-01)", "0 m3 (2026-03-01)"]
    assert len(found.duplicates) == len(found.corrections) == 0


def test_consumption_of_the_same_number_as_a_state_is_another_reading() -> None:
    """The partner's profile changed in between."""
    found = check_against_stored(frame([replace(reading(2, "5"), delta=True)]), stored=frame([stored("5")]))
    assert codes(found) == [(2, "reading.correction")]


@pytest.mark.parametrize("kind", ["RADIO", "ESTIMATE", "EXCHANGE_IN"])
def test_reading_of_another_dimension_gives_way_to_any(kind: str) -> None:
    """The register had the unit wrong: the same number is another value, and no kind is better than a right one."""
    new = replace(reading(2, "0.1", kind=kind), unit="GJ")
    known = [stored("100", kind="EXCHANGE_OUT", delivery=9)]
    found = check_against_stored(frame([new]), stored=frame(known), came_with=7)
    assert codes(found) == [(2, "reading.correction")]
    assert (found.corrections.tolist(), found.duplicates.tolist()) == ([2], [])


def test_nothing_repeats_nothing() -> None:
    """Empty files and empty stores."""
    assert codes(in_file([])) == []
    assert len(told_in([]).key) == 0
    assert len(check_against_stored(frame([]), stored=frame([])).findings) == 0
    assert len(check_against_stored(frame([reading(2, "5")]), stored=frame([])).findings) == 0


def test_quoted_value_is_the_one_sent() -> None:
    """Not the canonical one."""
    found = in_file([replace(reading(2, "5.0"), unit="l"), replace(reading(3, "6.0"), unit="l")])
    assert found.findings["value"].tolist() == ["5.0", "6.0"]


def test_block_that_is_a_part_of_another_is_read_from_its_own_start() -> None:
    """Arrow slices share their buffers."""
    whole = frame([reading(1, "1"), reading(2, "5"), reading(3, "5")])
    part = whole.iloc[1:].reset_index(drop=True)
    found = check_in_file(part, told=told_in([part]))
    assert found.duplicates.tolist() == [3]
