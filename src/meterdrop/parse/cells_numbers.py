"""Which number is it, exactly? Never through a binary float.

With both `.` and `,` the last is the decimal mark and the other groups in threes; a lone one is always the decimal
mark (`1.234` is 1.234); digit groups may be parted by spaces.
"""

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from meterdrop.model.codes import Code
from meterdrop.model.feed import Column
from meterdrop.parse.cells_cast import SPACE, Cast, Mask, matches, nulled, present, spread, truth

EXACT: Final = pa.decimal128(38, 10)
MOST_DIGITS: Final = 15
MOST_DECIMALS: Final = 6

# Most cells: short enough to need no counting of digits.
_PLAIN: Final = "-?[0-9]{1,9}([.,][0-9]{1,6})?"
# What has anything else in it is no number, and need not be tried against each form.
_LIKELY: Final = f"(?:[-+0-9.,eE]|{SPACE})+"
_LONE_MARK: Final = "-?[0-9]+([.,][0-9]+)?"
_SPACED: Final = f"-?[0-9]{{1,3}}({SPACE}[0-9]{{3}})+([.,][0-9]+)?"
_DOTTED: Final = "-?[0-9]{1,3}([.][0-9]{3})+,[0-9]+"
_COMMAED: Final = "-?[0-9]{1,3}(,[0-9]{3})+[.][0-9]+"
_EXPONENT: Final = "[+-]?[0-9]+([.,][0-9]+)?[eE][+-]?[0-9]+"
_WHOLE: Final = "-?[0-9]{1,18}"
_LONG_WHOLE: Final = "-?[0-9]+"
_SPACED_WHOLE: Final = f"-?[0-9]{{1,3}}({SPACE}[0-9]{{3}})+"


def cast_decimals(text: pa.StringArray, column: Column) -> Cast:
    """`<column>` exact and `<column>_sent`: the text with a decimal point and without group spaces, zeros kept."""
    plain = matches(text, _PLAIN)
    odd = np.flatnonzero(present(text) & ~plain)
    likely = matches(text.take(pa.array(odd)), _LIKELY)
    rest, foreign = odd[likely], odd[~likely]
    sent = pc.replace_substring(nulled(text, ~plain), ",", ".")
    failed: tuple[tuple[Code, Mask], ...] = ()
    number = sent
    if len(rest):
        unusual, codes = _unusual(text.take(pa.array(rest)))
        where = spread(rest, count=len(text), mask=np.ones(len(rest), dtype=np.bool_))
        sent = pc.replace_with_mask(sent, pa.array(where), unusual)
        # Arrow counts leading zeros as digits of the decimal; the text keeps them.
        number = pc.replace_substring_regex(sent, "^(-?)0+([0-9])", "\\1\\2")
        failed = tuple((code, spread(rest, count=len(text), mask=mask)) for code, mask in codes)
    if len(foreign):
        every = np.ones(len(foreign), dtype=np.bool_)
        failed = ((Code.VALUE_NOT_A_NUMBER, spread(foreign, count=len(text), mask=every)), *failed)
    return Cast({column.name: number.cast(EXACT), f"{column.name}_sent": sent}, failed)


def _unusual(text: pa.StringArray) -> tuple[pa.StringArray, tuple[tuple[Code, Mask], ...]]:
    """Grouped, long and wrong ones: the text as sent (null if refused) and the refusals."""
    grouped = {
        _SPACED: pc.replace_substring_regex(text, SPACE, ""),
        _DOTTED: pc.replace_substring(text, ".", ""),
        _COMMAED: pc.replace_substring(text, ",", ""),
        _LONE_MARK: text,
    }
    found = pa.nulls(len(text), pa.string())
    for pattern, ungrouped in grouped.items():
        found = pc.if_else(pa.array(matches(text, pattern)), ungrouped, found)
    found = pc.replace_substring(found, ",", ".")
    digits = pc.utf8_length(pc.ascii_ltrim(pc.replace_substring_regex(found, "[-.]", ""), characters="0"))
    precise = truth(pc.greater(digits, MOST_DIGITS)) | truth(
        pc.match_substring_regex(found, f"[.][0-9]{{{MOST_DECIMALS + 1},}}$")
    )
    exponent = matches(text, _EXPONENT)
    foreign = ~present(found) & ~exponent
    usable = nulled(found, precise)
    return usable, (
        (Code.VALUE_EXPONENT, exponent),
        (Code.VALUE_TOO_PRECISE, precise),
        (Code.VALUE_NOT_A_NUMBER, foreign),
    )


def cast_integers(text: pa.StringArray, column: Column) -> Cast:
    """A whole number of at most 18 digits; groups of three may be parted by spaces."""
    grouped = matches(text, _SPACED_WHOLE)
    joined = pc.if_else(pa.array(grouped), pc.replace_substring_regex(text, SPACE, ""), text)
    whole = matches(joined, _WHOLE)
    exponent = matches(text, _EXPONENT)
    long = matches(joined, _LONG_WHOLE) & ~whole
    foreign = present(text) & ~whole & ~exponent & ~long
    number = nulled(joined, ~whole).cast(pa.int64())
    return Cast(
        {column.name: number},
        (
            (Code.VALUE_EXPONENT, exponent),
            (Code.VALUE_TOO_PRECISE, long),
            (Code.VALUE_NOT_A_NUMBER, foreign),
        ),
    )
