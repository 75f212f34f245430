"""Is this a public key, a certificate, and which one? Lines as OpenSSH writes them, with or without options before."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_ssh_public_identity, load_ssh_public_key

from meterdrop.model.errors import OperatorMistake

_KIND: Final = (
    r"(?:ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)|"
    r"sk-ssh-ed25519@openssh\.com|sk-ecdsa-sha2-nistp256@openssh\.com)"
)
_KEY: Final = re.compile(rf"{_KIND} [A-Za-z0-9+/=]+( .*)?")
_CERTIFICATE: Final = re.compile(r"[a-z0-9-]+-cert-v01@openssh\.com [A-Za-z0-9+/=]+( .*)?")
_AFTER_OPTIONS: Final = re.compile(rf"(?:^|\s)({_KIND} AAAA.*)$")
_CERTIFIED: Final = "-cert-v01@openssh.com"
_LEAST_RSA_BITS: Final = 2048
"""The door's own; an account with a shorter key is closed to all its keys."""


def keys_in(path: Path) -> list[str]:
    """The public keys of a file; OperatorMistake if it has none or something else, a private key above all."""
    lines = _lines_of(path)
    if not lines or not all(_is_key(line) for line in lines):
        raise OperatorMistake(f"{path} is not an OpenSSH public key (`ssh-ed25519 AAAA… comment`)")
    return lines


def new_keys_in(path: Path) -> list[str]:
    """The same, for an account or a list of authorities: keys that the door takes, for one that it does not closes all of it."""
    lines = keys_in(path)
    for line in lines:
        key = load_ssh_public_key(bare(line).encode())
        if isinstance(key, RSAPublicKey) and key.key_size < _LEAST_RSA_BITS:
            raise OperatorMistake(
                f"{path}: an RSA key must have {_LEAST_RSA_BITS} bits, this one has {key.key_size}. Ask for another: "
                "`ssh-keygen -t ed25519` makes the best kind"
            )
    return lines


def keys_or_certificates_in(path: Path) -> list[str]:
    """The same, but certificates (`ssh-keygen -s` writes them to …-cert.pub) are taken too."""
    lines = _lines_of(path)
    if not lines or not all(_is_key(line) or _is_certificate(line) for line in lines):
        raise OperatorMistake(f"{path} is neither an OpenSSH public key nor a certificate")
    return lines


def _lines_of(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorMistake(f"{path}: can't be read as a public key ({error})") from error
    if "PRIVATE KEY" in text:
        raise OperatorMistake(f"{path} is a private key: give the public one (usually {path}.pub)")
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def _is_key(line: str) -> bool:
    """An OpenSSH public key's line, nothing of it missing: half of one would close the account."""
    return _KEY.fullmatch(line) is not None and _CERTIFIED not in line.split()[0] and _can_be_read(line)


def _is_certificate(line: str) -> bool:
    return _CERTIFICATE.fullmatch(line) is not None and _can_be_read(line)


def _can_be_read(line: str) -> bool:
    try:
        load_ssh_public_identity(" ".join(line.split()[:2]).encode())
    except (ValueError, UnsupportedAlgorithm):
        return False
    return True


def without_doubles(lines: Sequence[str]) -> list[str]:
    """Each key once, as it is written first: what narrows it (`from`, `expiry-time`) is not lost by adding it again."""
    return list({bare(line): line for line in reversed(lines)}.values())[::-1]


def without(lines: Sequence[str], named: str) -> list[str]:
    """The keys that are neither in the file of that name, nor have it as their comment."""
    path = Path(named)
    unwanted = {bare(line) for line in keys_in(path)} if path.is_file() else set()
    return [line for line in lines if bare(line) not in unwanted and comment_of(line) != named]


def bare(line: str) -> str:
    """Kind and key, without options and comment."""
    return " ".join(_sans_options(line).split()[:2])


def comment_of(line: str) -> str:
    """What stands behind the key."""
    words = _sans_options(line).split(maxsplit=2)
    return words[2] if len(words) > 2 else ""


def comments_of(lines: Sequence[str]) -> str:
    """For messages."""
    return ", ".join(comment_of(line) or "(no comment)" for line in lines) or "none"


def _sans_options(line: str) -> str:
    found = _AFTER_OPTIONS.search(line)
    return line if found is None else found[1]
