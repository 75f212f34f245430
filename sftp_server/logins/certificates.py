"""What does an OpenSSH certificate say? Read after its authority's signature was found right (PROTOCOL.certkeys)."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from asyncssh.packet import PacketDecodeError, SSHPacket, String
from asyncssh.public_key import decode_ssh_certificate, decode_ssh_public_key

from sftp_server.logins.keys import SIGNATURES, check_strength, fingerprint_of, read_networks, signed_how
from sftp_server.networks import Network, holds
from sftp_server.refusals import Unusable

_KINDS = {
    b"ssh-ed25519-cert-v01@openssh.com": (b"ssh-ed25519", 1),
    b"ssh-rsa-cert-v01@openssh.com": (b"ssh-rsa", 2),
    b"ecdsa-sha2-nistp256-cert-v01@openssh.com": (b"ecdsa-sha2-nistp256", 2),
    b"ecdsa-sha2-nistp384-cert-v01@openssh.com": (b"ecdsa-sha2-nistp384", 2),
    b"ecdsa-sha2-nistp521-cert-v01@openssh.com": (b"ecdsa-sha2-nistp521", 2),
    b"sk-ssh-ed25519-cert-v01@openssh.com": (b"sk-ssh-ed25519@openssh.com", 2),
    b"sk-ecdsa-sha2-nistp256-cert-v01@openssh.com": (b"sk-ecdsa-sha2-nistp256@openssh.com", 3),
}
"""The kind of the key inside, and how many strings it is made of."""

_FOR_USERS = 1
_OUR_COMMAND = "internal-sftp"
"""The one command that a certificate may force, as it is what happens here anyway."""


@dataclass(frozen=True)
class Certificate:
    """What the authority says of the key inside. `networks` and `command` are None where it says nothing."""

    key: bytes
    key_id: str
    serial: int
    for_users: bool
    principals: tuple[str, ...]
    valid_from: int
    valid_until: int
    """Seconds since 1970; valid from, up to but not including."""
    networks: tuple[Network, ...] | None
    command: str | None
    authority: bytes

    @property
    def authority_fingerprint(self) -> str:
        """Of the key that signed it."""
        return fingerprint_of(self.authority)

    def objection(
        self, *, partner: str, authorities: Collection[bytes], address: str, now: datetime
    ) -> str | None:
        """Why it does not let this partner in from there and now, or None."""
        seconds = now.timestamp()
        checks = (
            (self.authority in authorities, "the certificate is not from an authority of this partner"),
            (self.for_users, "the certificate is for hosts"),
            (bool(self.principals), "the certificate names no principal"),
            (partner in self.principals, "the certificate is for somebody else"),
            (seconds >= self.valid_from, "the certificate is not valid yet"),
            (seconds < self.valid_until, "the certificate has expired"),
            (self.networks is None or holds(self.networks, address), "not from a network of the certificate"),
            (self.command in (None, _OUR_COMMAND), "the certificate is for another command"),
        )
        return next((reason for holds_good, reason in checks if not holds_good), None)


def is_certificate(blob: bytes) -> bool:
    """Whether these are the bytes of a certificate of a kind that we know; anything else is taken for a key."""
    try:
        return SSHPacket(blob).get_string() in _KINDS
    except PacketDecodeError:
        return False


def read_certificate(blob: bytes) -> Certificate:
    """A certificate whose signature is right; raises `Unusable`."""
    try:
        check_strength(decode_ssh_certificate(blob).key)
        return _read_fields(SSHPacket(blob))
    except (
        PacketDecodeError,
        ValueError,
        KeyError,
    ) as error:  # ValueError: also what asyncssh and cryptography raise
        raise Unusable(
            "the certificate cannot be read, is not signed rightly, or has a critical option we do not know"
        ) from error


def mark_in(blob: bytes) -> tuple[bytes, int | str]:
    """What tells a certificate from others of its authority: the serial, or where it has none the key id.

    Read without judging: what is called back need not be one that would open the door. Raises `Unusable`.
    """
    packet = SSHPacket(blob)
    try:
        _, strings = _KINDS[packet.get_string()]
        for _ in range(1 + strings):  # the nonce and the key
            packet.get_string()
        serial, _, key_id = packet.get_uint64(), packet.get_uint32(), packet.get_string()
        packet.get_string()  # principals
        packet.get_uint64(), packet.get_uint64()  # from and until
        for _ in range(3):  # options, extensions, reserved
            packet.get_string()
        return packet.get_string(), serial or key_id.decode("utf-8", "replace")
    except (PacketDecodeError, KeyError) as error:
        raise Unusable("the certificate is not whole") from error


def _read_fields(packet: SSHPacket) -> Certificate:
    kind, strings = _KINDS[packet.get_string()]
    packet.get_string()  # the nonce
    key = String(kind) + b"".join(String(packet.get_string()) for _ in range(strings))
    serial, sort, key_id = packet.get_uint64(), packet.get_uint32(), packet.get_string().decode()
    principals = tuple(one.decode() for one in _strings_in(packet.get_string()))
    valid_from, valid_until = packet.get_uint64(), packet.get_uint64()
    options = _options(packet.get_string())
    packet.get_string()  # extensions: terminal, forwarding; there is none of it here
    packet.get_string()  # reserved
    authority, signature = packet.get_string(), packet.get_string()
    packet.check_end()
    _check_authority(authority, signature)
    sources = options.get("source-address")
    return Certificate(
        key=key, key_id=key_id, serial=serial, for_users=sort == _FOR_USERS, principals=principals,
        valid_from=valid_from, valid_until=valid_until, command=options.get("force-command"), authority=authority,
        networks=None if sources is None else read_networks(sources.split(",")),
    )  # fmt: skip


def _strings_in(block: bytes) -> Iterator[bytes]:
    packet = SSHPacket(block)
    while packet:
        yield packet.get_string()


def _options(block: bytes) -> dict[str, str]:
    """Critical options; asyncssh has refused those it does not know, and we refuse what comes twice."""
    found: dict[str, str] = {}
    packet = SSHPacket(block)
    while packet:
        name = packet.get_string().decode()
        if name in found or name not in ("source-address", "force-command"):
            raise Unusable("the certificate has a critical option we do not know, or one twice")
        (found[name],) = (value.decode() for value in _strings_in(packet.get_string()))
    return found


def _check_authority(authority: bytes, signature: bytes) -> None:
    how = signed_how(signature)
    if how not in SIGNATURES:
        raise Unusable(f"the certificate is signed with {how[:64]}")
    check_strength(decode_ssh_public_key(authority))
