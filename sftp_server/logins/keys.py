"""Which public keys do we take? Lines as in authorized_keys: options, kind, key, comment."""

import base64
import hashlib
import ipaddress
import re
from dataclasses import dataclass
from datetime import datetime

import asyncssh
from asyncssh.packet import PacketDecodeError, SSHPacket

from sftp_server.logins.moments import moment_of
from sftp_server.networks import Network, holds
from sftp_server.refusals import Unusable

KEY_KINDS = (
    "ssh-ed25519", "sk-ssh-ed25519@openssh.com", "ssh-rsa", "sk-ecdsa-sha2-nistp256@openssh.com",
    "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
)  # fmt: skip
SIGNATURES = (
    "ssh-ed25519", "sk-ssh-ed25519@openssh.com", "rsa-sha2-512", "rsa-sha2-256",
    "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "sk-ecdsa-sha2-nistp256@openssh.com",
)  # fmt: skip
"""How a login, and a certificate's authority, may sign: no SHA-1."""

_LEAST_RSA_BITS = 2048
_OPTION = re.compile(r'(from|expiry-time)="([^"]*)"(?:,| |$)|(restrict)(?:,| |$)')


@dataclass(frozen=True)
class KeyLine:
    """One key of an account; `networks` and `expires` narrow this key alone."""

    blob: bytes
    comment: str = ""
    networks: tuple[Network, ...] | None = None
    expires: datetime | None = None

    def objection(self, *, address: str, now: datetime) -> str | None:
        """Why this key does not count from there or by now, or None."""
        if self.expires is not None and now >= self.expires:
            return "the key has expired"
        if self.networks is not None and not holds(self.networks, address):
            return "not from a network of this key"
        return None


def fingerprint_of(blob: bytes) -> str:
    """`SHA256:…`, as ssh-keygen -l shows it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def read_key_line(line: str) -> KeyLine:
    """A public key with its comment, and of the options `from`, `expiry-time` and `restrict` alone."""
    options, rest = _split_options(line.strip())
    if rest.split(" ", 1)[0] not in KEY_KINDS:
        raise Unusable(
            "a key must start with its kind, such as ssh-ed25519; of options only from, expiry-time and restrict are known"
        )
    try:
        key = asyncssh.import_public_key(rest)
        comment = key.get_comment() or ""
    except (asyncssh.KeyImportError, ValueError) as error:
        raise Unusable(f"a key cannot be read: {error}") from error
    check_strength(key)
    return KeyLine(
        blob=key.public_data,
        comment=comment,
        networks=None if options.get("from") is None else read_networks(options["from"].split(",")),
        expires=None if options.get("expiry-time") is None else moment_of(options["expiry-time"]),
    )


def _split_options(line: str) -> tuple[dict[str, str], str]:
    """Options that we know, and the rest of the line; what is no option of ours stays in the rest."""
    options: dict[str, str] = {}
    end = 0
    while found := _OPTION.match(line, end):
        name = found[1] or found[3]
        if name in options:
            raise Unusable(f"a key has the option {name} twice")
        options[name] = found[2] or ""
        end = found.end()
    return options, line[end:]


def check_strength(key: asyncssh.SSHKey) -> None:
    """Refuse kinds that we do not take, and short RSA keys."""
    if key.get_algorithm() not in KEY_KINDS:
        raise Unusable(f"keys of the kind {key.get_algorithm()} are not taken")
    if key.get_algorithm() == "ssh-rsa":
        packet = SSHPacket(key.public_data)
        packet.get_string(), packet.get_mpint()  # the kind, and the exponent
        if packet.get_mpint().bit_length() < _LEAST_RSA_BITS:
            raise Unusable(f"an RSA key must have {_LEAST_RSA_BITS} bits or more")


def read_networks(texts: list[str]) -> tuple[Network, ...]:
    """Networks like 192.0.2.0/24, or single addresses."""
    try:
        return tuple(ipaddress.ip_network(text) for text in texts)
    except ValueError as error:
        raise Unusable(str(error)) from error


def signed_how(signature: bytes) -> str:
    """The algorithm of an SSH signature, as it says itself."""
    try:
        return SSHPacket(signature).get_string().decode("ascii", "replace")
    except PacketDecodeError:
        return ""
