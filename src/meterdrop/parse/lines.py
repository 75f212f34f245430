"""Which lines does the file have, and which cells? Every physical line is counted once; a defect costs its own.

One physical line is a record (RFC 4180 within the line), unless the layout allows more. It goes set-based through
the file, block by block: lines (`chunks`), records (`records`), what each of them is (`footer`) and what is wrong with
it (`structure`), cells (`tokens`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa

from meterdrop.model.codes import Code
from meterdrop.model.layout import SEPARATORS, Layout
from meterdrop.parse.chunks import BLOCK_BYTES, Chunk, read_chunks
from meterdrop.parse.damage import DAMAGES
from meterdrop.parse.encoded import Mask, as_sent
from meterdrop.parse.footer import without_footer
from meterdrop.parse.records import joined_lines
from meterdrop.parse.structure import Defect, Sorts, blank_lines, comment_lines, defects_of, sort_out
from meterdrop.parse.tokens import cells_of, frame_of, spilt
from meterdrop.tables import Lines, TextBlock, findings_at, framed, join_findings


@dataclass(frozen=True)
class LineCounts:
    """The physical lines of a file that is refused as a whole; those that are none of the others hold records."""

    physical: int
    blank: int
    comment: int
    header: int = 0


def read_blocks(
    stream: BinaryIO,
    *,
    layout: Layout,
    block_bytes: int = BLOCK_BYTES,
    numbers: Sequence[int] | Lines | None = None,
) -> Iterator[TextBlock]:
    """The file's lines in blocks of about `block_bytes`, each line in exactly one count, row or broken line.

    `stream` starts where the file does (its byte-order mark may be there or not). `numbers` are the true numbers of
    the stream's physical lines when it holds only some of them; ValueError if they are too few. Memory follows
    `block_bytes`, whatever the file: of a line over 64 KiB only the start is kept. CannotRead `file.truncated` at the
    end if a footer must be there and is not.
    """
    chunks = read_chunks(stream, encoding=layout.encoding, block_bytes=block_bytes)
    if numbers is not None:
        chunks = _renumbered(chunks, numbers=numbers)
    if layout.max_continuation_lines:
        chunks = joined_lines(chunks, layout=layout)
    for chunk, sorts in without_footer(chunks, layout=layout):
        yield _block(chunk, sorts=sorts, layout=layout)


def count_lines(stream: BinaryIO, *, encoding: str, layout: Layout | None) -> LineCounts:
    """How many lines has a refused file, and what are they? Each is one thing: a header that begins with `#` is no
    comment. Where no layout is known, a line is blank by any separator, and none is a header.
    """
    physical = blank = comment = header = 0
    for chunk in read_chunks(stream, encoding=encoding):
        physical += len(chunk)
        if layout is None:
            blank += int((blank_lines(chunk, separators="".join(SEPARATORS)) & ~chunk.too_long).sum())
            comment += int(comment_lines(chunk).sum())
        else:
            sorts = sort_out(chunk, layout=layout)
            blank += int(sorts.blank.sum())
            comment += int(sorts.comment.sum())
            header += int(sorts.header.sum() + sorts.repeated.sum())
    return LineCounts(physical=physical, blank=blank, comment=comment, header=header)


def _renumbered(chunks: Iterator[Chunk], *, numbers: Sequence[int] | Lines) -> Iterator[Chunk]:
    """The lines with their true numbers."""
    for chunk in chunks:
        first = int(chunk.line[0]) - 1
        told = np.asarray(numbers[first : first + len(chunk)], dtype=np.int64)
        if len(told) < len(chunk):
            raise ValueError(f"{len(numbers)} line numbers, but the stream has more lines")
        yield replace(chunk, line=told)


def _block(chunk: Chunk, *, sorts: Sorts, layout: Layout) -> TextBlock:
    line = chunk.line
    defects = defects_of(chunk, data=sorts.data, layout=layout)
    breaking = [defect for defect in defects if defect.code not in DAMAGES]
    damaging = [defect for defect in defects if defect.code in DAMAGES]
    split = sorts.data & ~_any_of(breaking, len(chunk))
    damaged = bool((split & _any_of(damaging, len(chunk))).any())
    cells = cells_of(chunk, lines=split, damaged=damaged, layout=layout)
    spills = np.zeros(len(chunk), dtype=np.bool_)
    spills[split] = spilt(cells, layout=layout)
    defects.append(Defect(Code.LINE_TOO_MANY_CELLS, spills))
    rows = split & ~spills
    if not rows[split].all():
        cells = cells.filter(pa.array(rows[split]))
    sent = as_sent(chunk.lines, encoding=layout.encoding)
    broken = sorts.data & ~rows
    return TextBlock(
        cells=frame_of(cells, layout=layout),
        line=line[rows],
        raw=_only(sent, rows),
        broken=framed({"line": pa.array(line[broken]), "raw": _only(sent, broken)}),
        findings=_findings(defects, sorts=sorts, line=line),
        physical=chunk.physical,
        header=int(sorts.header.sum() + sorts.repeated.sum()),
        blank=int(sorts.blank.sum()),
        comment=int(sorts.comment.sum()),
        continuation=int(chunk.more.sum()),
    )


def _findings(defects: list[Defect], *, sorts: Sorts, line: Lines) -> pd.DataFrame:
    told = [defect.findings(line) for defect in defects]
    repeated = findings_at(line=line[sorts.repeated], code=Code.LINE_REPEATED_HEADER)
    return join_findings([*told, repeated])


def _any_of(defects: list[Defect], count: int) -> Mask:
    found = np.zeros(count, dtype=np.bool_)
    for defect in defects:
        found |= defect.lines
    return found


def _only(lines: pa.LargeBinaryArray, chosen: Mask) -> pa.LargeBinaryArray:
    return lines if chosen.all() else lines.filter(pa.array(chosen))
