"""Is the line well-formed? Each defect costs its own line, and all defects of a line are told."""

import re
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from meterdrop.model.codes import Code
from meterdrop.model.layout import SEPARATORS, Layout
from meterdrop.parse.chunks import Chunk, line_places
from meterdrop.parse.encoded import Mask, to_split, undecodable
from meterdrop.parse.quotes import count_cells, matching, quotes_of, well_quoted
from meterdrop.tables import TEXT, Lines, findings_at

_SPACES = " \t\v\f"
_COMMENT = ord("#")
_BOM = "\ufeff".encode()


@dataclass(frozen=True)
class Sorts:
    """What is each line? One of these for every line; the rest are data."""

    header: Mask
    repeated: Mask
    comment: Mask
    blank: Mask
    data: Mask

    def only(self, chosen: Mask) -> "Sorts":
        """What these lines are."""
        return Sorts(
            header=self.header[chosen],
            repeated=self.repeated[chosen],
            comment=self.comment[chosen],
            blank=self.blank[chosen],
            data=self.data[chosen],
        )

    def as_comments(self) -> "Sorts":
        """The same lines, but all data are comments."""
        return replace(self, comment=self.comment | self.data, data=np.zeros_like(self.data))


@dataclass(frozen=True)
class Defect:
    """Lines with the same kind of defect. `cells` tells how many cells each line of the chunk has."""

    code: Code
    lines: Mask
    cells: Lines | None = None

    def findings(self, line: Lines) -> pd.DataFrame:
        """One finding for each such line; `line` numbers all lines of the chunk."""
        value = None
        if self.cells is not None:
            value = pd.Series(pc.cast(pa.array(self.cells[self.lines]), pa.string()), dtype=TEXT)
        return findings_at(line=line[self.lines], code=self.code, value=value)


def sort_out(chunk: Chunk, *, layout: Layout) -> Sorts:
    """Header, comment, blank or data? What stands before header or data and is not blank counts as comment."""
    header = chunk.line == layout.header_line
    before = (chunk.line < layout.first_line) & ~header
    comment = comment_lines(chunk) & ~header
    rest = ~header & ~comment & ~chunk.too_long
    blank = rest & blank_lines(chunk, separators=layout.separator)
    if before.any():
        blank |= rest & before & blank_lines(chunk, separators="".join(SEPARATORS))
        comment |= before & ~blank
    rest &= ~blank & ~before
    repeated = rest & _same_as_header(chunk, layout)
    return Sorts(
        header=header,
        repeated=repeated,
        comment=comment,
        blank=blank,
        data=~(header | repeated | comment | blank),
    )


def comment_lines(chunk: Chunk) -> Mask:
    """Which lines begin with `#`?"""
    begins: Mask = chunk.octets[chunk.start] == _COMMENT
    return begins


def blank_lines(chunk: Chunk, *, separators: str) -> Mask:
    """Which lines have nothing but white space and separators (Excel writes `;;;;` for an empty row)?"""
    nothing = np.zeros(256, dtype=np.bool_)
    nothing[list((_SPACES + separators).encode())] = True
    blank: Mask = chunk.start == chunk.stop
    ends_blank: Mask = nothing[chunk.octets[chunk.start]] & nothing[chunk.octets[chunk.stop - 1]] & ~blank
    if ends_blank.any():
        pattern = rf"\A[{re.escape(_SPACES + separators)}]*\z"
        suspects = np.flatnonzero(ends_blank)
        blank[suspects[matching(chunk.lines.take(pa.array(suspects)), pattern)]] = True
    return blank


def defects_of(chunk: Chunk, *, data: Mask, layout: Layout) -> list[Defect]:
    """All defects of structure of the data lines, in the order they are told.

    Of a line that is too long nothing else is said: its end was never looked at. The cells of a line with bad
    quotes are not counted: nobody knows where they end.
    """
    whole = data & ~chunk.too_long
    quotes = quotes_of(chunk)
    badly_quoted = _badly_quoted(chunk, lines=whole & chunk.holding(quotes), separator=layout.separator)
    cells = count_cells(chunk, separator=layout.separator, quotes=quotes)
    counted = whole & ~badly_quoted
    wanted = len(layout.headings)
    return [
        Defect(Code.LINE_TOO_LONG, data & chunk.too_long),
        Defect(Code.LINE_NUL, whole & _with_nul(chunk)),
        Defect(Code.LINE_ENCODING, whole & _damaged(chunk, layout.encoding)),
        Defect(Code.LINE_BAD_QUOTING, badly_quoted),
        Defect(Code.LINE_TOO_FEW_CELLS, counted & (cells < wanted), cells),
        Defect(Code.LINE_TOO_MANY_CELLS, counted & (cells > wanted), cells),
    ]


def _same_as_header(chunk: Chunk, layout: Layout) -> Mask:
    """Files are glued together: their headers come again, perhaps with their byte-order mark."""
    same = np.zeros(len(chunk), dtype=np.bool_)
    header = to_split(layout.header_raw, encoding=layout.encoding)
    if not header:
        return same
    for text in (header, _BOM + header):
        suspects = np.flatnonzero(chunk.stop - chunk.start == len(text))
        if len(suspects):
            equal = pc.equal(chunk.lines.take(pa.array(suspects)), pa.scalar(text, pa.large_binary()))
            same[suspects[equal.to_numpy(zero_copy_only=False)]] = True
    return same


def _badly_quoted(chunk: Chunk, *, lines: Mask, separator: str) -> Mask:
    bad = np.zeros(len(chunk), dtype=np.bool_)
    suspects = np.flatnonzero(lines)
    if len(suspects):
        bad[suspects[~well_quoted(chunk.lines.take(pa.array(suspects)), separator=separator)]] = True
    return bad


def _with_nul(chunk: Chunk) -> Mask:
    if b"\x00" not in chunk.text:
        return np.zeros(len(chunk), dtype=np.bool_)
    return chunk.holding(np.flatnonzero(chunk.octets == 0))


def _damaged(chunk: Chunk, encoding: str) -> Mask:
    text, places = undecodable(chunk.text, encoding=encoding)
    if not len(places):
        return np.zeros(len(chunk), dtype=np.bool_)
    start = chunk.start
    if text is not chunk.text:
        first_of_each = np.cumsum(chunk.more + 1) - (chunk.more + 1)
        start = line_places(text)[0][first_of_each]
    return np.diff(np.searchsorted(places, np.append(start, len(text)))) > 0
