"""What do the casters share? Cleaning, folding and the shape of their answer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from meterdrop.model.codes import Code
from meterdrop.model.feed import Column

Mask = npt.NDArray[np.bool_]

SPACE: Final = "[ \\x{00A0}\\x{2007}\\x{2009}\\x{202F}]"
"""One space of those that people and programs put between digit groups, as RE2 writes it."""


@dataclass(frozen=True)
class Cast:
    """Cast cells: arrays by column name, and which cells failed by which code, the most specific first."""

    columns: dict[str, pa.Array]
    failed: tuple[tuple[Code, Mask], ...] = ()


Caster = Callable[[pa.StringArray, Column], Cast]
"""Takes clean texts (null where there is nothing to cast) and the column."""


def cleaned(sent: pa.StringArray) -> pa.StringArray:
    """The cells without spaces around them and without Excel's `="…"`."""
    text = pc.utf8_trim_whitespace(sent)
    if not pc.any(pc.starts_with(text, '="')).as_py():
        return text
    inner = pc.replace_substring_regex(text, '(?s)^="(.*)"$', "\\1")
    return pc.utf8_trim_whitespace(inner)


def folded(text: pa.StringArray) -> pa.StringArray:
    """`model.spelling.fold` for a whole column."""
    letters = pc.utf8_lower(text)
    if not pc.all(pc.string_is_ascii(letters)).as_py():
        plain = pc.utf8_normalize(letters, form="NFKD")
        letters = pc.replace_substring_regex(plain, "\\p{Mn}+", "")
    return pc.utf8_trim_whitespace(pc.replace_substring_regex(letters, "[\\s\\p{Z}]+", " "))


def matches(text: pa.StringArray, pattern: str) -> Mask:
    """Which cells are this pattern from start to end; a null is not."""
    return truth(pc.match_substring_regex(text, f"^(?:{pattern})$"))


def truth(answers: pa.BooleanArray) -> Mask:
    """A column of answers as a mask; null is no."""
    mask: Mask = pc.fill_null(answers, False).to_numpy(zero_copy_only=False)
    return mask


def present(text: pa.StringArray) -> Mask:
    """Which cells hold anything."""
    return truth(pc.is_valid(text))


def nulled(text: pa.StringArray, where: Mask) -> pa.StringArray:
    """The texts, null where told."""
    return pc.if_else(pa.array(where), pa.scalar(None, pa.string()), text) if where.any() else text


def spread(rows: npt.NDArray[np.int64], *, count: int, mask: Mask) -> Mask:
    """The mask of some rows as a mask of all."""
    whole = np.zeros(count, dtype=np.bool_)
    whole[rows] = mask
    return whole
