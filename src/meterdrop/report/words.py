"""What do we say to a partner about a finding? A sentence and a next step for every code.

The words are in `words_cs` and `words_en`. In them `{column}` is the partner's heading and `{value}` the cell, both
put in quotes; what stands in square brackets is left out where its placeholder is not known.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from meterdrop.model.codes import Code
from meterdrop.report.words_cs import CZECH
from meterdrop.report.words_en import ENGLISH
from meterdrop.tables import TEXT

LONGEST_QUOTE: Final = 60
"""A cell or heading is quoted with at most this many characters."""

LANGUAGES: Final[Mapping[str, Mapping[Code, tuple[str, str]]]] = {"cs": CZECH, "en": ENGLISH}
"""Language -> code -> (sentence, next step)."""

_QUOTES: Final[Mapping[str, tuple[str, str]]] = {"cs": ("„", "“"), "en": ("“", "”")}
_CONTROL: Final = r"[\x00-\x1f\x7f]"
_BETWEEN: Final = "\x1f"


class _Sentence(NamedTuple):
    """The message of one code and column: `whole` when no cell is quoted, else what stands around the cell."""

    whole: str
    before: str
    after: str
    quotes: bool


def message(
    code: str, *, language: str, column: str | None = None, value: str | None = None
) -> tuple[str, str]:
    """The sentence about one finding, and what to do next.

    Raises ValueError for an unknown code and KeyError for an unknown language: either is the caller's bug.
    """
    sentence = _sentence(code, language, column)
    fix = LANGUAGES[language][Code(code)][1]
    if value is None or not sentence.quotes:
        return sentence.whole, fix
    return f"{sentence.before}{_quoted(value, language)}{sentence.after}", fix


def messages(findings: pd.DataFrame, *, language: str) -> pd.Series:
    """The sentences about a frame of findings (its columns code, column and value), with the frame's index."""
    codes, columns, values = (_in_one_piece(findings[name]) for name in ("code", "column", "value"))
    key = pc.if_else(pc.is_valid(columns), pc.binary_join_element_wise(codes, columns, _BETWEEN), codes)
    kinds = key.dictionary_encode()
    sentences = [_sentence_of(kind, language) for kind in kinds.dictionary.to_pylist()]
    whole, before, after = (
        pa.array([sentence[part] for sentence in sentences], pa.string()).take(kinds.indices)
        for part in range(3)
    )
    quotes = pa.array([sentence.quotes for sentence in sentences], pa.bool_()).take(kinds.indices)
    opening, closing = _QUOTES[language]
    said = pc.binary_join_element_wise(before, opening, _shortened(values), closing, after, "")
    text = pc.if_else(pc.and_(quotes, pc.is_valid(values)), said, whole)
    return pd.Series(text, dtype=TEXT, index=findings.index, name="message")


def _in_one_piece(texts: pd.Series) -> Any:  # noqa: ANN401 - pyarrow has no types
    """A column of text; frames that were put together have theirs in several pieces."""
    cells = pa.array(texts, pa.string())
    return cells.combine_chunks() if isinstance(cells, pa.ChunkedArray) else cells


def _sentence_of(kind: str, language: str) -> _Sentence:
    """The sentence of a joined code and column."""
    code, between, column = kind.partition(_BETWEEN)
    return _sentence(code, language, column if between else None)


@lru_cache(maxsize=4096)
def _sentence(code: str, language: str, column: str | None) -> _Sentence:
    """The sentence of one code and column, ready for any cell."""
    text = LANGUAGES[language][Code(code)][0]
    text = _without(text, "{column}") if column is None else _with(text, "{column}")
    before, mark, after = _with(text, "{value}").partition("{value}")
    heading = "" if column is None else _quoted(column, language)
    parts = (_without(text, "{value}"), before, after)
    whole, before, after = (part.replace("{column}", heading) for part in parts)
    return _Sentence(whole, before, after, bool(mark))


def _without(text: str, placeholder: str) -> str:
    """The text without the brackets that hold this placeholder."""
    return re.sub(r"\[[^\[\]]*" + re.escape(placeholder) + r"[^\[\]]*\]", "", text)


def _with(text: str, placeholder: str) -> str:
    """The text with what stands in the brackets of this placeholder."""
    return re.sub(r"\[([^\[\]]*" + re.escape(placeholder) + r"[^\[\]]*)\]", r"\1", text)


def _quoted(text: str, language: str) -> str:
    """A cell or heading in the quotes of the language: one line, shortened."""
    opening, closing = _QUOTES[language]
    plain = re.sub(_CONTROL, " ", text)
    short = plain if len(plain) <= LONGEST_QUOTE else plain[: LONGEST_QUOTE - 1] + "…"
    return f"{opening}{short}{closing}"


def _shortened(values: Any) -> Any:  # noqa: ANN401 - pyarrow has no types
    """The same shortening for an array of cells (pyarrow's strings, which are untyped)."""
    plain = pc.replace_substring_regex(values, pattern=_CONTROL, replacement=" ")
    cut = pc.binary_join_element_wise(pc.utf8_slice_codeunits(plain, 0, LONGEST_QUOTE - 1), "…", "")
    return pc.if_else(pc.less_equal(pc.utf8_length(plain), LONGEST_QUOTE), plain, cut)
