"""Which lines of a file are its records? Header, preamble, footer, and records of several lines."""

from dataclasses import dataclass
from typing import Final

MOST_PREAMBLE: Final = 1000
"""So many lines may stand before the header or the first record."""

MOST_FOOTER: Final = 100
"""So many lines may a footer have."""


@dataclass(frozen=True)
class Footer:
    """What stands after the last record; lines that are blank or comments do not count.

    With `words` alone: the lines at the very end that each begin with one of them. With `lines` alone: so many last
    lines. With both: so many last lines, of which the first begins with one of the words.
    """

    lines: int = 0
    words: tuple[str, ...] = ()
    """As `model.spelling.heading_key` makes them."""
    required: bool = False
    """A file without it was cut off (`file.truncated`). One of so many lines without words is always required."""


@dataclass(frozen=True)
class Form:
    """Where header and records stand. The default: the first line that is neither blank nor a comment is the header."""

    headed: bool = True
    header_row: int = 0
    """The physical line of the header; 0: the first after the preamble that is neither blank nor a comment."""
    preamble: int = 0
    """So many physical lines at the start are no data."""
    footer: Footer | None = None
    in_order: tuple[str | None, ...] = ()
    """Our columns in the order of a file without header, None for one that is ignored; empty: as the feed has them."""
    max_continuation_lines: int = 0
    """So many lines more may a record have whose quoted cells hold line ends."""
