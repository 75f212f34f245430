"""Which lines make one record? Where a quoted cell may hold line ends, lines are put together; a stray quote costs
its own line.

A record begins at a line that leaves a quoted cell open, and ends at the next line with an odd number of quotes: only
there the cell can be closed. It is one if all of it is well quoted, has as many cells as the header, is not too long
and has no more lines than agreed. If one of the lines it would swallow is by itself a record as wide as the header,
then it is the first line that is broken: it stays alone, and reading goes on with the next.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa

from meterdrop.model.layout import LONGEST_LINE, Layout
from meterdrop.parse.chunks import Chunk, one_after_another
from meterdrop.parse.encoded import Mask
from meterdrop.parse.quotes import count_cells, left_open, quotes_of, well_quoted
from meterdrop.tables import Lines

_COMMENT = ord("#")


def joined_lines(chunks: Iterable[Chunk], *, layout: Layout) -> Iterator[Chunk]:
    """The chunks with the lines of each record put together. What is left open is carried into the next chunk."""
    carried: Chunk | None = None
    for fresh in chunks:
        chunk = fresh if carried is None else one_after_another(carried, fresh)
        whole, carried = _joined(chunk, layout=layout)
        if whole is not None:
            yield whole
    if carried is not None:
        yield carried


def _joined(chunk: Chunk, *, layout: Layout) -> tuple[Chunk | None, Chunk | None]:
    """The chunk's records, and the lines from the last one on that is still open."""
    quotes = quotes_of(chunk)
    per_line = np.diff(np.searchsorted(quotes, chunk.bounds))
    odd = np.flatnonzero(per_line % 2)
    if not len(odd):
        return chunk, None
    opens = odd[_may_open(chunk, odd, layout=layout)]
    if not len(opens):
        return chunk, None
    alone = _alone(chunk, quotes=quotes, per_line=per_line, layout=layout)
    ends = _ends_of(opens, odd=odd, last=len(chunk))
    possible = _possible(
        chunk, first=opens, last=np.minimum(ends, len(chunk) - 1), alone=alone, layout=layout
    )
    closed = ends < len(chunk)
    first, last = opens[possible & closed], ends[possible & closed]
    right = _records(chunk, first=first, last=last, layout=layout)
    first, last = _not_overlapping(first[right], last[right])
    open_still = opens[possible & ~closed]
    whole = _together(chunk, first=first, last=last)
    if len(open_still) and not (len(last) and last[-1] >= open_still[0]):
        return _parted(whole, at=int(chunk.line[open_still[0]]))
    return whole, None


def _may_open(chunk: Chunk, odd: Lines, *, layout: Layout) -> Mask:
    """Which of these lines may begin a record of several lines?"""
    data: Mask = (
        (chunk.octets[chunk.start[odd]] != _COMMENT)
        & (chunk.line[odd] > layout.header_line)
        & (chunk.line[odd] >= layout.first_line)
        & ~chunk.too_long[odd]
    )
    data[data] = left_open(chunk.lines.take(pa.array(odd[data])), separator=layout.separator)
    return data


def _alone(chunk: Chunk, *, quotes: Lines, per_line: Lines, layout: Layout) -> Mask:
    """Which lines are records by themselves, as wide as the header? Of one column nothing can be told."""
    wanted = len(layout.headings)
    if wanted < 2:
        return np.zeros(len(chunk), dtype=np.bool_)
    alone: Mask = count_cells(chunk, separator=layout.separator, quotes=quotes) == wanted
    alone &= per_line % 2 == 0
    quoted = np.flatnonzero(alone & (per_line > 0))
    if len(quoted):
        alone[quoted] = well_quoted(chunk.lines.take(pa.array(quoted)), separator=layout.separator)
    return alone


def _ends_of(opens: Lines, *, odd: Lines, last: int) -> Lines:
    """The next line with an odd number of quotes after each of these; `last` where there is none."""
    return np.append(odd, last)[np.searchsorted(odd, opens, side="right")]


def _possible(chunk: Chunk, *, first: Lines, last: Lines, alone: Mask, layout: Layout) -> Mask:
    """Which of these stretches are no longer than a record may be, and swallow none?"""
    alone_before = np.concatenate([[0], np.cumsum(alone | chunk.too_long)])
    swallowed = alone_before[last + 1] - alone_before[first + 1]
    possible: Mask = (
        (swallowed == 0)
        & (chunk.line[last] - chunk.line[first] == last - first)  # an excerpt's lines may be from anywhere
        & (last - first <= layout.max_continuation_lines)
        & (chunk.stop[last] - chunk.start[first] <= LONGEST_LINE)
    )
    return possible


def _records(chunk: Chunk, *, first: Lines, last: Lines, layout: Layout) -> Mask:
    """Which of these stretches are well quoted and as wide as the header?"""
    right = np.zeros(len(first), dtype=np.bool_)
    # Neighbours may share a line; every other one does not.
    for offset in (0, 1):
        begin, end = first[offset::2], last[offset::2]
        if not len(begin):
            continue
        texts = _stretches(chunk, begin=chunk.start[begin], end=chunk.stop[end])
        stretch = _as_chunk(texts)
        wide = count_cells(stretch, separator=layout.separator, quotes=quotes_of(stretch)) == len(
            layout.headings
        )
        right[offset::2] = wide & well_quoted(texts, separator=layout.separator)
    return right


def _not_overlapping(first: Lines, last: Lines) -> tuple[Lines, Lines]:
    """Of records that share a line the earlier one is right, and then the next that shares none."""
    shares = np.concatenate([[False], first[1:] == last[:-1]])
    since = np.arange(len(first)) - np.maximum.accumulate(np.where(shares, 0, np.arange(len(first))))
    kept = since % 2 == 0
    return first[kept], last[kept]


def _together(chunk: Chunk, *, first: Lines, last: Lines) -> Chunk:
    """The chunk with each of these stretches as one line."""
    if not len(first):
        return chunk
    begins = np.ones(len(chunk), dtype=np.bool_)
    inside = np.zeros(len(chunk) + 1, dtype=np.int64)
    inside[first + 1] += 1
    inside[last + 1] -= 1
    begins[np.cumsum(inside)[:-1] > 0] = False
    more = np.zeros(len(chunk), dtype=np.int64)
    more[first] = last - first
    stop = chunk.stop.copy()
    stop[first] = chunk.stop[last]
    start, stop = chunk.start[begins], stop[begins]
    return Chunk(
        text=chunk.text,
        start=start,
        stop=stop,
        lines=_stretches(chunk, begin=start, end=stop),
        too_long=chunk.too_long[begins],
        line=chunk.line[begins],
        more=more[begins],
    )


def _parted(chunk: Chunk, *, at: int) -> tuple[Chunk | None, Chunk]:
    """The lines before this one, and the others."""
    before = chunk.line < at
    return (chunk.only(before) if before.any() else None), chunk.only(~before)


def _stretches(chunk: Chunk, *, begin: Lines, end: Lines) -> pa.LargeBinaryArray:
    """These stretches of the text, in order; none of them overlap."""
    edges = np.stack([begin, end], axis=1).ravel()
    pieces = pa.LargeBinaryArray.from_buffers(
        pa.large_binary(),
        len(edges) - 1,
        [None, pa.py_buffer(edges), pa.py_buffer(chunk.text)],
    )
    return pieces.take(pa.array(np.arange(0, len(edges), 2)))


def _as_chunk(texts: pa.LargeBinaryArray) -> Chunk:
    """Stretches one behind the other, each a line."""
    _, ends, text = texts.buffers()
    edges = np.frombuffer(ends, dtype=np.int64)[: len(texts) + 1]
    nothing = np.zeros(len(texts), dtype=np.int64)
    return Chunk(
        text=text.to_pybytes()[: int(edges[-1])] if text is not None else b"",
        start=edges[:-1],
        stop=edges[1:],
        lines=texts,
        too_long=np.zeros(len(texts), dtype=np.bool_),
        line=nothing,
        more=nothing,
    )
