"""Which part of this line is wrong? The line in pieces, for a page that marks the bad cells."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from meterdrop.report.for_people import cut, visible

MOST_CELLS: Final = 24
"""So many cells from the start of a line are shown, and of the bad ones behind them."""

LONGEST_CELL: Final = 80
LONGEST_LINE: Final = 400
LONGEST_TITLE: Final = 1_000
"""How many characters of a cell, of a line that can't be told into cells, and of a cell's title are shown."""


class Kind(StrEnum):
    """What a piece of a line is."""

    CELL = "cell"
    BAD = "bad"
    BETWEEN = "between"
    LEFT_OUT = "left-out"


@dataclass(frozen=True)
class Piece:
    """A piece of a line, ready to be shown; `title` says more of it: the heading, and the whole cell if it was cut."""

    kind: Kind
    text: str
    title: str = ""


def pieces(
    text: str, *, separator: str | None, headings: Sequence[str], bad: frozenset[str]
) -> tuple[Piece, ...]:
    """The line, cell by cell; `bad` are headings of cells to be marked. Cells that no heading is for are bad."""
    if separator is None or not headings:
        return (_piece(Kind.CELL, text, heading="", longest=LONGEST_LINE),)
    cells = [text[start:end] for start, end in spans(text, separator=separator)]
    wrong = [place >= len(headings) or headings[place] in bad for place in range(len(cells))]
    shown = _chosen(wrong)
    made: list[Piece] = []
    for place, cell in enumerate(cells):
        if place in shown:
            if place and place - 1 in shown:
                made.append(Piece(Kind.BETWEEN, visible(separator)))
            heading = headings[place] if place < len(headings) else f"+{place - len(headings) + 1}"
            made.append(_piece(Kind.BAD if wrong[place] else Kind.CELL, cell, heading=heading))
        elif place == 0 or place - 1 in shown:
            gap = next((later for later in range(place, len(cells)) if later in shown), len(cells)) - place
            made.append(Piece(Kind.LEFT_OUT, f"… {gap} …"))
    return tuple(made)


def spans(text: str, *, separator: str) -> Iterator[tuple[int, int]]:
    """Where each cell begins and ends, quotes included; a quote that is never closed is a letter."""
    quoted = _quoted(separator)
    at = 0
    while at <= len(text):
        found = quoted.match(text, at) if text.startswith('"', at) else None
        end = text.find(separator, at) if found is None else found.end()
        end = len(text) if end < 0 else end
        yield at, end
        at = end + len(separator)


@lru_cache
def _quoted(separator: str) -> re.Pattern[str]:
    return re.compile(rf'"(?:[^"]|"")*"(?={re.escape(separator)}|\Z)')


def _chosen(wrong: Sequence[bool]) -> frozenset[int]:
    """The first cells, and the first bad ones behind them."""
    behind = [place for place in range(MOST_CELLS, len(wrong)) if wrong[place]]
    return frozenset([*range(min(MOST_CELLS, len(wrong))), *behind[:MOST_CELLS]])


def _piece(kind: Kind, text: str, *, heading: str, longest: int = LONGEST_CELL) -> Piece:
    if len(text) <= longest:
        return Piece(kind, visible(text), title=_begin(heading, LONGEST_CELL))
    whole = f"{_begin(heading, LONGEST_CELL)}: {text}" if heading else text
    return Piece(kind, _begin(text, longest), title=_begin(whole, LONGEST_TITLE))


def _begin(text: str, longest: int) -> str:
    return visible(cut(text, longest=longest))
