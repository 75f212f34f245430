"""Who may come in? The files of accounts/, read again whenever one changes, and asked at every login and after."""

from datetime import datetime
from pathlib import Path

from sftp_server.logins.account_file import AccountMistake, read_account, read_authorities
from sftp_server.logins.accounts import UNKNOWN, Account, Proofs, ShownKey
from sftp_server.logins.passwords import Decoys, PasswordHash
from sftp_server.logins.revocations import Revocations, read_revocations

_ENDING = ".toml"
AUTHORITIES, REVOKED = "authorities.pub", "revoked"

Sign = tuple[str, int, int, int, int]
"""Name, times, size and inode of a file: what changes when somebody writes it, or lets us read it."""


class Roll:
    """All accounts, authorities and revocations as they are now."""

    def __init__(self, folder: Path, *, secret: bytes) -> None:
        self._folder = folder
        self._signature: tuple[Sign, ...] | None = None
        self._accounts: dict[str, Account] = {}
        self._kept: dict[Sign, Account] = {}
        """As read from files that look like this."""
        self._unreadable: set[str] = set()
        self._is_closed = False
        """The folder itself cannot be read just now."""
        self._authorities: frozenset[bytes] | None = frozenset()
        """None: the file cannot be read just now."""
        self._revoked = Revocations()
        self.decoys = Decoys(secret)

    def get(self, partner: str) -> Account | None:
        """The account of that partner, if there is a usable one."""
        return self._accounts.get(partner)

    @property
    def has_passwords(self) -> bool:
        """Whether anybody here may log in with a password; if not, the door offers nobody to try."""
        return bool(self.decoys)

    # -- at a login --------------------------------------------------------------------------------------------

    def objection_to_key(self, partner: str, shown: ShownKey, *, address: str, now: datetime) -> str | None:
        """Why this key or certificate does not count for a new login, or None."""
        account = self._accounts.get(partner)
        if account is None:
            return UNKNOWN
        if self._revoked.mistakes:
            return "the list of revoked keys cannot be read"
        if self._revoked.cover(shown.blob, shown.certificate):
            return "revoked"
        return account.objection(address=address, now=now) or account.objection_to_key(
            shown, authorities=self._authorities or (), address=address, now=now
        )

    def password_for(
        self, partner: str, proofs: Proofs, *, address: str, now: datetime
    ) -> tuple[PasswordHash, str | None]:
        """The hash to check, and why the answer will be no whatever it gives: a decoy then, so that it takes as long."""
        account = self._accounts.get(partner)
        if account is None:
            return self.decoys.for_name(partner), UNKNOWN
        objection = account.objection(address=address, now=now) or account.objection_to_password(proofs)
        if objection is not None or account.password is None:
            return self.decoys.for_name(partner), objection
        return account.password, None

    # -- and after it ------------------------------------------------------------------------------------------

    def objection(self, partner: str, proofs: Proofs, *, address: str, now: datetime) -> str | None:
        """Why a running session must end, or None; a file that cannot be read just now ends nobody's session."""
        shown, account = proofs.key, self._accounts.get(partner)
        if shown is not None and self._revoked.cover(shown.blob, shown.certificate):
            return "revoked"
        if account is None:
            return None if self._is_closed or partner in self._unreadable else "the account is gone"
        objection = account.objection(address=address, now=now)
        if objection is None and shown is not None:
            known = self._authorities
            if known is None and shown.certificate is not None:
                known = frozenset([shown.certificate.authority])
            objection = account.objection_to_key(shown, authorities=known or (), address=address, now=now)
        if objection is None and account.lacks(proofs):
            return "this is not enough to log in any more"
        return objection

    # -- reading -----------------------------------------------------------------------------------------------

    def reload(self) -> list[str] | None:
        """None if nothing changed; else the mistakes found (such accounts are closed to new logins).

        What could not be read is tried again at the next call: too many open files, say, are nobody's change.
        """
        try:
            signature = self._sign()
        except OSError as error:
            self._accounts, self._signature, self._is_closed = {}, None, True
            return [f"the folder cannot be read: {error.strerror}; until that is mended nobody can log in"]
        if signature == self._signature:
            return None
        self._signature, self._is_closed = signature, False
        return self._read_accounts(signature) + self._read_authorities() + self._read_revoked()

    def _read_accounts(self, signature: tuple[Sign, ...]) -> list[str]:
        accounts: dict[str, Account] = {}
        mistakes: list[str] = []
        unreadable: set[str] = set()
        kept: dict[Sign, Account] = {}
        for sign in signature:
            if not sign[0].endswith(_ENDING):
                continue
            try:
                kept[sign] = account = self._kept.get(sign) or read_account(self._folder / sign[0])
                accounts[account.partner] = account
            except AccountMistake as mistake:
                mistakes.append(self._mistake(mistake))
                unreadable.add(sign[0].removesuffix(_ENDING))
        self._accounts, self._kept, self._unreadable = accounts, kept, unreadable
        self.decoys.take_after(one.password for one in accounts.values() if one.password is not None)
        return mistakes

    def _read_authorities(self) -> list[str]:
        try:
            self._authorities = read_authorities(self._folder / AUTHORITIES)
        except AccountMistake as mistake:
            self._authorities = None
            told = self._mistake(mistake)
            return [f"{told}; until that is mended no certificate of these authorities opens the door"]
        return []

    def _read_revoked(self) -> list[str]:
        try:
            self._revoked = read_revocations((self._folder / REVOKED).read_bytes())
        except FileNotFoundError:
            self._revoked = Revocations()
        except OSError as error:
            self._revoked.mistakes = [f"cannot be read: {error}"]
            self._signature = None
        told = [f"{REVOKED}: {mistake}" for mistake in self._revoked.mistakes]
        return told + ["until that is mended no key and no certificate opens the door"] * bool(told)

    def _mistake(self, mistake: AccountMistake) -> str:
        """In words; and if the file could not be read at all, it is to be tried again."""
        if isinstance(mistake.__cause__, OSError):
            self._signature = None
        return str(mistake)

    def _names(self) -> list[str]:
        """The account files; raises OSError, where a glob would find none and everybody's account were gone."""
        return sorted(file.name for file in self._folder.iterdir() if file.name.endswith(_ENDING))

    def _sign(self) -> tuple[Sign, ...]:
        """Of each file that is there."""
        seen = []
        for name in (*self._names(), AUTHORITIES, REVOKED):
            try:
                status = (self._folder / name).stat()
            except FileNotFoundError:
                continue
            seen.append((name, status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino))
        return tuple(seen)
