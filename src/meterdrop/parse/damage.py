"""Which cells can nobody read? A damaged line is set aside, but its other cells are judged in the same pass."""

from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from meterdrop.model.codes import Code
from meterdrop.model.layout import Layout
from meterdrop.parse.encoded import Mask
from meterdrop.tables import DAMAGE, TextBlock

DAMAGES: Final = frozenset({Code.LINE_NUL, Code.LINE_ENCODING})
"""A line with no other defects of structure can still be split into cells."""


def damaged_rows(block: TextBlock) -> Mask:
    """Which rows are of lines with NULs or with bytes that are no characters?"""
    if not len(block.findings):
        return np.zeros(len(block.line), dtype=np.bool_)
    damaged = block.findings["code"].isin([code.value for code in DAMAGES])
    return np.isin(block.line, block.findings.loc[damaged, "line"].to_numpy(dtype=np.int64))


def of_readable_cells(findings: pd.DataFrame, *, block: TextBlock, layout: Layout) -> pd.DataFrame:
    """The findings of the block's rows without those about a damaged cell: what it says is not known.

    A cell in which the partner sent U+FFFD itself counts as damaged if its line is.
    """
    rows = np.flatnonzero(damaged_rows(block))
    if not len(rows) or not len(findings):
        return findings
    about = findings["line"].to_numpy(dtype=np.int64)
    unread = np.zeros(len(findings), dtype=np.bool_)
    for name in block.cells.columns:
        lines = block.line[rows[_holding_damage(block.cells[name].iloc[rows])]]
        unread |= np.isin(about, lines) & (findings["column"] == layout.heading_of(name)).to_numpy(
            dtype=np.bool_, na_value=False
        )
    return findings.loc[~unread].reset_index(drop=True) if unread.any() else findings


def _holding_damage(cells: pd.Series) -> Mask:
    mask: Mask = pc.match_substring(pa.array(cells, type=pa.string()), DAMAGE).to_numpy(zero_copy_only=False)
    return mask
