"""Does the fast reader say the same as the naive one, on any dirty file and with blocks cut anywhere?"""

import io
from collections import Counter

import pandas as pd
from hypothesis import example, given
from hypothesis import strategies as st

from meterdrop.model.form import Footer
from meterdrop.model.layout import Layout
from meterdrop.parse.lines import read_blocks
from tests.unit.parse.naive_reader import DAMAGES, UNREADABLE, NaiveFile, naive_read

BLOCKS = st.sampled_from([4 * 1024 * 1024, 64, 7, 1])
LINE_ENDS = st.sampled_from(["\n", "\r\n", "\r"])
CELLS = ["NA", "12,5", "", "Příbor", "😀", "\ufeff", '"a;b"', '"say ""hi"""', '=""', '="0001"', " x ", '""']
JUNK = [
    *[";"] * 6,
    *['"'] * 4,
    ",",
    "=",
    "#",
    " ",
    "\t",
    "\v",
    "\0",
    "\x1a",
    "x",
    "ž",
    "\u2028",
    "\x85",
    '="7"',
]
LINES = [
    "A;B;C",
    "\ufeffA;B;C",
    "",
    ";;;",
    " ; \t",
    "# a;b;c",
    '"A";"B";"C"',
    "\ufeffx;y;z",
    '"x;y;z',
    "x;y;z;",
]
DAMAGE = [b"\xff", b"\xe9", b"\xc5", b"\x9e", b"\x81", b"\xf0\x9f", b"\xed\xa0\x80", b"\xc0\x80"]
SURROGATES = ["\ud83d", "\ude00", "\udcff", "\u0a0d", "\u3b00"]

cells = st.sampled_from(CELLS)
good_lines = st.tuples(cells, cells, cells).map(";".join)
junk_lines = st.lists(st.sampled_from(JUNK), min_size=1, max_size=12).map("".join)
dirty_lines = st.one_of(good_lines, good_lines, junk_lines, st.sampled_from(LINES))


def layout_of(
    encoding: str = "utf-8",
    *,
    headings: tuple[str, ...] = ("A", "B", "C"),
    separator: str = ";",
    header_line: int = 1,
    bom: int = 0,
    preamble: int = 0,
    footer: Footer | None = None,
    more_lines: int = 0,
) -> Layout:
    return Layout(
        encoding=encoding,
        bom=bom,
        separator=separator,
        header_line=header_line,
        header_raw=separator.join(headings).encode(encoding) if header_line else b"",
        headings=headings,
        columns=tuple(heading.lower() or None for heading in headings),
        preamble=preamble,
        footer=footer,
        max_continuation_lines=more_lines,
    )


def read(content: bytes, layout: Layout, block_bytes: int = 4 * 1024 * 1024) -> NaiveFile:
    """All blocks of the reader under test, in the naive reader's words."""
    result = NaiveFile()
    for block in read_blocks(io.BytesIO(content), layout=layout, block_bytes=block_bytes):
        cells = block.cells.to_dict("records")
        raws = block.raw.to_pylist()
        assert len(cells) == len(raws) == len(block.line)
        damaged = {line for line, code in _told(block.findings) if code in DAMAGES}
        for number, row, raw in zip(block.line.tolist(), cells, raws, strict=True):
            unreadable = {name for name, cell in row.items() if number in damaged and UNREADABLE in cell}
            said = {str(name): UNREADABLE if name in unreadable else cell for name, cell in row.items()}
            result.rows.append((number, said, raw))
        result.broken += list(zip(block.broken["line"].tolist(), block.broken["raw"].tolist(), strict=True))
        result.findings.update(_told(block.findings))
        for name in ("physical", "header", "blank", "comment", "continuation"):
            result.counts[name] += getattr(block, name)
        in_block = len(block.line) + len(block.broken) + block.header + block.blank + block.comment
        assert block.physical == in_block + block.continuation
    return result


def _told(findings: pd.DataFrame) -> list[tuple[int, str]]:
    return list(zip(findings["line"].tolist(), findings["code"].tolist(), strict=True))


def assert_same(ours: NaiveFile, naive: NaiveFile) -> None:
    assert ours.rows == naive.rows
    assert ours.broken == naive.broken
    assert ours.findings == naive.findings
    assert +ours.counts == +naive.counts


@st.composite
def dirty_files(draw: st.DrawFn, damage: st.SearchStrategy[str] | None = None) -> str:
    """Lines after the header: good, bad and odd ones, with all line ends and perhaps none at the end."""
    lines = draw(st.lists(st.tuples(dirty_lines, LINE_ENDS), min_size=1, max_size=12))
    if damage is not None:
        for place, harm in draw(st.dictionaries(st.integers(0, len(lines) - 1), damage, max_size=3)).items():
            line, end = lines[place]
            cut = draw(st.integers(0, len(line)))
            lines[place] = (line[:cut] + harm + line[cut:], end)
    text = "".join(line + end for line, end in lines)
    return text[:-1] if draw(st.booleans()) else text


@given(
    text=dirty_files(st.sampled_from(DAMAGE).map(lambda harm: harm.decode("utf-8", "surrogateescape"))),
    block_bytes=BLOCKS,
)
@example(text="\ufeffx;y;z\n", block_bytes=64)
@example(text="\ufeffA;B;C\nA;B;C\n", block_bytes=64)
@example(text="a;b;c\r\na;b;c", block_bytes=1)
@example(text='"a;b";c;d\n"e";"f', block_bytes=64)
@example(text='x;"\0;y";z\nx;\udcc5;\ufffd\nx;\ufffd;z\n\0;x\n', block_bytes=64)
def test_any_utf8_file_is_read_as_the_naive_reader_reads_it(text: str, block_bytes: int) -> None:
    content = ("A;B;C\n" + text).encode("utf-8", "surrogateescape")
    layout = layout_of()

    assert_same(read(content, layout, block_bytes), naive_read(content, layout))


@given(
    text=dirty_files(st.sampled_from("\x81\x83\x9e\xe9\xb9\xff")),
    encoding=st.sampled_from(["windows-1250", "iso8859-2"]),
    block_bytes=BLOCKS,
)
def test_any_single_byte_file_is_read_as_the_naive_reader_reads_it(
    text: str, encoding: str, block_bytes: int
) -> None:
    content = ("A;B;C\r\n" + text).encode("latin-1", "ignore")
    layout = layout_of(encoding)

    assert_same(read(content, layout, block_bytes), naive_read(content, layout))


@given(
    text=dirty_files(st.sampled_from(SURROGATES)),
    tail=st.sampled_from([b"", b"\n", b"\xff", b"\xd8"]),
    encoding=st.sampled_from(["utf-16-le", "utf-16-be"]),
    block_bytes=BLOCKS,
)
@example(text="x;😀;y\r\nz;😀;", tail=b"\xd8", encoding="utf-16-le", block_bytes=1)
@example(text="x;😀;y\r\nz;😀;", tail=b"\xd8", encoding="utf-16-be", block_bytes=7)
def test_any_utf16_file_is_read_as_the_naive_reader_reads_it(
    text: str, tail: bytes, encoding: str, block_bytes: int
) -> None:
    content = ("\ufeffA;B;C\r\n" + text).encode(encoding, "surrogatepass") + tail
    layout = layout_of(encoding, bom=2)

    assert_same(read(content, layout, block_bytes), naive_read(content, layout))


@given(
    before=st.lists(st.sampled_from(["", "# pozn.", " ; ", ",,,", "\t|", "sep=;"]), max_size=4),
    text=dirty_files(),
    separator=st.sampled_from([",", "\t", "|"]),
    block_bytes=BLOCKS,
)
@example(before=[], text="x;;z\nx; ;z\nx;y;z\n", separator="|", block_bytes=64)
def test_other_separators_and_lines_before_the_header_follow_the_same_rules(
    before: list[str], text: str, separator: str, block_bytes: int
) -> None:
    layout = layout_of(headings=("A", "", "C"), separator=separator, header_line=len(before) + 1)
    lines = [*before, layout.header_raw.decode(), text.replace(";", separator)]
    content = "\n".join(lines).encode()

    assert_same(read(content, layout, block_bytes), naive_read(content, layout))


@given(
    columns=st.integers(1, 4),
    content=st.text(alphabet=st.sampled_from('ab;"\n\r\t #'), max_size=80),
    block_bytes=BLOCKS,
)
def test_files_of_few_columns_are_read_as_the_naive_reader_reads_them(
    columns: int, content: str, block_bytes: int
) -> None:
    layout = layout_of(headings=tuple("ABCD"[:columns]))
    file = layout.header_raw + b"\n" + content.encode()

    assert_same(read(file, layout, block_bytes), naive_read(file, layout))


plain_cells = st.text(st.characters(exclude_characters=';"\r\n\0', exclude_categories=["Cs"]), max_size=12)


@given(rows=st.lists(st.tuples(plain_cells, plain_cells, plain_cells), max_size=6), block_bytes=BLOCKS)
def test_quoting_every_cell_changes_no_cell(rows: list[tuple[str, str, str]], block_bytes: int) -> None:
    rows = [("x" + first, second, third) for first, second, third in rows]
    fast = "A;B;C\n" + "".join(";".join(row) + "\n" for row in rows)
    careful = "A;B;C\n" + "".join(";".join(f'"{cell}"' for cell in row) + "\n" for row in rows)

    plainly = read(fast.encode(), layout_of(), block_bytes)
    quoted = read(careful.encode(), layout_of(), block_bytes)

    expected = [dict(zip("abc", row, strict=True)) for row in rows]
    assert [cells for _, cells, _ in plainly.rows] == expected
    assert [cells for _, cells, _ in quoted.rows] == expected


@given(
    cells=st.lists(
        st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=12),
        min_size=3,
        max_size=3,
    ),
    neighbours=st.integers(0, 30),
)
def test_a_quoted_line_may_hold_separators_and_quotes_among_plain_ones(
    cells: list[str], neighbours: int
) -> None:
    quoted = ";".join('"' + cell.replace('"', '""') + '"' for cell in cells)
    lines = ["A;B;C", *["x;y;z"] * neighbours, quoted, *["x;y;z"] * neighbours]

    result = read("\n".join(lines).encode(), layout_of())

    assert Counter(code for _, code in result.findings) == Counter()
    assert result.rows[neighbours][1] == dict(zip("abc", cells, strict=True))


MORE = [*JUNK, *['"'] * 8, *["\n"] * 4, "\r\n", "\r", "a;b", '""', '";"', "A;B;C\n"]
several_lines = st.lists(st.sampled_from(MORE), max_size=30).map("".join)


@given(
    text=st.one_of(several_lines, dirty_files()),
    columns=st.integers(1, 4),
    more_lines=st.integers(1, 5),
    encoding=st.sampled_from(["utf-8", "utf-8", "utf-16-le", "windows-1250"]),
    block_bytes=BLOCKS,
)
@example(text='x;"a\r\n\r\nb";y\nz;z;z', columns=3, more_lines=2, encoding="utf-8", block_bytes=64)
@example(text='x;"a\nb;c;d\ne";f', columns=3, more_lines=5, encoding="utf-8", block_bytes=64)
@example(text='x;"a\nb";"c\nd"\ne;"f', columns=3, more_lines=5, encoding="utf-8", block_bytes=7)
@example(text='"\n"\n"\n"\n"\n"', columns=1, more_lines=1, encoding="utf-8", block_bytes=1)
@example(text='#;"\nb";c;', columns=3, more_lines=5, encoding="utf-16-le", block_bytes=64)
def test_records_of_several_lines_are_read_as_the_naive_reader_reads_them(
    text: str, columns: int, more_lines: int, encoding: str, block_bytes: int
) -> None:
    layout = layout_of(encoding, headings=tuple("ABCD"[:columns]), more_lines=more_lines)
    content = (layout.header_raw.decode(encoding) + "\n" + text).encode(encoding, "ignore")

    assert_same(read(content, layout, block_bytes), naive_read(content, layout))


@given(
    text=st.one_of(dirty_files(), several_lines),
    header_line=st.sampled_from([0, 1, 3]),
    preamble=st.integers(0, 4),
    more_lines=st.sampled_from([0, 0, 2]),
    words=st.sampled_from([(), ("x",), ("x", "na"), ("celkem",)]),
    lines=st.integers(0, 3),
    block_bytes=BLOCKS,
)
@example(
    text='""""x',
    header_line=0,
    preamble=0,
    more_lines=0,
    words=("x",),
    lines=0,
    block_bytes=64,
)
@example(
    text="x;1;2\n\nx;y;z\n#\n",
    header_line=0,
    preamble=0,
    more_lines=0,
    words=("x",),
    lines=0,
    block_bytes=4,
)
def test_preamble_and_footer_are_read_as_the_naive_reader_reads_them(
    text: str,
    header_line: int,
    preamble: int,
    more_lines: int,
    words: tuple[str, ...],
    lines: int,
    block_bytes: int,
) -> None:
    footer = Footer(lines=lines, words=words) if words else None
    layout = layout_of(
        header_line=header_line,
        preamble=min(preamble, max(header_line - 1, 0)) if header_line else preamble,
        footer=footer,
        more_lines=more_lines,
    )
    before = ["titulek", '"', "x"][: max(header_line - 1, 0)]
    content = "\n".join([*before, layout.header_raw.decode(), text]).encode()

    assert_same(read(content, layout, block_bytes), naive_read(content, layout))
