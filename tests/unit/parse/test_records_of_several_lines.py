"""Where a quoted cell may hold line ends: which lines are one record, and what does a stray quote cost?"""

import io

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from meterdrop.model.layout import Layout
from meterdrop.parse.lines import read_blocks
from meterdrop.tables import TextBlock, join_findings
from tests.unit.parse.test_parse_lines_property import layout_of

THREE = layout_of(more_lines=3)


def blocks_of(text: str | bytes, layout: Layout = THREE, *, block_bytes: int = 4096) -> list[TextBlock]:
    content = text if isinstance(text, bytes) else f"A;B;C\n{text}".encode(layout.encoding)
    return list(read_blocks(io.BytesIO(content), layout=layout, block_bytes=block_bytes))


def read(text: str | bytes, layout: Layout = THREE) -> TextBlock:
    """All blocks of the file as one: what is left open at its end is one of its own."""
    blocks = blocks_of(text, layout, block_bytes=1_000_000)
    total = {
        name: sum(getattr(block, name) for block in blocks)
        for name in ("physical", "header", "blank", "comment", "continuation")
    }
    return TextBlock(
        cells=pd.concat([block.cells for block in blocks]),
        line=np.concatenate([block.line for block in blocks]),
        raw=pa.concat_arrays([block.raw for block in blocks]),
        broken=pd.concat([block.broken for block in blocks]),
        findings=join_findings([block.findings for block in blocks]),
        **total,
    )


def rows(block: TextBlock) -> list[list[str]]:
    return [list(row) for row in block.cells.itertuples(index=False)]


def told(block: TextBlock) -> list[tuple[int, str]]:
    return list(zip(block.findings["line"].tolist(), block.findings["code"].tolist(), strict=True))


def test_record_is_counted_once_and_its_other_lines_as_continuation() -> None:
    block = read('1;"a\r\nb\n\nc";x\n2;y;z\n')

    assert rows(block) == [["1", "a\r\nb\n\nc", "x"], ["2", "y", "z"]]
    assert block.line.tolist() == [2, 6]
    assert block.raw.to_pylist() == [b'1;"a\r\nb\n\nc";x', b"2;y;z"]
    assert (block.physical, block.header, block.continuation, block.blank) == (6, 1, 3, 0)


def test_lines_inside_a_cell_are_neither_comments_nor_blank_nor_headers() -> None:
    layout = layout_of(headings=("A", "B"), more_lines=3)
    block = read(b'A;B\n1;"\n# no comment\nA"\n2;3\n', layout)

    assert rows(block) == [["1", "\n# no comment\nA"], ["2", "3"]]
    assert (block.comment, block.blank, block.header) == (0, 0, 1)


def test_record_may_have_so_many_lines_more_and_no_more() -> None:
    assert rows(read('1;"\n\n\n";x\n')) == [["1", "\n\n\n", "x"]]
    too_many = read('1;"\n\n\n\n";x\n2;y;z\n')
    assert rows(too_many) == [["2", "y", "z"]]
    assert told(too_many) == [(2, "line.bad-quoting"), (6, "line.bad-quoting")]


def test_stray_quote_that_opens_a_cell_costs_its_own_line() -> None:
    """The next line is a record by itself, so the quote before it is the wrong one."""
    block = read('1;"a;b\n2;y;z\n3;y";z\n4;"p\nq";r\n')

    assert rows(block) == [["2", "y", "z"], ["4", "p\nq", "r"]]
    assert told(block) == [(2, "line.bad-quoting"), (4, "line.bad-quoting")]
    assert block.broken["raw"].tolist() == [b'1;"a;b', b'3;y";z']


def test_stray_quote_just_before_a_record_of_several_lines_costs_its_own_line() -> None:
    block = read('1;"a;b\n2;"p\nq";z\n')

    assert rows(block) == [["2", "p\nq", "z"]]
    assert told(block) == [(2, "line.bad-quoting")]


def test_quote_that_is_never_closed_costs_its_own_line() -> None:
    block = read('1;x;"\n2\n')

    assert told(block) == [(2, "line.bad-quoting"), (3, "line.too-few-cells")]
    assert block.continuation == 0


def test_record_with_too_few_cells_is_not_put_together() -> None:
    """Nobody knows which of its lines is wrong: each is told, none is lost."""
    block = read('1;"a\nb"\n2;y;z\n')

    assert rows(block) == [["2", "y", "z"]]
    assert told(block) == [(2, "line.bad-quoting"), (3, "line.bad-quoting")]


def test_one_column_swallows_no_more_than_its_quotes_say() -> None:
    layout = layout_of(headings=("A",), more_lines=3)
    block = read(b'A\n"x\ny"\nz\n"p\n"q"\nr\n', layout)

    assert rows(block) == [["x\ny"], ["z"], ["q"], ["r"]]
    assert told(block) == [(5, "line.bad-quoting")]


def test_comment_opens_no_record() -> None:
    block = read('# he said "hi\n1;x";y\n')

    assert (block.comment, told(block)) == (1, [(3, "line.bad-quoting")])


def test_defects_in_any_of_its_lines_are_the_record_s() -> None:
    block = read(b'A;B;C\n1;"a\n\xff\n\0";x\n2;y;z\n')

    assert told(block) == [(2, "line.nul"), (2, "line.encoding")]
    assert block.raw.to_pylist() == [b'1;"a\n\xff\n\0";x', b"2;y;z"]
    assert rows(block) == [["1", "a\n\ufffd\n\ufffd", "x"], ["2", "y", "z"]]
    assert (block.continuation, len(block.broken)) == (2, 0)


def test_line_too_long_is_never_part_of_a_record() -> None:
    block = read(b'A;B;C\n1;"a\n' + b"x" * 65_537 + b'\n";y\n2;y;z\n')

    assert told(block) == [(2, "line.bad-quoting"), (3, "line.too-long"), (4, "line.bad-quoting")]
    assert rows(block) == [["2", "y", "z"]]


def test_record_is_not_longer_than_a_line_may_be() -> None:
    half = b"x" * 32_765
    whole = read(b'A;B;C\n1;"' + half + b"\n" + half + b'";\n')
    longer = read(b'A;B;C\n1;"' + half + b"\r\n" + half + b'";\n')

    assert (len(whole.cells), told(whole)) == (1, [])
    assert told(longer) == [(2, "line.bad-quoting"), (3, "line.bad-quoting")]


@pytest.mark.parametrize("block_bytes", range(1, 40))
def test_record_may_cross_blocks(block_bytes: int) -> None:
    blocks = blocks_of('1;"a\r\nb\rc";x\n2;"d\n', block_bytes=block_bytes)

    assert [row for block in blocks for row in rows(block)] == [["1", "a\r\nb\rc", "x"]]
    assert [finding for block in blocks for finding in told(block)] == [(5, "line.bad-quoting")]
    assert [number for block in blocks for number in block.line.tolist()] == [2]
    assert sum(block.physical for block in blocks) == 5


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_record_of_utf16_keeps_its_own_bytes(encoding: str) -> None:
    block = read('ž;"a\r\n😀";x\n', layout_of(encoding, more_lines=3))

    assert block.raw.to_pylist() == ['ž;"a\r\n😀";x'.encode(encoding)]


def test_lines_of_an_excerpt_that_are_not_neighbours_are_not_put_together() -> None:
    """The line between them was right and is not in the excerpt."""
    layout = layout_of(more_lines=3)
    content = b'A;B;C\n1;"a;b\n";y\n3;"p\nq";z\n'
    (block,) = read_blocks(io.BytesIO(content), layout=layout, numbers=[1, 7, 9, 20, 21])

    assert rows(block) == [["3", "p\nq", "z"]]
    assert told(block) == [(7, "line.bad-quoting"), (9, "line.bad-quoting")]
    assert block.line.tolist() == [20]


def test_many_unclosed_quotes_take_little_time() -> None:
    """Every line opens a cell, and none closes one: no line is looked at again and again."""
    layout = layout_of(more_lines=1000)
    content = b"A;B;C\n" + b'1;2;"x\n' * 200_000
    counted = [len(block.broken) for block in read_blocks(io.BytesIO(content), layout=layout)]

    assert sum(counted) == 200_000
