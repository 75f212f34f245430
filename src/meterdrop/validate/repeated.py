"""Does a file tell the same device and day twice? Block by block, so that memory follows the days, not the lines."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from meterdrop.model.codes import Code
from meterdrop.tables import TEXT, Lines, findings_at, join_findings, no_findings
from meterdrop.validate.arrays import Mask, Numbers, device_days, exact, is_word
from meterdrop.validate.register import EXCHANGE_OUT
from meterdrop.validate.repeats import Repeats, rank
from meterdrop.validate.timeline import EXCHANGE_IN

KEY_COLUMNS: Final = ["line", "device", "day", "canonical_value", "kind", "estimated"]
"""What is asked of a reading to tell whether it repeats another."""

_NONE: Final = np.iinfo(np.int64).max
_MOST_WAITING: Final = 1_000_000
"""Rows that are put together at once; all of a usual part of a file."""


@dataclass(frozen=True)
class Told:
    """What a file tells of each device and day, by key (device and day as one number, ascending, each once).

    `line` is the one to be kept, the first of the best `rank`; `value` its exact value as two halves; `other` the first
    line with another value (there is none: the largest number). `read_out` and `read_in` say whether a meter was read
    at an exchange. `rows` is how many rows there were in all.
    """

    rows: int
    key: Numbers
    line: Lines
    rank: Numbers
    value: npt.NDArray[np.int64]
    other: Lines
    read_out: Mask
    read_in: Mask


def told_in(blocks: Iterable[pd.DataFrame]) -> Told:
    """All blocks together; they have KEY_COLUMNS, none null."""
    waiting: list[Told] = [_of_block(pd.DataFrame())]
    rows = 0
    for block in blocks:
        waiting.append(_of_block(block))
        rows += len(block)
        if rows > _MOST_WAITING:
            waiting, rows = [_together(waiting)], 0
    return _together(waiting)


def _of_block(block: pd.DataFrame) -> Told:
    if len(block) == 0:
        numbers, flags = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.bool_)
        return Told(0, numbers, numbers, numbers, np.zeros((0, 2), dtype=np.int64), numbers, flags, flags)
    return Told(
        rows=len(block),
        key=device_days(block),
        line=block["line"].to_numpy(dtype=np.int64),
        rank=rank(block),
        value=exact(block["canonical_value"]),
        other=np.full(len(block), _NONE),
        read_out=is_word(block["kind"], EXCHANGE_OUT),
        read_in=is_word(block["kind"], EXCHANGE_IN),
    )


def _together(parts: list[Told]) -> Told:
    key = np.concatenate([part.key for part in parts])
    line = np.concatenate([part.line for part in parts])
    ranks = np.concatenate([part.rank for part in parts])
    if len(key) == 0:
        return parts[0]
    order = np.lexsort((line, -ranks, key))
    key = key[order]
    new = np.ones(len(key), dtype=np.bool_)
    new[1:] = key[1:] != key[:-1]
    first = np.flatnonzero(new)
    value = np.concatenate([part.value for part in parts])[order]
    line = line[order]
    differs = (value != value[first][np.cumsum(new) - 1]).any(axis=1)
    other = np.concatenate([part.other for part in parts])[order]
    contradicts = np.where(differs, line, other)
    flags = [
        np.logical_or.reduceat(np.concatenate(each)[order], first)
        for each in ([part.read_out for part in parts], [part.read_in for part in parts])
    ]
    return Told(
        rows=sum(part.rows for part in parts),
        key=key[first],
        line=line[first],
        rank=ranks[order][first],
        value=value[first],
        other=np.minimum.reduceat(contradicts, first),
        read_out=flags[0],
        read_in=flags[1],
    )


def check_in_file(block: pd.DataFrame, *, told: Told, heading: str | None = None) -> Repeats:
    """One reading per device and day in a file; `told` is of the whole file, or of all that it says of these devices.

    The same value again is a duplicate (`reading.same-value`; the first line of the best kind stays).
    Another value sets all lines of that key aside: `reading.exchange-unregistered` for a meter read out and another
    read in under one number, `reading.conflict-in-file` for the rest.
    """
    if len(told.key) == told.rows:
        return Repeats(
            findings=no_findings(),
            duplicates=np.zeros(0, dtype=np.int64),
            corrections=np.zeros(0, dtype=np.int64),
        )
    line = block["line"].to_numpy(dtype=np.int64)
    at = np.searchsorted(told.key, device_days(block))
    contested = told.other[at] != _NONE
    again = ~contested & (told.line[at] != line)
    kept = (exact(block["canonical_value"]) == told.value[at]).all(axis=1) if len(block) else again
    against = np.where(kept, told.other[at], told.line[at])
    exchange = contested & told.read_out[at] & told.read_in[at]
    exchange &= is_word(block["kind"], EXCHANGE_OUT) | is_word(block["kind"], EXCHANGE_IN)
    masks = {
        Code.READING_EXCHANGE_UNREGISTERED: exchange,
        Code.READING_CONFLICT_IN_FILE: contested & ~exchange,
        Code.READING_SAME_VALUE: again,
    }
    findings = [
        _told(block, mask, code=code, heading=heading, against=against) for code, mask in masks.items()
    ]
    return Repeats(
        findings=join_findings(findings),
        duplicates=line[again],
        corrections=np.zeros(0, dtype=np.int64),
    )


def _told(
    block: pd.DataFrame, mask: Mask, *, code: Code, heading: str | None, against: Numbers
) -> pd.DataFrame:
    where = np.flatnonzero(mask)
    other = pd.Series(pd.arrays.ArrowExtensionArray(pa.array(against[where]).cast(pa.string())), dtype=TEXT)
    return findings_at(
        line=block["line"].to_numpy(dtype=np.int64)[where],
        code=code,
        column=heading,
        value=block["value"].take(where).astype(TEXT),
        against=other if code is Code.READING_CONFLICT_IN_FILE else None,
    )
