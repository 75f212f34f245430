"""The report for spreadsheets: one row a finding, nothing missing, and nothing that would run."""

import csv
from io import StringIO

from hypothesis import given
from hypothesis import strategies as st

from meterdrop.model.codes import Code
from meterdrop.report.for_people import harmless, visible
from meterdrop.report.quarantine_csv import as_csv
from meterdrop.report.quarantine_report import QuarantineReport
from tests.unit.report.reports import aside, found, report


def rows(one: QuarantineReport) -> list[list[str]]:
    return list(csv.reader(StringIO("".join(as_csv(one)).removeprefix("\ufeff"), newline=""), delimiter=";"))


def test_excel_knows_it_by_its_mark_its_semicolons_and_its_line_ends() -> None:
    text = "".join(as_csv(report([aside(4, b"1;x;m3;d", found(Code.CELL_MISSING, line=4, column="Stav"))])))
    head, row, end = text.split("\r\n")
    assert head == "\ufeffline;column;value;code;reason;what to do;state;text of the line"
    assert row.startswith("4;Stav;;cell.missing;")
    assert row.endswith(';open;"1;x;m3;d"')
    assert end == ""


def test_it_speaks_the_language_asked_for() -> None:
    one = report([aside(4, b"1;x;m3;d", found(Code.CELL_MISSING, line=4), state="accepted")], language="cs")
    [head, row] = rows(one)
    assert head[:3] == ["řádek", "sloupec", "hodnota"]
    assert row[6] == "přijatý"


def test_every_finding_has_a_row_and_a_line_without_one_has_a_row_too() -> None:
    bad = found(Code.VALUE_NOT_A_NUMBER, line=4, column="Stav", value="x")
    told = rows(
        report(
            [
                aside(4, b"1;x;y;d", bad, found(Code.UNIT_UNKNOWN, line=4, column="Unit", value="y")),
                aside(5, b"2;2"),
            ],
            of_file=[found(Code.FILE_EXTRA_COLUMN, column="RSSI")],
            of_others=[found(Code.READING_CORRECTION, line=2)],
        )
    )
    assert [(row[0], row[3], row[6]) for row in told[1:]] == [
        ("", "file.extra-column", ""),
        ("4", "value.not-a-number", "open"),
        ("4", "unit.unknown", "open"),
        ("5", "", "open"),
        ("2", "reading.correction", ""),
    ]


def test_a_number_with_a_sign_stays_a_number_and_a_formula_is_text() -> None:
    def cell(value: str) -> str:
        [_, row] = rows(
            report([aside(4, b"", found(Code.VALUE_NEGATIVE, line=4, column="Stav", value=value))])
        )
        return row[2]

    assert cell("-5,2") == "-5,2"
    assert cell("+5.2") == "+5.2"
    assert cell("=1+1") == "'=1+1"
    assert cell("@SUM(A1)") == "'@SUM(A1)"


@given(st.binary(max_size=40), st.text(st.characters(codec="utf-8"), max_size=20))
def test_whatever_a_cell_holds_the_table_keeps_its_shape(raw: bytes, value: str) -> None:
    """Read back, each cell is the partner's own, to be seen and harmless."""
    bad = found(Code.VALUE_NOT_A_NUMBER, line=4, column=value, value=value)
    [_, row] = rows(report([aside(4, raw, bad)]))
    assert len(row) == 8
    assert row[1] == row[2] == harmless(visible(value))
    assert row[7] == harmless(visible(raw.decode("utf-8", errors="replace")))


def test_a_long_table_comes_in_pieces() -> None:
    """Memory must not follow the report."""
    many = [aside(number, b"x") for number in range(2, 2_002)]
    pieces = list(as_csv(report(many)))
    assert len(pieces) > 4
    assert len("".join(pieces).splitlines()) == 2_001


def test_a_table_of_long_lines_comes_in_small_pieces() -> None:
    """Lines of 60 KB with two findings each: a hundred of them must not be in memory together."""
    bad = [found(code, line=4) for code in (Code.CELL_TOO_LONG, Code.SERIAL_MALFORMED)]
    pieces = list(as_csv(report([aside(4, b"x" * 60_000, *bad) for _ in range(100)])))
    assert max(map(len, pieces)) < 1_200_000
    assert sum(map(len, pieces)) > 12_000_000
