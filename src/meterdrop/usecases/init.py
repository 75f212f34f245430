"""A home for everything: folders, the door's host key, the database. Safe to repeat."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from meterdrop.store.database import Database
from meterdrop.usecases.hostkeys import make_key

FOLDERS: Final = (
    "accounts",
    "audit",
    "ban-requests",
    "bans",
    "hostkeys",
    "landing",
    "locks",
    "originals",
    "partners",
    "receipts",
    "schemas/feeds",
    "schemas/partners",
    "work",
)
DATABASE_URL: Final = "database.url"
"""The file of a home that holds the database's URL (with its password: for its owner's eyes only)."""


def make_home(home: Path, *, database: str | None, open_database: Callable[[], Database]) -> list[str]:
    """Makes what isn't there yet; the names of what it made. Of what is there, only another `database` is written."""
    made = [name for name in FOLDERS if _folder(home / name)]
    if database is not None and _read(home / DATABASE_URL) != database:
        _private(home / DATABASE_URL, database.encode() + b"\n")
        made.append(DATABASE_URL)
    key = home / "hostkeys" / "ssh_host_ed25519_key"
    if not key.exists():
        make_key(key, type_="ed25519")
        made.append("host key")
    store = open_database()
    store.found()
    if not store.is_current():
        store.upgrade()
        made.append("database")
    store.close()
    return made


def _folder(path: Path) -> bool:
    if path.is_dir():
        return False
    path.mkdir(parents=True)
    return True


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8").strip() if path.is_file() else None


def _private(path: Path, content: bytes) -> None:
    """Writes a file that only its owner may read, whole or not at all."""
    temporary = path.with_name(f".{path.name}.tmp")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.rename(path)
