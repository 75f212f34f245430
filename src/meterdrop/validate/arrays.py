"""How do columns become numbers that compare fast and exactly?"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

Numbers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

NEVER: Final = np.iinfo(np.int64).max
"""A day after all days: the end of what has none."""
ALWAYS: Final = np.iinfo(np.int64).min
"""A day before all days."""


def arrow(column: pd.Series) -> pa.Array:
    """The column's Arrow array, in one piece."""
    cells = pa.array(column)
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
    cells = arrow(column)
    halves = np.frombuffer(cells.buffers()[1], dtype=np.int64).reshape(-1, 2)
    return halves[cells.offset : cells.offset + len(cells)]


def codes(texts: pd.Series, *, among: pa.Array) -> Numbers:
    """The position of each text among distinct texts; -1 for null and for what is not there."""
    at: Numbers = pc.fill_null(pc.index_in(arrow(texts), among).cast(pa.int64()), -1).to_numpy()
    return at


def numbered(frame: pd.DataFrame, *, columns: Sequence[str]) -> Numbers:
    """One number for each distinct combination of these columns."""
    groups = frame.groupby(list(columns), sort=False, dropna=False)
    return groups.ngroup().to_numpy().astype(np.int64)
