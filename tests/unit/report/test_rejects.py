"""The rejects file: the partner's own bytes, and at the end of each line what is wrong with it."""

import csv
from collections.abc import Sequence

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterdrop.model.codes import Code
from meterdrop.model.layout import Layout
from meterdrop.report import rejects
from meterdrop.tables import LINE, RAW, findings_at, join_findings, no_findings

HEADER = "SerialNum;Value;Unit;Date"


def layout(encoding: str = "utf-8", *, bom: int = 0, separator: str = ";", rejects_cells: int = 0) -> Layout:
    text = HEADER.replace(";", separator)
    if rejects_cells:
        text += separator + separator.join(rejects.COLUMNS)
    headings = tuple(text.split(separator))
    columns = (*HEADER.split(";"), *[None] * rejects_cells)
    return Layout(
        encoding=encoding,
        bom=bom,
        separator=separator,
        header_line=1,
        header_raw=text.encode(encoding),
        headings=headings,
        columns=columns,
        rejects_cells=rejects_cells,
    )


def block(raws: Sequence[bytes]) -> pd.DataFrame:
    array = pa.array(raws, pa.large_binary())
    return pd.DataFrame(
        {
            "line": pd.Series(range(2, 2 + len(raws)), dtype=LINE),
            "raw": pd.Series(pd.arrays.ArrowExtensionArray(array), dtype=RAW),
        }
    )


def written(raws: Sequence[bytes], *findings: pd.DataFrame, how: Layout, language: str = "cs") -> bytes:
    found = join_findings(findings) if findings else no_findings()
    return b"".join(
        [rejects.header(how), *rejects.lines(block(raws), findings=found, layout=how, language=language)]
    )


def test_line_has_all_its_errors_and_none_that_is_no_error() -> None:
    found = written(
        [b"1;x;m4;2026-10-31", b"2;1;m3;2026-10-31"],
        findings_at(line=[2], code=Code.VALUE_NOT_A_NUMBER, column="Value"),
        findings_at(line=[2], code=Code.UNIT_UNKNOWN, column="Unit"),
        findings_at(line=[2, 3], code=Code.STATUS_UNKNOWN, column="Status"),
        findings_at(line=[3], code=Code.LINE_TOO_FEW_CELLS),
        how=layout(),
        language="en",
    )
    header, first, second = csv.reader(found.decode().splitlines(), delimiter=";")
    assert header == [*HEADER.split(";"), "_line", "_code", "_column", "_message"]
    assert first[:7] == [
        "1",
        "x",
        "m4",
        "2026-10-31",
        "2",
        "value.not-a-number | unit.unknown",
        "Value | Unit",
    ]
    assert first[7].count(" | ") == 1
    assert second[4:7] == ["3", "line.too-few-cells", ""]


@pytest.mark.parametrize("encoding", ["utf-8", "cp1250", "iso-8859-2", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
def test_file_is_in_the_encoding_and_with_the_separator_of_theirs(encoding: str, separator: str) -> None:
    how = layout(encoding, separator=separator)
    raws = [f"žluťoučký{separator}x{separator}m3{separator}2026".encode(encoding), "čáp".encode(encoding)]
    found = written(
        raws, findings_at(line=[2, 3], code=Code.VALUE_NOT_A_NUMBER, column="Hodnota čísla"), how=how
    )

    lines = found.decode(encoding).splitlines()
    assert found.startswith(how.header_raw)
    for raw in raws:
        assert raw in found
    rows = list(csv.reader(lines, delimiter=separator))
    assert [len(row) for row in rows] == [8, 8, 5]
    assert rows[1][6] == "Hodnota čísla"


@pytest.mark.parametrize(
    ("encoding", "mark"), [("utf-8", b"\xef\xbb\xbf"), ("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff")]
)
def test_byte_order_mark_is_there_if_theirs_had_one(encoding: str, mark: bytes) -> None:
    assert rejects.header(layout(encoding, bom=len(mark))).startswith(mark)
    assert not rejects.header(layout(encoding)).startswith(mark)


@given(st.lists(st.binary(max_size=40).filter(lambda raw: b"\n" not in raw), min_size=1, max_size=20))
def test_every_line_begins_with_its_own_bytes(raws: list[bytes]) -> None:
    lines = list(range(2, 2 + len(raws)))
    found = written(raws, findings_at(line=lines, code=Code.LINE_ENCODING), how=layout())
    back = found.split(b"\n")[1:-1]
    assert len(back) == len(raws)
    for line, raw, told in zip(lines, raws, back, strict=True):
        assert told.startswith(raw + b";%d;line.encoding;" % line)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=80))
def test_cell_quoted_in_a_message_can_not_break_the_line(value: str) -> None:
    quoted = pd.Series([value], dtype=pd.ArrowDtype(pa.string()))
    found = written(
        [b"1;x;m3;2026-10-31"],
        findings_at(line=[2], code=Code.VALUE_NOT_A_NUMBER, column=value, value=quoted),
        how=layout(),
    )
    rows = list(csv.reader(found.decode().split("\n")[:-1], delimiter=";"))
    assert [len(row) for row in rows] == [8, 8]


def test_our_cells_of_last_time_are_taken_off() -> None:
    how = layout(rejects_cells=4)
    raws = [
        b'1;x;m3;2026-10-31;2;value.not-a-number;"Value";"a; quoted ""message"""',
        b"2;y;m3;2026-10-31;3;value.not-a-number;Value;plain",
        b"3;z",
    ]
    found = written(raws, findings_at(line=[2, 3, 4], code=Code.VALUE_NOT_A_NUMBER, column="Value"), how=how)
    header, *lines = found.decode().splitlines()
    assert header == f"{HEADER};_line;_code;_column;_message"
    assert [line.split(";")[:6] for line in lines] == [
        ["1", "x", "m3", "2026-10-31", "2", "value.not-a-number"],
        ["2", "y", "m3", "2026-10-31", "3", "value.not-a-number"],
        ["3", "z", "4", "value.not-a-number", '"Value"', lines[2].split(";")[5]],
    ]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_our_cells_are_taken_off_between_letters_of_two_bytes(encoding: str) -> None:
    """`㬊` and `Ā` have the byte of a semicolon, and one of them where a separator could begin."""
    how = layout(encoding, rejects_cells=4)
    raw = '㬊Ā㬀;x;㬻;2026;2;value.not-a-number;"Value";"Ā㬀"'.encode(encoding)
    found = written([raw], findings_at(line=[2], code=Code.VALUE_NOT_A_NUMBER, column="Value"), how=how)
    row = found.decode(encoding).splitlines()[1].split(";")
    assert row[:6] == ["㬊Ā㬀", "x", "㬻", "2026", "2", "value.not-a-number"]


def test_no_lines_are_no_bytes() -> None:
    assert list(rejects.lines(block([]), findings=no_findings(), layout=layout(), language="cs")) == []


def test_file_is_the_same_whatever_portions_it_is_made_in(monkeypatch: pytest.MonkeyPatch) -> None:
    raws = [b"%d;x;m4;2026" % number for number in range(9)]
    found = [
        findings_at(line=[2, 3, 5, 8, 10], code=Code.VALUE_NOT_A_NUMBER, column="Value"),
        findings_at(line=[3, 4, 6, 8, 9], code=Code.UNIT_UNKNOWN, column="Unit"),
        findings_at(line=[7, 8], code=Code.LINE_TOO_FEW_CELLS),
        findings_at(line=[1, 11], code=Code.LINE_ENCODING),
    ]
    whole = written(raws, *found, how=layout())
    assert whole.count(b"\n") == 10
    assert b"line.encoding" not in whole, "of lines that are not rejected nothing is told"
    for size in (1, 2, 4):
        monkeypatch.setattr(rejects, "_AT_ONCE", size)
        assert written(raws, *found, how=layout()) == whole
