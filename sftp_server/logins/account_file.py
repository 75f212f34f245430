"""What does an account file say? Read strictly: a word that we do not know closes the account."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from sftp_server.logins.accounts import Account, Login
from sftp_server.logins.keys import KeyLine, read_key_line, read_networks
from sftp_server.logins.moments import end_of
from sftp_server.logins.passwords import PasswordHash, read_hash
from sftp_server.refusals import Unusable

_PARTNER = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_WORDS = {
    "partner",
    "disabled",
    "login",
    "keys",
    "authorities",
    "password",
    "networks",
    "expires",
    "max_bytes",
    "max_files",
}


class AccountMistake(Exception):
    """A file of accounts/ that cannot be used; says which and why."""


def read_account(file: Path) -> Account:
    """One account file; unknown or mistaken words raise `AccountMistake`, for none may be ignored silently."""
    try:
        words = tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise AccountMistake(f"{file.name}: cannot be read: {error}") from error
    try:
        return _account(words, name=file.stem)
    except Unusable as mistake:
        raise AccountMistake(f"{file.name}: {mistake}") from mistake


def _account(words: Mapping[str, object], *, name: str) -> Account:
    unknown = set(words) - _WORDS
    if unknown:
        raise Unusable(f"unknown words: {', '.join(sorted(unknown))}")
    partner = words.get("partner")
    if not isinstance(partner, str) or partner != name or not _PARTNER.fullmatch(partner):
        raise Unusable("partner must be the file's own name, small letters, digits and . _ -")
    disabled = words.get("disabled", False)
    if not isinstance(disabled, bool):
        raise Unusable("disabled must be true or false")
    password = _password(words)
    return Account(
        partner=partner,
        keys={line.blob: line for line in _key_lines(words, "keys")},
        disabled=disabled,
        networks=read_networks(_texts(words, "networks")),
        login=_login(words, password),
        password=password,
        authorities=frozenset(authority_in(line) for line in _texts(words, "authorities")),
        expires=end_of(words["expires"]) if "expires" in words else None,
        max_bytes=_number(words, "max_bytes"),
        max_files=_number(words, "max_files"),
    )


def _number(words: Mapping[str, object], name: str) -> int | None:
    value = words.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise Unusable(f"{name} must be a whole number; 0 is no limit")
    return value


def _password(words: Mapping[str, object]) -> PasswordHash | None:
    text = words.get("password")
    if text is None:
        return None
    if not isinstance(text, str):
        raise Unusable("password must be a text, the hash of the password")
    return read_hash(text)


def _login(words: Mapping[str, object], password: PasswordHash | None) -> Login:
    """What is said; an account with a password but without the word takes either."""
    told = words.get("login")
    if told is None:
        return Login.KEY if password is None else Login.KEY_OR_PASSWORD
    if not isinstance(told, str) or told not in list(Login):
        raise Unusable(f"login must be one of {', '.join(repr(one.value) for one in Login)}")
    login = Login(told)
    if login is not Login.KEY and password is None:
        raise Unusable(f"login = '{login}' needs a password: say `meterdrop partner password`")
    return login


def authority_in(line: str) -> bytes:
    """The public key of an authority, without options."""
    found = read_key_line(line)
    if found.networks is not None or found.expires is not None:
        raise Unusable("an authority has no options")
    return found.blob


def _key_lines(words: Mapping[str, object], name: str) -> list[KeyLine]:
    return [read_key_line(line) for line in _texts(words, name)]


def _texts(words: Mapping[str, object], name: str) -> list[str]:
    """A list of texts; missing means empty."""
    value = words.get(name, [])
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise Unusable(f"{name} must be a list of texts")
    return value


def read_authorities(file: Path) -> frozenset[bytes]:
    """accounts/authorities.pub, one public key a line: authorities for all partners. No file, none."""
    try:
        lines = file.read_text("utf-8").splitlines()
    except FileNotFoundError:
        return frozenset()
    except (OSError, UnicodeDecodeError) as error:
        raise AccountMistake(f"{file.name}: cannot be read: {error}") from error
    try:
        return frozenset(
            authority_in(line) for line in lines if line.strip() and not line.lstrip().startswith("#")
        )
    except Unusable as mistake:
        raise AccountMistake(f"{file.name}: {mistake}") from mistake
