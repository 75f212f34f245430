"""Are the quotes of a line right (RFC 4180), and how many cells has it?

Excel's unquoted `="0001"` is no quote and fine.
"""

import re
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from meterdrop.parse.chunks import Chunk
from meterdrop.parse.encoded import Mask
from meterdrop.tables import Lines

_QUOTE = ord('"')


def quotes_of(chunk: Chunk) -> Lines:
    """The places of all quotes."""
    if b'"' not in chunk.text:
        return np.empty(0, dtype=np.int64)
    return np.flatnonzero(chunk.octets == _QUOTE)


def well_quoted(lines: pa.LargeBinaryArray, *, separator: str) -> Mask:
    """Which of these lines have right quotes? Only a quoted cell may hold a line end."""
    return matching(lines, _well_quoted(separator))


def left_open(lines: pa.LargeBinaryArray, *, separator: str) -> Mask:
    """Which of these lines have right quotes but for the last cell's, which isn't closed?"""
    return matching(lines, _left_open(separator))


def count_cells(chunk: Chunk, *, separator: str, quotes: Lines) -> Lines:
    """How many cells has each line? `quotes` are the places of all quotes; lines with bad quotes count anyhow."""
    separators = np.flatnonzero(chunk.octets == ord(separator))
    count = np.diff(np.searchsorted(separators, chunk.bounds))
    if len(quotes):
        # A separator is inside a cell when an odd number of the line's quotes come before it.
        owner = np.repeat(np.arange(len(chunk)), count)
        before = np.searchsorted(quotes, separators) - np.searchsorted(quotes, chunk.start)[owner]
        count = np.bincount(owner[before % 2 == 0], minlength=len(chunk))
    return count + 1


def matching(lines: pa.LargeBinaryArray, pattern: str) -> Mask:
    """Which of these lines match?"""
    found: Mask = pc.match_substring_regex(lines, pattern=pattern).to_numpy(zero_copy_only=False)
    return found


@cache
def _well_quoted(separator: str) -> str:
    mark, cell = _patterns(separator)
    return rf"\A{cell}(?:{mark}{cell})*\z"


@cache
def _left_open(separator: str) -> str:
    mark, cell = _patterns(separator)
    return rf'\A(?:{cell}{mark})*"(?:[^"]|"")*\z'


def _patterns(separator: str) -> tuple[str, str]:
    """The separator, and a cell."""
    mark = re.escape(separator)
    return mark, rf'(?:"(?:[^"]|"")*"|="[^"\r\n{mark}]*"|[^"\r\n{mark}]*)'
