"""Headings that are cut short or inflected read like the columns they mean, and like no other."""

import pytest

from meterdrop.detect.propose_likeness import likeness, likest, words_of_heading
from meterdrop.model.feed import Column, Type

SERIAL = Column("SerialNumber", Type.SERIAL, aliases=("Výrobní číslo", "Číslo přístroje"))
RADIO = Column("RadioNumber", Type.SERIAL, aliases=("Výrobní číslo modulu", "Radiové číslo"))
ORDER = Column("Seq", Type.INTEGER, aliases=("Pořadové číslo",))
SINCE = Column("DateFrom", Type.DAY, aliases=("Datum montáže",))
DAY = Column("Date", Type.DAY, aliases=("Datum",))
ALL = (SERIAL, RADIO, ORDER, SINCE, DAY)


def told(*headings: str, least: float = 0.5) -> dict[str, str]:
    pairs = [(place, heading, column) for place, heading in enumerate(headings) for column in ALL]
    return {headings[place]: name for place, name in likest(pairs, least=least).items()}


def test_words_that_say_little_count_only_where_there_are_no_others() -> None:
    assert words_of_heading("Č. přístroje, datum") == {"pristroje"}
    assert words_of_heading("Datum") == {"datum"}
    assert words_of_heading("SerialNum") == {"serial", "num"}
    assert words_of_heading("%") == frozenset()


@pytest.mark.parametrize(
    ("heading", "column", "mark"),
    [
        ("Výr. č. přístroje", SERIAL, 1.0),
        ("Výr. č. přístroje", RADIO, 0.5),
        ("Č. rádiového modulu", RADIO, 1.0),
        ("Č. rádiového modulu", SERIAL, 0.0),
        ("Poř.", ORDER, 1.0),
        ("Montáž", SINCE, 1.0),
        ("Datum výměny", SINCE, 0.0),
        ("%", SERIAL, 0.0),
        ("Přístrojová deska", SERIAL, 0.5),
    ],
)
def test_heading_reads_like_a_column_by_the_part_of_its_words_that_it_knows(
    heading: str, column: Column, mark: float
) -> None:
    assert likeness(heading, column=column) == mark


def test_each_heading_is_told_the_column_it_reads_most_like() -> None:
    assert told("Výr. č. přístroje", "Č. rádiového modulu", "Poř.", "Byt") == {
        "Výr. č. přístroje": "SerialNumber",
        "Č. rádiového modulu": "RadioNumber",
        "Poř.": "Seq",
    }


def test_of_two_headings_that_read_alike_neither_is_told() -> None:
    assert told("Č. přístroje", "Přístroj") == {}
    assert told("Č. přístroje", "Přístroj na bytě") == {"Č. přístroje": "SerialNumber"}


def test_heading_that_reads_like_two_columns_is_told_as_neither() -> None:
    assert told("Výrobní") == {}


def test_half_a_likeness_is_not_enough_where_all_is_asked() -> None:
    assert told("Stav přístroje", least=1.0) == {}
