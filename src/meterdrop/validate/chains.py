"""Which of these can stand together? The longest rising run of each group, all groups at the same time."""

from collections.abc import Iterator

import numpy as np

from meterdrop.validate.arrays import Mask, Numbers


def longest_rising(*, group: Numbers, low: Numbers, high: Numbers) -> Mask:
    """Marks, in every group, a longest run in which neither `low` nor `high` ever falls.

    Rows are ordered by group and, within one, by time; where neither number falls from one row to another, the
    other comes later, or both numbers are the same. Among runs of the same length it is the one that begins
    earliest, and goes on earliest, in time. Takes n log n steps, and as many rounds as the largest group has rows.
    """
    taken = np.zeros(len(group), dtype=np.bool_)
    if len(group) == 0:
        return taken
    start, size = _groups(group)
    of_row = np.repeat(np.arange(len(start)), size)
    following = _runs_from(low=low, high=high, start=start, size=size, of_row=of_row)
    needed = np.maximum.reduceat(following, start)
    last_low = np.full(len(start), np.iinfo(np.int64).min)
    last_high = last_low.copy()
    for row in _side_by_side(start, size):
        mine = of_row[row]
        fits = (
            (following[row] == needed[mine]) & (low[row] >= last_low[mine]) & (high[row] >= last_high[mine])
        )
        row, mine = row[fits], mine[fits]
        taken[row] = True
        last_low[mine], last_high[mine] = low[row], high[row]
        needed[mine] -= 1
    return taken


def _runs_from(*, low: Numbers, high: Numbers, start: Numbers, size: Numbers, of_row: Numbers) -> Numbers:
    """How long the longest run is that begins with each row.

    From the highest `low` down, a run towards the row is one in which -`high` never falls: patience sorting keeps,
    for every length, the least end of such a run.
    """
    order = np.lexsort((-np.arange(len(low)), -high, -low, of_row))
    value = -high[order]
    length = np.zeros(len(low), dtype=np.int64)
    ends = np.zeros(len(low), dtype=np.int64)
    filled = np.zeros(len(start), dtype=np.int64)
    for row in _side_by_side(start, size):
        mine = of_row[row]
        place = _behind(value[row], ends=ends, start=start[mine], filled=filled[mine])
        ends[start[mine] + place] = value[row]
        filled[mine] = np.maximum(filled[mine], place + 1)
        length[order[row]] = place + 1
    return length


def _behind(value: Numbers, *, ends: Numbers, start: Numbers, filled: Numbers) -> Numbers:
    """For each value its place behind all ends that are not above it; a binary search in many lists at once."""
    first, end = np.zeros(len(value), dtype=np.int64), filled.copy()
    while (searching := first < end).any():
        middle = (first + end) // 2
        above = ends[start + np.minimum(middle, np.maximum(filled - 1, 0))] > value
        end = np.where(searching & above, middle, end)
        first = np.where(searching & ~above, middle + 1, first)
    return first


def _groups(group: Numbers) -> tuple[Numbers, Numbers]:
    """First row and number of rows of each group, which lie together."""
    start = np.flatnonzero(np.concatenate(([True], group[1:] != group[:-1])))
    return start, np.diff(np.append(start, len(group)))


def _side_by_side(start: Numbers, size: Numbers) -> Iterator[Numbers]:
    """The first row of every group, then the second of those that have one, and so on."""
    by_size = np.argsort(-size, kind="stable")
    firsts, sizes = start[by_size], size[by_size]
    for place in range(int(sizes[0]) if len(sizes) else 0):
        yield firsts[: np.searchsorted(-sizes, -place, side="left")] + place
