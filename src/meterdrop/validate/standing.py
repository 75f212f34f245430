"""Which readings of a file can stand beside each other and beside the stored ones?"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from meterdrop.validate.arrays import Mask, Numbers
from meterdrop.validate.chains import longest_rising
from meterdrop.validate.rises import NOBODY, Rises

_ROUNDS: Final = 32
"""How often the gaps between standing readings are filled. Real files need two or three rounds; what a made-up one
would still get in after so many is set aside."""


@dataclass(frozen=True)
class Places:
    """Where points stand in time. `segment` is a number for each stretch of one meter's life between exchanges;
    `corrects` names, for a reading of the file, the stored one of the same day (NOBODY: a new day)."""

    segment: Numbers
    corrects: Numbers


@dataclass(frozen=True)
class Standing:
    """What came of it. `stands` marks the points that stay; `objector` names, for a correction that fell, a point
    beside which it could not stand when it fell (NOBODY elsewhere)."""

    stands: Mask
    objector: Numbers


def standing(places: Places, rises: Rises) -> Standing:
    """The largest part of a file that fits: by FEEDS 6 a register never falls, by 7 it rises only so fast.

    Where every reading fits its neighbours, all stand. Elsewhere, between two stored readings that stand, the longest
    rising run of those that fit both stays, and again in the gaps that it leaves, until nothing fits; of runs of one
    length the earliest in time. So one wrong value costs its own line. Corrections are tried in place of what they
    correct; where one falls the stored reading is back, and what doesn't fit beside that falls, too.
    """
    found = _Search(places, rises)
    bad = found.bad_pairs(np.ones(len(places.segment), dtype=np.bool_))
    if len(bad[0]):
        found.start_over(bad)
    return Standing(stands=found.stands, objector=found.objector)


def beside(points: Numbers, *, stands: Mask, places: Places) -> tuple[Numbers, Numbers]:
    """The nearest standing points before and after each of these, which don't stand, in its segment.

    What a correction would take the place of is not one of them.
    """
    at = np.append(np.flatnonzero(stands), NOBODY)
    place = np.searchsorted(at[:-1], points)
    corrects = places.corrects[points]
    back = (at[place - 1] == corrects) & (corrects != NOBODY)
    mine = places.segment[points]
    before, after = at[place - 1 - back], at[place]
    return (
        np.where(places.segment[before] == mine, before, NOBODY),
        np.where(places.segment[after] == mine, after, NOBODY),
    )


class _Search:
    def __init__(self, places: Places, rises: Rises) -> None:
        self._places = places
        self._segment = places.segment
        self._corrects = places.corrects
        self._rises = rises
        self._fixed = rises.points.fixed
        self.stands = np.ones(len(self._fixed), dtype=np.bool_)
        self.stands[places.corrects[places.corrects != NOBODY]] = False
        self.objector = np.full(len(self._fixed), NOBODY, dtype=np.int64)

    def bad_pairs(self, among: Mask) -> tuple[Numbers, Numbers]:
        """Neighbours of which one at least is the file's, and which cannot stand side by side."""
        at = np.flatnonzero(self.stands & among)
        return self._bad(at[:-1], at[1:])

    def _bad_beside(self, changed: Numbers) -> tuple[Numbers, Numbers]:
        """The same, only where one of these points came or went."""
        at = np.flatnonzero(self.stands)
        place = np.searchsorted(at, changed)
        older = np.unique(np.concatenate((place - 1, place)))
        older = older[(older >= 0) & (older < len(at) - 1)]
        return self._bad(at[older], at[older + 1])

    def _bad(self, older: Numbers, newer: Numbers) -> tuple[Numbers, Numbers]:
        asked = (self._segment[older] == self._segment[newer]) & ~(self._fixed[older] & self._fixed[newer])
        older, newer = older[asked], newer[asked]
        bad = ~self._rises.allows(older, newer)
        return older[bad], newer[bad]

    def start_over(self, bad: tuple[Numbers, Numbers]) -> None:
        """Takes the readings out of every gap with a bad pair, and puts back what fits."""
        doubted = np.flatnonzero(self._in_gaps_of(np.where(self._fixed[bad[0]], bad[1], bad[0])))
        self.stands[doubted] = False
        out = self._fill(doubted)
        fallen = out[self._corrects[out] != NOBODY]
        if len(fallen):
            self._remember(fallen)
            self._give_way(fallen)
            out = doubted[~self.stands[doubted]]
            self._fill(out[self._corrects[out] == NOBODY])

    def _in_gaps_of(self, members: Numbers) -> Mask:
        """The file's readings between the same two fixed points as one of these."""
        bound = self._fixed & self.stands
        bound[1:] |= self._segment[1:] != self._segment[:-1]
        gap = np.cumsum(bound)
        touched = np.zeros(int(gap[-1]) + 1, dtype=np.bool_)
        touched[gap[members]] = True
        return touched[gap] & ~self._fixed

    def _fill(self, out: Numbers) -> Numbers:
        """Puts back what fits between standing points; what is out in the end."""
        for _ in range(_ROUNDS):
            before, after = beside(out, stands=self.stands, places=self._places)
            fits = self._rises.allows(before, out) & self._rises.allows(out, after)
            found = out[fits]
            if len(found) == 0:
                break
            low, high = self._rises.rising_keys(found)
            gap = np.cumsum(_changes(self._segment[found]) | _changes(before[fits]), dtype=np.int64)
            self.stands[found[longest_rising(group=gap, low=low, high=high)]] = True
            out = out[~self.stands[out]]
        return out

    def _remember(self, fallen: Numbers) -> None:
        """Why these corrections fell."""
        before, after = beside(fallen, stands=self.stands, places=self._places)
        self.objector[fallen] = np.where(self._rises.allows(before, fallen), after, before)

    def _give_way(self, fallen: Numbers) -> None:
        """What was to be corrected is back; whatever cannot stand beside it falls, until all is well."""
        self.stands[self._corrects[fallen]] = True
        meter = self._rises.points.meter
        touched = np.zeros(int(meter[-1]) + 1, dtype=np.bool_)
        touched[meter[fallen]] = True
        older, newer = self.bad_pairs(touched[meter])
        while len(older):
            older_falls = self._fixed[newer]
            falls, other = np.where(older_falls, older, newer), np.where(older_falls, newer, older)
            self.stands[falls] = False
            self.objector[falls] = other
            back = self._corrects[falls]
            back = back[back != NOBODY]
            self.stands[back] = True
            older, newer = self._bad_beside(np.concatenate((falls, back)))


def _changes(numbers: Numbers) -> Mask:
    changed = np.ones(len(numbers), dtype=np.bool_)
    changed[1:] = numbers[1:] != numbers[:-1]
    return changed
