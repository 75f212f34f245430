"""By which keys do clients know us? Read from hostkeys/, also while the door is open.

Of each algorithm one key serves: it is what a connection is made with. The keys before it (`…_old`) and after it (`…_next`)
are announced after each login (`hostkeys-00@openssh.com`), with a proof that we hold them, so that clients know them when
`meterdrop hostkey promote` changes over.
"""

import base64
import hashlib
from pathlib import Path

import asyncssh

from sftp_server.refusals import StopAtStart

_ORDER = ("", "_next", "_old")
"""The endings of key files; asyncssh serves the first key of an algorithm and announces all."""
_SMALLEST_RSA = 3072
_ED25519 = b"ssh-ed25519"
_RSA = b"ssh-rsa"
_RSA_SIGNATURE = b"rsa-sha2-512"
"""One only: asyncssh keeps the chosen one in the key, which all connections share; and never SHA-1."""

Signature = tuple[tuple[str, int, int, int], ...]
"""The last is the time that a change of mode or owner moves, too."""


class HostKeys:
    """The folder of host keys; `read` again when `changed`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: Signature = ()

    def changed(self) -> bool:
        """Whether a key file came, went, was replaced or got another mode since this was last asked."""
        now = self._sign()
        changed, self._seen = now != self._seen, now
        return changed

    def _sign(self) -> Signature:
        found = []
        for file in self._files():
            try:
                status = file.stat()
            except FileNotFoundError:  # it went meanwhile
                continue
            found.append((file.name, status.st_ino, status.st_mtime_ns, status.st_ctime_ns))
        return tuple(found)

    def _files(self) -> list[Path]:
        """Key files, those that serve first."""
        return [file for end in _ORDER for file in sorted(self._folder.glob(f"ssh_host_*_key{end}"))]

    def read(self) -> list[asyncssh.SSHKeyPair]:
        """All keys, those that serve first; raises `StopAtStart` if there is none, or one that must not be used."""
        files = self._files()
        if not any(file.name.endswith("_key") for file in files):
            raise StopAtStart(f"there is no host key in {self._folder}. Make one with `meterdrop init`.")
        return [_read(file) for file in files]


def fingerprint_of(pair: asyncssh.SSHKeyPair) -> str:
    """`SHA256:…`, as ssh-keygen shows it."""
    digest = hashlib.sha256(pair.public_data).digest()
    return "SHA256:" + base64.b64encode(digest).decode("ascii").rstrip("=")


def _read(file: Path) -> asyncssh.SSHKeyPair:
    try:
        if file.stat().st_mode & 0o077:
            raise StopAtStart(f"{file} can be read by others. Say `chmod 600 {file}`.")
        key = asyncssh.read_private_key(file)
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, OSError) as error:
        raise StopAtStart(f"{file} cannot be used as a host key: {error}.") from error
    (pair,) = asyncssh.load_keypairs([key])
    if key.algorithm == _RSA and getattr(key.pyca_key, "key_size", 0) >= _SMALLEST_RSA:
        pair.host_key_algorithms = (_RSA_SIGNATURE,)
        pair.set_sig_algorithm(_RSA_SIGNATURE)
    elif key.algorithm != _ED25519:
        raise StopAtStart(
            f"{file} is too weak: a host key is ed25519, or RSA of {_SMALLEST_RSA} bits or more. Remove it, and make "
            "another with `meterdrop hostkey add` if clients need it."
        )
    return pair
