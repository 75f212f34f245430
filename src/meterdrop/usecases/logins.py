"""How may a partner log in, and until when? Passwords, certificates' authorities, the last day, and what is called back."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final

from meterdrop.model.errors import OperatorMistake
from meterdrop.receive import accounts, passwords
from meterdrop.store import events
from meterdrop.store.database import Database
from meterdrop.usecases.partners import KnownPartner, Partners
from meterdrop.usecases.public_keys import (
    comments_of,
    keys_or_certificates_in,
    new_keys_in,
    without,
    without_doubles,
)

_SERIALS: Final = re.compile(r"([0-9]{1,20})(?:-([0-9]{1,20}))?")
_MOST_SERIAL: Final = 2**64 - 1
_FINGERPRINT: Final = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
_BINARY: Final = b"SSHKRL\n\0"


@dataclass(frozen=True)
class CalledBack:
    """What to revoke: files of keys or certificates, certificates by serial or key id, keys by fingerprint."""

    files: Sequence[Path] = ()
    serials: Sequence[str] = ()
    key_ids: Sequence[str] = ()
    fingerprints: Sequence[str] = ()

    def lines(self) -> list[str]:
        """As `ssh-keygen -k` would read them; OperatorMistake where one says nothing."""
        for text, is_one, like in (
            *((one, _are_serials, "a serial like 7 or 7-9") for one in self.serials),
            *((one, _is_key_id, "a certificate's key id, without #") for one in self.key_ids),
            *((one, _is_fingerprint, "a fingerprint like SHA256:… as the audit shows it") for one in self.fingerprints),
        ):  # fmt: skip
            if not is_one(text):
                raise OperatorMistake(f"{text!r} is not {like}")
        found = [line for file in self.files for line in keys_or_certificates_in(file)]
        found += [f"serial: {one}" for one in self.serials] + [f"id: {one}" for one in self.key_ids]
        found += [f"hash: {one}" for one in self.fingerprints]
        if not found:
            raise OperatorMistake("say what to revoke: a file, --serial, --key-id or --fingerprint")
        return found


@dataclass(frozen=True)
class Logins:
    """The acts on ways to log in; each changes a file that the door reads, and is told in the audit."""

    database: Database
    partners: Partners
    home: Path
    clock: Callable[[], datetime]

    # -- passwords -----------------------------------------------------------------------------------------------

    def set_password(self, id: str, *, password: str, login: str | None, who: str) -> KnownPartner:
        """A password, kept as its hash; an account that took keys alone then takes either, unless `login` is given."""
        account = self.partners.known(id).account
        before = account.login if account else accounts.KEY
        asked = login or (accounts.KEY_OR_PASSWORD if before == accounts.KEY else before)
        _check_login(asked)
        changes = {"password": passwords.hashed(password), "login": asked}
        return self._change(id, changes, who=who, what="partner.password-set", after={"login": asked})

    def remove_password(self, id: str, *, who: str) -> KnownPartner:
        """By key alone, from now on."""
        account = self.partners.known(id).account
        if account is None or account.password is None:
            raise OperatorMistake(f"{id} has no password")
        changes = {"password": None, "login": None}
        after = {"login": accounts.KEY}
        return self._change(id, changes, who=who, what="partner.password-removed", after=after)

    def check_login(self, id: str, login: str) -> None:
        """OperatorMistake if the account, or a new one, can't ask for that."""
        _check_login(login)
        found = self.partners.find(id)
        account = None if found is None else self.partners.known(id).account
        if login != accounts.KEY and (account is None or account.password is None):
            raise OperatorMistake(
                f"{id} has no password yet: say `meterdrop partner password {id} --login '{login}'`"
            )

    def choose(self, id: str, *, login: str, who: str) -> KnownPartner:
        """What the account asks for."""
        self.check_login(id, login)
        return self._change(
            id, {"login": login}, who=who, what="partner.login-changed", after={"login": login}
        )

    # -- time ----------------------------------------------------------------------------------------------------

    def expire(self, id: str, *, day: date | None, who: str) -> KnownPartner:
        """The last day on which the partner may log in; None for no such day."""
        after = {"expires": None if day is None else day.isoformat()}
        return self._change(id, {"expires": day}, who=who, what="partner.expiry-changed", after=after)

    # -- authorities ---------------------------------------------------------------------------------------------

    def add_authority(self, id: str, *, key: Path, who: str) -> KnownPartner:
        """Certificates that this key signs, for this partner's name, let the partner in."""
        account = self.partners.known(id).account
        lines = without_doubles([*(account.authorities if account else ()), *new_keys_in(key)])
        return self._with_authorities(id, lines, who=who, what="partner.authority-added")

    def remove_authority(self, id: str, *, key: str, who: str) -> KnownPartner:
        """No longer; named by comment, or by file."""
        account = self.partners.known(id).account
        old = account.authorities if account else ()
        kept = without(old, key)
        if len(kept) == len(old):
            raise OperatorMistake(f"{id} has no authority {key!r}. It has: {comments_of(old)}")
        return self._with_authorities(id, kept, who=who, what="partner.authority-removed")

    def house_authorities(self) -> tuple[str, ...]:
        """Those whose certificates count for every partner."""
        return tuple(line for line in self._lines(accounts.AUTHORITIES) if _says_something(line))

    def add_house_authority(self, *, key: Path, who: str) -> tuple[str, ...]:
        """Certificates that this key signs let any partner in whose name is among their principals."""
        new = [
            line for line in new_keys_in(key) if len(without_doubles([*self.house_authorities(), line]))
            > len(self.house_authorities())
        ]  # fmt: skip
        lines = [*self._lines(accounts.AUTHORITIES), *new]
        return self._with_house_authorities(lines, who=who, what="house.authority-added")

    def remove_house_authority(self, *, key: str, who: str) -> tuple[str, ...]:
        """No longer; named by comment, or by file."""
        lines = self._lines(accounts.AUTHORITIES)
        kept = [line for line in lines if not _says_something(line) or without([line], key)]
        if len(kept) == len(lines):
            known = comments_of(self.house_authorities())
            raise OperatorMistake(f"the house has no authority {key!r}. It has: {known}")
        return self._with_house_authorities(kept, who=who, what="house.authority-removed")

    # -- calling back --------------------------------------------------------------------------------------------

    def revoked(self) -> tuple[str, ...]:
        """What was called back, as the file says it."""
        path = self._folder / accounts.REVOKED
        if path.exists() and path.read_bytes().startswith(_BINARY):
            raise OperatorMistake(f"{path} is a binary list: put the text there that it was made from")
        return tuple(line for line in self._lines(accounts.REVOKED) if _says_something(line))

    def revoke(self, what: CalledBack, *, reason: str, who: str) -> tuple[str, ...]:
        """Keys and certificates that no longer open the door to anybody; who is here by them is sent away."""
        known = self.revoked()
        new = [line for line in what.lines() if line not in known]
        if new:
            accounts.write_lines(self._folder, accounts.REVOKED, [*self._lines(accounts.REVOKED), *new])
        with self.database.writing() as store:
            events.tell(
                store, at=self.clock(), who=who, what="keys.revoked", after={"revoked": new}, why=reason
            )
        return self.revoked()

    # -- files ---------------------------------------------------------------------------------------------------

    @property
    def _folder(self) -> Path:
        return self.home / "accounts"

    def _lines(self, name: str) -> tuple[str, ...]:
        try:
            return accounts.lines_of(self._folder, name)
        except UnicodeDecodeError as error:
            raise OperatorMistake(f"{self._folder / name} is not text: {error}") from error

    def _with_authorities(self, id: str, lines: Sequence[str], *, who: str, what: str) -> KnownPartner:
        after = {"authorities": len(lines)}
        return self._change(id, {"authorities": list(lines) or None}, who=who, what=what, after=after)

    def _with_house_authorities(self, lines: Sequence[str], *, who: str, what: str) -> tuple[str, ...]:
        accounts.write_lines(self._folder, accounts.AUTHORITIES, lines)
        left = self.house_authorities()
        with self.database.writing() as store:
            events.tell(store, at=self.clock(), who=who, what=what, after={"authorities": len(left)})
        return left

    def _change(
        self, id: str, changes: Mapping[str, object], *, who: str, what: str, after: object
    ) -> KnownPartner:
        self.partners.known(id)
        accounts.write(self._folder, id, changes)
        with self.database.writing() as store:
            events.tell(store, at=self.clock(), who=who, what=what, partner=id, after=after)
        return self.partners.known(id)


def _check_login(login: str) -> None:
    if login not in accounts.LOGINS:
        raise OperatorMistake(
            f"{login!r} is no way to log in: use one of {', '.join(repr(one) for one in accounts.LOGINS)}"
        )


def _says_something(line: str) -> bool:
    return bool(line.split("#", 1)[0].strip())


def _are_serials(text: str) -> bool:
    """Never 0, which is what certificates without a serial have."""
    told = _SERIALS.fullmatch(text)
    return told is not None and 0 < int(told[1]) <= int(told[2] or told[1]) <= _MOST_SERIAL


def _is_key_id(text: str) -> bool:
    """One that a line can hold: the door reads nothing behind a `#`."""
    return text.isprintable() and "#" not in text and text == text.strip() != ""


def _is_fingerprint(text: str) -> bool:
    return _FINGERPRINT.fullmatch(text) is not None
