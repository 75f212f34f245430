"""A line in pieces: together they are the line, and the bad cells are the marked ones."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from meterdrop.report.for_people import visible
from meterdrop.report.marked import (
    LONGEST_CELL,
    LONGEST_LINE,
    LONGEST_TITLE,
    MOST_CELLS,
    Kind,
    Piece,
    pieces,
    spans,
)

HEADINGS = ("SerialNum", "Stav", "Unit", "Date")


def marked(text: str, *bad: str) -> list[str]:
    made = pieces(text, separator=";", headings=HEADINGS, bad=frozenset(bad))
    return [piece.text for piece in made if piece.kind is Kind.BAD]


def test_the_cell_of_a_finding_is_marked_and_no_other() -> None:
    assert marked("10001;CHYBA;m3;2026-10-31", "Stav") == ["CHYBA"]
    assert marked('10001;"a;b";m3;2026-10-31', "Stav", "Date") == ['"a;b"', "2026-10-31"]
    assert marked("10001;;m3;2026-10-31", "Stav") == [""]
    assert marked("10001;1;m3;2026-10-31") == []


def test_cells_that_no_heading_is_for_are_marked() -> None:
    assert marked("10001;1;m3;2026-10-31;a;b") == ["a", "b"]


def test_each_cell_says_its_heading() -> None:
    made = pieces("1;2;3;4;5", separator=";", headings=HEADINGS, bad=frozenset())
    assert [piece.title for piece in made if piece.kind is not Kind.BETWEEN] == [*HEADINGS, "+1"]


def test_a_line_whose_cells_are_not_known_is_one_piece() -> None:
    made = pieces("a;b", separator=None, headings=(), bad=frozenset({"Stav"}))
    assert made == (Piece(Kind.CELL, "a;b"),)


@given(st.text(alphabet='a"; \x00\u202e', max_size=30))
def test_the_pieces_together_are_the_line(text: str) -> None:
    made = pieces(text, separator=";", headings=HEADINGS, bad=frozenset({"Stav"}))
    assert "".join(piece.text for piece in made) == visible(text)


@given(st.text(alphabet='a"";,', max_size=30))
def test_cells_and_separators_cover_the_line_without_a_gap(text: str) -> None:
    ends = list(spans(text, separator=";"))
    assert ends[0][0] == 0
    assert ends[-1][1] == len(text)
    assert all(text[end] == ";" and start == end + 1 for (_, end), (start, _) in pairwise(ends))


def test_a_long_cell_is_cut_and_its_title_has_more_of_it() -> None:
    made = pieces(f"1;{'x' * 5_000};3;4", separator=";", headings=HEADINGS, bad=frozenset({"Stav"}))
    [bad] = [piece for piece in made if piece.kind is Kind.BAD]
    assert bad.text == "x" * (LONGEST_CELL - 1) + "…"
    assert bad.title.startswith("Stav: xxx")
    assert len(bad.title) == LONGEST_TITLE


def test_a_long_line_without_cells_is_cut() -> None:
    [whole] = pieces("x" * 70_000, separator=None, headings=(), bad=frozenset())
    assert len(whole.text) == LONGEST_LINE


def test_of_a_wide_line_the_start_and_the_bad_cells_are_shown() -> None:
    headings = tuple(f"C{number}" for number in range(500))
    line = ";".join(str(number) for number in range(500))
    made = pieces(line, separator=";", headings=headings, bad=frozenset({"C3", "C300"}))
    assert [piece.text for piece in made if piece.kind is Kind.BAD] == ["3", "300"]
    assert [piece.text for piece in made if piece.kind is Kind.LEFT_OUT] == ["… 276 …", "… 199 …"]
    assert sum(piece.kind is Kind.CELL for piece in made) == MOST_CELLS - 1
