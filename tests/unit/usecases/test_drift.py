"""What changed between two headers: added, removed, renamed and reordered are told apart."""

import pytest

from meterdrop.usecases.drift import Change, Renamed, changed

COLUMNS = {
    "Stav": "Value",
    "Hodnota": "Value",
    "Datum": "Date",
    "Den": "Date",
    "Číslo": "SerialNum",
    "Jednotka": "Unit",
}


def header(text: str) -> list[tuple[str, str | None]]:
    return [(heading, COLUMNS.get(heading)) for heading in text.split(";")]


def told(before: str, after: str) -> Change | None:
    return changed(header(before), header(after))


def test_same_headings_are_no_change() -> None:
    assert told("Číslo;Stav;Datum", "Číslo;Stav;Datum") is None


@pytest.mark.parametrize(
    ("before", "after", "added", "removed", "renamed", "reordered"),
    [
        ("Číslo;Stav", "Stav;Číslo", (), (), (), True),
        ("Číslo;Stav", "Číslo;Stav;Foo", ("Foo",), (), (), False),
        ("Číslo;Foo;Stav", "Číslo;Stav", (), ("Foo",), (), False),
        ("Číslo;Stav", "Číslo;Hodnota", (), (), (("Value", "Stav", "Hodnota"),), False),
        ("Číslo;Stav", "Hodnota;Číslo", (), (), (("Value", "Stav", "Hodnota"),), True),
        ("Číslo;Stav;Datum", "Číslo;Datum", (), ("Stav",), (), False),
        ("Foo;Stav", "Bar;Stav", ("Bar",), ("Foo",), (), False),
        ("Číslo;Stav;Foo", "Datum;Číslo;Hodnota", ("Datum",), ("Foo",), (("Value", "Stav", "Hodnota"),), False),
        ("Foo;Foo;Stav", "Foo;Stav", (), ("Foo",), (), False),
        ("Stav", "Stav;", ("",), (), (), False),
        ("Stav;Den", "Den;Hodnota;Datum", ("Datum",), (), (("Value", "Stav", "Hodnota"),), True),
    ],
)  # fmt: skip
def test_difference_is_told_as_what_it_is(
    before: str,
    after: str,
    added: tuple[str, ...],
    removed: tuple[str, ...],
    renamed: tuple[tuple[str, str, str], ...],
    reordered: bool,
) -> None:
    change = told(before, after)
    assert change == Change(
        added=added,
        removed=removed,
        renamed=tuple(Renamed(column=column, before=old, after=new) for column, old, new in renamed),
        reordered=reordered,
    )


def test_unknown_heading_that_changed_is_no_renaming() -> None:
    """Nobody knows whether Bar is what Foo was."""
    change = told("Foo", "Bar")
    assert change is not None
    assert (change.added, change.removed, change.renamed) == (("Bar",), ("Foo",), ())
