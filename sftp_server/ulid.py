"""A name for each upload: 26 characters that sort by time (ULID, Crockford's base 32)."""

import os

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 26


def new_ulid(*, milliseconds: int, randomness: bytes | None = None) -> str:
    """48 bits of time since 1970 in milliseconds, then 80 bits of randomness (ten bytes)."""
    chance = os.urandom(10) if randomness is None else randomness
    number = (milliseconds & (1 << 48) - 1) << 80 | int.from_bytes(chance, "big")
    return "".join(_ALPHABET[number >> 5 * place & 31] for place in reversed(range(LENGTH)))


def is_ulid(text: str) -> bool:
    """Whether `text` could be one of ours."""
    return len(text) == LENGTH and all(letter in _ALPHABET for letter in text)
