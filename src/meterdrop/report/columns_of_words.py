"""What do we say about a whole frame of findings? The same words as for one, made column by column."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from meterdrop.report.texts import have_controls, in_one_piece, longest
from meterdrop.report.words import CONTROL, LONGEST_QUOTE, Sentence, sentence_of
from meterdrop.tables import TEXT


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


def _sentences(findings: pd.DataFrame, *, language: str) -> tuple[list[Sentence], Any]:
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
        sentence_of(
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


def _shortened(values: Any) -> Any:  # noqa: ANN401 - pyarrow has no types
    """The same shortening for an array of cells (pyarrow's strings, which are untyped)."""
    plain = values
    if have_controls(values):
        plain = pc.replace_substring_regex(values, pattern=CONTROL, replacement=" ")
    if longest(plain) <= LONGEST_QUOTE:
        return plain
    cut = pc.binary_join_element_wise(pc.utf8_slice_codeunits(plain, 0, LONGEST_QUOTE - 1), "…", "")
    return pc.if_else(pc.less_equal(pc.utf8_length(plain), LONGEST_QUOTE), plain, cut)
