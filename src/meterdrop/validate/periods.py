"""Which periods of one group meet, and which one comes next? Periods go from, up to but not including."""

from dataclasses import dataclass

import numpy as np

from meterdrop.validate.arrays import NEVER, Mask, Numbers

NOBODY = -1
"""In place of a position: there is none."""


@dataclass(frozen=True)
class Next:
    """For each period the one of its group that begins next, later than itself: its first day and its position."""

    day: Numbers
    at: Numbers


def met_by(*, group: Numbers, start: Numbers, end: Numbers) -> Numbers:
    """For each period the position of another one of its group with which it shares a day; NOBODY if there is none.

    A period of no day shares none.
    """
    met = np.full(len(group), NOBODY, dtype=np.int64)
    lasting = np.flatnonzero(end > start)
    if len(lasting) == 0:
        return met
    order = lasting[np.lexsort((start[lasting], group[lasting]))]
    groups, starts, ends = group[order], start[order], end[order]
    longest = _ending_last(groups, ends)
    neighbour = groups[1:] == groups[:-1]
    before = neighbour & (ends[longest[:-1]] > starts[1:])
    met[order[1:][before]] = order[longest[:-1][before]]
    behind = neighbour & (ends[:-1] > starts[1:])
    met[order[:-1][behind]] = order[1:][behind]
    return met


def _ending_last(groups: Numbers, ends: Numbers) -> Numbers:
    """In periods ordered by group and start: which one so far, of the same group, ends last."""
    by_end = np.lexsort((ends, groups))
    rank = np.empty(len(ends), dtype=np.int64)
    rank[by_end] = np.arange(len(ends))
    # A later group's ranks are all higher, so nothing of an earlier group is carried over.
    return by_end[np.maximum.accumulate(rank)]


def next_of(*, group: Numbers, start: Numbers, seen: Numbers, counts: Mask) -> Next:
    """The next later period of the same group among those that count; of several that begin on one day the one seen last.

    `seen` orders what begins on the same day.
    """
    day = np.full(len(group), NEVER, dtype=np.int64)
    at = np.full(len(group), NOBODY, dtype=np.int64)
    among = np.flatnonzero(counts)
    if len(among) == 0:
        return Next(day=day, at=at)
    days, place = np.unique(start, return_inverse=True)
    key = group * len(days) + place
    ordered = among[np.lexsort((-seen[among], key[among]))]
    behind = np.searchsorted(key[ordered], key, side="right")
    found = ordered[np.minimum(behind, len(ordered) - 1)]
    there = (behind < len(ordered)) & (group[found] == group)
    day[there], at[there] = start[found[there]], found[there]
    return Next(day=day, at=at)
