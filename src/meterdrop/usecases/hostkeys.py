"""By which keys do partners' clients know us, and how do we change to another without a warning at anybody's?

Of each type one key serves. The next one is announced to clients that log in, before it serves; the old one still is, after. The
names of the files say which is which, and the door looks at them every second: `ssh_host_<type>_key`, `…_next`, `…_old`.
"""

import base64
import hashlib
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
)

from meterdrop.model.errors import OperatorMistake

SERVING: Final = "serving"
NEXT: Final = "next"
OLD: Final = "old"
ENDINGS: Final = {SERVING: "", NEXT: "_next", OLD: "_old"}
TYPES: Final = ("ed25519", "rsa")
RSA_BITS: Final = 3072

PrivateKey = Ed25519PrivateKey | RSAPrivateKey


@dataclass(frozen=True)
class HostKey:
    """`state` is serving, next or old; `fingerprint` is what partners compare; `public` is a line for known_hosts."""

    type: str
    state: str
    bits: int
    fingerprint: str
    public: str
    made_at: datetime


class HostKeys:
    """The host keys of a home."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def listed(self) -> list[HostKey]:
        """All of them, by type, the serving one first."""
        files = [(type_, state, self._file(type_, state)) for type_ in TYPES for state in ENDINGS]
        return [_read(file, type_=type_, state=state) for type_, state, file in files if file.exists()]

    def add(self, type_: str, *, bits: int = RSA_BITS) -> HostKey:
        """Makes a key: the next one of its type, or the serving one if there is none."""
        if not self._folder.is_dir():
            raise OperatorMistake(f"{self._folder} is not there. Make the home with `meterdrop init`.")
        state = NEXT if self._file(type_, SERVING).exists() else SERVING
        file = self._file(type_, state)
        if file.exists():
            raise OperatorMistake(
                f"the next {type_} key is there already. Promote it with `meterdrop hostkey promote`, or remove it with "
                "`meterdrop hostkey retire`."
            )
        make_key(file, type_=type_, bits=bits)
        return _read(file, type_=type_, state=state)

    def promote(self, type_: str | None = None, *, back: bool = False) -> HostKey:
        """The next key serves, and the one that did becomes the old one; `back` undoes it."""
        source, goal = (OLD, NEXT) if back else (NEXT, OLD)
        waiting = self._one(source, type_=type_)
        serving, freed = self._file(waiting.type, SERVING), self._file(waiting.type, goal)
        if freed.exists() and not _same(
            freed, serving
        ):  # the same: an earlier try ended between the two steps
            raise OperatorMistake(
                f"there is {_article(goal)} {waiting.type} key still. Remove it first with `meterdrop hostkey retire`."
            )
        freed.unlink(missing_ok=True)
        os.link(serving, freed)
        self._file(waiting.type, source).rename(serving)
        self._tell_public_halves(waiting.type)
        return _read(serving, type_=waiting.type, state=SERVING)

    def retire(self, fingerprint: str) -> HostKey:
        """Removes a key that does not serve, or the serving one of a type that is not the last; there is no way back."""
        known = self.listed()
        chosen = [key for key in known if key.fingerprint == fingerprint]
        if not chosen:
            raise OperatorMistake(
                f"no host key has the fingerprint {fingerprint}; see `meterdrop hostkey list`"
            )
        (key,) = chosen[:1]
        others = [other for other in known if other.fingerprint != fingerprint]
        if key.state == SERVING and any(other.type == key.type for other in others):
            raise OperatorMistake("this key serves. Change over with `meterdrop hostkey promote` first.")
        if not others:
            raise OperatorMistake(
                "this is the only host key. Make another with `meterdrop hostkey add` first."
            )
        for one in chosen:
            file = self._file(one.type, one.state)
            file.unlink()
            file.with_name(f"{file.name}.pub").unlink(missing_ok=True)
        return key

    def _one(self, state: str, *, type_: str | None) -> HostKey:
        found = [key for key in self.listed() if key.state == state and type_ in (None, key.type)]
        if not found:
            raise OperatorMistake(f"there is no {state} host key. `meterdrop hostkey add` makes a next one.")
        if len(found) > 1:
            raise OperatorMistake(f"say which: --type {' or --type '.join(key.type for key in found)}")
        return found[0]

    def _file(self, type_: str, state: str) -> Path:
        return self._folder / f"ssh_host_{type_}_key{ENDINGS[state]}"

    def _tell_public_halves(self, type_: str) -> None:
        """The .pub files follow; they are for people."""
        for state in ENDINGS:
            file = self._file(type_, state)
            public = file.with_name(f"{file.name}.pub")
            if file.exists():
                _write(public, _read(file, type_=type_, state=state).public.encode() + b"\n", mode=0o644)
            else:
                public.unlink(missing_ok=True)


def _article(state: str) -> str:
    return "an old" if state == OLD else "a next"


def _same(one: Path, other: Path) -> bool:
    return one.read_bytes() == other.read_bytes()


def make_key(file: Path, *, type_: str, bits: int = RSA_BITS) -> None:
    """A new private key and its public half."""
    key: PrivateKey = (
        generate_private_key(public_exponent=65537, key_size=bits)
        if type_ == "rsa"
        else Ed25519PrivateKey.generate()
    )
    _write(file.with_name(f"{file.name}.pub"), _public(key).encode() + b"\n", mode=0o644)
    _write(file, key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()), mode=0o600)


def _public(key: PrivateKey) -> str:
    line = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return f"{line.decode()} meterdrop"


def _read(file: Path, *, type_: str, state: str) -> HostKey:
    try:
        key = load_ssh_private_key(file.read_bytes(), password=None)
    except (ValueError, TypeError) as error:
        raise OperatorMistake(f"{file} is not an OpenSSH private key without a password: {error}") from error
    if not isinstance(key, PrivateKey):
        raise OperatorMistake(f"{file} is neither an ed25519 nor an RSA key; the door does not take it")
    public = _public(key)
    digest = hashlib.sha256(base64.b64decode(public.split()[1])).digest()
    return HostKey(
        type=type_,
        state=state,
        bits=key.key_size if isinstance(key, RSAPrivateKey) else 256,
        fingerprint="SHA256:" + base64.b64encode(digest).decode().rstrip("="),
        public=public,
        made_at=datetime.fromtimestamp(file.stat().st_mtime, tz=UTC),
    )


def _write(path: Path, content: bytes, *, mode: int) -> None:
    """A file whole or not at all, from the start with its mode, and of its folder's owner if root makes it."""
    temporary = path.with_name(f".{path.name}.tmp")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    if os.geteuid() == 0:
        folder = path.parent.stat()
        os.chown(temporary, folder.st_uid, folder.st_gid)
    temporary.rename(path)
