"""How is a partner's password kept? As an argon2id hash that the door can check, of a text that every client sends alike."""

import stringprep
import unicodedata
from typing import Final

from meterdrop.model.errors import OperatorMistake

_LEAST_LETTERS: Final = 12
_MOST_BYTES: Final = 1024
_ODD: Final = (
    stringprep.in_table_a1, stringprep.in_table_b1, stringprep.in_table_c12, stringprep.in_table_c21_c22,
    stringprep.in_table_c3, stringprep.in_table_c4, stringprep.in_table_c5, stringprep.in_table_c6,
    stringprep.in_table_c7, stringprep.in_table_c8, stringprep.in_table_c9, stringprep.in_table_d1,
)  # fmt: skip
"""Letters that SASLprep (RFC 4013) changes or refuses, and those written from right to left."""


def hashed(password: str) -> str:
    """The hash to keep; OperatorMistake for a password that is too short, too long, or can't be typed everywhere."""
    from argon2 import PasswordHasher  # here, as only this one command needs it

    text = unicodedata.normalize("NFKC", password)
    if len(text) < _LEAST_LETTERS:
        raise OperatorMistake(f"the password is too short: give it {_LEAST_LETTERS} letters or more")
    if len(text.encode()) > _MOST_BYTES:
        raise OperatorMistake(f"the password is too long: {_MOST_BYTES} bytes at most")
    if any(is_odd(letter) for letter in text + password for is_odd in _ODD):
        raise OperatorMistake("the password has a letter that not every client sends alike: use another")
    return PasswordHasher().hash(text)
