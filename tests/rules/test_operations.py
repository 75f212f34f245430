"""Does the operations page tell the truth? Its tables are compared with the program."""

import re
from dataclasses import fields

import pytest

from meterdrop.cli import said
from meterdrop.model.delivery import State
from meterdrop.model.line_state import LineState
from meterdrop.settings import Settings
from sftp_server import settings as door
from tests.rules.page import ROOT

PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
_NOTHING = "–"


def _rows(heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, without its head."""
    below = PAGE.split(f"\n{heading}\n", maxsplit=1)[1]
    table = re.search(r"^\|.*\n\|[-|]+\|\n((?:\|.*\n)+)", below, re.MULTILINE)
    assert table is not None, f"no table below {heading}"
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in table[1].splitlines()]


def _names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def _shown(value: object) -> str:
    """A default as the page writes it."""
    if value is None or value == ():
        return _NOTHING
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def test_the_table_of_settings_has_every_setting_with_its_default() -> None:
    """All but the home, which no file can name."""
    told = {_names(name)[0]: default for name, default, _ in _rows("### meterdrop.toml")}
    there = {name: _shown(field.default) for name, field in Settings.model_fields.items() if name != "home"}

    assert told == there


def test_the_table_of_the_door_has_every_setting_with_its_default() -> None:
    told = {_names(name)[0]: default for name, default, _ in _rows("### door.toml")}
    there = {
        field.name: _shown(field.default)
        for field in fields(door.Settings)
        if field.name not in ("home", "crash_at")
    }

    assert told == there


def test_every_state_of_a_delivery_has_its_row() -> None:
    told = [_names(row[0])[0] for row in _rows("## States of a delivery, and what to do")]

    assert told == [state.value for state in State]


def _line_states() -> list[str]:
    return [state.value for state in LineState]


def test_every_state_of_a_quarantined_line_has_its_row() -> None:
    told = [_names(row[0])[0] for row in _rows("## States of a quarantined line")]

    assert told == _line_states()


def test_the_glossary_has_every_state() -> None:
    """As a word of its own: `partly_accepted` is partly accepted."""
    words = set(re.findall(r"^\| ([^|]+?) \|", GLOSSARY, re.MULTILINE))
    states = {state.value.replace("_", " ") for state in State} | set(_line_states())

    assert states - words == set()


def test_the_exit_codes_are_those_of_the_commands() -> None:
    told = [row[0] for row in _rows("## Exit codes")]

    assert told == [str(code) for code in (said.DONE, said.NEEDS_A_PERSON, said.MISTAKE, said.TRY_AGAIN)]


@pytest.mark.parametrize(
    ("heading", "folder", "call"),
    [
        ("### Of the pipeline", "src/meterdrop", r"log\.(?:info|warning|error|exception)\("),
        ("### In audit/door.jsonl", "sftp_server", r"\b_?note\("),
    ],
)
def test_every_event_that_is_logged_is_explained(heading: str, folder: str, call: str) -> None:
    """And none that no longer exists."""
    sources = [file.read_text(encoding="utf-8") for file in (ROOT / folder).rglob("*.py")]
    logged = {event for text in sources for event in re.findall(rf'{call}\s*"([a-z.-]+)"', text)}
    told = {event for row in _rows(heading) for event in _names(row[0])}

    assert told == logged


def test_every_warning_of_the_door_is_explained() -> None:
    sources = [file.read_text(encoding="utf-8") for file in (ROOT / "sftp_server").rglob("*.py")]
    warned = {event for text in sources for event in re.findall(r'\bwarn\(\s*"([a-z.-]+)"', text)}
    told = {event for row in _rows("### Of the door, for the operator") for event in _names(row[0])}

    assert told == warned | {"door.not-started"}
