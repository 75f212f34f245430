"""What goes out as text: exact for machines, harmless for people."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterdrop.usecases.export import as_text, harmless


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
    ("value", "text"),
    [
        (None, ""),
        (True, "1"),
        (False, "0"),
        (Decimal("1204.50"), "1204.5"),
        (Decimal("1E+3"), "1000"),
        (Decimal("0.0000000001"), "0.0000000001"),
        (Decimal(0), "0"),
        (date(2026, 10, 31), "2026-10-31"),
        (7, "7"),
        ("007", "007"),
        (["A", "ž"], '["A", "ž"]'),
    ],
)
def test_stored_value_is_told_exactly(value: object, text: str) -> None:
    assert as_text(value) == text
