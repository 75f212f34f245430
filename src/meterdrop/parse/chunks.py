"""Where do the physical lines of a file end? Line by line as an editor shows them, block by block."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa

from meterdrop.model.layout import LONGEST_LINE
from meterdrop.parse.encoded import Mask, Readable, opened, shortened
from meterdrop.tables import Lines

BLOCK_BYTES = 2 * 1024 * 1024
MOST_LINES = 150_000
"""A chunk has at most so many lines, however short: what is told about a line takes more room than the line."""

_KEPT = LONGEST_LINE + 1
"""So much of a longer line is kept: judged again from what was kept, it must not pass as a shorter one."""
_LETTER = 4
"""A letter of UTF-8 has at most so many bytes."""
_LF = 10
_CR = 13


@dataclass(frozen=True)
class Chunk:
    """Lines in order, as the bytes we split (see `parse.encoded`), line ends included.

    `start` and `stop` are the places of each line without its end. `lines` are the lines themselves, `line` their
    physical numbers. Of a line in `too_long` only the start is here: just so much that it is too long still.
    In files whose records may have several lines, a "line" is a record: `more` tells how many physical lines each
    has besides its first (see `parse.records`).
    """

    text: bytes
    start: Lines
    stop: Lines
    lines: pa.LargeBinaryArray
    too_long: Mask
    line: Lines
    more: Lines

    def __len__(self) -> int:
        """How many lines."""
        return len(self.start)

    @property
    def physical(self) -> int:
        """How many physical lines."""
        return len(self) + int(self.more.sum())

    @property
    def octets(self) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
        """The text as numbers."""
        return np.frombuffer(self.text, dtype=np.uint8)

    @property
    def bounds(self) -> Lines:
        """Where each line starts, and where the last one ends, line end included."""
        return np.append(self.start, len(self.text))

    def holding(self, places: Lines) -> Mask:
        """Which lines hold any of these places, given in order?"""
        return np.diff(np.searchsorted(places, self.bounds)) > 0

    def only(self, chosen: Mask) -> "Chunk":
        """These lines of it."""
        if chosen.all():
            return self
        length = np.diff(self.bounds)[chosen]
        start = np.cumsum(length) - length
        return Chunk(
            text=self.text_of(chosen),
            start=start,
            stop=start + (self.stop - self.start)[chosen],
            lines=self.lines.filter(pa.array(chosen)),
            too_long=self.too_long[chosen],
            line=self.line[chosen],
            more=self.more[chosen],
        )

    def text_of(self, chosen: Mask) -> bytes:
        """These lines with their ends."""
        if chosen.all():
            return self.text
        whole = pa.LargeBinaryArray.from_buffers(
            pa.large_binary(), len(self), [None, pa.py_buffer(self.bounds), pa.py_buffer(self.text)]
        ).filter(pa.array(chosen))
        _, ends, text = whole.buffers()
        size = int(np.frombuffer(ends, dtype=np.int64)[len(whole)])
        kept: bytes = text.slice(0, size).to_pybytes() if text is not None else b""
        return kept


def read_chunks(stream: Readable, *, encoding: str, block_bytes: int = BLOCK_BYTES) -> Iterator[Chunk]:
    """The file's lines in chunks of about `block_bytes`; a longer line is cut, never kept whole in memory."""
    done = 0
    for text in _whole_lines(opened(stream, encoding=encoding), block_bytes):
        for portion in _portions(text):
            chunk = chunk_of(portion, encoding=encoding, first=done + 1)
            yield chunk
            done += len(chunk)


def chunk_of(text: bytes, *, encoding: str, first: int = 1) -> Chunk:
    """The chunk of some whole lines (at least one), numbered from `first`."""
    start, stop = line_places(text)
    too_long = (stop - start) > LONGEST_LINE
    if too_long.any():
        text = _cut_short(text, start=start[too_long], stop=stop[too_long], encoding=encoding)
        start, stop = line_places(text)
    ends = np.zeros(len(start) + 1, dtype=np.int64)
    np.cumsum(stop - start, out=ends[1:])
    lines = pa.LargeBinaryArray.from_buffers(
        pa.large_binary(),
        len(start),
        [None, pa.py_buffer(ends), pa.py_buffer(text.translate(None, b"\r\n"))],
    )
    return Chunk(
        text=text,
        start=start,
        stop=stop,
        lines=lines,
        too_long=too_long,
        line=np.arange(first, first + len(start), dtype=np.int64),
        more=np.zeros(len(start), dtype=np.int64),
    )


def one_after_another(first: Chunk, second: Chunk) -> Chunk:
    """The lines of both in one chunk."""
    moved = len(first.text)
    return Chunk(
        text=first.text + second.text,
        start=np.concatenate([first.start, second.start + moved]),
        stop=np.concatenate([first.stop, second.stop + moved]),
        lines=pa.concat_arrays([first.lines, second.lines]),
        too_long=np.concatenate([first.too_long, second.too_long]),
        line=np.concatenate([first.line, second.line]),
        more=np.concatenate([first.more, second.more]),
    )


def line_places(text: bytes) -> tuple[Lines, Lines]:
    """Where each line starts and stops. Lines end at LF, CRLF or a lone CR; the last may have no end."""
    octets = np.frombuffer(text, dtype=np.uint8)
    ends = np.flatnonzero(octets == _LF)
    stop = ends
    if b"\r" in text:
        returns = np.flatnonzero(octets == _CR)
        lone = returns[octets[np.minimum(returns + 1, len(octets) - 1)] != _LF]
        ends = np.sort(np.concatenate([ends, lone])) if len(lone) else ends
        ends_crlf = (octets[ends] == _LF) & (ends > 0) & (octets[ends - 1] == _CR)
        stop = ends - ends_crlf
    if not text.endswith((b"\n", b"\r")):
        ends = np.append(ends, len(text))
        stop = np.append(stop, len(text))
    start = np.zeros_like(ends)
    start[1:] = ends[:-1] + 1
    return start, stop


def _whole_lines(stream: Readable, block_bytes: int) -> Iterator[bytes]:
    """The stream in stretches of whole lines.

    A stretch never ends between CR and LF. The unfinished line is carried on; once it is too long, only its start.
    """
    carried = b""
    piece = stream.read(block_bytes)
    while following := stream.read(block_bytes):
        text = carried + piece
        # A CR at the very end may be half of a CRLF.
        known = len(text) - text.endswith(b"\r")
        cut = max(text.rfind(b"\n", 0, known), text.rfind(b"\r", 0, known)) + 1
        if cut:
            yield text[:cut]
        carried = text[cut:]
        if len(carried) > _KEPT + _LETTER:
            carried = carried[: _KEPT + _LETTER] + (b"\r" if carried.endswith(b"\r") else b"")
        piece = following
    if carried + piece:
        yield carried + piece


def _portions(text: bytes) -> Iterator[bytes]:
    """The text in stretches of at most `MOST_LINES` lines."""
    if text.count(b"\n") + text.count(b"\r") < MOST_LINES:
        yield text
        return
    start, _ = line_places(text)
    cuts = [*start[::MOST_LINES].tolist(), len(text)]
    for begin, end in pairwise(cuts):
        yield text[begin:end]


def _cut_short(text: bytes, *, start: Lines, stop: Lines, encoding: str) -> bytes:
    """The text with these lines cut. They are few: a chunk has room for no more than 64 of them a 4 MiB."""
    pieces: list[bytes] = []
    at = 0
    for begin, end in zip(start.tolist(), stop.tolist(), strict=True):
        pieces.append(text[at : shortened(text, start=begin, length=_KEPT, encoding=encoding)])
        at = end
    return b"".join([*pieces, text[at:]])
