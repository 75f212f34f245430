"""Has this day of this device been told already, in the same file or before?"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from meterdrop.model.codes import Code
from meterdrop.tables import TEXT, Lines, findings_at, join_findings
from meterdrop.validate.arrays import ALWAYS, Mask, Numbers, days, exact, is_word, truth

_ESTIMATE: Final = "ESTIMATE"
_FIRST_DAY: Final = 1 << 23


@dataclass(frozen=True)
class Repeats:
    """`duplicates` are lines not stored because the same is there; `corrections` lines that take another's place."""

    findings: pd.DataFrame
    duplicates: Lines
    corrections: Lines


def check_in_file(keys: pd.DataFrame, *, heading: str | None = None) -> Repeats:
    """One reading per device and day in a file.

    `keys` of the whole file: line, device, day, canonical_value, none null; `value` too if findings are to quote it.
    The same value again is a duplicate (`reading.same-value`, the first line stays); another value sets all lines
    of that key aside (`reading.conflict-in-file`).
    """
    device = keys["device"].to_numpy(dtype=np.int64)
    day = days(keys["day"], empty=ALWAYS)
    order = np.lexsort((keys["line"].to_numpy(dtype=np.int64), day, device))
    repeated = np.zeros(len(keys), dtype=np.bool_)
    repeated[1:] = (device[order][1:] == device[order][:-1]) & (day[order][1:] == day[order][:-1])
    key = np.cumsum(~repeated) - 1
    value = exact(keys["canonical_value"])[order]
    differs = (value != value[~repeated][key]).any(axis=1) if len(keys) else repeated
    contested = np.bincount(key[differs], minlength=len(keys))[key] > 0
    conflict, again = _unsorted(contested, order), _unsorted(repeated & ~contested, order)
    return Repeats(
        findings=join_findings(
            [
                _told(keys, conflict, code=Code.READING_CONFLICT_IN_FILE, heading=heading),
                _told(keys, again, code=Code.READING_SAME_VALUE, heading=heading),
            ]
        ),
        duplicates=keys["line"].to_numpy(dtype=np.int64)[again],
        corrections=np.zeros(0, dtype=np.int64),
    )


def check_against_stored(
    frame: pd.DataFrame,
    *,
    stored: pd.DataFrame,
    heading: str | None = None,
    came_with: int | None = None,
) -> Repeats:
    """Readings (each key once) against the current ones of the same device and day.

    Both have device, day, canonical_value, kind and estimated. The same value is a duplicate (`reading.same-value`);
    another is a correction (`reading.correction`), unless it is an estimate and the stored one is not: that is not
    stored (`reading.worse-kind`). Readings that `came_with` a delivery before the stored one's (`delivery`) and are
    judged only now correct nothing (`reading.superseded`).
    """
    ours, theirs = _key(frame), _key(stored)
    order = np.argsort(theirs)
    place = np.searchsorted(theirs[order], ours)
    hit = np.zeros(len(frame), dtype=np.bool_)
    inside = place < len(theirs)
    hit[inside] = theirs[order][place[inside]] == ours[inside]
    row, other = np.flatnonzero(hit), order[place[hit]]
    same, worse = hit.copy(), np.zeros(len(frame), dtype=np.bool_)
    same[row] = (exact(frame["canonical_value"])[row] == exact(stored["canonical_value"])[other]).all(axis=1)
    worse[row] = estimated(frame)[row] & ~estimated(stored)[other]
    worse &= ~same
    late = np.zeros(len(frame), dtype=np.bool_)
    if came_with is not None:
        late[row] = stored["delivery"].to_numpy(dtype=np.int64)[other] > came_with
    late &= ~same & ~worse
    lines = frame["line"].to_numpy(dtype=np.int64)
    corrects = hit & ~same & ~worse & ~late
    return Repeats(
        findings=join_findings(
            [
                _told(frame, same, code=Code.READING_SAME_VALUE, heading=heading),
                _told(frame, worse, code=Code.READING_WORSE_KIND, heading=heading),
                _told(frame, late, code=Code.READING_SUPERSEDED, heading=heading),
                _told(frame, corrects, code=Code.READING_CORRECTION, heading=heading),
            ]
        ),
        duplicates=lines[same | worse | late],
        corrections=lines[corrects],
    )


def estimated(frame: pd.DataFrame) -> Mask:
    """Which readings are estimates: by their kind or by their flag."""
    return is_word(frame["kind"], _ESTIMATE) | truth(frame["estimated"])


def _key(frame: pd.DataFrame) -> Numbers:
    """Device and day as one number."""
    device = frame["device"].to_numpy(dtype=np.int64)
    return (device << 24) | (days(frame["day"], empty=ALWAYS) + _FIRST_DAY)


def _unsorted(mask: Mask, order: Numbers) -> Mask:
    back = np.zeros(len(mask), dtype=np.bool_)
    back[order] = mask
    return back


def _told(frame: pd.DataFrame, mask: Mask, *, code: Code, heading: str | None) -> pd.DataFrame:
    where = np.flatnonzero(mask)
    value = frame["value"].iloc[where].astype(TEXT) if "value" in frame.columns else None
    return findings_at(
        line=frame["line"].to_numpy(dtype=np.int64)[where], code=code, column=heading, value=value
    )
