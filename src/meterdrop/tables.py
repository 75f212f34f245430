"""Which columns do the frames have that go from stage to stage? The columnar words, beside `model`.

All frames use Arrow-backed pandas columns, a plain range index, and are never written to after they were made.
"""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from meterdrop.model.codes import Code, severity_of
from meterdrop.model.finding import Finding

TEXT: Final = pd.ArrowDtype(pa.string())
LINE: Final = pd.ArrowDtype(pa.int64())
DAY: Final = pd.ArrowDtype(pa.date32())
FLAG: Final = pd.ArrowDtype(pa.bool_())
DECIMAL: Final = pd.ArrowDtype(pa.decimal128(38, 10))
RAW: Final = pd.ArrowDtype(pa.large_binary())

DAMAGE: Final = "\ufffd"
"""Stands in a cell for each NUL and for bytes that are no characters."""

LONGEST_VALUE: Final = 200
"""Findings quote at most this many characters of a cell."""

Lines = npt.NDArray[np.int64]


def name_columns_plainly() -> None:
    """From here on this process keeps the names of columns as Python's own words.

    pandas 3 would make an Arrow array of them for every frame, which takes an eighth of the time of a small file. All cells
    have a type that we name, so this changes labels alone. pandas 4 will take the choice away.
    """
    with warnings.catch_warnings(), suppress(pd.errors.OptionError):
        warnings.simplefilter("ignore")
        pd.set_option("future.infer_string", False)


@dataclass(frozen=True)
class TextBlock:
    """Some lines of a file, in order, as text.

    `cells`: a frame of TEXT columns named by our columns, one row a data line that can be split, cells exactly as
    written (quotes undone, not trimmed; empty is the empty string), but with DAMAGE for what can't be read: such a
    line has `line.nul` or `line.encoding` among `findings` (see `parse.damage`). `line`: the physical line number
    of each row. `raw`: the bytes of each row's line without its line end. `broken`: frame (line, raw) of lines that
    can't be split, their reasons in `findings`. The counts are of this block's physical lines.
    """

    cells: pd.DataFrame
    line: Lines
    raw: pa.LargeBinaryArray
    broken: pd.DataFrame
    findings: pd.DataFrame
    physical: int
    header: int
    blank: int
    comment: int
    continuation: int


@dataclass(frozen=True)
class TypedRows:
    """A block's rows after casting: `frame` has the typed columns (see `parse.cells`), `findings` what failed.

    A cell that could not be cast is null in `frame` and has a finding, unless its line has one because the cell is
    damaged; it hides no other cell's error.
    """

    frame: pd.DataFrame
    findings: pd.DataFrame


@cache
def no_findings() -> pd.DataFrame:
    """The empty frame of findings: line, code, severity, column, value, against. Made once: every check of every block
    asks for it."""
    return empty_frame(
        {"line": LINE, **dict.fromkeys(("code", "severity", "column", "value", "against"), TEXT)}
    )


def findings_at(
    *,
    line: Lines | Sequence[int] | pd.Series,
    code: Code,
    column: str | None = None,
    value: pd.Series | None = None,
    against: pd.Series | None = None,
) -> pd.DataFrame:
    """One finding of the same code for each of these lines.

    `value` holds the cells and `against` what each was compared with, in the same order.
    """
    lines = pa.array(line, type=pa.int64(), from_pandas=True)
    count = len(lines)
    if count == 0:
        return no_findings()
    return framed(
        {
            "line": lines,
            "code": pa.repeat(pa.scalar(code.value, pa.string()), count),
            "severity": pa.repeat(pa.scalar(severity_of(code).value, pa.string()), count),
            "column": pa.repeat(pa.scalar(column, pa.string()), count),
            "value": _quoted(value, count),
            "against": _quoted(against, count),
        }
    )


def _quoted(cells: pd.Series | None, count: int) -> pa.Array | pa.ChunkedArray:
    if cells is None:
        return pa.nulls(count, pa.string())
    texts = pa.array(cells.astype(TEXT).array)
    longest = pc.max(pc.binary_length(texts)).as_py() or 0
    return texts if longest <= LONGEST_VALUE else pc.utf8_slice_codeunits(texts, 0, LONGEST_VALUE)


def join_findings(parts: Iterable[pd.DataFrame], *, by_line: bool = True) -> pd.DataFrame:
    """All of them in one frame, by line; within a line in the order given.

    `by_line` False saves the work where they are joined with others afterwards: the order will be the same.
    """
    found = [part for part in parts if len(part)]
    if not found:
        return no_findings()
    if len(found) == 1 and not by_line:
        return found[0]
    together = pa.concat_tables(map(as_table, found)).combine_chunks()
    line = pc.fill_null(together["line"], np.iinfo(np.int64).max).to_numpy()
    if by_line and (line[1:] < line[:-1]).any():
        together = together.take(pa.array(np.argsort(line, kind="stable")))
    return as_frame(together)


def as_table(frame: pd.DataFrame) -> pa.Table:
    """A frame's columns in Arrow's own words, in which joining and sorting are fast."""
    return pa.table(_columns(frame))


def as_frame(table: pa.Table) -> pd.DataFrame:
    """And back: nothing is copied either way."""
    return framed(dict(zip(table.column_names, table.columns, strict=True)))


def framed(columns: Mapping[str, pa.Array | pa.ChunkedArray]) -> pd.DataFrame:
    """Arrow's columns under these names as a frame, just as they are: pandas would look at each of them again."""
    cells = {name: pd.arrays.ArrowExtensionArray(column) for name, column in columns.items()}
    rows = len(next(iter(cells.values()), ()))
    return pd.DataFrame(cells, index=pd.RangeIndex(rows), copy=False)


def only(frame: pd.DataFrame, chosen: npt.NDArray[np.bool_]) -> pd.DataFrame:
    """The chosen rows, numbered anew; the frame itself where all are chosen."""
    if chosen.all():
        return frame
    mask = pa.array(chosen)
    return framed({name: cells.filter(mask) for name, cells in _columns(frame).items()})


def taken(frame: pd.DataFrame, places: npt.NDArray[np.int64]) -> pd.DataFrame:
    """The rows at these places in this order, numbered anew."""
    at = pa.array(places)
    return framed({name: cells.take(at) for name, cells in _columns(frame).items()})


def _columns(frame: pd.DataFrame) -> dict[str, pa.Array | pa.ChunkedArray]:
    return {str(name): pa.array(column.array) for name, column in frame.items()}


def empty_frame(columns: Mapping[str, pd.ArrowDtype]) -> pd.DataFrame:
    """No rows of these columns."""
    return framed({name: pa.array([], dtype.pyarrow_dtype) for name, dtype in columns.items()})


def findings_frame(findings: Sequence[Finding]) -> pd.DataFrame:
    """Single findings (of the file as a whole, say) as a frame; line may be null."""
    return framed(
        {
            "line": pa.array([f.line for f in findings], pa.int64()),
            "code": pa.array([f.code.value for f in findings], pa.string()),
            "severity": pa.array([f.severity.value for f in findings], pa.string()),
            "column": pa.array([f.column for f in findings], pa.string()),
            "value": pa.array([f.value for f in findings], pa.string()),
            "against": pa.array([f.against for f in findings], pa.string()),
        }
    )


_TINY: Final = pa.decimal128(20, 10)


def decimal_text(decimals: pa.Array) -> pa.Array:
    """Decimals in plain notation without trailing zeros, whole columns at a time: 1204.5, 1000, 0, 0.0000036."""
    text = decimals if pa.types.is_string(decimals.type) else pc.cast(decimals, pa.string())
    # Arrow writes zero and what is very small with an exponent.
    tiny = pc.fill_null(pc.match_substring(text, "E"), False)
    if pc.any(tiny, min_count=0).as_py():
        text = pc.replace_with_mask(text, tiny, _without_exponent(decimals.filter(tiny)))
    trimmed = pc.utf8_rtrim(pc.utf8_rtrim(text, "0"), ".")
    return pc.if_else(pc.match_substring(text, "."), trimmed, text)


def _without_exponent(decimals: pa.Array) -> pa.Array:
    """Numbers between -0.000001 and 0.000001: one more than each is written plainly, and then one is taken away."""
    numbers = decimals.cast(_TINY)
    size = pc.add(pc.abs(numbers), pa.scalar(1, _TINY)).cast(pa.string())
    sign = pc.if_else(pc.less(numbers, pa.scalar(0, _TINY)), "-", "")
    return pc.binary_join_element_wise(sign, pc.utf8_replace_slice(size, 0, 1, "0"), "")
