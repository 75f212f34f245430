"""Has this day of this device been told already, in the same file or before?"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from meterdrop.model.codes import Code
from meterdrop.tables import TEXT, Lines, findings_at, join_findings, no_findings
from meterdrop.validate.arrays import Mask, Numbers, arrow, device_days, exact, is_word, truth
from meterdrop.validate.register import EXCHANGE_OUT
from meterdrop.validate.timeline import EXCHANGE_IN, written

_ESTIMATE: Final = "ESTIMATE"

ESTIMATE, ACTUAL, AT_EXCHANGE = range(3)
"""The ranks of readings, the worst first."""


@dataclass(frozen=True)
class Repeats:
    """`duplicates` are lines not stored because the same is there; `corrections` lines that take another's place.

    Errors among `findings` set their lines aside.
    """

    findings: pd.DataFrame
    duplicates: Lines
    corrections: Lines


def check_against_stored(
    frame: pd.DataFrame,
    *,
    stored: pd.DataFrame,
    heading: str | None = None,
    came_with: int | None = None,
) -> Repeats:
    """Readings (each key once) against the current ones of the same device and day.

    Both have device, day, canonical_value, canonical_unit, kind, estimated, value, unit and delta; `stored` has delivery,
    too. The same value is a duplicate (`reading.same-value`), unless a better kind takes a worse one's place; another
    value is a correction (`reading.correction`). A reading of a worse kind never takes a better one's place
    (`reading.worse-kind`); `rank` says which is better. What was read out and what was read in on one day are two
    readings of two meters (`reading.exchange-unregistered`). Readings that `came_with` a delivery before the stored
    one's, or with the same (of two lines that contradict each other a person chose one), and are judged only now
    correct nothing (`reading.superseded`), except that a better kind goes before a worse one. What is stored in a unit
    of another dimension than the register has by now gives way to any reading.
    """
    pairs = _Pairs.of(frame, stored)
    ours, theirs = frame.take(pairs.row), stored.take(pairs.other)
    other = _of_another_dimension(ours, theirs)
    same = (exact(ours["canonical_value"]) == exact(theirs["canonical_value"])).all(axis=1)
    same &= (truth(ours["delta"]) == truth(theirs["delta"])) & ~other
    better = (rank(ours) > rank(theirs)) | other
    worse = (rank(ours) < rank(theirs)) & ~same & ~other
    exchange = _read_out_and_in(ours, theirs) & ~same & ~worse & ~other
    late = np.zeros(len(ours), dtype=np.bool_)
    if came_with is not None:
        late = theirs["delivery"].to_numpy(dtype=np.int64) >= came_with
    late &= ~same & ~worse & ~better & ~exchange
    again = same & ~better
    corrects = ~again & ~worse & ~exchange & ~late
    masks = {
        Code.READING_EXCHANGE_UNREGISTERED: exchange,
        Code.READING_SAME_VALUE: again,
        Code.READING_WORSE_KIND: worse,
        Code.READING_SUPERSEDED: late,
        Code.READING_CORRECTION: corrects,
    }
    findings = [_told(ours, mask, code=code, heading=heading, against=theirs) for code, mask in masks.items()]
    lines = ours["line"].to_numpy(dtype=np.int64)
    return Repeats(
        findings=join_findings(findings),
        duplicates=lines[again | worse | late],
        corrections=lines[corrects],
    )


def rank(frame: pd.DataFrame) -> Numbers:
    """How good each reading is among those of its day: ESTIMATE (by its kind or by its flag), ACTUAL, AT_EXCHANGE.

    What was read at an exchange parts the meter's life, which nothing else of that day tells.
    """
    estimate = is_word(frame["kind"], _ESTIMATE) | truth(frame["estimated"])
    exchange = is_word(frame["kind"], EXCHANGE_OUT) | is_word(frame["kind"], EXCHANGE_IN)
    return np.where(estimate, ESTIMATE, np.where(exchange, AT_EXCHANGE, ACTUAL))


@dataclass(frozen=True)
class _Pairs:
    """Rows of ours and of theirs that are of the same device and day."""

    row: Numbers
    other: Numbers

    @classmethod
    def of(cls, frame: pd.DataFrame, stored: pd.DataFrame) -> "_Pairs":
        ours, theirs = device_days(frame), device_days(stored)
        order = np.argsort(theirs)
        place = np.searchsorted(theirs[order], ours)
        hit = np.zeros(len(ours), dtype=np.bool_)
        inside = place < len(theirs)
        hit[inside] = theirs[order][place[inside]] == ours[inside]
        return cls(row=np.flatnonzero(hit), other=order[place[hit]])


def _of_another_dimension(ours: pd.DataFrame, theirs: pd.DataFrame) -> Mask:
    """Where the register had the meter's unit wrong when the stored reading came: that is none of this meter."""
    other: Mask = pc.not_equal(arrow(ours["canonical_unit"]), arrow(theirs["canonical_unit"])).to_numpy(
        zero_copy_only=False
    )
    return other


def _read_out_and_in(ours: pd.DataFrame, theirs: pd.DataFrame) -> Mask:
    out, in_ = is_word(ours["kind"], EXCHANGE_OUT), is_word(ours["kind"], EXCHANGE_IN)
    return (out & is_word(theirs["kind"], EXCHANGE_IN)) | (in_ & is_word(theirs["kind"], EXCHANGE_OUT))


def _told(
    frame: pd.DataFrame, mask: Mask, *, code: Code, heading: str | None, against: pd.DataFrame
) -> pd.DataFrame:
    if not mask.any():
        return no_findings()
    where = np.flatnonzero(mask)
    one, other = frame.take(where), against.take(where)
    shown = written(value=other["value"], unit=other["unit"], day=other["day"])
    return findings_at(
        line=one["line"].to_numpy(dtype=np.int64),
        code=code,
        column=heading,
        value=one["value"].astype(TEXT),
        against=None if code is Code.READING_SAME_VALUE else shown,
    )
