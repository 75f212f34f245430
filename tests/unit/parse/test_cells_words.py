"""Serials stay text; units, choices and flags are told by the words agreed."""

from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterdrop.model.codes import Code
from meterdrop.model.feed import Column, Type
from meterdrop.model.spelling import fold
from meterdrop.parse.cells_cast import Caster, folded
from meterdrop.parse.cells_words import cast_choice, cast_choices, cast_flags, cast_serials, cast_units

SERIAL = Column(name="Serial", type=Type.SERIAL, words={"-": "none"})
MEDIA = Column(
    name="Media",
    type=Type.CHOICE,
    words={"CW": "CW", "HW": "HW", "Studená voda": "CW", "TUV": "HW"},
    word_code=Code.MEDIA_UNKNOWN,
)
STATUS = Column(
    name="Status",
    type=Type.CHOICES,
    words={"OK": "OK", "LEAK": "LEAK", "Únik": "LEAK", "AIR": "AIR"},
    word_code=Code.STATUS_UNKNOWN,
)
UNIT = Column(name="Unit", type=Type.UNIT, words={"kub": "m3"})
FLAG = Column(
    name="Flag", type=Type.FLAG, words={"0": "0", "1": "1", "ano": "1"}, word_code=Code.FLAG_UNKNOWN
)


def one(caster: Caster, column: Column, text: str) -> tuple[dict[str, object], list[Code]]:
    made = caster(pa.array([text]), column)
    cells = {name.removeprefix(column.name): cells[0].as_py() for name, cells in made.columns.items()}
    return cells, [code for code, mask in made.failed if mask[0]]


@pytest.mark.parametrize("text", ["NA", "NULL", "nan", "None", "N/A", "null", "1.0", "true", "-1", "5E06"])
def test_serial_that_looks_like_something_else_stays_text(text: str) -> None:
    """pandas would make nothing of some of these."""
    cells, codes = one(cast_serials, SERIAL, text)
    assert cells == {"": text, "_key": text.upper()}
    assert codes == []


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("00010206", "10206"),
        ("10206", "10206"),
        ("ab 12 34", "AB1234"),
        ("0", "0"),
        ("0000", "0"),
        ("0000 0000", "0"),
        ("0a", "A"),
        ("žl-12/3", "ŽL-12/3"),
        ("12\u00a034", "1234"),
    ],
)
def test_serials_are_matched_without_case_spaces_and_leading_zeros(text: str, key: str) -> None:
    """And kept as sent."""
    assert one(cast_serials, SERIAL, text) == ({"": text, "_key": key}, [])


@pytest.mark.parametrize(
    "text",
    ["5,14E+06", "5.14E+06", "5.14e06", "1E+10", "12\t34", "12\x01", "A" * 65, "12;34", "=1+1", "--", "١٢٣"],
)
def test_malformed_serial_is_refused(text: str) -> None:
    """A mangled number is lost; it must not match anything."""
    assert one(cast_serials, SERIAL, text) == ({"": None, "_key": None}, [Code.SERIAL_MALFORMED])


def test_word_for_no_serial_has_no_key() -> None:
    """`-` means: without radio."""
    assert one(cast_serials, SERIAL, "-") == ({"": "-", "_key": None}, [])


@given(st.text(alphabet="0aB 1-", min_size=1, max_size=10))
def test_key_of_a_key_is_itself(text: str) -> None:
    """Matching twice changes nothing; the fast way and the careful one agree."""
    key = one(cast_serials, SERIAL, text)[0]["_key"]
    if isinstance(key, str) and any(letter.isalnum() for letter in key):
        assert one(cast_serials, SERIAL, key)[0]["_key"] == key
        together = cast_serials(pa.array([text, "a b"]), SERIAL).columns["Serial_key"]
        assert together[0].as_py() == key


@pytest.mark.parametrize(
    ("text", "canonical", "factor", "dimension"),
    [
        ("m3", "m3", "1", "volume"),
        ("m³", "m3", "1", "volume"),
        ("l", "m3", "0.001", "volume"),
        ("kub", "m3", "1", "volume"),
        ("Wh", "MJ", "0.0036", "energy"),
        ("MWh", "MJ", "3600", "energy"),
        ("dílky", "dílek", "1", "allocator"),
    ],
)
def test_unit_has_its_exact_factor(text: str, canonical: str, factor: str, dimension: str) -> None:
    """Kept as sent beside it."""
    cells, codes = one(cast_units, UNIT, text)
    assert cells == {
        "": text,
        "_canonical": canonical,
        "_factor": Decimal(factor),
        "_dimension": dimension,
        "_given": True,
    }
    assert codes == []


@pytest.mark.parametrize("text", ["mWh", "M", "KWH", "m2"])
def test_unknown_unit_is_refused_not_guessed(text: str) -> None:
    """Case tells units apart."""
    cells, codes = one(cast_units, UNIT, text)
    assert cells == {"": None, "_canonical": None, "_factor": None, "_dimension": None, "_given": True}
    assert codes == [Code.UNIT_UNKNOWN]


@pytest.mark.parametrize("text", ["CW", "cw", "studena  VODA", "STUDENÁ VODA"])
def test_word_is_told_without_case_and_diacritics(text: str) -> None:
    """Any spaces, too."""
    assert one(cast_choice, MEDIA, text) == ({"": "CW"}, [])


def test_unknown_word_has_the_column_s_own_code() -> None:
    """`media.unknown`, not something general."""
    assert one(cast_choice, MEDIA, "kalorimetr") == ({"": None}, [Code.MEDIA_UNKNOWN])


def test_flags_of_a_status_are_told_one_by_one() -> None:
    """An unknown one is named; the known ones stay."""
    made = cast_choices(pa.array(["OK", "únik|AIR", None, "LEAK|foo|ok", "foo", "OK|"]), STATUS)
    assert made.columns["Status"].to_pylist() == ["OK", "LEAK|AIR", None, "LEAK|OK", None, "OK"]
    assert made.failed[0][0] is Code.STATUS_UNKNOWN
    assert made.failed[0][1].tolist() == [False, False, False, True, True, True]


def test_flag_is_true_false_or_refused() -> None:
    """Never false because unknown."""
    assert one(cast_flags, FLAG, "ANO") == ({"": True}, [])
    assert one(cast_flags, FLAG, "0") == ({"": False}, [])
    assert one(cast_flags, FLAG, "2") == ({"": None}, [Code.FLAG_UNKNOWN])


@given(st.text(alphabet="aAáÁčČřŘžŽůŮ³ \u00a0\u202fxyz1", max_size=15))
def test_words_are_folded_the_same_one_by_one_and_in_columns(text: str) -> None:
    """The catalog folds texts, the casting whole columns."""
    assert folded(pa.array([text]))[0].as_py() == fold(text)
