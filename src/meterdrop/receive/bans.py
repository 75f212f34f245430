"""Which addresses has the door banned, and how is it asked to ban or lift? Two folders of the home, one writer each.

`bans/bans.json` is the door's, for us to read. `ban-requests/` is ours: one small file for each wish, which the door takes away when
it has done it. See deploy/README.md for whose the folders are.
"""

import json
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from meterdrop.model.errors import TryAgain

_MOST: Final = 8 * 1024 * 1024


@dataclass(frozen=True)
class Ban:
    """An address (an IPv6 /64 counts as one) that may not connect; `by` is `door` or the operator who asked."""

    address: str
    until: datetime
    since: datetime
    reason: str
    by: str


def read(home: Path) -> list[Ban]:
    """The bans as the door last wrote them, those that have ended meanwhile included; no file means none."""
    file = home / "bans" / "bans.json"
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return []
    with os.fdopen(descriptor, "rb") as stream:
        content = stream.read(_MOST)
    try:
        return [_ban(told) for told in json.loads(content)["bans"]]
    except (ValueError, KeyError, TypeError) as error:
        raise TryAgain(f"{file} can't be read: {error}; the door writes it anew at its next ban") from error


def _ban(told: dict[str, str]) -> Ban:
    until, since = (datetime.fromisoformat(told[name]) for name in ("until", "since"))
    return Ban(
        address=str(told["address"]), until=until, since=since, reason=str(told["reason"]), by=str(told["by"])
    )


def request(
    home: Path, *, id: str, act: str, address: str | None, who: str, reason: str, seconds: float
) -> Path:
    """Asks the door, in one file that appears whole; the file is there until the door has done it."""
    folder = home / "ban-requests"
    folder.mkdir(exist_ok=True)
    told = {"act": act, "address": address, "who": who, "reason": reason, "seconds": seconds}
    temporary = folder / f".{id}.tmp"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o660)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump(told, stream)
    return temporary.rename(folder / f"{id}.json")
