"""What does a partner need to come in? One account, what was shown at the door, and whether they fit."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sftp_server.logins.certificates import Certificate
from sftp_server.logins.keys import KeyLine, fingerprint_of
from sftp_server.logins.passwords import PasswordHash
from sftp_server.networks import Network, holds

UNKNOWN = "no such partner"
"""Also of an account whose file cannot be read; the warning on stderr says why."""


class Login(StrEnum):
    """What an account asks for; a certificate counts as a key."""

    KEY = "key"
    PASSWORD = "password"  # noqa: S105 - a word, no password
    KEY_OR_PASSWORD = "key or password"  # noqa: S105
    KEY_AND_PASSWORD = "key and password"  # noqa: S105


@dataclass(frozen=True)
class ShownKey:
    """A key that somebody showed, by itself or in a certificate."""

    blob: bytes
    certificate: Certificate | None = None

    @property
    def fingerprint(self) -> str:
        """Of the key, also if it came in a certificate."""
        return fingerprint_of(self.blob)


@dataclass(frozen=True)
class Proofs:
    """What somebody has proven so far: a key by its signature, a password by the hash it fitted."""

    key: ShownKey | None = None
    password: PasswordHash | None = None

    def and_(self, more: "Proofs") -> "Proofs":
        """Both."""
        return Proofs(key=more.key or self.key, password=more.password or self.password)

    @property
    def method(self) -> str:
        """In words, for the audit."""
        key = None if self.key is None else "certificate" if self.key.certificate else "key"
        return " and ".join(one for one in (key, "password" if self.password else None) if one)


NOTHING_YET = Proofs()


@dataclass(frozen=True)
class Account:
    """One partner's way in. `keys` by their wire form; `authorities` sign certificates for this partner alone."""

    partner: str
    keys: Mapping[bytes, KeyLine]
    disabled: bool = False
    networks: tuple[Network, ...] = ()
    login: Login = Login.KEY
    password: PasswordHash | None = field(default=None, repr=False)
    authorities: frozenset[bytes] = frozenset()
    expires: datetime | None = None
    max_bytes: int | None = None
    """How much of this partner's may lie here, and how many files; None: as much as of any partner."""
    max_files: int | None = None

    def objection(self, *, address: str, now: datetime) -> str | None:
        """Why nobody at all comes in from there and now, or None."""
        if self.disabled:
            return "the account is disabled"
        if self.expires is not None and now >= self.expires:
            return "the account has expired"
        if self.networks and not holds(self.networks, address):
            return "not from a network of this partner"
        return None

    def objection_to_key(
        self, shown: ShownKey, *, authorities: Collection[bytes], address: str, now: datetime
    ) -> str | None:
        """Why this key, or certificate of these authorities or our own, does not count, or None."""
        if self.login is Login.PASSWORD:
            return "this partner logs in by password"
        if shown.certificate is not None:
            return shown.certificate.objection(
                partner=self.partner,
                authorities=self.authorities.union(authorities),
                address=address,
                now=now,
            )
        line = self.keys.get(shown.blob)
        return "not a key of this partner" if line is None else line.objection(address=address, now=now)

    def objection_to_password(self, proofs: Proofs) -> str | None:
        """Why no password counts now that this much is proven, or None."""
        if self.password is None or self.login is Login.KEY:
            return "this partner has no password"
        if self.login is Login.KEY_AND_PASSWORD and proofs.key is None:
            return "the key comes first"
        return None

    def lacks(self, proofs: Proofs) -> bool:
        """Whether something is still to be proven."""
        has_password = proofs.password is not None and proofs.password == self.password
        has_key = proofs.key is not None
        if self.login is Login.KEY_AND_PASSWORD:
            return not (has_key and has_password)
        return not (
            (has_key and self.login is not Login.PASSWORD) or (has_password and self.login is not Login.KEY)
        )
