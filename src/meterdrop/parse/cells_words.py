"""Which text, serial, unit, choice or flag is it? Words are compared without case and diacritics."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from meterdrop.model.codes import Code
from meterdrop.model.feed import Column
from meterdrop.model.measures import UNITS
from meterdrop.model.spelling import fold
from meterdrop.parse.cells_cast import Cast, Mask, folded, matches, nulled, present, spread, truth
from meterdrop.parse.cells_numbers import EXACT

LONGEST_SERIAL: Final = 64
_SERIAL: Final = f"[\\p{{L}}0-9 _./-]{{1,{LONGEST_SERIAL}}}"
_MANGLED: Final = "[0-9][.,][0-9]+[eE][+-]?[0-9]+"
"""What a spreadsheet makes of a long number: 5.14E+06. The meter's number is lost."""


def cast_text(text: pa.StringArray, column: Column) -> Cast:
    """The text itself."""
    return Cast({column.name: text})


def cast_serials(text: pa.StringArray, column: Column) -> Cast:
    """`<column>` as sent, and `<column>_key` by which meters are matched: upper case, no spaces, no leading zeros.

    A word of the column (`-`) says that there is no serial: it has no key.
    """
    none = truth(pc.is_in(text, _texts([*column.words])))
    # Nearly all are letters and digits: only the others are looked at with patterns.
    plain = truth(pc.ascii_is_alnum(text)) & truth(pc.less_equal(pc.binary_length(text), LONGEST_SERIAL))
    rest = np.flatnonzero(present(text) & ~plain & ~none)
    malformed = spread(rest, count=len(text), mask=_malformed(text.take(pa.array(rest))))
    sent = nulled(text, malformed)
    return Cast(
        {column.name: sent, f"{column.name}_key": serial_key(nulled(sent, none))},
        ((Code.SERIAL_MALFORMED, malformed),),
    )


def serial_key(serials: pa.StringArray) -> pa.StringArray:
    """The names by which meters are matched: `00010206` and `10206` are one meter; all zeros are `0`."""
    packed = pc.ascii_upper(serials)
    if not pc.all(pc.ascii_is_alnum(serials), min_count=0).as_py():
        packed = pc.utf8_upper(pc.replace_substring_regex(serials, "[\\s\\p{Z}]+", ""))
    key = pc.ascii_ltrim(packed, characters="0")
    return pc.if_else(pc.equal(key, ""), pa.scalar("0", pa.string()), key)


def _malformed(text: pa.StringArray) -> Mask:
    spaced = pc.replace_substring_regex(text, "\\p{Zs}", " ")
    named = matches(spaced, _SERIAL) & truth(pc.match_substring_regex(text, "[\\p{L}0-9]"))
    return ~named | matches(text, _MANGLED)


def cast_units(text: pa.StringArray, column: Column) -> Cast:
    """`<column>` as sent, its canonical unit, the exact factor to it, its dimension, and whether one was given."""
    ours = _by_word(text, words=column.words)
    named = pc.coalesce(ours, pc.utf8_normalize(text, form="NFC"))
    at = pc.index_in(named, pa.array([*UNITS], pa.string()))
    unknown = present(text) & ~present(at)
    units = UNITS.values()
    return Cast(
        {
            column.name: nulled(text, unknown),
            f"{column.name}_canonical": pa.array([unit.canonical for unit in units], pa.string()).take(at),
            f"{column.name}_factor": pa.array([unit.factor for unit in units], EXACT).take(at),
            f"{column.name}_dimension": pa.array([unit.dimension for unit in units], pa.string()).take(at),
            f"{column.name}_given": pa.array(present(text)),
        },
        ((Code.UNIT_UNKNOWN, unknown),),
    )


def cast_choice(text: pa.StringArray, column: Column) -> Cast:
    """Our word for the word sent."""
    ours = _by_word(text, words=column.words)
    return Cast({column.name: ours}, ((column.word_code, present(text) & ~present(ours)),))


def cast_choices(text: pa.StringArray, column: Column) -> Cast:
    """Our words, joined by `|` as they were sent. An unknown word fails the cell, but the known ones are kept."""
    parts = pc.split_pattern(text, "|")
    words = _by_word(pc.list_flatten(parts), words=column.words)
    owner = pc.list_parent_indices(parts).to_numpy(zero_copy_only=False)
    known = present(words)
    failed: Mask = np.zeros(len(text), dtype=np.bool_)
    failed[owner[~known]] = True
    counts = np.bincount(owner[known], minlength=len(text))
    offsets = np.concatenate(([0], np.cumsum(counts)))
    lists = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), words.filter(pa.array(known)))
    joined = pc.binary_join(lists, "|")
    return Cast(
        {column.name: nulled(joined, counts == 0)},
        ((column.word_code, failed),),
    )


def cast_flags(text: pa.StringArray, column: Column) -> Cast:
    """True for `1`, false for `0`, and the column's words for them."""
    ours = _by_word(text, words=column.words)
    return Cast({column.name: pc.equal(ours, "1")}, ((column.word_code, present(text) & ~present(ours)),))


def _by_word(text: pa.StringArray, *, words: Mapping[str, str]) -> pa.StringArray:
    """Our word of each text, null where there is none."""
    at = pc.index_in(folded(text), _texts([fold(word) for word in words]))
    return _texts([*words.values()]).take(at)


def _texts(values: Sequence[str]) -> pa.StringArray:
    return pa.array(values, pa.string())
