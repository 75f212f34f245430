"""Which periods of one group meet? Periods go from, up to but not including."""

import numpy as np
import pandas as pd

from meterdrop.validate.arrays import NEVER, Mask, Numbers


def overlapping(*, group: Numbers, start: Numbers, end: Numbers) -> Mask:
    """Every period that shares a day with another one of its group. A period of no day shares none."""
    met = np.zeros(len(group), dtype=np.bool_)
    lasting = np.flatnonzero(end > start)
    order = lasting[np.lexsort((start[lasting], group[lasting]))]
    groups, starts, ends = group[order], start[order], end[order]
    latest = pd.Series(ends).groupby(groups).cummax().to_numpy(dtype=np.int64)
    neighbour = groups[1:] == groups[:-1]
    met[order[1:]] |= neighbour & (latest[:-1] > starts[1:])
    met[order[:-1]] |= neighbour & (ends[:-1] > starts[1:])
    return met


def ended_by_the_next(*, group: Numbers, start: Numbers, end: Numbers) -> Numbers:
    """The ends, where one without an end is ended by the next later start of its group (an exchange)."""
    order = np.lexsort((start, group))
    groups, starts = group[order], start[order]
    if len(order) == 0:
        return end
    new = np.ones(len(order), dtype=np.bool_)
    new[1:] = (groups[1:] != groups[:-1]) | (starts[1:] != starts[:-1])
    firsts = np.flatnonzero(new)
    run = np.cumsum(new) - 1
    following = np.append(starts[firsts], NEVER)[run + 1]
    same_group = np.append(groups[firsts], -1)[run + 1] == groups
    next_start = np.empty(len(order), dtype=np.int64)
    next_start[order] = np.where(same_group, following, NEVER)
    return np.where(end == NEVER, next_start, end)
