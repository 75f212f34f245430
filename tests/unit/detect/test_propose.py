"""A detector only proposes, and says how sure it is and why."""

import pytest

from meterdrop.detect.encoding import Encoding
from meterdrop.detect.headings import read_header
from meterdrop.detect.propose import Certainty, Statement, agreed, guess, propose_encoding, sure
from meterdrop.detect.propose_columns import Seen, guess_columns, missing_columns
from meterdrop.detect.propose_feed import Candidate, tell_feed
from meterdrop.detect.propose_names import propose_file_names
from meterdrop.model.errors import CannotRead
from meterdrop.model.feed import Agreement, Column, Feed, Target, Type

READINGS = Feed(
    "readings",
    Target.READINGS,
    (
        Column("SerialNum", Type.SERIAL, mandatory=True, aliases=("Číslo měřiče",)),
        Column("Value", Type.DECIMAL, mandatory=True, aliases=("Stav",)),
        Column("Unit", Type.UNIT, mandatory=True, aliases=("Jednotka",)),
        Column("Date", Type.DAY, mandatory=True, aliases=("Datum",)),
        Column("Media", Type.CHOICE),
        Column("Note", Type.TEXT),
    ),
)
REGISTER = Feed(
    "devices",
    Target.DEVICES,
    (
        Column("SerialNumber", Type.SERIAL, mandatory=True, aliases=("Číslo měřiče",)),
        Column("Location", Type.TEXT, mandatory=True, aliases=("Prostor",)),
        Column("Date", Type.DAY, mandatory=True, aliases=("Datum",)),
        Column("DateFrom", Type.DAY, mandatory=True),
    ),
)

METERS = Seen("Modul", filled=10, serials=10, numbers=10, varied=True)
STATES = Seen("Počítadlo", filled=10, numbers=10, marked=9, varied=True)
DAYS = Seen("Den", filled=10, days=10, varied=False)
SIGNAL = Seen("RSSI", filled=10, varied=True)


def guessed(
    *seen: Seen, columns: tuple[str | None, ...] | None = None, feed: Feed = READINGS
) -> dict[str, str]:
    guesses = guess_columns(feed, columns=columns or (None,) * len(seen), seen=seen)
    return {seen[place].heading: each.column for place, each in guesses.items()}


def candidate(header: str, *, feed: Feed) -> Candidate:
    read = read_header(header, agreement=Agreement(partner="", feed=feed), separator=";")
    return Candidate(feed, read, {}, missing_columns(feed, read.columns, {}, frozenset()))


def told(header: str) -> Statement:
    return tell_feed([candidate(header, feed=READINGS), candidate(header, feed=REGISTER)])[1]


def test_columns_of_unknown_headings_are_told_by_their_cells() -> None:
    assert guessed(METERS, STATES, DAYS, SIGNAL) == {
        "Modul": "SerialNum",
        "Počítadlo": "Value",
        "Den": "Date",
    }


def test_a_heading_the_feed_knows_is_never_guessed_to_be_another_column() -> None:
    assert guessed(METERS, STATES, columns=("Note", None)) == {"Počítadlo": "Value"}


def test_two_headings_that_fit_alike_are_left_to_a_person() -> None:
    other = Seen("Druhé", filled=10, numbers=10, marked=10, varied=True)
    assert "Value" not in guessed(STATES, other).values()


def test_of_two_that_fit_the_one_with_a_word_of_the_column_is_meant() -> None:
    other = Seen("Stav přístroje", filled=10, numbers=10, marked=10, varied=True)
    assert guessed(STATES, other) == {"Stav přístroje": "Value"}


def test_a_number_that_never_changes_is_no_state_of_a_register() -> None:
    customer = Seen("Zákazník", filled=10, numbers=10, serials=10, varied=False)
    assert guessed(customer) == {}


def test_one_wrong_cell_in_ten_does_not_hide_what_a_column_is() -> None:
    assert guessed(Seen("Den", filled=10, days=9)) == {"Den": "Date"}
    assert guessed(Seen("Den", filled=10, days=8)) == {}


def test_two_missing_days_are_not_told_apart_by_their_cells() -> None:
    assert guessed(DAYS, feed=REGISTER) == {}


def test_the_last_missing_text_is_the_last_heading_left() -> None:
    columns = ("SerialNumber", "Date", "DateFrom", None)
    flat = Seen("Byt", filled=10)
    assert guessed(METERS, DAYS, DAYS, flat, columns=columns, feed=REGISTER) == {"Byt": "Location"}


def test_a_heading_whose_cells_are_all_words_of_one_column_is_that_column() -> None:
    medium = Seen("Co", filled=10, words=frozenset({"Media"}))
    either = Seen("Co", filled=10, words=frozenset({"Media", "Note"}))
    assert guessed(medium) == {"Co": "Media"}
    assert guessed(either) == {}


def test_a_unit_written_into_a_heading_stands_for_its_column() -> None:
    columns = ("SerialNum", "Value", "Date")
    assert missing_columns(READINGS, columns, {}, frozenset({"Unit"})) == ()
    assert missing_columns(READINGS, columns, {}, frozenset()) == ("Unit",)


def test_a_feed_with_all_its_mandatory_headings_is_sure() -> None:
    assert told("Číslo měřiče;Stav;Jednotka;Datum") == sure(
        "readings", "all its mandatory headings are there, and of no other feed"
    )


def test_a_feed_with_half_its_mandatory_headings_is_a_guess() -> None:
    statement = told("Číslo měřiče;Stav;Jednotka;Kdy")
    assert (statement.value, statement.certainty) == ("readings", Certainty.GUESS)


@pytest.mark.parametrize(
    ("header", "code"),
    [("A;B;C", "file.unknown-feed"), ("10010001;1.5;m3;2026-10-31", "file.no-header")],
)
def test_a_sample_without_known_headings_is_told_by_its_code(header: str, code: str) -> None:
    with pytest.raises(CannotRead) as refused:
        told(header)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("names", "patterns"),
    [
        (["odecty-2026-10.csv"], ("odecty-*.csv",)),
        (["odecty-2026-10.csv", "ODECTY-2026-11.CSV"], ("odecty-*.csv",)),
        (["stavy_praha_10.csv", "stavy_brno_11.csv"], ("stavy_*_*.csv",)),
        (["praha_10.csv", "brno_11.csv"], ("praha_*.csv", "brno_*.csv")),
        (["a[1]?b.csv"], ("a*b.csv",)),
        (["20261031.csv"], None),
    ],
)
def test_file_names_become_a_pattern_of_what_they_share(
    names: list[str], patterns: tuple[str, ...] | None
) -> None:
    statement = propose_file_names(names, others=[])
    assert (statement.value, statement.certainty) == (patterns, Certainty.GUESS)


def test_a_pattern_never_fits_a_sample_of_another_feed() -> None:
    others = ["export-evidence.csv"]
    assert propose_file_names(["export-byt1.csv", "export-dum1.csv"], others=others).value == (
        "export-byt*.csv",
        "export-dum*.csv",
    )
    assert propose_file_names(["vse1.csv"], others=["vse2.csv"]).value is None


@pytest.mark.parametrize(
    ("encoding", "seen", "value", "certainty"),
    [
        (Encoding("utf-16-le", bom=2), (), "utf-16", Certainty.SURE),
        (Encoding("utf-8", bom=3), (), "utf-8", Certainty.SURE),
        (Encoding("utf-8"), (0xC4, 0x8D), "utf-8", Certainty.SURE),
        (Encoding("utf-8"), (), None, Certainty.GUESS),
        (Encoding("windows-1250"), (0x8A,), "windows-1250", Certainty.SURE),
        (Encoding("windows-1250"), (0xE8,), "windows-1250", Certainty.GUESS),
        (Encoding("iso8859-2"), (0xB9,), "iso-8859-2", Certainty.GUESS),
    ],
)
def test_an_encoding_is_sure_only_if_bytes_tell_it_from_the_others(
    encoding: Encoding, seen: tuple[int, ...], value: str | None, certainty: Certainty
) -> None:
    statement = propose_encoding(encoding, seen=frozenset(seen))
    assert (statement.value, statement.certainty) == (value, certainty)


def test_what_is_sure_of_one_sample_outweighs_the_guess_of_another() -> None:
    alike, czech = guess("iso-8859-2", "the same in both"), sure("windows-1250", "letters")
    assert agreed([alike, czech], what="encoding") == guess("windows-1250", "letters")


def test_sample_that_tells_nothing_does_not_make_another_doubtful() -> None:
    """A file without letters beyond ASCII is read alike in every encoding."""
    silent, czech = guess(None, "no letters"), sure("windows-1250", "letters")
    assert agreed([silent, czech, silent], what="encoding") == czech
    assert agreed([silent, silent], what="encoding") == silent


def test_what_samples_differ_in_is_left_out() -> None:
    statement = agreed([sure(";", "a"), sure(",", "b")], what="separator")
    assert (statement.value, statement.certainty) == (None, Certainty.GUESS)
