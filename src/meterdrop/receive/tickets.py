"""What did the door hand over? Finished uploads with their tickets, one folder each."""

import json
import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from meterdrop.model.errors import CannotRead
from meterdrop.model.ticket import Outcome, Ticket

TICKET: Final = "ticket.json"
CONTENT: Final = "content"
_VERSION: Final = 1


def waiting(landing: Path) -> tuple[Path, ...]:
    """Folders handed over and not yet taken, the oldest name first (upload ids sort by time)."""
    if not landing.is_dir():
        return ()
    found = (
        path for path in landing.iterdir() if not path.name.startswith(".") and (path / TICKET).is_file()
    )
    return tuple(sorted(found, key=lambda path: path.name))


def read(folder: Path) -> Ticket:
    """The ticket of one folder; `CannotRead` if it isn't one of ours."""
    try:
        told = json.loads((folder / TICKET).read_text(encoding="utf-8"))
        ticket = _ticket(told)
    except (ValueError, KeyError, TypeError) as error:
        raise CannotRead("ticket.malformed", value=folder.name) from error
    if ticket.upload != folder.name:
        raise CannotRead("ticket.malformed", value=folder.name)
    return ticket


def _ticket(told: Mapping[str, object]) -> Ticket:
    if told["ticket"] != _VERSION:
        raise ValueError("a ticket of another version")
    return Ticket(
        upload=_text(told, "upload"),
        partner=_text(told, "partner"),
        name=_text(told, "name"),
        outcome=Outcome(_text(told, "outcome")),
        bytes=_number(told, "bytes"),
        sha256=_text(told, "sha256"),
        opened_at=datetime.fromisoformat(_text(told, "opened_at")),
        finished_at=datetime.fromisoformat(_text(told, "finished_at")),
        key=_optional(told, "key"),
        address=_optional(told, "address"),
        client=_optional(told, "client"),
    )


def _text(told: Mapping[str, object], name: str) -> str:
    value = told[name]
    if not isinstance(value, str) or not value:
        raise TypeError(name)
    return value


def _optional(told: Mapping[str, object], name: str) -> str | None:
    return None if told.get(name) is None else _text(told, name)


def _number(told: Mapping[str, object], name: str) -> int:
    value = told[name]
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError(name)
    return value


def content(folder: Path) -> Path:
    """The uploaded bytes."""
    return folder / CONTENT


def put_away(folder: Path) -> None:
    """Takes a handed-over folder off the doorstep; its ticket goes last, so that a half-done removal is seen."""
    content(folder).unlink(missing_ok=True)
    (folder / TICKET).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def set_aside(folder: Path, *, aside: Path) -> None:
    """Moves a folder that can't be taken out of the way, whole, for a person to look at."""
    aside.mkdir(parents=True, exist_ok=True)
    target = aside / folder.name
    shutil.rmtree(target, ignore_errors=True)
    folder.rename(target)
