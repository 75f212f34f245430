"""Which keys may log in as which partner? The account files that the door reads."""

import os
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tomli_w


@dataclass(frozen=True)
class AccountFile:
    """What an account file says; all that we do not know of is kept as it is."""

    partner: str
    disabled: bool
    keys: tuple[str, ...]
    networks: tuple[str, ...]


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
    )


def write(
    folder: Path,
    partner: str,
    *,
    keys: Sequence[str] | None = None,
    networks: Sequence[str] | None = None,
    disabled: bool | None = None,
) -> None:
    """Writes what is given over what is there, whole or not at all; the door notices within two seconds."""
    path = _path(folder, partner)
    told: dict[str, object] = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    told["partner"] = partner
    told["disabled"] = bool(told.get("disabled", False)) if disabled is None else disabled
    told["keys"] = list(keys) if keys is not None else told.get("keys", [])
    told["networks"] = list(networks) if networks is not None else told.get("networks", [])
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{partner}.tmp"
    with temporary.open("wb") as stream:
        tomli_w.dump(told, stream)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.chmod(0o640)
    temporary.rename(path)


def _path(folder: Path, partner: str) -> Path:
    return folder / f"{partner}.toml"
