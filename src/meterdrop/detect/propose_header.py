"""In which line of a sample does the header stand, if it has one, and what stands below the last record?"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from meterdrop.detect.encoding import Encoding
from meterdrop.detect.feed import looks_like_data
from meterdrop.detect.header_line import HeaderLine, header_line, lines_of
from meterdrop.detect.headings import read_header, split_cells
from meterdrop.detect.propose import Statement, counted, guess, sure
from meterdrop.model.feed import Agreement, Feed
from meterdrop.model.layout import SEPARATORS
from meterdrop.model.spelling import fold

_LOOKED_THROUGH: Final = 50
_LONGEST: Final = 4096
"""A header is looked for in so many lines, each not longer than this."""

_ENOUGH_KNOWN: Final = 2
"""So many known headings make a line the header; one may stand in a title by chance."""

_SUMS: Final = frozenset({"celkem", "soucet", "suma", "total", "sum", "konec", "pocet"})
_LONGEST_FOOTER: Final = 5


@dataclass(frozen=True)
class FoundHeader:
    """The header's line, or the first record's where there is no header.

    `said` is what the profile must say of it: nothing if the header is where it is looked for anyway.
    """

    line: HeaderLine
    headed: bool
    said: Statement | None


def find_header(head: bytes, *, encoding: Encoding, feeds: Sequence[Feed]) -> FoundHeader:
    """The header of the file that begins with `head`. CannotRead `file.no-header` if all lines are blank."""
    first = header_line(head, encoding)
    lines = [line for line in islice(lines_of(head, encoding), _LOOKED_THROUGH) if not line.passed_over]
    short = [line for line in lines if line.number == first.number or len(line.text) <= _LONGEST]
    known = {line.number: _known(line, feeds=feeds) for line in short}
    best = max(short, key=lambda line: known[line.number])
    if known[first.number] >= min(_ENOUGH_KNOWN, known[best.number]) > 0:
        return FoundHeader(first, headed=True, said=None)
    if known[best.number] >= _ENOUGH_KNOWN:
        why = f"{counted(known[best.number], 'heading')} known there, and none in the lines before it"
        return FoundHeader(best, headed=True, said=sure(f"row {best.number}", why))
    return _by_shape(short, first=first)


def find_footer(tail: bytes, *, encoding: Encoding, separator: str) -> Statement | None:
    """The words with which sums below the records begin; None if the file ends with a record.

    `tail` is the end of the file.
    """
    last = [line for line in lines_of(tail, encoding) if not line.passed_over][-_LONGEST_FOOTER:]
    words: list[str] = []
    for line in reversed(last):
        cell = split_cells(line.text, separator=separator)[0]
        word = cell.split(" ")[0].strip(":.") if cell else ""
        if fold(word) not in _SUMS:
            break
        words.append(word)
    if not words:
        return None
    return guess(tuple(sorted(set(words))), f"the file ends with {counted(len(words), 'line')} of sums")


def _known(line: HeaderLine, *, feeds: Sequence[Feed]) -> int:
    headers = (
        read_header(line.text, agreement=Agreement(partner="", feed=feed), separator=line.separator)
        for feed in feeds
    )
    return max((len(header.recognised) for header in headers), default=0)


def _by_shape(lines: Sequence[HeaderLine], *, first: HeaderLine) -> FoundHeader:
    """No heading is known: the first line with as many cells as most lines have is a header, or holds data."""
    shapes = {line.number: _shape(line) for line in lines}
    (_, cells), _ = Counter(shapes.values()).most_common(1)[0]
    found = next(line for line in lines if shapes[line.number][1] == cells)
    separator, cells = shapes[found.number]
    if cells > 1 and looks_like_data(split_cells(found.text, separator=separator)):
        why = f"the first line with {cells} cells holds numbers or days"
        return FoundHeader(found, headed=False, said=guess("none", why))
    if cells == 1 or found.number == first.number:
        return FoundHeader(first, headed=True, said=None)
    why = f"the first line with {cells} cells, as most lines have"
    return FoundHeader(found, headed=True, said=guess(f"row {found.number}", why))


def _shape(line: HeaderLine) -> tuple[str, int]:
    """By which separator the line has most cells, and how many."""
    choices = SEPARATORS if line.separator is None else (line.separator,)
    cells = {choice: len(split_cells(line.text, separator=choice)) for choice in choices}
    separator = max(choices, key=lambda choice: cells[choice])
    return separator, cells[separator]
