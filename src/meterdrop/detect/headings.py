"""Which column is this heading? Compared without case, diacritics, spaces and signs."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from meterdrop.model.feed import Agreement, Column, Feed, Type
from meterdrop.model.layout import REJECTS_HEADINGS, SEPARATORS
from meterdrop.model.measures import UNITS
from meterdrop.model.spelling import heading_key

IGNORED_HEADING: Final = "-"
"""What we call a column of a file without header that is ignored."""

_AGREEMENTS: Final = 1024
"""Of so many the words are remembered."""

_EXCEL_TEXT: Final = re.compile(r'\A="([^"]*)"\Z')


@dataclass(frozen=True)
class Header:
    """A header as one agreement reads it: its cells, and our column for each (None: unknown or empty)."""

    separator: str
    headings: tuple[str, ...]
    columns: tuple[str | None, ...]
    units: Mapping[str, str]
    rejects_cells: int

    @property
    def recognised(self) -> frozenset[str]:
        """Our columns that are there."""
        return frozenset(name for name in self.columns if name is not None)

    def fits(self, line: str) -> bool:
        """Has the line as many cells?"""
        return len(split_cells(line, separator=self.separator)) == len(self.headings)

    def missing(self, agreement: Agreement) -> tuple[str, ...]:
        """Mandatory columns that are not there. A unit told by a heading (`Stav [m3]`) stands for its column."""
        units = {column.name for column in agreement.feed.columns if column.type is Type.UNIT and self.units}
        there = self.recognised | units
        return tuple(name for name in agreement.feed.mandatory if name not in there)


def read_header(line: str, *, agreement: Agreement, separator: str | None = None) -> Header:
    """The header line as this agreement reads it.

    The separator is the given one, else the agreement's, else the one by which it ends as a rejects file of ours, else
    the one that recognises most columns (then: makes most cells).
    """
    told = separator or agreement.separator
    choices = SEPARATORS if told is None else (told,)
    headers = [_split_and_matched(line, separator=choice, agreement=agreement) for choice in choices]
    return max(headers, key=lambda each: (each.rejects_cells, len(each.recognised), len(each.headings)))


def declared_header(feed: Feed, *, separator: str) -> Header:
    """The header that a file without one would have: our own names in the order declared."""
    return Header(
        separator=separator,
        headings=tuple(name or IGNORED_HEADING for name in feed.in_order),
        columns=feed.in_order,
        units={},
        rejects_cells=0,
    )


def is_rejects_header(line: str, separator: str | None) -> bool:
    """Is this the header of a rejects file of ours?"""
    if not all(heading in line for heading in REJECTS_HEADINGS):
        return False
    choices = SEPARATORS if separator is None else (separator,)
    return any(
        split_cells(line, separator=choice)[-len(REJECTS_HEADINGS) :] == REJECTS_HEADINGS
        for choice in choices
    )


def runs_on(line: str, following: Sequence[str], *, separator: str) -> str | None:
    """The beginning of a quoted heading that goes on in the next lines; None if there is none such.

    A quote that no line closes is a stray one, and taken as a letter.
    """
    text = line
    for more in following:
        text = f"{text}\n{more}"
        if text.count('"') % 2 == 0:
            cells = _well_quoted_cells(text, separator=separator)
            broken = [cell for cell in cells or () if "\n" in cell]
            return broken[0].split("\n")[0] if broken else None
    return None


def unit_taken_out(heading: str) -> tuple[str, str | None]:
    """`Stav [m3]` -> (`Stav`, `m3`). Other words in brackets stay: `Datum (instalace)` is not `Datum`."""
    # No pattern: one that allows spaces everywhere takes minutes over a heading of thousands of them.
    text = heading.rstrip()
    opening = max(text.rfind("["), text.rfind("("))
    words, unit = text[:opening].rstrip(), text[opening + 1 : -1].strip()
    if opening < 0 or not words or not text.endswith(("]", ")")) or unit not in UNITS:
        return heading, None
    return words, unit


def split_cells(line: str, *, separator: str) -> tuple[str, ...]:
    """The cells of one line, quotes undone, Excel's `="x"` too, trimmed. Stray quotes are taken as letters."""
    mark = re.escape(separator)
    cell = re.compile(rf'"((?:[^"]|"")*)"(?={mark}|\Z)|([^{mark}]*)')
    cells: list[str] = []
    at = 0
    while at <= len(line) and (found := cell.match(line, at)):
        quoted = found[1]
        cells.append(_undone(found[2] if quoted is None else quoted.replace('""', '"')))
        at = found.end() + 1
    return tuple(cells)


def _well_quoted_cells(text: str, *, separator: str) -> list[str] | None:
    """The cells of a text of several lines; None if a quote is where none may be."""
    mark = re.escape(separator)
    cell = re.compile(rf'(?:"((?:[^"]|"")*)"|[^"\n{mark}]*)(?={mark}|\Z)')
    cells: list[str] = []
    at = 0
    while at <= len(text):
        found = cell.match(text, at)
        if found is None:
            return None
        cells.append(found[1] or "")
        at = found.end() + 1
    return cells


def _undone(cell: str) -> str:
    text = cell.strip()
    excel = _EXCEL_TEXT.match(text)
    return excel[1].strip() if excel else text


def _split_and_matched(line: str, *, separator: str, agreement: Agreement) -> Header:
    headings = split_cells(line, separator=separator)
    rejects = len(REJECTS_HEADINGS) if headings[-len(REJECTS_HEADINGS) :] == REJECTS_HEADINGS else 0
    own = headings[: len(headings) - rejects]
    words = _words(agreement.feed.columns)
    columns: list[str | None] = []
    units: dict[str, str] = {}
    for heading in own:
        name, unit = _column_of(heading, words)
        columns.append(name)
        if name is not None and unit is not None:
            units[name] = unit
    return Header(
        separator=separator,
        headings=headings,
        columns=(*columns, *[None] * rejects),
        units=units,
        rejects_cells=rejects,
    )


def _column_of(heading: str, words: Mapping[str, str]) -> tuple[str | None, str | None]:
    whole = words.get(heading_key(heading))
    if whole is not None:
        return whole, None
    word, unit = unit_taken_out(heading)
    return words.get(heading_key(word)), unit


def _words(columns: Sequence[Column]) -> Mapping[str, str]:
    """Every heading we know -> our column. A column's own name goes before another one's alias."""
    names = tuple((column.name, column.aliases) for column in columns)
    return _words_of(names)


@lru_cache(maxsize=_AGREEMENTS)
def _words_of(columns: tuple[tuple[str, tuple[str, ...]], ...]) -> Mapping[str, str]:
    """The same, worked out once: each delivery asks for those of all its partner's agreements."""
    words = {heading_key(alias): name for name, aliases in reversed(columns) for alias in aliases}
    words.update({heading_key(name): name for name, _ in columns})
    words.pop("", None)
    return words
