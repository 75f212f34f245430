"""What a partner wrote is shown to people so that nothing of it runs, and nothing hides."""

from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterdrop.report.for_people import cut, harmless, visible


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-2+3+cmd|' /C calc'!A0", "'-2+3+cmd|' /C calc'!A0"),
        ("\t=1", "'\t'=1"),
        ("\r=1", "'\r'=1"),
        ("＝1+1", "'＝1+1"),
        ("1;=1+1;2", "1;'=1+1;2"),
        ("1,=1+1", "1,'=1+1"),
        ('1;"=1+1"', '1;"\'=1+1"'),
        ("-5", "-5"),
        ("+5,25", "+5,25"),
        ("1;-5.5;m3", "1;-5.5;m3"),
        ("", ""),
        ("10001;1;m3", "10001;1;m3"),
        ("a = b - c", "a = b - c"),
        ("žádný-údaj", "žádný-údaj"),
    ],
)
def test_formula_is_made_text_and_number_stays(cell: str, shown: str) -> None:
    assert harmless(cell) == shown


@given(st.text(alphabet="=+-@;,\t|\"' 1a.\r\n", max_size=12))
def test_no_piece_of_a_cell_begins_as_a_formula(cell: str) -> None:
    """Whichever separator the spreadsheet is set to, and whether or not it minds quotes."""
    shown = harmless(cell)
    for separator in ";,\t|":
        for piece in shown.split(separator):
            begins = piece.lstrip('"')
            assert not begins.startswith(("=", "@")), (cell, shown)
    assert harmless(cell).replace("'", "") == cell.replace("'", "")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("10001;Stav;m³", "10001;Stav;m³"),
        ("a\x00b", "a␀b"),
        ("a\tb\r\nc", "a␉b␍⏎c"),
        ("\x1b[31m\x7f", "␛[31m␡"),
        ("\x85", "⟨U+0085⟩"),
        ("\u202e321", "⟨U+202E⟩321"),
        ("10\u200b01", "10⟨U+200B⟩01"),
        ("1\u00a0204,5", "1\u00a0204,5"),
    ],
)
def test_what_can_not_be_seen_gets_a_sign(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text(max_size=40))
def test_nothing_that_steers_a_reader_is_left(text: str) -> None:
    """Neither control characters, nor marks of direction, nor what no letter stands for; each by itself."""
    shown = visible(text)
    assert shown == "".join(visible(letter) for letter in text)
    assert all(letter.isprintable() or category(letter) == "Zs" for letter in shown)


@given(st.characters())
def test_a_letter_stays_and_a_sign_stands_for_what_is_none(letter: str) -> None:
    is_seen = letter.isprintable() or category(letter) == "Zs"
    assert (visible(letter) == letter) == is_seen


@given(st.text(max_size=30), st.integers(min_value=1, max_value=40))
def test_a_long_text_is_cut_and_says_so(text: str, longest: int) -> None:
    shown = cut(text, longest=longest)
    assert len(shown) <= longest
    assert shown == text if len(text) <= longest else shown == text[: longest - 1] + "…"
