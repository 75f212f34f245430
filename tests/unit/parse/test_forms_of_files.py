"""Files without header, with a preamble or a footer: what is data, and what counts as comment?"""

import io
from dataclasses import replace

import pytest

from meterdrop.model.errors import CannotRead
from meterdrop.model.form import Footer
from meterdrop.model.layout import Layout
from meterdrop.parse.lines import read_blocks
from tests.unit.parse.test_parse_lines_property import layout_of, read

TOTALS = Footer(words=("celkem", "soucet"))
DATA = "A;B;C\n1;2;3\n4;5;6\n"


def ending(footer: Footer) -> Layout:
    return layout_of(footer=footer)


def judged(text: str, layout: Layout, block_bytes: int = 4096) -> tuple[list[int], list[int], int, int]:
    """Lines of rows, lines of broken ones, comments, blanks."""
    result = read(text.encode(), layout, block_bytes)
    return (
        [line for line, _, _ in result.rows],
        [line for line, _ in result.broken],
        result.counts["comment"],
        result.counts["blank"],
    )


def refused(text: str, layout: Layout, block_bytes: int = 4096) -> CannotRead:
    with pytest.raises(CannotRead) as problem:
        list(read_blocks(io.BytesIO(text.encode()), layout=layout, block_bytes=block_bytes))
    return problem.value


every_size = pytest.mark.parametrize("block_bytes", [1, 9, 14, 4096])


def test_file_without_header_begins_with_data() -> None:
    layout = layout_of(header_line=0)
    assert judged("1;2;3\nA;B;C\n# x\n;;\n4;5;6", layout) == ([1, 2, 5], [], 1, 1)


def test_preamble_is_no_data_whatever_it_holds() -> None:
    layout = layout_of(header_line=0, preamble=3)
    assert judged('1;2;3\n"\n , \n4;5;6\n', layout) == ([4], [], 2, 1)


@every_size
def test_footer_by_its_words_is_the_last_lines_that_begin_with_one(block_bytes: int) -> None:
    text = DATA + '\nCELKEM:;10;\n"Součet; za dům";9\n# konec\n\n'
    assert judged(text, ending(TOTALS), block_bytes) == ([2, 3], [], 3, 2)


@every_size
@pytest.mark.parametrize("middle", ["Celkem;10;1", "Celkem;10", "Celkem;10\n\n# x\nSoučet;9", '"Celkem'])
def test_words_of_the_footer_hide_no_data_that_comes_after(middle: str, block_bytes: int) -> None:
    """They are judged like any line, and the data after them too."""
    rows, broken, comments, _ = judged(f"{DATA}{middle}\n7;8;9\n", ending(TOTALS), block_bytes)
    last = 4 + middle.count("\n") + 1
    assert rows == ([2, 3, 4, last] if middle == "Celkem;10;1" else [2, 3, last])
    assert len(broken) + len(rows) + comments + middle.count("\n\n") == last - 1


@every_size
def test_header_after_the_footer_makes_it_none(block_bytes: int) -> None:
    """Two files were glued together: only the last one's footer is at the end."""
    text = DATA + "Celkem;10\n" + DATA + "Celkem;10\n"
    assert judged(text, ending(TOTALS), block_bytes) == ([2, 3, 6, 7], [4], 1, 0)


@every_size
def test_footer_of_so_many_lines_is_the_last_ones_that_are_not_blank(block_bytes: int) -> None:
    text = DATA + "7;8;9\n\nx\n  \n# pozn.\n\n"
    assert judged(text, ending(Footer(lines=2)), block_bytes) == ([2, 3], [], 3, 3)


@every_size
def test_footer_of_so_many_lines_must_begin_with_the_word_if_there_is_one(block_bytes: int) -> None:
    both = Footer(lines=2, words=("celkem",))
    assert judged(DATA + "Celkem;1\nvytvořil X\n", ending(both), block_bytes) == ([2, 3], [], 2, 0)
    assert judged(DATA + "vytvořil X\nCelkem;1\n", ending(both), block_bytes) == ([2, 3], [4, 5], 0, 0)
    assert judged("A;B;C\nCelkem;1\n", ending(both), block_bytes) == ([], [2], 0, 0)


@every_size
@pytest.mark.parametrize(
    ("text", "footer"),
    [
        (DATA, replace(TOTALS, required=True)),
        (DATA + "Celkem;10\n7;8;9", replace(TOTALS, required=True)),
        ("A;B;C\n", replace(TOTALS, required=True)),
        ("A;B;C\n1;2;3\n\n", Footer(lines=2)),
        ("A;B;C\n1;2;3\nA;B;C\n4;5;6", Footer(lines=2)),
        (DATA + "x\ny", Footer(lines=1, words=("x",), required=True)),
    ],
)
def test_file_without_the_footer_that_must_be_there_was_cut(
    text: str, footer: Footer, block_bytes: int
) -> None:
    problem = refused(text, ending(footer), block_bytes)
    assert (problem.code, problem.layout) == ("file.truncated", ending(footer))


def test_footer_may_be_required_in_a_file_without_header() -> None:
    layout = layout_of(header_line=0, footer=replace(TOTALS, required=True))
    assert refused("1;2;3\n", layout).code == "file.truncated"
    assert judged("1;2;3\nCelkem", layout) == ([1], [], 1, 0)


def test_footer_has_no_more_than_a_hundred_lines() -> None:
    """A file of nothing but totals can't be kept in memory."""
    rows, broken, comments, _ = judged("A;B;C\n" + "Celkem\n" * 250, ending(TOTALS), block_bytes=64)
    assert (rows, len(broken), comments) == ([], 150, 100)


def test_footer_is_told_by_the_first_cell_only() -> None:
    assert judged(DATA + "Cel;kem;1\n", ending(TOTALS))[0] == [2, 3, 4]
    assert judged(DATA + "1;Celkem;1\n", ending(TOTALS))[0] == [2, 3, 4]
