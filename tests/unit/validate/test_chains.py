"""The longest rising run of each group, against trying out all of them."""

from itertools import combinations, pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from meterdrop.validate.chains import longest_rising

Row = tuple[int, int]


def naive(rows: list[Row]) -> list[bool]:
    """The first of the longest, in the order in which `combinations` gives them: the earliest in time."""
    for length in range(len(rows), 0, -1):
        for chosen in combinations(range(len(rows)), length):
            if all(rows[a][0] <= rows[b][0] and rows[a][1] <= rows[b][1] for a, b in pairwise(chosen)):
                return [place in chosen for place in range(len(rows))]
    return []


def found(groups: list[list[Row]]) -> list[bool]:
    rows = [row for group in groups for row in group]
    number = np.repeat(np.arange(len(groups), dtype=np.int64), [len(group) for group in groups])
    low, high = (np.array([row[part] for row in rows], dtype=np.int64) for part in (0, 1))
    return [bool(one) for one in longest_rising(group=number, low=low, high=high)]


def by_time(values: list[int], a_day: int | None) -> list[Row]:
    """A group's rows: the value, and the day itself or how much more it might have been by then."""
    return [(value, day if a_day is None else a_day * day - value) for day, value in enumerate(values)]


@given(
    st.lists(
        st.builds(
            by_time, st.lists(st.integers(0, 5), min_size=1, max_size=7), st.sampled_from([None, 0, 1, 2])
        ),
        max_size=4,
    )
)
def test_run_is_the_longest_and_of_those_the_earliest(groups: list[list[Row]]) -> None:
    """In every group, whatever the others are."""
    assert found(groups) == [one for group in groups for one in naive(group)]


@given(st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=8), max_size=4), st.integers(1, 3))
def test_run_of_values_and_of_what_was_left_is_one_of_rises_that_are_slow_enough(
    values: list[list[int]], a_day: int
) -> None:
    """The two keys in which the rules order readings."""
    chosen = iter(found([by_time(group, a_day) for group in values]))
    for group in values:
        kept = [(day, value) for day, value in enumerate(group) if next(chosen)]
        assert all(0 <= b[1] - a[1] <= a_day * (b[0] - a[0]) for a, b in pairwise(kept))


def test_nothing_has_no_run() -> None:
    assert found([]) == []
