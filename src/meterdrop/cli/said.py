"""How do commands answer? Tables for people, one JSON document for machines, sentences for errors."""

import getpass
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from meterdrop.model.errors import MeterdropError, StopAtStart, TryAgain

DONE = 0
NEEDS_A_PERSON = 1
MISTAKE = 2
TRY_AGAIN = 3

_WIDTH: Final = 200
"""Tables may be so wide where neither a terminal nor COLUMNS says otherwise."""

people = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


def as_json(document: object) -> None:
    """One JSON document on stdout."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=1, default=_plain) + "\n")


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"not for JSON: {type(value).__name__}")


def table(title: str, headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table for people; cells are shown as they are, never as markup or control codes."""
    shown = Table(title=Text(visible(title)), title_justify="left", header_style="bold")
    for heading in headings:
        shown.add_column(heading, overflow="fold")
    for row in rows:
        shown.add_row(*(Text(visible(cell)) for cell in row))
    narrow = people.is_terminal or "COLUMNS" in os.environ
    paper = people if narrow else Console(highlight=False, soft_wrap=True, width=_WIDTH)
    paper.print(shown)


def visible(cell: object) -> str:
    """A cell as text that can't steer a terminal."""
    text = "" if cell is None else str(cell)
    return "".join(letter if letter.isprintable() else "�" for letter in text)


def say(sentence: str) -> None:
    """A sentence for people, on stdout."""
    people.print(Text(visible(sentence)))


def explained(error: MeterdropError | OSError) -> int:
    """Tells what went wrong on stderr; the exit code it means."""
    if isinstance(error, StopAtStart):
        for problem in error.problems:
            _complain("problem", "red", problem)
        return MISTAKE
    if isinstance(error, TryAgain):
        _complain("try again later", "yellow", str(error))
        return TRY_AGAIN
    if isinstance(error, OSError):
        where = error.filename or "the machine"
        _complain(
            "error",
            "red",
            f"{where}: {error.strerror or error}. Check the path, its rights and the free space.",
        )
        return MISTAKE
    _complain("error", "red", str(error))
    return MISTAKE


def _complain(word: str, style: str, text: str) -> None:
    """One word in colour and the text, whose lines stay lines."""
    lines = "\n".join(visible(line) for line in text.splitlines())
    errors.print(Text.assemble((f"{word}: ", style), lines))


def who() -> str:
    """The person at this command line, for the audit."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):  # a user id without a name, as containers have
        return f"cli:uid-{os.getuid()}"
