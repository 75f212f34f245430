"""How does the partner get rejected lines back? As a file like theirs, with what is wrong at the end of each line."""

import csv
from collections.abc import Iterator, Sequence
from io import StringIO
from itertools import chain
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from meterdrop.model.layout import Layout
from meterdrop.report.columns_of_words import messages
from meterdrop.report.texts import have, have_controls, in_one_piece
from meterdrop.tables import Lines

COLUMNS: Final = ("_line", "_code", "_column", "_message")
_JOINED_BY: Final = " | "
_AT_ONCE: Final = 20_000
"""Lines whose reasons are in memory at the same time."""
_BOM: Final = {"utf-8": b"\xef\xbb\xbf", "utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}


def header(layout: Layout) -> bytes:
    """The original header, byte for byte, and our columns; with the byte order mark the file had.

    A file without header gets one of our own names, by which it can be read when it comes back.
    """
    own = layout.separator + layout.separator.join(COLUMNS)
    if layout.rejects_cells:
        own = ""
    mark = _BOM.get(layout.encoding, b"") if layout.bom else b""
    theirs = layout.header_raw if layout.header_line else _declared(layout)
    return mark + theirs + (own + "\n").encode(layout.encoding)


def _declared(layout: Layout) -> bytes:
    """Our own headings as a header line."""
    line = StringIO()
    csv.writer(line, delimiter=layout.separator, lineterminator="").writerow(layout.headings)
    return line.getvalue().encode(layout.encoding, errors="replace")


def lines(rows: pd.DataFrame, *, findings: pd.DataFrame, layout: Layout, language: str) -> Iterator[bytes]:
    """The rejected lines of one block (`line`, `raw`), byte for byte, each with its reasons.

    Both frames are in order of `line`.
    """
    for start in range(0, len(rows), _AT_ONCE):
        yield _portion(
            rows.iloc[start : start + _AT_ONCE], findings=findings, layout=layout, language=language
        )


def _portion(rows: pd.DataFrame, *, findings: pd.DataFrame, layout: Layout, language: str) -> bytes:
    line = rows["line"].to_numpy(dtype=np.int64)
    told = _trailers(line, errors=_errors(line, findings), separator=layout.separator, language=language)
    raw = in_one_piece(pa.array(rows["raw"]).cast(pa.large_binary()))
    joined = pc.binary_join_element_wise(
        _without_own_cells(raw, layout=layout), *_encoded(told, encoding=layout.encoding), _bytes("")
    )
    start, end = joined.offset, joined.offset + len(joined)
    offsets = np.frombuffer(joined.buffers()[1], dtype=np.int64)
    return memoryview(joined.buffers()[2])[offsets[start] : offsets[end]].tobytes()


def _errors(line: Lines, findings: pd.DataFrame) -> pd.DataFrame:
    """The errors of these lines (at least one)."""
    told = findings["line"].to_numpy(dtype=np.int64)
    first, last = np.searchsorted(told, line[0]), np.searchsorted(told, line[-1], side="right")
    found, told = findings.iloc[first:last], told[first:last]
    place = np.searchsorted(line, told)
    wanted = (line[place] == told) & (found["severity"] == "error").to_numpy(dtype=np.bool_)
    return found if wanted.all() else found.loc[wanted]


def _trailers(line: Lines, *, errors: pd.DataFrame, separator: str, language: str) -> list[Any]:
    """The parts of `;12;value.not-a-number;"Stav";"…"` and a line end, for each line: columns, or one text for all."""
    bounds = np.searchsorted(errors["line"].to_numpy(dtype=np.int64), np.append(line, line[-1] + 1))
    code, column, message = (
        _a_line(in_one_piece(pa.array(cells, pa.string())), bounds)
        for cells in (errors["code"], errors["column"], messages(errors, language=language))
    )
    mark = separator
    texts = (pa.array(line).cast(pa.string()), code, _quotable(column), _quotable(message))
    before = (mark, mark, f'{mark}"', f'"{mark}"')
    return [*chain.from_iterable(zip(before, texts, strict=True)), '"\n']


def _a_line(cells: pa.StringArray, bounds: Lines) -> pa.StringArray:
    """What each line has of these cells, joined where it has several. `bounds` part the cells by line."""
    known = pc.fill_null(cells, "")
    if (np.diff(bounds) == 1).all():
        return known
    return pc.binary_join(pa.ListArray.from_arrays(pa.array(bounds, pa.int32()), known), _JOINED_BY)


def _quotable(text: pa.StringArray) -> pa.StringArray:
    """The texts without control characters and with their quotes doubled."""
    clean = text
    if have_controls(clean):
        clean = pc.replace_substring_regex(clean, r"[\x00-\x1f]", " ")
    return pc.replace_substring(clean, '"', '""') if have(clean, character='"') else clean


def _encoded(parts: Sequence[Any], *, encoding: str) -> list[Any]:
    """The same texts in the file's encoding, perhaps in fewer parts; what it has no letter for becomes `?`."""
    if encoding == "utf-8":
        return [_bytes(part) if isinstance(part, str) else part.cast(pa.large_binary()) for part in parts]
    text = pc.binary_join_element_wise(*parts, "")
    if encoding.startswith("utf-16"):
        return [pa.array([told.encode(encoding) for told in text.to_pylist()], pa.large_binary())]
    together = "".join(text.to_pylist()).encode(encoding, errors="replace")
    ends = np.flatnonzero(np.frombuffer(together, dtype=np.uint8) == ord("\n")) + 1
    offsets = np.concatenate([[0], ends]).astype(np.int64)
    return [
        pa.LargeBinaryArray.from_buffers(
            pa.large_binary(), len(text), [None, pa.py_buffer(offsets.tobytes()), pa.py_buffer(together)]
        )
    ]


def _bytes(text: str) -> Any:  # noqa: ANN401 - pyarrow has no types
    """A text that stands in every line."""
    return pa.scalar(text.encode(), pa.large_binary())


def _without_own_cells(raw: pa.Array, *, layout: Layout) -> pa.Array:
    """Lines of a rejects file sent back carry our cells of last time; they are taken off."""
    if not layout.rejects_cells:
        return raw
    cut = _cut_utf16 if layout.encoding.startswith("utf-16") else _cut
    return pa.array([cut(line, layout=layout) for line in raw.to_pylist()], pa.large_binary())


def _cut_utf16(line: bytes, *, layout: Layout) -> bytes:
    """The same for letters of two bytes, any of which may look like a separator."""
    whole = line[: len(line) - len(line) % 2].decode(layout.encoding, "surrogatepass")
    text = whole.encode("utf-8", "surrogatepass")
    kept = _cut(text, layout=layout)
    if len(kept) == len(text):
        return line
    return kept.decode("utf-8", "surrogatepass").encode(layout.encoding, "surrogatepass")


def _cut(line: bytes, *, layout: Layout) -> bytes:
    """The line up to our first separator: the last-but-some outside quotes; the whole line if it has not so many."""
    end = len(line)
    quotes = 0
    cells = layout.rejects_cells
    separator = layout.separator.encode()
    while cells and (at := line.rfind(separator, 0, end)) >= 0:
        quotes += line.count(b'"', at, end)
        cells -= quotes % 2 == 0
        end = at
    return line if cells else line[:end]
