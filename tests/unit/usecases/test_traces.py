"""Which quarantined line does a line correct? By the number it names, or by the meter and day it tells."""

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterdrop.store.quarantine import line_id
from meterdrop.store.spool import Spool
from meterdrop.tables import DAY, LINE, TEXT
from meterdrop.usecases.judging.traces import ABOUT, NAMED, corrected_by_key, corrected_by_line

DAYS = [date(2026, 11, day) for day in range(1, 4)]


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    made = Spool(tmp_path / "spool")
    yield made
    made.close()


def named(rows: Sequence[tuple[int, int]]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "line": pd.Series([line for line, _ in rows], dtype=LINE),
            "parent_line": pd.Series([parent for _, parent in rows], dtype=LINE),
        }
    )


def keys(rows: Sequence[tuple[int, str | None, date | None]], *, first: str = "line") -> pd.DataFrame:
    return pd.DataFrame(
        {
            first: pd.Series([row[0] for row in rows], dtype=LINE),
            "serial_key": pd.Series([row[1] for row in rows], dtype=TEXT),
            "day": pd.Series([row[2] for row in rows], dtype=DAY),
            "kind_rank": pd.Series([None] * len(rows), dtype=LINE),
        }
    )


def pairs(frame: pd.DataFrame) -> list[tuple[int, int]]:
    return sorted(zip(frame["id"].tolist(), frame["line"].tolist(), strict=True))


def test_line_named_once_is_corrected_and_one_named_twice_is_not(spool: Spool) -> None:
    spool.add(NAMED, named([(2, 10), (3, 11), (4, 11)]))
    spool.add(NAMED, named([(5, 12), (6, 10), (7, 0), (8, 10**14)]))
    assert pairs(corrected_by_line(spool, parent=9)) == [(line_id(delivery=9, line=12), 5)]


def test_file_that_names_no_line_corrects_none(spool: Spool) -> None:
    assert pairs(corrected_by_line(spool, parent=9)) == []


def test_first_good_line_of_the_meter_and_day_comes_in_place_of_all_that_wait(spool: Spool) -> None:
    spool.add(ABOUT, keys([(2, "A", DAYS[0]), (3, "A", DAYS[1]), (4, None, DAYS[0]), (5, "B", None)]))
    spool.add(ABOUT, keys([(6, "A", DAYS[0]), (7, "C", DAYS[0])]))
    waiting = [keys([(100, "A", DAYS[0]), (101, "B", DAYS[0]), (102, "C", DAYS[1])], first="id")]
    waiting.append(keys([(200, "A", DAYS[0]), (201, "C", DAYS[0])], first="id"))
    assert pairs(corrected_by_key(spool, waiting=iter(waiting), sender="a")) == [(100, 2), (200, 2), (201, 7)]


def test_line_set_aside_with_others_comes_in_nobodys_place(spool: Spool) -> None:
    spool.add(ABOUT, keys([(2, "A", DAYS[0]), (3, "A", DAYS[0])]))
    spool.add("aside", pd.DataFrame({"line": pd.Series([2], dtype=LINE)}))
    waiting = iter([keys([(100, "A", DAYS[0])], first="id")])
    assert pairs(corrected_by_key(spool, waiting=waiting, sender="a")) == [(100, 3)]


KEYS = st.tuples(st.sampled_from(["A", "B", "C", None]), st.sampled_from([*DAYS, None]))


@given(
    good=st.lists(st.lists(KEYS, max_size=5), max_size=4),
    wait=st.lists(st.lists(KEYS, max_size=4), max_size=4),
)
def test_it_is_what_a_naive_search_finds(
    tmp_path_factory: pytest.TempPathFactory,
    good: list[list[tuple[str | None, date | None]]],
    wait: list[list[tuple[str | None, date | None]]],
) -> None:
    spool = Spool(tmp_path_factory.mktemp("naive") / "spool")
    first: dict[tuple[str, date], int] = {}
    line = 1
    for block in good:
        rows = []
        for meter, day in block:
            line += 1
            rows.append((line, meter, day))
            if meter is not None and day is not None:
                first.setdefault((meter, day), line)
        spool.add(ABOUT, keys(rows))
    portions, expected, key = [], [], 100
    for block in wait:
        rows = []
        for meter, day in block:
            if meter is None or day is None:
                continue
            key += 1
            rows.append((key, meter, day))
            if (meter, day) in first:
                expected.append((key, first[meter, day]))
        if rows:
            portions.append(keys(rows, first="id"))
    assert pairs(corrected_by_key(spool, waiting=iter(portions), sender="a")) == expected
    spool.close()
