"""How do columns become numbers that compare fast and exactly?"""

from collections.abc import Sequence
from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

Numbers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_DAY_BITS: Final = 24
_FIRST_DAY: Final = 1 << (_DAY_BITS - 1)

NEVER: Final = np.iinfo(np.int64).max
"""A day after all days: the end of what has none."""
ALWAYS: Final = np.iinfo(np.int64).min
"""A day before all days."""


def arrow(column: pd.Series) -> pa.Array:
    """The column's Arrow array, in one piece."""
    cells = pa.array(column.array)
    return cells.combine_chunks() if isinstance(cells, pa.ChunkedArray) else cells


def days(column: pd.Series, *, empty: int) -> Numbers:
    """Days since 1970-01-01; `empty` where there is none."""
    numbers: Numbers = pc.fill_null(arrow(column).cast(pa.int32()).cast(pa.int64()), empty).to_numpy()
    return numbers


def present(column: pd.Series) -> Mask:
    """Which cells are there."""
    mask: Mask = pc.is_valid(arrow(column)).to_numpy(zero_copy_only=False)
    return mask


def truth(column: pd.Series) -> Mask:
    """A column of flags; null is no."""
    mask: Mask = pc.fill_null(arrow(column), False).to_numpy(zero_copy_only=False)
    return mask


def is_word(column: pd.Series, word: str) -> Mask:
    """Which cells are this word; null is not."""
    mask: Mask = pc.fill_null(pc.equal(arrow(column), word), False).to_numpy(zero_copy_only=False)
    return mask


def exact(column: pd.Series) -> npt.NDArray[np.int64]:
    """Exact decimals (none null) as pairs of whole numbers: two are equal where both halves are."""
    return halves(arrow(column))


def halves(cells: pa.Array) -> npt.NDArray[np.int64]:
    """The same of an Arrow array: the lower half of each number, then the upper one."""
    pairs = np.frombuffer(cells.buffers()[1], dtype=np.int64).reshape(-1, 2)
    return pairs[cells.offset : cells.offset + len(cells)]


def ranks(pairs: npt.NDArray[np.int64]) -> Numbers:
    """The order of numbers given as halves: equal ones have the same rank."""
    lower, upper = pairs[:, 0].astype(np.uint64), pairs[:, 1]
    order = np.lexsort((lower, upper))
    new = np.ones(len(order), dtype=np.int64)
    new[1:] = (pairs[order][1:] != pairs[order][:-1]).any(axis=1)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.cumsum(new)
    return rank


def places(of: Numbers, *, among: Numbers) -> Numbers:
    """Where each of these numbers is among others, which are ascending and distinct and have all of them."""
    if len(among) and among[-1] - among[0] + 1 == len(among):  # ids given one after another
        near: Numbers = of - among[0]
        return near
    return np.searchsorted(among, of)


def distinct(numbers: Numbers) -> Numbers:
    """Each of these numbers once, ascending; at once if they are in order already."""
    if len(numbers) == 0 or (numbers[1:] < numbers[:-1]).any():
        return np.unique(numbers)
    first: Numbers = numbers[np.append(True, numbers[1:] != numbers[:-1])]
    return first


def codes(texts: pd.Series, *, among: pa.Array) -> Numbers:
    """The position of each text among distinct texts; -1 for null and for what is not there."""
    at: Numbers = pc.fill_null(pc.index_in(arrow(texts), among).cast(pa.int64()), -1).to_numpy()
    return at


def device_days(frame: pd.DataFrame) -> Numbers:
    """Device and day as one number, in that order; neither is null."""
    device = frame["device"].to_numpy(dtype=np.int64)
    return (device << _DAY_BITS) | (days(frame["day"], empty=ALWAYS) + _FIRST_DAY)


def numbered(frame: pd.DataFrame, *, columns: Sequence[str]) -> Numbers:
    """One number for each distinct combination of these columns."""
    groups = frame.groupby(list(columns), sort=False, dropna=False)
    return groups.ngroup().to_numpy().astype(np.int64)


def months_of(day: pd.Series) -> set[date]:
    """The first days of the months of these days; nulls are of no month."""
    numbers = arrow(day).drop_null().cast(pa.int32()).cast(pa.int64()).to_numpy()
    first = np.unique(numbers.astype("datetime64[D]").astype("datetime64[M]")).astype("datetime64[D]")
    return set(first.tolist())
