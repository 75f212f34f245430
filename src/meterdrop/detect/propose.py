"""How sure is a proposal about a partner's files? A detector only proposes; a person decides."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from meterdrop.detect.encoding import Encoding

_AMONG_CONTROLS: Final = frozenset(range(0x80, 0xA0))
"""Letters in windows-1250, unused in ISO 8859-2."""
_TOLD_APART: Final = frozenset({0xA9, 0xAB, 0xAE, 0xB9, 0xBB, 0xBE})
"""Czech and Slovak letters in ISO 8859-2, other signs in windows-1250."""


class Certainty(StrEnum):
    """Whether the files leave no other reading, or it is only likely."""

    SURE = "sure"
    GUESS = "guess"


@dataclass(frozen=True)
class Statement:
    """One thing proposed, how sure it is and why. A value of None: left out, and the reason says why."""

    value: str | int | bool | tuple[str, ...] | None
    certainty: Certainty
    reason: str


def sure(value: str | int | bool | tuple[str, ...] | None, reason: str) -> Statement:
    """What the files say beyond doubt."""
    return Statement(value, Certainty.SURE, reason)


def guess(value: str | int | bool | tuple[str, ...] | None, reason: str) -> Statement:
    """What is likely, and a person should look at."""
    return Statement(value, Certainty.GUESS, reason)


def counted(count: int, thing: str) -> str:
    """`1 cell`, `12 cells`."""
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def propose_encoding(encoding: Encoding, *, seen: frozenset[int]) -> Statement:
    """The profile's word for the encoding found; `seen` are the bytes above 127 that the file has."""
    if encoding.name.startswith("utf-16"):
        return sure("utf-16", "the file begins with its byte order mark")
    if encoding.name == "utf-8":
        if encoding.bom:
            return sure("utf-8", "the file begins with its byte order mark")
        if seen:
            return sure("utf-8", "its letters beyond ASCII are valid UTF-8")
        return guess(None, "no letter beyond ASCII was met, so all read it alike; left out, each file tells")
    if encoding.name == "windows-1250":
        if seen & _AMONG_CONTROLS:
            return sure("windows-1250", "not UTF-8, and its letters at 80-9F are in windows-1250 only")
        return guess("windows-1250", "not UTF-8; the letters met are the same in iso-8859-2")
    letters = " ".join(f"{octet:02X}" for octet in sorted(seen & _TOLD_APART))
    return guess(
        "iso-8859-2", f"not UTF-8; bytes met ({letters}) are Czech letters there, not in windows-1250"
    )


def agreed(statements: list[Statement], *, what: str) -> Statement:
    """One statement for several files of a feed; left out where they differ. What is sure outweighs a guess, and a
    guess a file that does not tell.
    """
    telling = [statement for statement in statements if statement.value is not None] or statements
    firm = [statement for statement in telling if statement.certainty is Certainty.SURE] or telling
    values = sorted({str(statement.value) for statement in firm})
    if len(values) > 1:
        return guess(None, f"the samples differ in {what}: {', '.join(values)}; left out, each file tells")
    others = any(statement.value != firm[0].value for statement in telling)
    return Statement(firm[0].value, Certainty.GUESS if others else firm[0].certainty, firm[0].reason)
