"""What did the door hand over? Finished uploads with their tickets, one folder each."""

import json
import re
import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from meterdrop.model.errors import CannotRead
from meterdrop.model.ticket import Outcome, Ticket
from meterdrop.model.watched import Watched

TICKET: Final = "ticket.json"
CONTENT: Final = "content"
_VERSION: Final = 1
_UPLOAD: Final = re.compile("[0-9A-Za-z]{26}")
_SHA256: Final = re.compile("[0-9a-f]{64}")
_FINGERPRINT: Final = re.compile("[0-9a-f]{32}")
_NAME: Final = re.compile(r"[^\x00]*[^\x00/]")
_MOST: Final = 1 << 62
"""No file is longer; the database could not count it."""


def waiting(landing: Path) -> tuple[Path, ...]:
    """Folders handed over and not yet taken, the oldest name first (upload ids sort by time)."""
    if not landing.is_dir():
        return ()
    found = (
        path
        for path in landing.iterdir()
        if not path.name.startswith(".") and not path.is_symlink() and (path / TICKET).is_file()
    )
    return tuple(sorted(found, key=lambda path: path.name))


def read(folder: Path) -> Ticket:
    """The ticket of one folder; `CannotRead` if it isn't one of ours."""
    try:
        told = json.loads((folder / TICKET).read_text(encoding="utf-8"))
        ticket = _ticket(told)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CannotRead("ticket.malformed", value=folder.name) from error
    if ticket.upload != folder.name:
        raise CannotRead("ticket.malformed", value=folder.name)
    return ticket


def _ticket(told: Mapping[str, object]) -> Ticket:
    if told["ticket"] != _VERSION:
        raise ValueError("a ticket of another version")
    return Ticket(
        upload=_like(_UPLOAD, _text(told, "upload")),
        partner=_text(told, "partner"),
        name=_like(_NAME, _text(told, "name")),
        outcome=Outcome(_text(told, "outcome")),
        bytes=_number(told, "bytes"),
        sha256=_like(_SHA256, _text(told, "sha256")),
        opened_at=_time(told, "opened_at"),
        finished_at=_time(told, "finished_at"),
        key=_optional(told, "key"),
        address=_optional(told, "address"),
        client=_optional(told, "client"),
        watched=_watched(told),
        continues=_optional(told, "continues"),
    )


def _watched(told: Mapping[str, object]) -> Watched | None:
    if told.get("watched") is None:
        return None
    return Watched(
        state=_like(_FINGERPRINT, _text(told, "watched")), body=_like(_FINGERPRINT, _text(told, "body"))
    )


def _text(told: Mapping[str, object], name: str) -> str:
    value = told[name]
    if not isinstance(value, str) or not value:
        raise TypeError(name)
    value.encode()  # half a letter can't be kept: UnicodeEncodeError
    return value


def _like(pattern: "re.Pattern[str]", text: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError(pattern.pattern)
    return text


def _time(told: Mapping[str, object], name: str) -> datetime:
    moment = datetime.fromisoformat(_text(told, name))
    if moment.tzinfo is None:
        raise ValueError(name)
    return moment


def _optional(told: Mapping[str, object], name: str) -> str | None:
    return None if told.get(name) is None else _text(told, name)


def _number(told: Mapping[str, object], name: str) -> int:
    value = told[name]
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < _MOST:
        raise TypeError(name)
    return value


def content(folder: Path) -> Path:
    """The uploaded bytes; `CannotRead` unless they are a file of the folder's own."""
    path = folder / CONTENT
    if path.is_symlink() or not path.is_file():
        raise CannotRead("ticket.no-content", value=folder.name)
    return path


def put_away(folder: Path) -> None:
    """Takes a handed-over folder off the doorstep; its ticket goes last, so that a half-done removal is seen."""
    (folder / CONTENT).unlink(missing_ok=True)
    (folder / TICKET).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def set_aside(folder: Path, *, aside: Path) -> None:
    """Moves a folder that can't be taken out of the way, whole, for a person to look at."""
    aside.mkdir(parents=True, exist_ok=True)
    target = aside / folder.name
    shutil.rmtree(target, ignore_errors=True)
    folder.rename(target)
