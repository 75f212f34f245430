"""Who may come in? accounts/<partner>.toml, read strictly and again whenever a file changes."""

import ipaddress
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import asyncssh

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_PARTNER = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_KEY_KINDS = (
    "ssh-ed25519", "sk-ssh-ed25519@openssh.com", "ssh-rsa", "sk-ecdsa-sha2-nistp256@openssh.com",
    "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
)  # fmt: skip


class AccountMistake(Exception):
    """An account file that cannot be used; says which and why."""


@dataclass(frozen=True)
class Account:
    """One partner's way in. `keys` gives the comment of each public key, by its wire form."""

    partner: str
    keys: Mapping[bytes, str]
    disabled: bool = False
    networks: tuple[Network, ...] = ()

    def admits(self, *, key: bytes, address: str) -> bool:
        """Whether this key may come in from this address now."""
        return not self.disabled and key in self.keys and self.admits_from(address)

    def admits_from(self, address: str) -> bool:
        """Whether the partner's networks hold this address; no networks means anywhere."""
        if not self.networks:
            return True
        place = parse_address(address)
        return place is not None and any(place in network for network in self.networks)


def parse_address(text: str) -> Address | None:
    """An IP address, with IPv4 inside IPv6 unwrapped; None if it is none."""
    try:
        place = ipaddress.ip_address(text.split("%", 1)[0])
    except ValueError:
        return None
    if isinstance(place, ipaddress.IPv6Address) and place.ipv4_mapped is not None:
        return place.ipv4_mapped
    return place


def read_account(file: Path) -> Account:
    """One account file; unknown or mistaken words raise `AccountMistake`, for none may be ignored silently."""
    try:
        words = tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise AccountMistake(f"{file.name}: cannot be read: {error}") from error
    unknown = set(words) - {"partner", "disabled", "keys", "networks"}
    if unknown:
        raise AccountMistake(f"{file.name}: unknown words: {', '.join(sorted(unknown))}")
    partner = words.get("partner")
    if not isinstance(partner, str) or partner != file.stem or not _PARTNER.fullmatch(partner):
        raise AccountMistake(
            f"{file.name}: partner must be the file's own name, small letters, digits and . _ -"
        )
    disabled = words.get("disabled", False)
    if not isinstance(disabled, bool):
        raise AccountMistake(f"{file.name}: disabled must be true or false")
    keys = dict(_read_key(line, file=file.name) for line in _texts(words, "keys", file=file.name))
    networks = tuple(
        _read_network(text, file=file.name) for text in _texts(words, "networks", file=file.name)
    )
    return Account(partner=partner, keys=keys, disabled=disabled, networks=networks)


def _texts(words: Mapping[str, object], name: str, *, file: str) -> list[str]:
    """A list of texts from the file; missing means empty."""
    value = words.get(name, [])
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise AccountMistake(f"{file}: {name} must be a list of texts")
    return value


def _read_key(line: str, *, file: str) -> tuple[bytes, str]:
    """A line as in authorized_keys, without options: its wire form and comment."""
    if not line.startswith(_KEY_KINDS):
        raise AccountMistake(f"{file}: a key must start with its kind, such as ssh-ed25519")
    try:
        key = asyncssh.import_public_key(line)
    except (asyncssh.KeyImportError, ValueError) as error:
        raise AccountMistake(f"{file}: a key cannot be read: {error}") from error
    return key.public_data, key.get_comment() or ""


def _read_network(text: str, *, file: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise AccountMistake(f"{file}: {error}") from error


Signature = tuple[tuple[str, int, int, int], ...]


class Accounts:
    """All accounts as they are now; `reload` looks whether a file changed and reads only then."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._signature: Signature | None = None
        self._accounts: dict[str, Account] = {}
        self._unreadable: set[str] = set()

    def get(self, partner: str) -> Account | None:
        """The account of that partner, if there is a usable one."""
        return self._accounts.get(partner)

    def still_admits(self, *, partner: str, key: bytes, address: str) -> bool:
        """Whether a running session may go on; a file that cannot be read just now ends nobody's session."""
        if partner in self._unreadable:
            return True
        account = self._accounts.get(partner)
        return account is not None and account.admits(key=key, address=address)

    def reload(self) -> list[str] | None:
        """None if nothing changed; else the mistakes found (such accounts are closed to new logins)."""
        signature = self._sign()
        if signature == self._signature:
            return None
        accounts: dict[str, Account] = {}
        mistakes: list[str] = []
        unreadable: set[str] = set()
        for file in sorted(self._folder.glob("*.toml")):
            try:
                account = read_account(file)
                accounts[account.partner] = account
            except AccountMistake as mistake:
                mistakes.append(str(mistake))
                unreadable.add(file.stem)
        self._accounts, self._unreadable, self._signature = accounts, unreadable, signature
        return mistakes

    def _sign(self) -> Signature:
        """Name, time, size and inode of each file: what changes when somebody writes one."""
        seen = []
        for file in sorted(self._folder.glob("*.toml")):
            try:
                status = file.stat()
            except FileNotFoundError:
                continue
            seen.append((file.name, status.st_mtime_ns, status.st_size, status.st_ino))
        return tuple(seen)
