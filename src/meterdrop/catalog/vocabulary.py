"""Which words may a cell hold, and what do they mean? Words are compared without case and diacritics."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from meterdrop.model.feed import Type
from meterdrop.model.measures import UNITS
from meterdrop.model.spelling import fold

NONE: Final = "none"
"""What a serial's word means that stands for "it has none"."""

_FIXED: Final[Mapping[Type, tuple[str, ...]]] = {
    Type.FLAG: ("0", "1"),
    Type.UNIT: tuple(UNITS),
    Type.SERIAL: (NONE,),
}


def vocabulary(kind: Type, *, choices: Sequence[str]) -> tuple[str, ...]:
    """Our words of a column of this type; empty if the type has no words."""
    return _FIXED.get(kind, tuple(choices))


def problems_of_words(
    words: Mapping[str, str], *, kind: Type, allowed: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Words that mean nothing, or two things."""
    if words and not allowed:
        yield "words", f"a column of type {kind.value} has no words"
        return
    # Our own words mean themselves; units are told apart by case, so they are compared as written.
    means = {} if kind in (Type.UNIT, Type.SERIAL) else {fold(word): word for word in allowed}
    for word, ours in words.items():
        if ours not in allowed:
            yield f"words.{word}", f"{ours!r} is none of {', '.join(allowed)}"
        elif means.setdefault(fold(word), ours) != ours:
            yield f"words.{word}", f"means {means[fold(word)]} already"


def words_of(words: Mapping[str, str], *, kind: Type, choices: Sequence[str]) -> dict[str, str]:
    """Every word of the column; our own mean themselves (units and serials are compared as written)."""
    own = () if kind in (Type.UNIT, Type.SERIAL) else vocabulary(kind, choices=choices)
    return {**{word: word for word in own}, **words}
