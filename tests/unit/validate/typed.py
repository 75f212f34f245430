"""Typed frames for the tests of the rules, cast by the real casting from texts."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from meterdrop.catalog import read_catalog
from meterdrop.model.feed import Agreement
from meterdrop.model.layout import Layout
from meterdrop.parse.cells import cast
from meterdrop.tables import DAY, DECIMAL, FLAG, LINE, TEXT, TextBlock, TypedRows, no_findings

SCHEMAS = Path(__file__).parents[3] / "schemas"
SHIPPED = read_catalog([SCHEMAS])


def agreement(feed: str) -> Agreement:
    """The tolerant agreement about a shipped feed."""
    return SHIPPED.agreement("nobody", feed, on=date(2026, 11, 24))


def layout(*columns: str) -> Layout:
    """A layout whose headings are our own names."""
    return Layout(
        encoding="utf-8",
        bom=0,
        separator=";",
        header_line=1,
        header_raw=b"",
        headings=columns,
        columns=columns,
    )


def block(cells: Mapping[str, Sequence[str]]) -> TextBlock:
    """The cells as lines 2 and on."""
    count = len(next(iter(cells.values())))
    return TextBlock(
        cells=pd.DataFrame({name: pd.Series(list(texts), dtype=TEXT) for name, texts in cells.items()}),
        line=np.arange(2, count + 2, dtype=np.int64),
        raw=pa.array([b""] * count, pa.large_binary()),
        broken=pd.DataFrame({"line": [], "raw": []}),
        findings=no_findings(),
        physical=count,
        header=0,
        blank=0,
        comment=0,
        continuation=0,
    )


def rows(feed: str, cells: Mapping[str, Sequence[str]], *, under: Agreement | None = None) -> TypedRows:
    """The cells cast under the tolerant agreement, or the given one."""
    agreed = under or agreement(feed)
    return cast(block(cells), feed=agreed.feed, agreement=agreed, layout=layout(*cells))


def readings(**cells: Sequence[str]) -> pd.DataFrame:
    """A typed frame of readings; columns not given have a harmless cell in every row."""
    count = len(next(iter(cells.values())))
    usual = {"SerialNum": "10206", "Value": "1", "Unit": "m3", "Date": "2026-10-31"}
    return rows("readings", {**{name: [text] * count for name, text in usual.items()}, **cells}).frame


def devices(**cells: Sequence[str]) -> pd.DataFrame:
    """A typed frame of devices, one place and serial a row unless given."""
    count = len(next(iter(cells.values())))
    usual = {
        "Date": ["2026-10-31"] * count,
        "Location": [f"B{number}" for number in range(count)],
        "TypeUnit": ["m3"] * count,
        "Room": ["WC"] * count,
        "Media": ["CW"] * count,
        "SerialNumber": [str(100 + number) for number in range(count)],
        "RadioNumber": ["-"] * count,
        "Seq": ["1"] * count,
        "DateFrom": ["2020-01-01"] * count,
        "Correction": ["1"] * count,
    }
    return rows("devices", {**usual, **cells}).frame


def register(*known: tuple[str, str, str, str | None, str | None]) -> pd.DataFrame:
    """A register of (key, radio key, dimension, from, to); the devices are numbered from 1."""
    return pd.DataFrame(
        {
            "device": pd.Series(range(1, len(known) + 1), dtype=LINE),
            "key": pd.Series([each[0] for each in known], dtype=TEXT),
            "radio_key": pd.Series([each[1] or None for each in known], dtype=TEXT),
            "media": pd.Series(["CW"] * len(known), dtype=TEXT),
            "dimension": pd.Series([each[2] or None for each in known], dtype=TEXT),
            "unit": pd.Series([None for _ in known], dtype=TEXT),
            "installed_from": pd.Series([_day(each[3]) for each in known], dtype=DAY),
            "installed_to": pd.Series([_day(each[4]) for each in known], dtype=DAY),
        }
    )


def told(findings: pd.DataFrame) -> list[tuple[int, str, str | None]]:
    """Line, code and column of every finding, in order of lines."""
    ordered = findings.sort_values("line", kind="stable")
    columns = [None if pd.isna(column) else str(column) for column in ordered["column"]]
    return list(zip(ordered["line"], ordered["code"], columns, strict=True))


def keys(*known: tuple[int, int, str, str]) -> pd.DataFrame:
    """Judged readings of (line, device, day, canonical value), radio ones."""
    return pd.DataFrame(
        {
            "line": pd.Series([each[0] for each in known], dtype=LINE),
            "device": pd.Series([each[1] for each in known], dtype=LINE),
            "day": pd.Series([_day(each[2]) for each in known], dtype=DAY),
            "canonical_value": pd.Series(
                pa.array([each[3] for each in known], pa.string()).cast(DECIMAL.pyarrow_dtype), dtype=DECIMAL
            ),
            "kind": pd.Series(["RADIO"] * len(known), dtype=TEXT),
            "estimated": pd.Series([False] * len(known), dtype=FLAG),
        }
    )


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
