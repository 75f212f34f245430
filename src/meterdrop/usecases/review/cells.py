"""Which cells has a quarantined line, and which would it have? For a person; judging reads lines by itself."""

import csv
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Final

from meterdrop.model.errors import OperatorMistake
from meterdrop.model.layout import Layout

_UNREAD: Final = "�"
"""Stands for what is no letter; a partner may have sent the sign itself."""
_END: Final = "\r\n"
"""The writer quotes cells that hold letters of its line end; the end itself is taken off again."""


@dataclass(frozen=True)
class Correction:
    """A line's bytes with new cells, and what was changed by heading (before and after; None: there was no cell)."""

    raw: bytes
    cells: Mapping[str, tuple[str | None, str]]


def cells_by_heading(raw: bytes, *, layout: Layout) -> dict[str, str]:
    """The line's cells by heading; what is too much comes under `+1`, `+2`, …"""
    cells = _split(raw, layout=layout)
    headings = _headings(layout)
    headings += [f"+{number}" for number in range(1, len(cells) - len(headings) + 1)]
    return dict(zip(headings, cells, strict=False))


def corrected(raw: bytes, *, layout: Layout, cells: Mapping[str, str]) -> Correction:
    """The line with new cells by heading or by our column, in the file's own encoding and with its separator.

    Raises OperatorMistake for a heading the file has not (or has twice), for what can't be written in it, and for
    cells that stay though they can't be read.
    """
    kept = _split(raw, layout=layout)
    places = {_place(name, layout=layout): text for name, text in cells.items()}
    if len(places) < len(cells):
        raise OperatorMistake("a cell is given twice, by its heading and by our column: say once what it is")
    _refuse_unreadable(raw, kept=kept, changed=places, layout=layout)
    row = [
        places.get(place, kept[place] if place < len(kept) else "") for place in range(len(layout.headings))
    ]
    if not layout.max_continuation_lines and any("\n" in cell or "\r" in cell for cell in row):
        raise OperatorMistake("a cell may not hold a line end")
    out = StringIO()
    csv.writer(out, delimiter=layout.separator, lineterminator=_END).writerow(row)
    try:
        written = out.getvalue().removesuffix(_END).encode(layout.encoding)
    except UnicodeEncodeError as error:
        raise OperatorMistake(
            f"the file's encoding {layout.encoding} has no letter for {error.object[error.start]!r}"
        ) from error
    headings = _headings(layout)
    changed = {
        headings[place]: (kept[place] if place < len(kept) else None, text)
        for place, text in sorted(places.items())
    }
    return Correction(raw=written, cells=changed)


def _refuse_unreadable(raw: bytes, *, kept: Sequence[str], changed: Collection[int], layout: Layout) -> None:
    """What a person does not see as it was sent must not be stored as something else."""
    if _can_be_read(raw, encoding=layout.encoding):
        return
    headings = _headings(layout)
    unread = [
        heading
        for place, (heading, cell) in enumerate(zip(headings, kept, strict=False))
        if _UNREAD in cell and place not in changed
    ]
    if unread:
        raise OperatorMistake(
            f"give these cells a text, too, for as they came they can't be read: {', '.join(unread)}"
        )


def _can_be_read(raw: bytes, *, encoding: str) -> bool:
    try:
        return "\x00" not in raw.decode(encoding)
    except UnicodeDecodeError:
        return False


def _split(raw: bytes, *, layout: Layout) -> list[str]:
    text = raw.decode(layout.encoding, errors="replace").replace("\x00", _UNREAD)
    return next(csv.reader(StringIO(text, newline=""), delimiter=layout.separator), [])


def _headings(layout: Layout) -> list[str]:
    """The file's headings; empty ones by their place."""
    return [heading or f"({number})" for number, heading in enumerate(layout.headings, start=1)]


def _place(name: str, *, layout: Layout) -> int:
    """Where the cells of this heading, or of our column of that name, stand."""
    headings = _headings(layout)
    found = [place for place, heading in enumerate(headings) if heading == name]
    found = found or [place for place, column in enumerate(layout.columns) if column == name]
    if not found:
        raise OperatorMistake(f"no such heading: {name}. The file has: {', '.join(headings)}")
    if len(found) > 1:
        raise OperatorMistake(f"the file has the heading {name} {len(found)} times: name our column instead")
    return found[0]
