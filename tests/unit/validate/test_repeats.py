"""One reading per device and day: repeats, conflicts, corrections."""

from collections import defaultdict

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from meterdrop.tables import FLAG, LINE, TEXT
from meterdrop.validate.repeats import check_against_stored, check_in_file
from tests.unit.validate.typed import keys, told

DAY = "2026-10-31"


def test_same_value_again_is_a_duplicate_and_the_first_stays() -> None:
    """`5` and `5.0` are one value; another device or day is another reading."""
    found = check_in_file(
        keys((9, 1, DAY, "5.0"), (3, 1, DAY, "5"), (4, 2, DAY, "5"), (5, 1, "2026-10-30", "5")),
        heading="Stav",
    )
    assert found.duplicates.tolist() == [9]
    assert told(found.findings) == [(9, "reading.same-value", "Stav")]


def test_other_value_of_the_same_day_sets_all_its_lines_aside() -> None:
    """Also the two that agree: nobody knows which is right."""
    found = check_in_file(keys((2, 1, DAY, "5"), (3, 1, DAY, "5"), (4, 1, DAY, "6"), (5, 2, DAY, "6")))
    assert found.duplicates.tolist() == []
    assert told(found.findings) == [(line, "reading.conflict-in-file", None) for line in (2, 3, 4)]


@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3), st.sampled_from(["1", "2.5", "99999999999"])))
)
def test_every_line_is_kept_once_repeated_or_contested(told_readings: list[tuple[int, int, str]]) -> None:
    """Against the rule written the slow way."""
    frame = keys(
        *((line, d, f"2026-01-0{day}", v) for line, (d, day, v) in enumerate(told_readings, start=2))
    )
    values = defaultdict(set)
    for device, day, value in told_readings:
        values[device, day].add(value)
    contested = {line for line, (d, day, _) in enumerate(told_readings, start=2) if len(values[d, day]) > 1}
    seen: set[tuple[int, int]] = set()
    repeated = set()
    for line, (device, day, _) in enumerate(told_readings, start=2):
        if line not in contested and (device, day) in seen:
            repeated.add(line)
        seen.add((device, day))
    found = check_in_file(frame)
    assert set(found.duplicates.tolist()) == repeated
    codes = dict(zip(found.findings["line"], found.findings["code"], strict=True))
    assert {line for line, code in codes.items() if code == "reading.conflict-in-file"} == contested
    assert len(codes) == len(contested) + len(repeated)


def test_stored_value_again_is_a_duplicate_and_another_is_a_correction() -> None:
    """A new day is neither."""
    found = check_against_stored(
        keys((2, 1, DAY, "5.0"), (3, 2, DAY, "6"), (4, 3, DAY, "7")),
        stored=keys((0, 2, DAY, "5"), (0, 1, DAY, "5"), (0, 3, "2026-10-30", "5")),
        heading="Value",
    )
    assert found.duplicates.tolist() == [2]
    assert found.corrections.tolist() == [3]
    assert told(found.findings) == [(2, "reading.same-value", "Value"), (3, "reading.correction", "Value")]


def test_estimate_never_replaces_an_actual_reading() -> None:
    """By its kind or by its flag; the other way round it is a correction."""
    new = keys(
        (2, 1, DAY, "6"), (3, 2, DAY, "6"), (4, 3, DAY, "6"), (5, 4, DAY, "6"), (6, 5, DAY, "5")
    ).assign(
        kind=pd.Series(["ESTIMATE", "RADIO", "RADIO", "ESTIMATE", "ESTIMATE"], dtype=TEXT),
        estimated=pd.Series([False, True, False, False, False], dtype=FLAG),
    )
    stored = keys(*((0, device, DAY, "5") for device in range(1, 6))).assign(
        estimated=pd.Series([False, False, True, True, False], dtype=FLAG)
    )
    found = check_against_stored(new, stored=stored)
    assert told(found.findings) == [
        (2, "reading.worse-kind", None),
        (3, "reading.worse-kind", None),
        (4, "reading.correction", None),
        (5, "reading.correction", None),
        (6, "reading.same-value", None),
    ]
    assert found.duplicates.tolist() == [2, 3, 6]
    assert found.corrections.tolist() == [4, 5]


def test_reading_judged_late_corrects_nothing_that_was_told_since() -> None:
    """It came with delivery 7; only what deliveries before it told may be corrected."""
    stored = keys((0, 1, DAY, "5"), (0, 2, DAY, "5"), (0, 3, DAY, "5")).assign(
        delivery=pd.Series([6, 8, 8], dtype=LINE)
    )
    found = check_against_stored(
        keys((2, 1, DAY, "6"), (3, 2, DAY, "6"), (4, 3, DAY, "5")), stored=stored, came_with=7
    )
    assert told(found.findings) == [
        (2, "reading.correction", None),
        (3, "reading.superseded", None),
        (4, "reading.same-value", None),
    ]
    assert found.corrections.tolist() == [2]
    assert found.duplicates.tolist() == [3, 4]


def test_nothing_repeats_nothing() -> None:
    """Empty files and empty stores."""
    assert len(check_in_file(keys()).findings) == 0
    assert len(check_against_stored(keys(), stored=keys()).findings) == 0
    assert len(check_against_stored(keys((2, 1, DAY, "5")), stored=keys()).findings) == 0


def test_quoted_value_is_the_one_sent() -> None:
    """Where the frame has it."""
    frame = keys((2, 1, DAY, "5"), (3, 1, DAY, "6")).assign(value=pd.Series(["5,0", "6,0"], dtype=TEXT))
    assert check_in_file(frame).findings["value"].tolist() == ["5,0", "6,0"]


def test_block_that_is_a_part_of_another_is_read_from_its_own_start() -> None:
    """Arrow slices share their buffers."""
    whole = keys((1, 1, DAY, "1"), (2, 1, DAY, "5"), (3, 1, DAY, "5"))
    found = check_in_file(whole.iloc[1:].reset_index(drop=True))
    assert found.duplicates.tolist() == [3]
