"""The report for programs: every byte of a line can be had back from it, and the counts are the receipt's."""

import base64
import json
from collections import Counter
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterdrop.model.codes import Code
from meterdrop.report.quarantine_report import (
    QuarantineReport,
    Writing,
    as_json,
    cells_by_heading,
    split,
)
from tests.unit.report.reports import NOW, aside, found, report

NO_NUMBER = found(Code.VALUE_NOT_A_NUMBER, line=4, column="Stav", value="CHYBA")
ENCODINGS = st.sampled_from(["utf-8", "cp1250", "iso8859-2", "utf-16-le", "utf-16-be"])


def document(one: QuarantineReport) -> dict[str, Any]:
    told: dict[str, Any] = json.loads("".join(as_json(one)), object_pairs_hook=each_name_once)
    return told


def each_name_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    assert len(set(names)) == len(names), names
    return dict(pairs)


def test_a_line_is_told_with_cells_findings_and_what_became_of_it() -> None:
    line = aside(
        4,
        b"10001;CHYBA;m3;2026-10-31",
        state="corrected",
        found_before=(NO_NUMBER,),
        corrected=b"10001;12,5;m3;2026-10-31",
        resolved_at=NOW,
        resolved_by="cli:jana",
        reason="read on site",
        serial="10001",
        day=date(2026, 10, 31),
    )
    [told] = document(report([line]))["quarantined"]
    assert told == {
        "line": 4,
        "id": 200_000_004,
        "state": "corrected",
        "raw": "10001;CHYBA;m3;2026-10-31",
        "raw_base64": None,
        "cells": {"SerialNum": "10001", "Stav": "CHYBA", "Unit": "m3", "Date": "2026-10-31"},
        "corrected": "10001;12,5;m3;2026-10-31",
        "resolved_at": "2026-11-24T08:00:00.000Z",
        "resolved_by": "cli:jana",
        "reason": "read on site",
        "reading": {"serial": "10001", "day": "2026-10-31"},
        "successor": None,
        "findings": [],
        "found_before": [
            {
                "column": "Stav",
                "code": "value.not-a-number",
                "severity": "error",
                "value": "CHYBA",
                "against": None,
                "message": "A number is expected in column “Stav”, not “CHYBA”.",
                "fix": "Send a plain number such as 1234.567 or 1234,567, without words or units in the cell.",
            }
        ],
    }


def test_the_line_that_came_in_its_place_is_named() -> None:
    line = aside(4, b"x", state="superseded", successor_delivery=7, successor_line=12)
    [told] = document(report([line]))["quarantined"]
    assert told["successor"] == {"delivery": "000000000007", "line": 12}


def test_findings_are_where_they_belong_and_add_up_to_the_total() -> None:
    of_file = found(Code.FILE_EXTRA_COLUMN, column="RSSI")
    of_other = found(Code.READING_CORRECTION, line=9, column="Stav", value="12")
    twice = aside(5, b"1;x;y;z", NO_NUMBER, found(Code.UNIT_UNKNOWN, line=5, column="Unit", value="y"))
    told = document(
        report([aside(4, b"1;CHYBA;m3;d", NO_NUMBER), twice], of_file=[of_file], of_others=[of_other])
    )

    assert [one["code"] for one in told["file_findings"]] == ["file.extra-column"]
    assert [(one["line"], one["code"]) for one in told["other_findings"]] == [(9, "reading.correction")]
    every = [*told["file_findings"], *told["other_findings"]]
    every += [one for line in told["quarantined"] for one in line["findings"]]
    assert Counter(one["code"] for one in every) == told["findings_by_code"]
    assert len(every) == told["findings_total"]
    assert told["states"] == {"open": 2}


def test_a_delivery_without_lines_is_a_document_too() -> None:
    told = document(report())
    assert (told["quarantined"], told["file_findings"], told["other_findings"]) == ([], [], [])
    assert told["report"] == 1


@given(st.binary(max_size=40), ENCODINGS)
def test_the_bytes_of_a_line_can_be_had_back(raw: bytes, encoding: str) -> None:
    [told] = document(report([aside(2, raw)], encoding=encoding))["quarantined"]
    exact = told["raw_base64"]
    assert (told["raw"].encode(encoding) if exact is None else base64.b64decode(exact)) == raw


@given(st.text(st.characters(codec="utf-8"), max_size=40))
def test_text_that_is_well_encoded_is_told_as_text_alone(text: str) -> None:
    [told] = document(report([aside(2, text.encode())]))["quarantined"]
    assert told["raw"] == text
    assert told["raw_base64"] is None


@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=8), min_size=1, max_size=9
    ),
    st.lists(st.sampled_from(["", "A", "A (3)", "+1", "(1)"]), min_size=1, max_size=6).map(tuple),
    st.sampled_from(";,\t|"),
)
def test_no_cell_is_lost_whatever_the_headings_are(
    cells: list[str], headings: tuple[str, ...], separator: str
) -> None:
    """Headings may be empty or come twice, cells may be too many."""
    text = separator.join('"' + cell.replace('"', '""') + '"' for cell in cells)
    by_heading = cells_by_heading(text, writing=Writing("utf-8", separator, headings))
    assert list(by_heading.values()) == cells


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ('a;"b;c";d', ["a", "b;c", "d"]),
        ('a;"b', ["a", "b"]),
        ('a;b"c;d', ["a", 'b"c', "d"]),
        ('="0001";1', ['="0001"', "1"]),
        ("a\rb;c", ["a\rb", "c"]),
        ("a\x00;b", ["a\x00", "b"]),
        ("", []),
    ],
)
def test_a_line_is_split_however_badly_it_is_quoted(text: str, cells: list[str]) -> None:
    assert split(text, separator=";") == cells


def test_without_headings_there_are_no_cells() -> None:
    assert cells_by_heading("a;b", writing=Writing(None, None, ())) == {}
