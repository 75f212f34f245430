"""Which device that we know does a row of the register tell of?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from meterdrop.validate.arrays import ALWAYS, Mask, Numbers, arrow, days
from meterdrop.validate.periods import NOBODY
from meterdrop.validate.services import SERVICE_COLUMNS, named_services, places, spelled


@dataclass(frozen=True)
class Matches:
    """By row: the known service it tells of (NOBODY: a new one), and one that it may or may not mean."""

    at: Numbers
    unclear: Numbers


def match(rows: pd.DataFrame, *, ends: Numbers, known: pd.DataFrame, known_ends: Numbers) -> Matches:
    """Rows and known services of the same partner and number, both frames of SERVICE_COLUMNS.

    The same first day: the same service, wherever it is now, unless number *and* place are written otherwise.
    The same place and days that meet: the same service, with its first day corrected, if there is only one such.
    `ends` and `known_ends` say when each really ends. No two rows have the same number and first day.
    """
    both = _Both.of(rows, known, ends=ends, known_ends=known_ends)
    at = both.of_the_same_day()
    found = np.maximum(at, 0)
    elsewhere = (at != NOBODY) & (both.place[: both.rows] != both.known_place[found])
    another = elsewhere & (both.spelling[: both.rows] != both.known_spelling[found])
    unclear = np.where(another, at, NOBODY)
    at = np.where(another, NOBODY, at)
    asked = np.flatnonzero((at == NOBODY) & ~another)
    left = np.ones(len(known), dtype=np.bool_)
    left[at[at != NOBODY]] = False
    by_place = both.at_the_same_place(asked, among=np.flatnonzero(left))
    at[asked], unclear[asked] = by_place.at, by_place.unclear
    return Matches(at=at, unclear=unclear)


@dataclass(frozen=True)
class _Both:
    """Rows first, known services behind them, as numbers that compare."""

    rows: int
    name: Numbers
    place: Numbers
    spelling: Numbers
    start: Numbers
    end: Numbers

    @classmethod
    def of(cls, rows: pd.DataFrame, known: pd.DataFrame, *, ends: Numbers, known_ends: Numbers) -> "_Both":
        columns = list(SERVICE_COLUMNS)
        frame = pd.concat([rows[columns], known[columns]], ignore_index=True)
        return cls(
            rows=len(rows),
            name=_numbers(named_services(partner=frame["partner"], serial_key=frame["serial_key"])),
            place=places(frame),
            spelling=_numbers(spelled(arrow(frame["serial"]))),
            start=days(frame["installed_from"], empty=ALWAYS),
            end=np.concatenate((ends, known_ends)),
        )

    @property
    def known_place(self) -> Numbers:
        return np.append(self.place[self.rows :], NOBODY)

    @property
    def known_spelling(self) -> Numbers:
        return np.append(self.spelling[self.rows :], NOBODY)

    def of_the_same_day(self) -> Numbers:
        """By row: the known service of its name and first day."""
        distinct, rank = np.unique(self.start, return_inverse=True)
        key = self.name * len(distinct) + rank
        return _position(key[: self.rows], among=key[self.rows :])

    def at_the_same_place(self, asked: Numbers, *, among: Numbers) -> Matches:
        """Of these rows: the one service among these known ones of its name and place whose days it shares."""
        lasting = self.end > self.start
        known = self.rows + among
        known = known[lasting[known]]
        pair = self.name * (int(self.place.max(initial=0)) + 1) + self.place
        _, group = np.unique(pair, return_inverse=True)
        _, rank = np.unique(np.concatenate((self.start, self.end)), return_inverse=True)
        width = 2 * len(self.start)
        from_, to = rank[: len(self.start)], rank[len(self.start) :]
        key_from, key_to = group * width + from_, group * width + to
        # In one group known services follow one another: by their starts as by their ends.
        order = known[np.argsort(key_from[known], kind="stable")]
        first = np.searchsorted(np.sort(key_to[known]), key_from[asked], side="right")
        behind = np.searchsorted(key_from[order], key_to[asked], side="left")
        count = np.where(lasting[asked], behind - first, 0)
        found = np.full(len(asked), NOBODY, dtype=np.int64)
        found[count > 0] = order[first[count > 0]] - self.rows
        one = count == 1
        claims = np.bincount(found[one], minlength=len(self.start))
        sure = one & (claims[np.maximum(found, 0)] == 1)
        return Matches(at=np.where(sure, found, NOBODY), unclear=np.where(sure, NOBODY, found))


def same_facts(rows: pd.DataFrame, known: pd.DataFrame, *, columns: list[str]) -> Mask:
    """Which rows of two frames, side by side, are equal in these columns; nothing equals nothing."""
    same = np.ones(len(rows), dtype=np.bool_)
    for name in columns:
        same &= ~differing(rows[name], known[name])
    return same


def differing(left: pd.Series, right: pd.Series) -> Mask:
    """Which cells of two columns are not the same; nothing equals nothing."""
    one, other = arrow(left), arrow(right)
    unequal = pc.fill_null(pc.not_equal(one, other), False)
    mask: Mask = pc.or_(unequal, pc.not_equal(one.is_null(), other.is_null())).to_numpy(zero_copy_only=False)
    return mask


def _numbers(texts: pa.Array) -> Numbers:
    codes: Numbers = texts.dictionary_encode().indices.cast(pa.int64()).to_numpy()
    return codes


def _position(wanted: Numbers, *, among: Numbers) -> Numbers:
    """Where each wanted number is among distinct ones; NOBODY where it is not."""
    order = np.argsort(among, kind="stable")
    at = np.searchsorted(among[order], wanted)
    there = at < len(order)
    there[there] = among[order[at[there]]] == wanted[there]
    found = np.full(len(wanted), NOBODY, dtype=np.int64)
    found[there] = order[at[there]]
    return found
