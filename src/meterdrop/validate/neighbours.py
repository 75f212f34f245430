"""Does the register rise? Readings of a file beside those before and after them, in the file and in the store."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd

from meterdrop.model.codes import Code
from meterdrop.tables import TEXT, findings_at, join_findings, no_findings
from meterdrop.validate.arrays import Mask, Numbers
from meterdrop.validate.meters import Meters
from meterdrop.validate.rises import NOBODY, Rises, Step
from meterdrop.validate.standing import Standing, beside, standing
from meterdrop.validate.timeline import Timeline, timeline

_ERRORS: Final = {Step.FALLS: Code.READING_BELOW_PREVIOUS, Step.TOO_FAST: Code.READING_IMPLAUSIBLE_RISE}
_TOLD: Final = {
    Step.RESET: Code.READING_RESET,
    Step.ROLLOVER: Code.READING_ROLLOVER,
    Step.SMALL_FALL: Code.READING_SMALL_FALL,
    Step.TOO_FAST: Code.READING_IMPLAUSIBLE_RISE,
}


def check_neighbours(
    rows: pd.DataFrame,
    *,
    stored: pd.DataFrame,
    meters: Meters,
    hasty: bool = False,
    heading: str | None = None,
) -> pd.DataFrame:
    """What FEEDS 6 says of these readings, and 7 of their rise: an error means that a row cannot stand.

    `rows` has line, device, day, value, unit, canonical_value and kind, each device and day once; a stored reading of
    the same device and day is the one that the row corrects. `stored` has the same columns without line: at least the
    nearest readings before, on and after each row's day. All are states of registers. With `hasty` a rise that is too
    fast is told and sets nothing aside. Every error names a reading beside which the row cannot stand: one that stays,
    or one with which it fell.
    """
    if len(rows) == 0:
        return join_findings([])
    line = timeline(rows, stored=stored, meters=meters)
    rises = Rises(points=line.points, meters=meters, hasty=hasty)
    found = standing(line.places, rises)
    told = _Told(line, rows=rows, heading=heading)
    return join_findings([*_of_fallen(line, rises, found, told), *_of_standing(line, rises, found, told)])


class _Told:
    """Findings about readings of the file."""

    def __init__(self, line: Timeline, *, rows: pd.DataFrame, heading: str | None) -> None:
        self._line, self._rows, self._heading = line, rows, heading

    def __call__(self, at: Numbers, *, code: Code, against: Numbers) -> pd.DataFrame:
        if len(at) == 0:
            return no_findings()
        row = self._line.row[at]
        return findings_at(
            line=self._rows["line"].to_numpy(dtype=np.int64)[row],
            code=code,
            column=self._heading,
            value=self._rows["value"].take(row).astype(TEXT),
            against=self._line.written(against),
        )


def _of_fallen(line: Timeline, rises: Rises, found: Standing, told: _Told) -> Iterator[pd.DataFrame]:
    """Each reading that fell, with every code once, beside the reading before it or else the one after it."""
    fallen = np.flatnonzero((line.row != NOBODY) & ~found.stands)
    before, after = beside(fallen, stands=found.stands, places=line.places)
    first, second = rises.between(before, fallen), rises.between(fallen, after)
    allowed = rises.allows(before, fallen) & rises.allows(fallen, after)
    for step, code in _ERRORS.items():
        if step is Step.TOO_FAST and rises.hasty:
            continue  # that is not why they fell
        one = (first == step) & ~allowed
        other = (second == step) & ~allowed & ~one
        yield told(fallen[one], code=code, against=before[one])
        yield told(fallen[other], code=code, against=after[other])
    yield from _of_contradicted(fallen[allowed], line, rises, found, told)


def _of_contradicted(
    fallen: Numbers, line: Timeline, rises: Rises, found: Standing, told: _Told
) -> Iterator[pd.DataFrame]:
    """Corrections that would fit what stands by now: they fell together with what contradicted them."""
    other = found.objector[fallen]
    before, after = beside(fallen, stands=found.stands, places=line.places)
    other = np.where(other == NOBODY, np.where(before == NOBODY, after, before), other)
    step = rises.between(np.minimum(fallen, other), np.maximum(fallen, other))
    hasty = step == Step.TOO_FAST
    yield told(fallen[hasty], code=Code.READING_IMPLAUSIBLE_RISE, against=other[hasty])
    yield told(fallen[~hasty], code=Code.READING_BELOW_PREVIOUS, against=other[~hasty])


def _of_standing(line: Timeline, rises: Rises, found: Standing, told: _Told) -> Iterator[pd.DataFrame]:
    """What is told of readings that stay: of the newer one of a pair, if the file has it, else of the older."""
    at = np.flatnonzero(found.stands)
    older, newer = at[:-1], at[1:]
    fixed = line.points.fixed
    asked = (line.points.meter[older] == line.points.meter[newer]) & ~(fixed[older] & fixed[newer])
    older, newer = older[asked], newer[asked]
    step = rises.between(older, newer)
    exchanged = line.places.segment[older] != line.places.segment[newer]
    pairs = {code: (step == each) & ~exchanged for each, code in _TOLD.items()}
    pairs[Code.READING_EXCHANGE] = exchanged & (step != Step.RISES)
    for code, mask in pairs.items():
        yield _of_pairs(older[mask], newer[mask], fixed=fixed, code=code, told=told)


def _of_pairs(older: Numbers, newer: Numbers, *, fixed: Mask, code: Code, told: _Told) -> pd.DataFrame:
    at = np.where(fixed[newer], older, newer)
    return told(at, code=code, against=np.where(fixed[newer], newer, older))
