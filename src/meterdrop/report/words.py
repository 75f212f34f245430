"""What do we say to a partner about a finding? A sentence and a next step for every code.

The words are in `words_cs` and `words_en`. In them `{column}` is the partner's heading and `{value}` the cell, both
put in quotes, and `{against}` what the cell was compared with (a placeholder stands there once at most); what stands in
square brackets is left out where its placeholder is not known.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from meterdrop.model.codes import Code
from meterdrop.report.texts import have_controls, in_one_piece, longest
from meterdrop.report.words_cs import CZECH
from meterdrop.report.words_en import ENGLISH
from meterdrop.tables import TEXT

LONGEST_QUOTE: Final = 60
"""A cell or heading is quoted with at most this many characters."""

LANGUAGES: Final[Mapping[str, Mapping[Code, tuple[str, str]]]] = {"cs": CZECH, "en": ENGLISH}
"""Language -> code -> (sentence, next step)."""

_QUOTES: Final[Mapping[str, tuple[str, str]]] = {"cs": ("„", "“"), "en": ("“", "”")}
_CONTROL: Final = r"[\x00-\x1f\x7f]"
_HOLE: Final = re.compile(r"\{(value|against)\}")


class _Sentence(NamedTuple):
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
    sentence = _sentence(code, language, column, value is not None, against is not None)
    said = {
        "": "",
        "value": "" if value is None else _short(value),
        "against": "" if against is None else _short(against),
    }
    first, second = (said[hole] for hole in sentence.holes)
    before, between, after = sentence.pieces
    return f"{before}{first}{between}{second}{after}", LANGUAGES[language][Code(code)][1]


def messages(findings: pd.DataFrame, *, language: str) -> pd.Series:
    """The sentences about a frame of findings (code, column, value and against), with the frame's index."""
    values, against = (in_one_piece(pa.array(findings[name], pa.string())) for name in ("value", "against"))
    sentences, kind = _sentences(findings, language=language)
    said: dict[str, Callable[[], Any]] = {
        "value": lambda: _shortened(pc.fill_null(values, "")),
        "against": lambda: _shortened(pc.fill_null(against, "")),
    }
    before, between, after = (_spread([one.pieces[place] for one in sentences], kind) for place in range(3))
    first, second = (_filled([one.holes[place] for one in sentences], kind, said=said) for place in range(2))
    parts = [part for part in (first, between, second, after) if part is not None]
    nothing = pa.repeat(pa.scalar("", pa.string()), len(findings))
    text = pc.binary_join_element_wise(nothing if before is None else before, *parts, "")
    return pd.Series(text, dtype=TEXT, index=findings.index, name="message")


def _sentences(findings: pd.DataFrame, *, language: str) -> tuple[list[_Sentence], Any]:
    """The different sentences, and which of them each finding has."""
    codes, columns = (
        in_one_piece(pa.array(findings[name], pa.string())).dictionary_encode(null_encoding="encode")
        for name in ("code", "column")
    )
    there = [findings[name].notna().to_numpy(dtype=np.int64) for name in ("value", "against")]
    headings = len(columns.dictionary)
    number = codes.indices.to_numpy().astype(np.int64) * headings + columns.indices.to_numpy()
    kinds = pa.array(number * 4 + there[0] * 2 + there[1]).dictionary_encode()
    code, column = codes.dictionary.to_pylist(), columns.dictionary.to_pylist()
    return [
        _sentence(
            code[kind // 4 // headings],
            language,
            column[kind // 4 % headings],
            bool(kind & 2),
            bool(kind & 1),
        )
        for kind in kinds.dictionary.to_pylist()
    ], kinds.indices


def _spread(texts: Sequence[str], indices: Any) -> Any:  # noqa: ANN401 - pyarrow has no types
    """The text of each row; None if all are empty."""
    return pa.array(texts, pa.string()).take(indices) if any(texts) else None


def _filled(holes: Sequence[str], indices: Any, *, said: Mapping[str, Callable[[], Any]]) -> Any:  # noqa: ANN401
    """What goes into one hole of each sentence; None if none has one."""
    filled: Any = None
    for name in sorted({*holes} - {""}):
        if all(hole == name for hole in holes):
            return said[name]()
        wanted = pa.array([hole == name for hole in holes], pa.bool_()).take(indices)
        filled = pc.if_else(wanted, said[name](), "" if filled is None else filled)
    return filled


@lru_cache(maxsize=4096)
def _sentence(code: str, language: str, column: str | None, has_value: bool, has_against: bool) -> _Sentence:
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
    return _Sentence((before, between, after), (holes[0], holes[1]))


def _without(text: str, placeholder: str) -> str:
    """The text without the brackets that hold this placeholder."""
    return re.sub(r"\[[^\[\]]*" + re.escape(placeholder) + r"[^\[\]]*\]", "", text)


def _with(text: str, placeholder: str) -> str:
    """The text with what stands in the brackets of this placeholder."""
    return re.sub(r"\[([^\[\]]*" + re.escape(placeholder) + r"[^\[\]]*)\]", r"\1", text)


def _short(text: str) -> str:
    """A cell or heading as it is quoted: one line, shortened."""
    plain = re.sub(_CONTROL, " ", text)
    return plain if len(plain) <= LONGEST_QUOTE else plain[: LONGEST_QUOTE - 1] + "…"


def _shortened(values: Any) -> Any:  # noqa: ANN401 - pyarrow has no types
    """The same shortening for an array of cells (pyarrow's strings, which are untyped)."""
    plain = values
    if have_controls(values):
        plain = pc.replace_substring_regex(values, pattern=_CONTROL, replacement=" ")
    if longest(plain) <= LONGEST_QUOTE:
        return plain
    cut = pc.binary_join_element_wise(pc.utf8_slice_codeunits(plain, 0, LONGEST_QUOTE - 1), "…", "")
    return pc.if_else(pc.less_equal(pc.utf8_length(plain), LONGEST_QUOTE), plain, cut)
