"""The bench beside others runs with what is installed, and names what is not."""

import sys
from pathlib import Path

import pytest

from tests.bench import beside
from tests.homes import Homes


def _place(homes: Homes, folder: Path, *, name: str, python: str) -> beside.Place:
    """Files and a folder; what the bench clears away goes with the test's."""
    return beside.place_of(folder, lines=200, made=homes, python=python, name=name)


def test_ours_accounts_for_every_line_of_the_file_that_all_are_given(homes: Homes, tmp_path: Path) -> None:
    took = beside.ours(_place(homes, tmp_path, name="ours", python=sys.executable))

    assert (took.rows, took.rejected) == (198, 2)
    assert beside.told("ours", took, took).split()[2] == "1.00"


def test_tool_that_is_not_there_is_left_out_by_name(homes: Homes, tmp_path: Path) -> None:
    place = _place(homes, tmp_path, name="others", python="/bin/false")

    for run, name in ((beside.with_duckdb, "duckdb"), (beside.with_frictionless, "frictionless")):
        with pytest.raises(beside.NotHere, match=name):
            run(place)
