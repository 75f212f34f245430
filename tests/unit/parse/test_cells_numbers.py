"""Numbers are exact, and only what is unambiguous is a number."""

from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterdrop.model.codes import Code
from meterdrop.model.feed import Column, Type
from meterdrop.parse.cells_numbers import cast_decimals, cast_integers

VALUE = Column(name="Value", type=Type.DECIMAL)
SEQ = Column(name="Seq", type=Type.INTEGER)
SPACES = (" ", "\u00a0", "\u2007", "\u2009", "\u202f")


def decimal(text: str) -> tuple[Decimal | None, str | None, list[Code]]:
    made = cast_decimals(pa.array([text]), VALUE)
    codes = [code for code, mask in made.failed if mask[0]]
    return made.columns["Value"][0].as_py(), made.columns["Value_sent"][0].as_py(), codes


def integer(text: str) -> tuple[int | None, list[Code]]:
    made = cast_integers(pa.array([text]), SEQ)
    return made.columns["Seq"][0].as_py(), [code for code, mask in made.failed if mask[0]]


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("0", "0"),
        ("39.13", "39.13"),
        ("39,13", "39.13"),
        ("1.234", "1.234"),
        ("1,234", "1.234"),
        ("00039.130", "00039.130"),
        ("1 204,5", "1204.5"),
        ("1\u00a0204", "1204"),
        ("12\u2009345\u202f678.9", "12345678.9"),
        ("1.234,5", "1234.5"),
        ("1,234,567.89", "1234567.89"),
        ("-5,5", "-5.5"),
        ("-1 234,5", "-1234.5"),
        ("123456789012345", "123456789012345"),
        ("123456789.123456", "123456789.123456"),
        ("0" * 60 + "1.5", "0" * 60 + "1.5"),
    ],
)
def test_unambiguous_number_is_exact_and_kept_as_sent(text: str, sent: str) -> None:
    """The text keeps its zeros; the number is the number."""
    assert decimal(text) == (Decimal(sent), sent, [])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("CHYBA", Code.VALUE_NOT_A_NUMBER),
        ("nan", Code.VALUE_NOT_A_NUMBER),
        ("inf", Code.VALUE_NOT_A_NUMBER),
        ("1.234.567", Code.VALUE_NOT_A_NUMBER),
        ("1,234,567", Code.VALUE_NOT_A_NUMBER),
        ("1.23,4.5", Code.VALUE_NOT_A_NUMBER),
        ("12.34,5", Code.VALUE_NOT_A_NUMBER),
        ("1.2345,6", Code.VALUE_NOT_A_NUMBER),
        ("1 23", Code.VALUE_NOT_A_NUMBER),
        ("1234 567", Code.VALUE_NOT_A_NUMBER),
        ("1  234", Code.VALUE_NOT_A_NUMBER),
        ("5,", Code.VALUE_NOT_A_NUMBER),
        (",5", Code.VALUE_NOT_A_NUMBER),
        ("+5", Code.VALUE_NOT_A_NUMBER),
        ("--5", Code.VALUE_NOT_A_NUMBER),
        ("0x10", Code.VALUE_NOT_A_NUMBER),
        ("1_000", Code.VALUE_NOT_A_NUMBER),
        ("١٢٣", Code.VALUE_NOT_A_NUMBER),
        ("12\n", Code.VALUE_NOT_A_NUMBER),
        ("1,23E+05", Code.VALUE_EXPONENT),
        ("1e5", Code.VALUE_EXPONENT),
        ("0.1234567", Code.VALUE_TOO_PRECISE),
        ("1 234,1234567", Code.VALUE_TOO_PRECISE),
        ("1234567890123456", Code.VALUE_TOO_PRECISE),
        ("1234567890.123456", Code.VALUE_TOO_PRECISE),
    ],
)
def test_other_text_is_refused_with_its_code(text: str, code: Code) -> None:
    """One cell, one code, nothing stored."""
    assert decimal(text) == (None, None, [code])


@given(
    digits=st.integers(min_value=0, max_value=10**15 - 1),
    places=st.integers(min_value=0, max_value=6),
    mark=st.sampled_from([".", ","]),
    groups=st.sampled_from(["", *SPACES, "other mark"]),
    negative=st.booleans(),
)
def test_every_way_of_writing_a_number_gives_the_same_number(
    digits: int, places: int, mark: str, groups: str, negative: bool
) -> None:
    """Sign, groups and mark are writing; no digit is lost or changed."""
    number = Decimal(digits).scaleb(-places) * (-1 if negative else 1)
    plain = f"{number:f}"
    whole, _, fraction = plain.lstrip("-").partition(".")
    group = groups if groups != "other mark" else {".": ",", ",": "."}[mark] if fraction else ""
    written = f"{int(whole):,}".replace(",", group) + (mark + fraction if fraction else "")
    value, sent, codes = decimal(("-" if negative else "") + written)
    assert codes == []
    assert value == number
    assert sent is not None
    assert Decimal(sent) == number
    assert sent.lstrip("-") == plain.lstrip("-")


@given(st.text(max_size=12))
def test_any_text_is_a_number_or_has_exactly_one_code(text: str) -> None:
    """Nothing falls between; what is taken reads back as itself."""
    value, sent, codes = decimal(text)
    assert (value is None) == (sent is None) == (len(codes) == 1)
    if sent is not None:
        assert Decimal(sent) == value


@pytest.mark.parametrize(("text", "number"), [("1", 1), ("-7", -7), ("1 200", 1200), ("007", 7)])
def test_whole_number_is_read(text: str, number: int) -> None:
    """Groups of three may be parted."""
    assert integer(text) == (number, [])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1.0", Code.VALUE_NOT_A_NUMBER),
        ("1 20", Code.VALUE_NOT_A_NUMBER),
        ("1e3", Code.VALUE_EXPONENT),
        ("9" * 19, Code.VALUE_TOO_PRECISE),
    ],
)
def test_what_is_no_whole_number_is_refused(text: str, code: Code) -> None:
    """A decimal is not rounded."""
    assert integer(text) == (None, [code])
