"""What does one sample file hold? Its encoding, header and cells, column by column."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import SEEK_END
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from meterdrop.detect.encoding import Encoding, find_encoding
from meterdrop.detect.header_line import HeaderLine
from meterdrop.detect.headings import Header, read_header
from meterdrop.detect.propose import Statement, guess, propose_encoding, sure
from meterdrop.detect.propose_header import FoundHeader, find_footer, find_header
from meterdrop.model.feed import Agreement, Feed
from meterdrop.model.form import Footer
from meterdrop.model.layout import Layout
from meterdrop.model.spelling import heading_key
from meterdrop.parse.cells_cast import cleaned
from meterdrop.parse.damage import damaged_rows
from meterdrop.parse.lines import read_blocks

_HEAD: Final = 256 * 1024
_TAIL: Final = 64 * 1024
_PIECE: Final = 1024 * 1024
_MOST_BLOCKS: Final = 8
"""Cells of the first 8 MiB tell enough."""

_MOST_COLUMNS: Final = 1000
"""A header may have tens of thousands of cells; the first tell enough."""

SEPARATOR_WORDS: Final[Mapping[str, str]] = {"\t": "tab"}
"""How a profile writes separators that can't be seen."""


@dataclass(frozen=True)
class Cells:
    """The filled cells under one heading: the distinct texts, cleaned, and how many cells have each."""

    text: pa.StringArray
    count: npt.NDArray[np.int64]

    @property
    def filled(self) -> int:
        """How many cells are not empty."""
        return int(self.count.sum())

    def how_many(self, which: npt.NDArray[np.bool_]) -> int:
        """How many cells have one of these texts?"""
        return int(self.count[which].sum())


@dataclass(frozen=True)
class Sample:
    """One readable file. `headers` are those of the feeds by name; `cells` go by place in the header.

    Of a file without header the headings are `column 1`, `column 2`, … and known to no feed.
    """

    file: str
    encoding: Statement
    separator: Statement
    headers: Mapping[str, Header]
    cells: tuple[Cells, ...]
    headed: bool
    header: Statement | None
    """Where the header is, if not in the first line that is neither blank nor a comment."""
    preamble: int
    """So many lines stand before the first record of a file without header."""
    footer: Statement | None


def read_sample(path: Path, *, feeds: Mapping[str, Feed]) -> Sample:
    """Reads the whole file for its encoding and the start of it for all else.

    CannotRead: `file.empty`, `file.binary`, `file.encoding`, `file.no-header`.
    """
    seen: set[int] = set()
    encoding = find_encoding(_watched(path, seen), declared=None)
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    found = find_header(head, encoding=encoding, feeds=list(feeds.values()))
    headers = _headers(found, feeds=feeds)
    first = next(iter(headers.values()))
    footer = find_footer(_end_of(path, encoding), encoding=encoding, separator=first.separator)
    layout = _layout(found, header=first, encoding=encoding, footer=footer)
    cells, whole, ragged = _cells(path, layout=layout)
    return Sample(
        file=path.name,
        encoding=propose_encoding(encoding, seen=frozenset(seen)),
        separator=_separator(first, line=found.line, whole=whole, ragged=ragged),
        headers=headers,
        cells=cells,
        headed=found.headed,
        header=found.said,
        preamble=layout.preamble,
        footer=footer,
    )


def _end_of(path: Path, encoding: Encoding) -> bytes:
    """The last lines of the file; a letter of UTF-16 is not cut in two."""
    with path.open("rb") as stream:
        size = stream.seek(0, SEEK_END)
        start = max(0, size - _TAIL)
        stream.seek(start - start % 2 if encoding.name.startswith("utf-16") else start)
        end = stream.read()
    # What is before the first line end may be half a line.
    return end if start == 0 else end[max(end.find(b"\n"), end.find(b"\r")) :]


def _watched(path: Path, seen: set[int]) -> Iterator[bytes]:
    """The file piece by piece; `seen` gathers its bytes above 127."""
    with path.open("rb") as stream:
        while piece := stream.read(_PIECE):
            if not piece.isascii():
                counts = np.bincount(np.frombuffer(piece, dtype=np.uint8), minlength=256)
                seen.update(int(octet) for octet in np.flatnonzero(counts) if octet > 127)
            yield piece


def _headers(found: FoundHeader, *, feeds: Mapping[str, Feed]) -> dict[str, Header]:
    """The header as each feed reads it, all by the separator that makes most sense to any of them."""
    line = found.line
    agreements = {name: Agreement(partner="", feed=feed) for name, feed in feeds.items()}
    first = [
        read_header(line.text, agreement=agreement, separator=line.separator)
        for agreement in agreements.values()
    ]
    best = max(first, key=lambda header: (len(header.recognised), len(header.headings)))
    if not found.headed:
        return dict.fromkeys(agreements, _unheaded(best))
    return {
        name: read_header(line.text, agreement=agreement, separator=best.separator)
        for name, agreement in agreements.items()
    }


def _unheaded(first_record: Header) -> Header:
    places = range(1, len(first_record.headings) + 1)
    return Header(
        separator=first_record.separator,
        headings=tuple(f"column {place}" for place in places),
        columns=(None,) * len(places),
        units={},
        rejects_cells=0,
    )


def _separator(header: Header, *, line: HeaderLine, whole: int, ragged: int) -> Statement:
    word = SEPARATOR_WORDS.get(header.separator, header.separator)
    if line.separator is not None:
        return sure(word, "Excel's line sep= says so")
    lines = whole + ragged
    if not lines:
        return guess(word, "no line below the header tells whether it is right")
    if len(header.headings) > 1 and not ragged:
        return sure(word, f"all lines looked at ({lines}) have {len(header.headings)} cells by it")
    return guess(word, f"{whole} of {lines} lines have as many cells by it as the first")


def _layout(found: FoundHeader, *, header: Header, encoding: Encoding, footer: Statement | None) -> Layout:
    """The file as it is read here: each column is called by its place."""
    words = footer.value if footer is not None and isinstance(footer.value, tuple) else ()
    return Layout(
        encoding=encoding.name,
        bom=encoding.bom,
        separator=header.separator,
        header_line=found.line.number if found.headed else 0,
        header_raw=found.line.raw if found.headed else b"",
        headings=header.headings,
        columns=tuple(
            str(place) if place < _MOST_COLUMNS and heading.strip() else None
            for place, heading in enumerate(header.headings)
        ),
        preamble=0 if found.headed else found.line.number - 1,
        footer=Footer(words=tuple(heading_key(word) for word in words)) if words else None,
    )


def _cells(path: Path, *, layout: Layout) -> tuple[tuple[Cells, ...], int, int]:
    """Cells by place, of lines that can be read; and how many lines can be split and how many can't."""
    places = range(len(layout.headings))
    frames = []
    whole = ragged = 0
    with path.open("rb") as stream:
        for number, block in enumerate(read_blocks(stream, layout=layout, block_bytes=_PIECE), start=1):
            damaged = damaged_rows(block)
            frames.append(block.cells.loc[~damaged] if damaged.any() else block.cells)
            whole += len(block.line)
            ragged += len(block.broken)
            if number == _MOST_BLOCKS:
                break
    return tuple(_told(frames, name=str(place)) for place in places), whole, ragged


def _told(frames: Sequence[pd.DataFrame], *, name: str) -> Cells:
    """The cells of one column; none under an empty heading, or one that is not read."""
    texts = [pa.chunked_array([pa.array(frame[name], type=pa.string())]) for frame in frames if name in frame]
    parts = [chunk for text in texts for chunk in text.chunks]
    sent = pc.fill_null(pa.concat_arrays(parts) if parts else pa.array([], pa.string()), "")
    return distinct(Cells(text=sent, count=np.ones(len(sent), dtype=np.int64)))


def joined(parts: Sequence[Cells]) -> Cells:
    """The cells of several files as those of one."""
    return distinct(
        Cells(
            text=pa.concat_arrays([part.text for part in parts]),
            count=np.concatenate([part.count for part in parts]),
        )
    )


def distinct(cells: Cells, *, split: str | None = None) -> Cells:
    """Each text once, cleaned and not empty; with `split`, each of the words joined by it."""
    text, count = cells.text, cells.count
    if split is not None:
        lists = pc.split_pattern(text, split)
        text, count = pc.list_flatten(lists), count[pc.list_parent_indices(lists).to_numpy()]
    text = cleaned(text)
    filled = pc.not_equal(text, "").to_numpy(zero_copy_only=False)
    coded = text.filter(pa.array(filled)).dictionary_encode()
    counts = np.bincount(coded.indices.to_numpy(), weights=count[filled], minlength=len(coded.dictionary))
    return Cells(text=coded.dictionary, count=counts.astype(np.int64))
