"""Who may log in as which partner, and by what? The account files that the door reads, and its two lists beside them."""

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

import tomli_w

KEY: Final = "key"
PASSWORD: Final = "password"  # noqa: S105 - a word, no password
KEY_OR_PASSWORD: Final = "key or password"  # noqa: S105
KEY_AND_PASSWORD: Final = "key and password"  # noqa: S105
LOGINS: Final = (KEY, PASSWORD, KEY_OR_PASSWORD, KEY_AND_PASSWORD)
"""What an account may ask for; a certificate counts as a key."""

AUTHORITIES: Final = "authorities.pub"
"""The file of authorities whose certificates count for all partners."""
REVOKED: Final = "revoked"
"""The file of what was called back."""


@dataclass(frozen=True)
class AccountFile:
    """What an account file says; all that we do not know of is kept as it is."""

    partner: str
    disabled: bool
    keys: tuple[str, ...]
    networks: tuple[str, ...]
    authorities: tuple[str, ...] = ()
    password: str | None = field(default=None, repr=False)
    """The hash, which is shown nowhere."""
    told_login: str | None = None
    expires: date | None = None
    """A day it lasts through, or the moment it ends."""

    @property
    def login(self) -> str:
        """What the door asks for; where nothing is said, what there is."""
        return self.told_login or (KEY_OR_PASSWORD if self.password else KEY)


def read(folder: Path, partner: str) -> AccountFile | None:
    """The account of a partner, or None if it has none."""
    path = _path(folder, partner)
    if not path.exists():
        return None
    told = tomllib.loads(path.read_text(encoding="utf-8"))
    return AccountFile(
        partner=partner,
        disabled=bool(told.get("disabled", False)),
        keys=tuple(told.get("keys", ())),
        networks=tuple(told.get("networks", ())),
        authorities=tuple(told.get("authorities", ())),
        password=told.get("password"),
        told_login=told.get("login"),
        expires=told.get("expires"),
    )


def write(folder: Path, partner: str, changes: Mapping[str, object]) -> None:
    """Writes what is given over what is there, None takes a word away; the door notices within two seconds."""
    path = _path(folder, partner)
    told: dict[str, object] = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    new = {"partner": partner, "disabled": False, "keys": [], "networks": []} | told | dict(changes)
    _put(path, tomli_w.dumps({word: value for word, value in new.items() if value is not None}))


def lines_of(folder: Path, name: str) -> tuple[str, ...]:
    """The lines of a list beside the accounts, comments too; none if there is no such file."""
    path = folder / name
    return tuple(path.read_text(encoding="utf-8").removesuffix("\n").split("\n")) if path.exists() else ()


def write_lines(folder: Path, name: str, lines: Sequence[str]) -> None:
    """Writes such a list."""
    _put(folder / name, "".join(f"{line}\n" for line in lines))


def _put(path: Path, text: str) -> None:
    """The whole file or none of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f".{path.stem}.tmp"
    with temporary.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.chmod(0o640)
    temporary.rename(path)


def _path(folder: Path, partner: str) -> Path:
    return folder / f"{partner}.toml"
