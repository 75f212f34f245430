"""A heading that speaks of what was used is never proposed as states of a register without a word."""

from pathlib import Path

import pytest

from meterdrop.detect.propose import Certainty
from meterdrop.usecases.propose_profile import as_yaml, propose
from tests.unit.usecases.test_propose_profile import CATALOG


@pytest.mark.parametrize(
    ("heading", "kind"),
    [
        ("Spotřeba", "delta"),
        ("spotreba celkem", "delta"),
        ("Spotřeba [m3]", "delta"),
        ("Přírůstek", "delta"),
        ("Consumption", "delta"),
        ("Počítadlo", None),
        ("Odečet", None),
        ("Stav", None),
    ],
)
def test_heading_of_consumption_is_guessed_to_be_delta(
    heading: str, kind: str | None, tmp_path: Path
) -> None:
    sample = tmp_path / "odecty.csv"
    sample.write_text(
        f"Výrobní číslo;{heading};Jednotka;Datum\n10010001;1,5;m3;31.10.2026\n10010002;2,5;m3;31.10.2026\n",
        encoding="utf-8",
    )
    proposal = propose([sample], feeds=CATALOG.feeds)
    [feed] = proposal.feeds
    said = feed.value_kind
    assert (None if said is None else (said.value, said.certainty)) == (
        None if kind is None else (kind, Certainty.GUESS)
    )
    assert ("value_kind: delta  # guess: the heading" in as_yaml(proposal)) == (kind is not None)


def test_consumption_beside_the_state_changes_nothing(tmp_path: Path) -> None:
    sample = tmp_path / "odecty.csv"
    sample.write_text(
        "Výrobní číslo;Spotřeba;Stav;Jednotka;Datum\n10010001;1,5;7,5;m3;31.10.2026\n", encoding="utf-8"
    )
    [feed] = propose([sample], feeds=CATALOG.feeds).feeds
    assert feed.value_kind is None
