"""Header and some quarantined lines of a delivery as a small file of their own, so that they can be judged like any."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from meterdrop.model.codes import Code
from meterdrop.model.delivery import Delivery
from meterdrop.model.errors import OperatorMistake
from meterdrop.model.feed import Agreement
from meterdrop.model.layout import LONGEST_LINE, Layout
from meterdrop.store import deliveries, findings, quarantine
from meterdrop.store.database import Store
from meterdrop.tables import Lines
from meterdrop.usecases.recognise import recognise_excerpt

_MARKS: Final = {"utf-8": b"\xef\xbb\xbf", "utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}
_LINE_END: Final = r"\r\n|\r|\n"


@dataclass(frozen=True)
class Excerpt:
    """A file of open lines. `numbers` are the true numbers of all its lines, `lines` those by which records are known."""

    layout: Layout
    lines: Lines
    numbers: Lines


def write_excerpt(
    store: Store,
    delivery: Delivery,
    *,
    wanted: Lines,
    corrected: Mapping[int, bytes],
    agreement: Agreement,
    path: Path,
) -> Excerpt:
    """Writes the header and those of the wanted lines that are open, in the encoding of the whole file.

    `corrected` has new bytes by line. Of a line that was too long only the beginning was kept: it is made too long
    again, so as not to pass for whole.
    """
    layout = _layout(store, delivery, agreement=agreement)
    end = "\n".encode(layout.encoding)
    cut = findings.lines_with(store, delivery=delivery.id, code=Code.LINE_TOO_LONG)
    missing = ("x" * LONGEST_LINE).encode(layout.encoding)
    lines = [np.zeros(0, dtype=np.int64)]
    numbers = [np.full(1 if layout.header_line else 0, layout.header_line, dtype=np.int64)]
    with path.open("wb") as out:
        out.write(_MARKS.get(layout.encoding, b"") if layout.bom else b"")
        if layout.header_line:
            out.write(layout.header_raw + end)
        for block in quarantine.open_of(store, delivery=delivery.id, wanted=wanted):
            number = block["line"].to_numpy(dtype=np.int64)
            texts = [
                corrected.get(line, raw) + (missing if line in cut else b"")
                for line, raw in zip(number.tolist(), block["raw"], strict=True)
            ]
            out.writelines(piece for text in texts for piece in (text, end))
            lines.append(number)
            numbers.append(_all_numbers(number, texts, encoding=layout.encoding))
    return Excerpt(layout=layout, lines=np.concatenate(lines), numbers=np.concatenate(numbers))


def _layout(store: Store, delivery: Delivery, *, agreement: Agreement) -> Layout:
    encoding, bom, separator, header_line, header_raw = deliveries.layout_of(store, key=delivery.id)
    if encoding is None or separator is None or header_raw is None:
        raise OperatorMistake(f"delivery {delivery.number} has no header to judge its lines by")
    return recognise_excerpt(
        header_raw,
        encoding=encoding,
        bom=bom,
        separator=separator,
        header_line=header_line,
        agreement=agreement,
    )


def _all_numbers(first: Lines, texts: list[bytes], *, encoding: str) -> Lines:
    """The numbers of all lines of these records; most have one."""
    if encoding.startswith("utf-16"):
        ends_of = (re.findall(_LINE_END, text.decode(encoding, "replace")) for text in texts)
        more = np.array([len(ends) for ends in ends_of], dtype=np.int64)
    else:
        found = pc.count_substring_regex(pa.array(texts, pa.large_binary()), _LINE_END)
        more = found.cast(pa.int64()).to_numpy()
    if not more.any():
        return first
    ends = np.cumsum(more + 1)
    return np.repeat(first, more + 1) + np.arange(ends[-1]) - np.repeat(ends - more - 1, more + 1)
