"""Does the file end with the footer that was agreed? Only lines at the very end are it; none hides a record."""

import re
from collections.abc import Iterable, Iterator

import numpy as np

from meterdrop.model.codes import Code
from meterdrop.model.errors import CannotRead
from meterdrop.model.form import MOST_FOOTER, Footer
from meterdrop.model.layout import Layout
from meterdrop.model.spelling import heading_key
from meterdrop.parse.chunks import Chunk, one_after_another
from meterdrop.parse.encoded import Mask, is_utf8
from meterdrop.parse.structure import Sorts, sort_out

_LOOKED_AT = 1024
"""A word is looked for in so many bytes at the start of a line."""

_BEFORE = "\ufeff \v\f"
_QUOTED = re.compile(r'\A=?"((?:[^"]|"")*)')


def without_footer(chunks: Iterable[Chunk], *, layout: Layout) -> Iterator[tuple[Chunk, Sorts]]:
    """The lines with what each of them is; those of the footer are comments.

    Lines that may be the footer wait until it is known whether any record follows. CannotRead `file.truncated` if the
    footer must be there and is not.
    """
    footer = layout.footer
    if footer is None:
        for chunk in chunks:
            yield chunk, sort_out(chunk, layout=layout)
        return
    waiting: Chunk | None = None
    for fresh in chunks:
        chunk = fresh if waiting is None else one_after_another(waiting, fresh)
        sorts = sort_out(chunk, layout=layout)
        last = _may_be_footer(chunk, sorts, footer=footer, layout=layout)
        waiting = chunk.only(last) if last.any() else None
        if not last.all():
            rest = chunk.only(~last)
            yield rest, sorts.only(~last)
    yield from _ended(waiting, footer=footer, layout=layout)


def _ended(waiting: Chunk | None, *, footer: Footer, layout: Layout) -> Iterator[tuple[Chunk, Sorts]]:
    """The file has ended: is what waits the footer?"""
    there = waiting is not None and _is_footer(waiting, footer=footer, layout=layout)
    if not there and (footer.required or not footer.words):
        raise CannotRead(Code.FILE_TRUNCATED, layout=layout)
    if waiting is not None:
        sorts = sort_out(waiting, layout=layout)
        yield waiting, sorts.as_comments() if there else sorts


def _may_be_footer(chunk: Chunk, sorts: Sorts, *, footer: Footer, layout: Layout) -> Mask:
    """Which lines at the end may be the footer, if nothing but blank lines and comments comes after them?"""
    last = np.zeros(len(chunk), dtype=np.bool_)
    places = np.flatnonzero(sorts.data | sorts.repeated | sorts.header)
    for place in reversed(places[-(footer.lines or MOST_FOOTER) :].tolist()):
        begins = footer.lines or _begins(chunk, place, words=footer.words, layout=layout)
        if not sorts.data[place] or not begins:
            break
        last[place] = True
    return last


def _is_footer(waiting: Chunk, *, footer: Footer, layout: Layout) -> bool:
    if not footer.lines:
        return True
    if len(waiting) < footer.lines:
        return False
    return not footer.words or _begins(waiting, 0, words=footer.words, layout=layout)


def _begins(chunk: Chunk, place: int, *, words: tuple[str, ...], layout: Layout) -> bool:
    """Does the line's first cell begin with one of the words, compared as headings are?"""
    begin = int(chunk.start[place])
    line = chunk.text[begin : min(int(chunk.stop[place]), begin + _LOOKED_AT)]
    text = line.decode("utf-8" if is_utf8(layout.encoding) else layout.encoding, "replace").lstrip(_BEFORE)
    quoted = _QUOTED.match(text)
    cell = text.split(layout.separator, 1)[0] if quoted is None else quoted[1]
    return heading_key(cell).startswith(words)
