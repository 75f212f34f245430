"""What does each cell mean? Text becomes typed cells; a cell that can't is null and has one finding."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from meterdrop.model.codes import Code
from meterdrop.model.feed import Agreement, Column, DateMeans, Feed, Target, Type
from meterdrop.model.layout import Layout
from meterdrop.parse.cells_cast import Cast, Caster, Mask, cleaned, nulled, truth
from meterdrop.parse.cells_days import DayForms, cast_days
from meterdrop.parse.cells_numbers import cast_decimals, cast_integers
from meterdrop.parse.cells_words import (
    cast_choice,
    cast_choices,
    cast_flags,
    cast_serials,
    cast_text,
    cast_units,
)
from meterdrop.tables import TEXT, TextBlock, TypedRows, findings_at, framed, join_findings

READING_DAY: Final = "Date"
"""The column of a readings feed whose day a partner may mean as its start (`date_means`)."""
READING_VALUE: Final = "Value"
"""The column of a readings feed that a partner may send as consumption (`value_kind`)."""

_CASTERS: Final[Mapping[Type, Caster]] = {
    Type.TEXT: cast_text,
    Type.SERIAL: cast_serials,
    Type.DECIMAL: cast_decimals,
    Type.INTEGER: cast_integers,
    Type.UNIT: cast_units,
    Type.CHOICE: cast_choice,
    Type.CHOICES: cast_choices,
    Type.FLAG: cast_flags,
}


def cast(block: TextBlock, *, feed: Feed, agreement: Agreement, layout: Layout) -> TypedRows:
    """The block's cells in the types of the feed's columns, row by row, with what failed.

    The frame has `line`, every column of the feed that is read at all (null where the file has none, unless the
    column has a default), and beside them `<serial>_key`, `<decimal>_sent`, `<day>_sent` and, for units, `<unit>_canonical`,
    `<unit>_factor`, `<unit>_dimension` and `<unit>_given` (whether the partner wrote one, known or not).
    """
    columns = {"line": pa.array(block.line)}
    findings: list[pd.DataFrame] = []
    for column in feed.columns:
        if column.kept_in_original:
            continue
        sent = _sent(block, column=column.name)
        distinct = sent.dictionary_encode()
        made, failed = _cast_column(
            distinct.dictionary,
            column=_with_heading_unit(column, layout=layout),
            feed=feed,
            agreement=agreement,
        )
        for name, values in made.items():
            columns[name] = values.take(distinct.indices)
        rows = distinct.indices.to_numpy(zero_copy_only=False)
        missing = column.name not in block.cells.columns
        for code, mask in failed:
            if not missing:
                findings.append(
                    _findings(
                        block, rows=mask[rows], code=code, sent=sent, heading=layout.heading_of(column.name)
                    )
                )
    return TypedRows(frame=framed(columns), findings=join_findings(findings, by_line=False))


def _sent(block: TextBlock, *, column: str) -> pa.StringArray:
    """The column's cells as written; empty ones if the file has no such column."""
    if column not in block.cells.columns:
        return pa.repeat(pa.scalar("", pa.string()), len(block.line))
    cells = pa.array(block.cells[column], type=pa.string())
    whole = cells.combine_chunks() if isinstance(cells, pa.ChunkedArray) else cells
    return pc.fill_null(whole, "")


def _cast_column(
    sent: pa.StringArray, *, column: Column, feed: Feed, agreement: Agreement
) -> tuple[dict[str, pa.Array], Iterator[tuple[Code, Mask]]]:
    """These distinct cells cast, and which of them fail by which code: each by one at most."""
    text = cleaned(sent)
    empty = truth(pc.equal(text, ""))
    long = np.zeros(len(sent), dtype=np.bool_)
    if column.type is not Type.SERIAL:  # a serial has its own length and its own code
        long = truth(pc.greater(pc.utf8_length(text), column.max_length))
    known = nulled(text, empty | long)
    if column.default is not None:
        known = pc.if_else(pa.array(empty), pa.scalar(column.default, pa.string()), known)
    made = _cast_texts(known, column=column, feed=feed, agreement=agreement)
    missing = empty & np.bool_(column.filled and column.default is None)
    return made.columns, _first_of((Code.CELL_MISSING, missing), (Code.CELL_TOO_LONG, long), *made.failed)


def _cast_texts(text: pa.StringArray, *, column: Column, feed: Feed, agreement: Agreement) -> Cast:
    if column.type is Type.DAY:
        start = (
            agreement.date_means is DateMeans.START_OF_DAY
            and feed.target is Target.READINGS
            and column.name == READING_DAY
        )
        forms = DayForms(forms=agreement.date_forms, sentinels=_sentinels(agreement.feed), day_before=start)
        return cast_days(text, column=column, forms=forms)
    return _CASTERS[column.type](text, column)


def _sentinels(feed: Feed) -> tuple[str, ...]:
    written = feed.rules.get("date_sentinels", ())
    if not isinstance(written, (list, tuple)):
        raise TypeError(f"date_sentinels of {feed.name} is no list")
    return tuple(str(each) for each in written)


def _with_heading_unit(column: Column, *, layout: Layout) -> Column:
    """A unit written into a heading (`Stav [m3]`) is what an empty unit cell means, if the file knows only one."""
    units = set(layout.heading_units.values())
    if column.type is Type.UNIT and len(units) == 1:
        return replace(column, default=units.pop())
    return column


def _first_of(*failed: tuple[Code, Mask]) -> Iterator[tuple[Code, Mask]]:
    """Each cell's first failure only: the most specific comes first."""
    told: Mask | None = None
    for code, mask in failed:
        fresh = mask if told is None else mask & ~told
        if fresh.any():
            yield code, fresh
        told = mask if told is None else told | mask


def _findings(
    block: TextBlock, *, rows: Mask, code: Code, sent: pa.StringArray, heading: str
) -> pd.DataFrame:
    where = np.flatnonzero(rows)
    value = pd.Series(pd.arrays.ArrowExtensionArray(sent.take(pa.array(where))), dtype=TEXT)
    return findings_at(line=block.line[where], code=code, column=heading, value=value)
