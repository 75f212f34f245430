"""Which lines does the file have, and which cells? Rule by rule."""

import io
from dataclasses import replace

import pandas as pd
import pytest

from meterdrop.model.layout import Layout
from meterdrop.parse.damage import damaged_rows
from meterdrop.parse.lines import LineCounts, count_lines, read_blocks
from meterdrop.tables import TextBlock

HEADER = "SerialNum;Value;Unit"


def layout_of(
    header: str = HEADER, encoding: str = "utf-8", *, header_line: int = 1, rejects: int = 0
) -> Layout:
    headings = tuple(header.split(";"))
    columns = tuple(
        None if not heading or heading.startswith("_") else heading.rstrip("?") for heading in headings
    )
    return Layout(
        encoding=encoding,
        bom=0,
        separator=";",
        header_line=header_line,
        header_raw=header.encode(encoding),
        headings=headings,
        columns=columns,
        rejects_cells=rejects,
    )


def read(content: bytes | str, layout: Layout | None = None) -> TextBlock:
    """The one block of a small file."""
    given = content.encode() if isinstance(content, str) else content
    (block,) = read_blocks(io.BytesIO(given), layout=layout or layout_of())
    return block


def codes(findings: pd.DataFrame) -> list[tuple[int, str]]:
    return list(zip(findings["line"].tolist(), findings["code"].tolist(), strict=True))


def rows(block: TextBlock) -> list[list[str]]:
    return [list(row) for row in block.cells.itertuples(index=False)]


def test_cells_are_exactly_as_written() -> None:
    block = read(f'{HEADER}\nNA; 1 204,50 ;null\n00010206;;"a;""b"""\n="0001";nan;\n')

    assert rows(block) == [["NA", " 1 204,50 ", "null"], ["00010206", "", 'a;"b"'], ['="0001"', "nan", ""]]
    assert block.line.tolist() == [2, 3, 4]
    assert block.raw.to_pylist()[1] == b'00010206;;"a;""b"""'


def test_a_decimal_comma_in_the_first_row_shifts_nothing() -> None:
    layout = Layout("utf-8", 0, ",", 1, b"A,B", ("A", "B"), ("A", "B"))

    block = read("A,B\n1,5\n2,5,x\n", layout)

    assert rows(block) == [["1", "5"]]
    assert codes(block.findings) == [(3, "line.too-many-cells")]


def test_two_stray_quotes_in_a_hundred_lines_cost_two_lines() -> None:
    lines = [f"{number:08d};1,5;m3" for number in range(100)]
    lines[20] = '"' + lines[20]
    lines[70] = lines[70].replace("1,5", '1,5"')

    block = read("\n".join([HEADER, *lines]))

    assert len(block.cells) == 98
    assert codes(block.findings) == [(22, "line.bad-quoting"), (72, "line.bad-quoting")]
    assert block.broken["raw"].tolist() == [lines[20].encode(), lines[70].encode()]


@pytest.mark.parametrize(
    "line",
    ['"a;1;m3', 'a";1;m3', 'a;1 "x" y;m3', '"a"b;1;m3', '"a" ;1;m3', '="a;1";m3', '"a";1;"m3', '"a""";1;"'],
)
def test_quotes_that_break_the_standard_are_told(line: str) -> None:
    block = read(f"{HEADER}\n{line}\n")

    assert codes(block.findings) == [(2, "line.bad-quoting")]
    assert rows(block) == []


def test_all_defects_of_a_line_are_told() -> None:
    block = read(HEADER.encode() + b'\n\x00\xff;1\n\x00;\xff;3;4\n\xff\x00"\n')

    assert codes(block.findings) == [
        (2, "line.nul"),
        (2, "line.encoding"),
        (2, "line.too-few-cells"),
        (3, "line.nul"),
        (3, "line.encoding"),
        (3, "line.too-many-cells"),
        (4, "line.nul"),
        (4, "line.encoding"),
        (4, "line.bad-quoting"),
    ]
    assert block.findings["value"].dropna().tolist() == ["2", "4"]


def test_the_lines_of_a_file_are_those_of_an_editor() -> None:
    block = read(f"{HEADER}\r\na;1;l\r\rb;2;l\n\r\nc;3;l\u2028d\ve")

    assert block.line.tolist() == [2, 4, 6]
    assert block.raw.to_pylist()[2].decode() == "c;3;l\u2028d\ve"
    assert (block.physical, block.blank) == (6, 2)


def test_blank_and_comment_lines_are_counted_as_such() -> None:
    block = read(f"# export\n\n;;\n{HEADER}\n \t\n;;;;;\n# pozn.; 1\na;1;l\n ;x;\n", layout_of(header_line=4))

    assert (block.header, block.blank, block.comment) == (1, 4, 2)
    assert rows(block) == [["a", "1", "l"], [" ", "x", ""]]


def test_a_repeated_header_is_counted_and_told() -> None:
    block = read(f"{HEADER}\na;1;l\n{HEADER}\n\ufeff{HEADER}\nb;1;l\n")

    assert block.header == 3
    assert codes(block.findings) == [(3, "line.repeated-header"), (4, "line.repeated-header")]
    assert block.findings["severity"].tolist() == ["info", "info"]
    assert len(block.broken) == 0


def test_a_cell_under_an_empty_heading_must_be_empty() -> None:
    block = read(
        "SerialNum;;Unit;\na;;l;\nb; ;l; \nc;x;l;\nd;;l;x\ne;;l\nf;x;\0;\n", layout_of("SerialNum;;Unit;")
    )

    assert rows(block) == [["a", "l"], ["b", "l"]]
    assert codes(block.findings) == [
        (4, "line.too-many-cells"),
        (5, "line.too-many-cells"),
        (6, "line.too-few-cells"),
        (7, "line.nul"),
        (7, "line.too-many-cells"),
    ]


def test_unknown_columns_and_our_own_of_rejects_are_dropped_but_the_line_they_came_from() -> None:
    header = f"{HEADER};_unknown;_line;_code;_column;_message"

    block = read(f'{header}\na;1;l;x;7;value.not-a-number;Value;"a; b"\n', layout_of(header, rejects=4))

    assert list(block.cells.columns) == ["SerialNum", "Value", "Unit", "_line"]
    assert rows(block) == [["a", "1", "l", "7"]]


def test_a_header_alone_has_no_rows() -> None:
    block = read(HEADER)

    assert (block.physical, block.header, len(block.cells)) == (1, 1, 0)
    assert list(block.cells.columns) == ["SerialNum", "Value", "Unit"]


def test_columns_are_arrow_strings_on_a_plain_range() -> None:
    block = read(f"{HEADER}\na;1;l\nbad\nb;2;l\n")

    assert {str(dtype) for dtype in block.cells.dtypes} == {"string[pyarrow]"}
    assert isinstance(block.cells.index, pd.RangeIndex)
    assert isinstance(block.cells.dtypes["Value"], pd.ArrowDtype)


@pytest.mark.parametrize("block_bytes", [64, 4096, 4 * 1024 * 1024])
def test_a_line_over_64_kib_costs_itself_and_keeps_its_start(block_bytes: int) -> None:
    longest, too_long = b"x" * 65532 + b";1;l", b"x" * 65533 + b";1;l"
    content = b"\r\n".join([HEADER.encode(), longest, too_long, b"#" + too_long, b"y;" * 500_000, b"a;1;l"])

    blocks = list(read_blocks(io.BytesIO(content), layout=layout_of(), block_bytes=block_bytes))

    assert [number for block in blocks for number in block.line] == [2, 6]
    assert [found for block in blocks for found in codes(block.findings)] == [
        (3, "line.too-long"),
        (5, "line.too-long"),
    ]
    kept = [raw for block in blocks for raw in block.broken["raw"]]
    assert kept == [too_long[:65537], b"y;" * 32768 + b"y"]
    assert sum(block.comment for block in blocks) == 1


@pytest.mark.parametrize("block_bytes", [100, 4 * 1024 * 1024])
def test_a_long_line_of_utf16_is_cut_between_characters(block_bytes: int) -> None:
    content = f"{HEADER}\n{'ž😀' * 20_000}\na;1;l\n".encode("utf-16-be")

    blocks = list(
        read_blocks(io.BytesIO(content), layout=layout_of(encoding="utf-16-be"), block_bytes=block_bytes)
    )

    (kept,) = [raw for block in blocks for raw in block.broken["raw"]]
    start = kept.decode("utf-16-be")
    assert ("ž😀" * 20_000).startswith(start)
    assert 65536 < len(start.encode()) <= 65536 + 4
    assert [raw for block in blocks for raw in block.raw.to_pylist()] == ["a;1;l".encode("utf-16-be")]


class Endless:
    """A stream of one line without end, some bytes at a time."""

    def __init__(self, size: int) -> None:
        self.left = size
        self.largest = 0

    def read(self, size: int = -1, /) -> bytes:
        given = min(size, self.left)
        self.left -= given
        self.largest = max(self.largest, given)
        return b"a" * given


def test_an_enormous_line_is_never_kept_whole() -> None:
    stream = Endless(50_000_000)

    blocks = list(read_blocks(stream, layout=layout_of(), block_bytes=100_000))  # type: ignore[arg-type]  # a fake

    assert stream.largest == 100_000
    assert sum(block.physical for block in blocks) == 1


def test_blocks_of_very_short_lines_have_not_too_many_of_them() -> None:
    content = HEADER.encode() + b"\n" + b"a\r\n" * 400_000

    blocks = list(read_blocks(io.BytesIO(content), layout=layout_of()))

    assert max(block.physical for block in blocks) <= 150_000
    assert sum(block.physical for block in blocks) == 400_001
    assert [block.broken["line"].iloc[-1] for block in blocks] == [150_000, 300_000, 400_001]


def test_numbers_of_an_excerpt_are_the_true_ones() -> None:
    content = io.BytesIO(f"{HEADER}\na;1;l\nbad\n".encode())

    (block,) = read_blocks(content, layout=layout_of(header_line=3), numbers=[3, 17, 90_000])

    assert block.line.tolist() == [17]
    assert codes(block.findings) == [(90_000, "line.too-few-cells")]
    assert block.header == 1


def test_too_few_numbers_for_an_excerpt_are_a_bug() -> None:
    with pytest.raises(ValueError, match="2 line numbers"):
        list(read_blocks(io.BytesIO(b"A\n1\n2\n"), layout=layout_of("A"), numbers=[1, 2]))


def test_windows_1250_comes_out_as_text_and_its_undefined_bytes_cost_their_line() -> None:
    content = f"{HEADER}\nPříbor;1,5;m3\n".encode("windows-1250") + b"\x81;1;l\n"

    block = read(content, layout_of(encoding="windows-1250"))

    assert rows(block) == [["Příbor", "1,5", "m3"], ["\ufffd", "1", "l"]]
    assert block.raw.to_pylist() == ["Příbor;1,5;m3".encode("windows-1250"), b"\x81;1;l"]
    assert codes(block.findings) == [(3, "line.encoding")]


def test_a_control_of_iso_8859_2_is_no_text() -> None:
    block = read(HEADER.encode() + b"\n\x8a;1;l\n\xa9;1;l\n", layout_of(encoding="iso8859-2"))

    assert rows(block) == [["\ufffd", "1", "l"], ["Š", "1", "l"]]
    assert codes(block.findings) == [(2, "line.encoding")]


@pytest.mark.parametrize(
    ("encoding", "line"),
    [
        ("utf-8", b'"a;\x00";1\xff5;m3'),
        ("utf-8", b'"a;\xe2\x80";1\xc55;m3'),
        ("windows-1250", '"a;\0";1ž5;m3'.encode()),
        ("iso8859-2", b'"a;\x9e";1\x005;m3'),
        ("utf-16-le", '"a;\ud83d";1\x005;m3'.encode("utf-16-le", "surrogatepass")),
        ("utf-16-be", '"a;\udc00";1\ud8005;m3'.encode("utf-16-be", "surrogatepass")),
    ],
)
def test_what_cannot_be_read_costs_its_cells_only(encoding: str, line: bytes) -> None:
    end = "\n".encode(encoding)
    good = "Příbor;\ufffd;" if encoding.startswith("utf") else "Příbor;;"
    content = end.join([HEADER.encode(encoding), good.encode(encoding), line, good.encode(encoding)])

    block = read(content, layout_of(encoding=encoding))

    assert rows(block)[0] == rows(block)[2] == good.split(";")
    first, second, third = rows(block)[1]
    assert (first[:2], "\ufffd" in first, "\ufffd" in second, third) == ("a;", True, True, "m3")
    assert block.raw.to_pylist()[1] == line
    assert {line for line, _ in codes(block.findings)} == {3}
    assert damaged_rows(block).tolist() == [False, True, False]


def test_half_a_letter_at_the_end_of_utf16_costs_its_cell_only() -> None:
    content = f"{HEADER}\na;1;m3".encode("utf-16-le") + b"\x01"

    *_, block = read_blocks(io.BytesIO(content), layout=layout_of(encoding="utf-16-le"))

    assert [cells[:2] for cells in rows(block)] == [["a", "1"]]
    assert rows(block)[0][2].startswith("m3\ufffd")
    assert block.raw.to_pylist() == ["a;1;m3".encode("utf-16-le") + b"\x01"]
    assert codes(block.findings) == [(2, "line.encoding")]


def test_utf16_gives_text_and_its_own_bytes_back() -> None:
    lines = ["žluť😀;1,5;m3", "a;1", '"x";"y;z";l']
    content = "\r\n".join(["\ufeff" + HEADER, *lines]).encode("utf-16-le")

    block = read(content, layout_of(encoding="utf-16-le"))

    assert rows(block) == [["žluť😀", "1,5", "m3"], ["x", "y;z", "l"]]
    assert block.raw.to_pylist() == [lines[0].encode("utf-16-le"), lines[2].encode("utf-16-le")]
    assert block.broken["raw"].tolist() == [lines[1].encode("utf-16-le")]


def test_lines_of_a_refused_file_are_counted() -> None:
    content = "\ufeff# x\r\n\r\n;,\t|\rPK\x00\x01;\n1;2".encode()

    def counted(content: bytes, encoding: str = "utf-8") -> LineCounts:
        return count_lines(io.BytesIO(content), encoding=encoding, layout=None)

    assert counted(content) == LineCounts(physical=5, blank=2, comment=1)
    assert counted(b"") == LineCounts(physical=0, blank=0, comment=0)
    assert counted("#\n\n1".encode("utf-16-le"), "utf-16-le") == LineCounts(3, 1, 1)


def test_each_line_of_a_refused_file_is_one_thing() -> None:
    """A header behind `#` is no comment, what stands before it is one, and headers come again."""
    layout = replace(layout_of("#A;B", header_line=4), preamble=2)
    counts = count_lines(io.BytesIO(b"x;y\n\n#z\n#A;B\n|\n#A;B\n;\n"), encoding="utf-8", layout=layout)
    assert counts == LineCounts(physical=7, header=1, blank=2, comment=3)
