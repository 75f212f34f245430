"""Where a sample's header stands, and what stands below its last record."""

from pathlib import Path

import pytest

from meterdrop.catalog import read_catalog
from meterdrop.detect.encoding import Encoding
from meterdrop.detect.propose import Certainty
from meterdrop.detect.propose_header import FoundHeader, find_footer, find_header
from meterdrop.model.errors import CannotRead

FEEDS = list(read_catalog([Path(__file__).parents[3] / "schemas"]).feeds.values())
KNOWN = "SerialNum;Value;Unit;Date"


def found(text: str) -> FoundHeader:
    return find_header(text.encode(), encoding=Encoding("utf-8"), feeds=FEEDS)


def said(text: str) -> tuple[object, Certainty] | None:
    statement = found(text).said
    return None if statement is None else (statement.value, statement.certainty)


@pytest.mark.parametrize(
    "text",
    [
        f"{KNOWN}\n1;2;m3;2026-10-31\n",
        f"\n# comment\n{KNOWN}\n1;2;m3;2026-10-31\n",
        "A;B;C\n1;2;3\n4;5;6\n",
        "Foo;Stav\n1;2\n",
        "one\ntwo\n",
        "sep=,\nA,B\n1,2\n",
    ],
)
def test_header_where_it_is_looked_for_anyway_need_not_be_said(text: str) -> None:
    header = found(text)
    assert (header.headed, header.said) == (True, None)


@pytest.mark.parametrize(
    ("text", "row", "certainty"),
    [
        (f"Export\nfrom 2. 11. 2026\n{KNOWN}\n", "row 3", Certainty.SURE),
        (f"Datum;1.11.2026\n\n{KNOWN}\n", "row 3", Certainty.SURE),
        (f"sep=;\nOur export\n{KNOWN}\n", "row 3", Certainty.SURE),
        ("Our export\nA;B;C\nx;y;z\nx;y;z\n", "row 2", Certainty.GUESS),
    ],
)
def test_header_below_a_title_is_told_by_its_physical_line(text: str, row: str, certainty: Certainty) -> None:
    """One known word may stand in a title by chance; two are headings."""
    assert said(text) == (row, certainty)


@pytest.mark.parametrize(
    ("text", "line"),
    [("10001;1,5;m3;31.10.2026\n10002;2,5;m3;31.10.2026\n", 1), ("Title\n10001;1,5\n10002;2,5\n", 2)],
)
def test_lines_of_numbers_and_days_are_no_header(text: str, line: int) -> None:
    header = found(text)
    assert (header.headed, header.line.number) == (False, line)
    assert said(text) == ("none", Certainty.GUESS)


def test_data_below_a_header_of_unknown_words_do_not_hide_it() -> None:
    """Although it is longer than lines further down are looked at."""
    wide = ";".join(f"Heading {number}" for number in range(500))
    header = found(f"{wide}\n{';'.join('1' for _ in range(500))}\n")
    assert (header.headed, header.said, header.line.number) == (True, None, 1)


def test_blank_file_has_no_header() -> None:
    with pytest.raises(CannotRead, match=r"file\.no-header"):
        found("\n;;\n# comment\n")


@pytest.mark.parametrize(
    ("tail", "words"),
    [
        ("1;2\n3;4\n", None),
        ("1;2\nCelkem;4\n", ("Celkem",)),
        ("1;2\nCelkem: 12;;\nPočet řádků: 3\n\n", ("Celkem", "Počet")),
        ("Celkem;1\n1;2\n", None),
        ("Celkem\n", ("Celkem",)),
        ("", None),
    ],
)
def test_sums_at_the_very_end_are_a_footer(tail: str, words: tuple[str, ...] | None) -> None:
    statement = find_footer(tail.encode(), encoding=Encoding("utf-8"), separator=";")
    assert (None if statement is None else statement.value) == words
