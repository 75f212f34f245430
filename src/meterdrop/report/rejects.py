"""How does the partner get rejected lines back? As a file like theirs, with what is wrong at the end of each line."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from meterdrop.model.layout import Layout
from meterdrop.report.words import messages

COLUMNS: Final = ("_line", "_code", "_column", "_message")
_JOINED_BY: Final = " | "
_BOM: Final = {"utf-8": b"\xef\xbb\xbf", "utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}


def header(layout: Layout) -> bytes:
    """The original header, byte for byte, and our columns; with the byte order mark the file had."""
    own = layout.separator + layout.separator.join(COLUMNS)
    if layout.rejects_cells:
        own = ""
    mark = _BOM.get(layout.encoding, b"") if layout.bom else b""
    return mark + layout.header_raw + (own + "\n").encode(layout.encoding)


def lines(rows: pd.DataFrame, *, findings: pd.DataFrame, layout: Layout, language: str) -> Iterator[bytes]:
    """The rejected lines of one block (`line`, `raw`), byte for byte, each with its reasons."""
    if len(rows) == 0:
        return
    reasons = _reasons(rows["line"], findings=findings, language=language)
    told = _trailers(reasons, separator=layout.separator)
    raw = pa.Array.from_pandas(rows["raw"]).cast(pa.large_binary())
    if isinstance(raw, pa.ChunkedArray):
        raw = raw.combine_chunks()
    raw = _without_own_cells(raw, layout=layout)
    joined = pc.binary_join_element_wise(
        raw, _encoded(told, encoding=layout.encoding), pa.scalar(b"", pa.large_binary())
    )
    start, end = joined.offset, joined.offset + len(joined)
    offsets = np.frombuffer(joined.buffers()[1], dtype=np.int64)
    yield memoryview(joined.buffers()[2])[offsets[start] : offsets[end]].tobytes()


def _reasons(line: pd.Series, *, findings: pd.DataFrame, language: str) -> pa.Table:
    """One row a line in the order of `line`: line, code, column, message, each joined where there are several."""
    errors = findings[findings["severity"] == "error"]
    table = pa.table(
        {
            "line": pa.array(errors["line"], pa.int64()),
            "code": pa.array(errors["code"], pa.string()),
            "column": pc.fill_null(pa.array(errors["column"], pa.string()), ""),
            "message": pa.array(messages(errors, language=language), pa.string()),
        }
    )
    grouped = table.group_by("line", use_threads=False).aggregate(
        [("code", "list"), ("column", "list"), ("message", "list")]
    )
    told = pa.table(
        {
            "line": grouped["line"],
            **{name: _joined(grouped[f"{name}_list"]) for name in ("code", "column", "message")},
        }
    )
    wanted = pa.table({"line": pa.array(line, pa.int64()), "order": pa.array(np.arange(len(line)))})
    joined = wanted.join(told, keys="line", join_type="left outer", use_threads=False).sort_by("order")
    return joined.combine_chunks()


def _joined(texts: pa.ChunkedArray) -> pa.Array:
    return pc.binary_join(texts.combine_chunks(), _JOINED_BY)


def _trailers(reasons: pa.Table, *, separator: str) -> pa.Array:
    """`;12;value.not-a-number;Stav;"…"` and a line end, for each line."""
    cells = [pc.cast(reasons["line"].combine_chunks(), pa.string()), _text(reasons["code"])]
    cells += [_quoted(_text(reasons[name])) for name in ("column", "message")]
    return pc.binary_join_element_wise(
        pa.scalar(""), *cells[:-1], pc.binary_join_element_wise(cells[-1], "\n", ""), separator
    )


def _text(column: pa.ChunkedArray) -> pa.Array:
    return pc.fill_null(column.combine_chunks(), "")


def _quoted(text: pa.Array) -> pa.Array:
    clean = pc.replace_substring_regex(text, r"[\x00-\x1f]", " ")
    doubled = pc.replace_substring(clean, '"', '""')
    return pc.binary_join_element_wise(pa.scalar('"'), doubled, pa.scalar('"'), "")


def _encoded(text: pa.Array, *, encoding: str) -> pa.Array:
    """The same texts in the file's encoding; what it has no letter for becomes `?`."""
    if encoding == "utf-8":
        return text.cast(pa.large_binary())
    if encoding.startswith("utf-16"):
        return pa.array([told.encode(encoding) for told in text.to_pylist()], pa.large_binary())
    together = "".join(text.to_pylist()).encode(encoding, errors="replace")
    ends = np.flatnonzero(np.frombuffer(together, dtype=np.uint8) == ord("\n")) + 1
    offsets = np.concatenate([[0], ends]).astype(np.int64)
    return pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), len(text), [None, pa.py_buffer(offsets.tobytes()), pa.py_buffer(together)]
    )


def _without_own_cells(raw: pa.Array, *, layout: Layout) -> pa.Array:
    """Lines of a rejects file sent back carry our cells of last time; they are taken off."""
    if not layout.rejects_cells:
        return raw
    separator = layout.separator.encode(layout.encoding)
    kept = [_cut(line, separator=separator, cells=layout.rejects_cells) for line in raw.to_pylist()]
    return pa.array(kept, pa.large_binary())


def _cut(line: bytes, *, separator: bytes, cells: int) -> bytes:
    """The line up to the last-but-`cells` separator outside quotes; the whole line if it has not so many."""
    pieces = line.split(separator)
    end = len(pieces)
    for _ in range(cells):
        end -= 1
        while end > 0 and separator.join(pieces[end:]).count(b'"') % 2:
            end -= 1
    return separator.join(pieces[:end]) if end > 0 else line
