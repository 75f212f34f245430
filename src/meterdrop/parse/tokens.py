"""Which cells has a line that can be split? The lines are rectangular by now; Arrow undoes the quotes, all as text."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from meterdrop.model.layout import REJECTS_HEADINGS, Layout
from meterdrop.parse.chunks import Chunk
from meterdrop.parse.encoded import Mask, is_utf8, mended

_BOM = "\ufeff".encode()


def cells_of(chunk: Chunk, *, lines: Mask, damaged: bool, layout: Layout) -> pa.Table:
    """The cells of these lines: a string column for each recognised or empty heading, named by its position.

    The lines must be well quoted and have as many cells as the header. If some of them are `damaged` (NULs, or bytes
    that are no characters), their cells have DAMAGE in its place.
    """
    wanted = [str(place) for place in (*recognised(layout), *unheaded(layout))]
    text = chunk.text_of(lines)
    if not len(text) or not wanted:
        return pa.table({name: pa.array([""] * int(lines.sum()), pa.string()) for name in wanted})
    if damaged:
        text = mended(text, encoding=layout.encoding)
    elif not is_utf8(layout.encoding):
        text = _as_utf8(text, layout.encoding)
    # Arrow drops one byte-order mark at the start; here it would be part of a cell.
    text = _BOM + text if text.startswith(_BOM) else text
    return csv.read_csv(
        pa.BufferReader(text),
        read_options=csv.ReadOptions(
            use_threads=False,
            block_size=len(text) + 1,
            column_names=[str(place) for place in range(len(layout.headings))],
        ),
        parse_options=csv.ParseOptions(
            delimiter=layout.separator,
            quote_char='"' if b'"' in text else False,
            double_quote=True,
            escape_char=False,
            newlines_in_values=bool(chunk.more.any()),
            ignore_empty_lines=False,
        ),
        convert_options=csv.ConvertOptions(
            check_utf8=False,
            column_types=dict.fromkeys(wanted, pa.string()),
            null_values=[],
            strings_can_be_null=False,
            quoted_strings_can_be_null=False,
            include_columns=wanted,
        ),
    )


def recognised(layout: Layout) -> dict[int, str]:
    """Place in the file -> our column; in a rejects file also the line that each line says it corrects."""
    places = {place: name for place, name in enumerate(layout.columns) if name is not None}
    if layout.rejects_cells:
        places[len(layout.headings) - layout.rejects_cells] = REJECTS_HEADINGS[0]
    return places


def unheaded(layout: Layout) -> list[int]:
    """Places with an empty heading: their cells must be empty too."""
    return [place for place, heading in enumerate(layout.headings) if not heading.strip()]


def spilt(cells: pa.Table, *, layout: Layout) -> Mask:
    """Which rows have something under an empty heading?"""
    found = np.zeros(len(cells), dtype=np.bool_)
    for place in unheaded(layout):
        length = pc.binary_length(pc.ascii_trim_whitespace(cells[str(place)]))
        found |= pc.greater(length, 0).to_numpy()
    return found


def frame_of(cells: pa.Table, *, layout: Layout) -> pd.DataFrame:
    """The cells under our names."""
    return pd.DataFrame(
        {
            name: pd.arrays.ArrowExtensionArray(cells[str(place)])
            for place, name in recognised(layout).items()
        },
        index=pd.RangeIndex(len(cells)),
        copy=False,
    )


def _as_utf8(text: bytes, encoding: str) -> bytes:
    return text if text.isascii() else text.decode(encoding, "replace").encode("utf-8")
