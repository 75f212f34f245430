"""What do we say to a partner about a finding? A sentence and a next step for every code.

The words are in `words_cs` and `words_en`. In them `{column}` is the partner's heading and `{value}` the cell, both
put in quotes, and `{against}` what the cell was compared with (a placeholder stands there once at most); what stands in
square brackets is left out where its placeholder is not known. Whole columns of findings are told in `columns_of_words`.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from meterdrop.model.codes import Code
from meterdrop.report.words_cs import CZECH
from meterdrop.report.words_en import ENGLISH

LONGEST_QUOTE: Final = 60
"""A cell or heading is quoted with at most this many characters."""

LANGUAGES: Final[Mapping[str, Mapping[Code, tuple[str, str]]]] = {"cs": CZECH, "en": ENGLISH}
"""Language -> code -> (sentence, next step)."""

_QUOTES: Final[Mapping[str, tuple[str, str]]] = {"cs": ("„", "“"), "en": ("“", "”")}
CONTROL: Final = r"[\x00-\x1f\x7f]"
_HOLE: Final = re.compile(r"\{(value|against)\}")


class Sentence(NamedTuple):
    """A sentence with holes: `pieces` stand around what `holes` name (`value`, `against` or nothing)."""

    pieces: tuple[str, str, str]
    holes: tuple[str, str]


def message(
    code: str,
    *,
    language: str,
    column: str | None = None,
    value: str | None = None,
    against: str | None = None,
) -> tuple[str, str]:
    """The sentence about one finding, and what to do next.

    Raises ValueError for an unknown code and KeyError for an unknown language: either is the caller's bug.
    """
    sentence = sentence_of(code, language, column, value is not None, against is not None)
    said = {
        "": "",
        "value": "" if value is None else _short(value),
        "against": "" if against is None else _short(against),
    }
    first, second = (said[hole] for hole in sentence.holes)
    before, between, after = sentence.pieces
    return f"{before}{first}{between}{second}{after}", LANGUAGES[language][Code(code)][1]


@lru_cache(maxsize=4096)
def sentence_of(code: str, language: str, column: str | None, has_value: bool, has_against: bool) -> Sentence:
    """The sentence of one code and column, ready for any cell."""
    text = LANGUAGES[language][Code(code)][0]
    known = {"column": column is not None, "value": has_value, "against": has_against}
    for name, there in known.items():
        text = _with(text, f"{{{name}}}") if there else _without(text, f"{{{name}}}")
    opening, closing = _QUOTES[language]
    text = text.replace("{value}", f"{opening}{{value}}{closing}")
    heading = "" if column is None else f"{opening}{_short(column)}{closing}"
    pieces: list[str] = []
    holes: list[str] = []
    at = 0
    for hole in _HOLE.finditer(text):
        pieces.append(text[at : hole.start()])
        holes.append(hole[1])
        at = hole.end()
    pieces.append(text[at:])
    pieces, holes = [*pieces, "", ""][:3], [*holes, "", ""][:2]
    before, between, after = (piece.replace("{column}", heading) for piece in pieces)
    return Sentence((before, between, after), (holes[0], holes[1]))


def _without(text: str, placeholder: str) -> str:
    """The text without the brackets that hold this placeholder."""
    return re.sub(r"\[[^\[\]]*" + re.escape(placeholder) + r"[^\[\]]*\]", "", text)


def _with(text: str, placeholder: str) -> str:
    """The text with what stands in the brackets of this placeholder."""
    return re.sub(r"\[([^\[\]]*" + re.escape(placeholder) + r"[^\[\]]*)\]", r"\1", text)


def _short(text: str) -> str:
    """A cell or heading as it is quoted: one line, shortened."""
    plain = re.sub(CONTROL, " ", text)
    return plain if len(plain) <= LONGEST_QUOTE else plain[: LONGEST_QUOTE - 1] + "…"
