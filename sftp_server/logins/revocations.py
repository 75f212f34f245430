"""What has been called back? accounts/revoked: text as `ssh-keygen -k` takes it, one key or word a line."""

import base64
import re
from dataclasses import dataclass, field

import asyncssh

from sftp_server.logins.certificates import Certificate, is_certificate, mark_in
from sftp_server.logins.keys import fingerprint_of
from sftp_server.refusals import Unusable

_BINARY = b"SSHKRL\n\0"
_RANGE = re.compile(r"([0-9]{1,20})(?:-([0-9]{1,20}))?")
_HASH = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
_MOST_SERIAL = 2**64 - 1


@dataclass
class Revocations:
    """Keys by fingerprint, certificates by serial, key id or authority. `mistakes`: lines that could not be read."""

    keys: set[str] = field(default_factory=set)
    serials: list[range] = field(default_factory=list)
    key_ids: set[str] = field(default_factory=set)
    certificates: set[tuple[bytes, int | str]] = field(default_factory=set)
    mistakes: list[str] = field(default_factory=list)

    def cover(self, key: bytes, certificate: Certificate | None) -> bool:
        """Whether this key, its certificate or the certificate's authority was called back."""
        if fingerprint_of(key) in self.keys:
            return True
        if certificate is None:
            return False
        return (
            certificate.authority_fingerprint in self.keys
            or certificate.key_id in self.key_ids
            or _mark(certificate) in self.certificates
            or any(certificate.serial in some for some in self.serials)
        )


def _mark(certificate: Certificate) -> tuple[bytes, int | str]:
    """What tells a certificate from others of its authority: the serial, or where it has none the key id."""
    return certificate.authority, certificate.serial or certificate.key_id


def read_revocations(written: bytes) -> Revocations:
    """All that can be read; every line that cannot is a mistake."""
    found = Revocations()
    if written.startswith(_BINARY):
        found.mistakes.append("this is a binary list; give the text that it was made from")
        return found
    for number, raw in enumerate(written.splitlines(), 1):
        try:
            line = raw.decode().split("#", 1)[0].strip()
            if line:
                _take(line, found)
        except (Unusable, UnicodeDecodeError, asyncssh.KeyImportError, ValueError) as error:
            found.mistakes.append(f"line {number}: {error}")
    return found


def _take(line: str, found: Revocations) -> None:
    """One line: a word with a colon, or a public key or certificate by itself."""
    word, colon, rest = line.partition(":")
    rest = rest.strip()
    if not colon or " " in word:
        _take_key(line, found)
    elif word == "serial":
        found.serials.append(_read_range(rest))
    elif word == "id" and rest:
        found.key_ids.add(rest)
    elif word in ("hash", "sha256") and _HASH.fullmatch(rest):
        found.keys.add(rest)
    elif word in ("key", "sha1", "sha256"):
        _take_key(rest, found)
    else:
        raise Unusable("not a public key, serial:, id:, key:, sha1:, sha256: or hash: SHA256:…")


def _read_range(text: str) -> range:
    """`7` or `7-9`; never 0, which is what certificates without a serial have."""
    told = _RANGE.fullmatch(text)
    if told is None:
        raise Unusable("serial: must be followed by a number, or two with a hyphen between")
    first, last = int(told[1]), int(told[2] or told[1])
    if not 0 < first <= last <= _MOST_SERIAL:
        raise Unusable("serials go from 1 up to 2^64-1, the smaller first")
    return range(first, last + 1)


def _take_key(line: str, found: Revocations) -> None:
    words = line.split()
    blob = base64.b64decode(words[1], validate=True) if len(words) > 1 else b""
    if is_certificate(blob):
        found.certificates.add(mark_in(blob))
    else:
        found.keys.add(fingerprint_of(asyncssh.import_public_key(line).public_data))
