"""Where do header, first record and last record of the samples stand?"""

from collections.abc import Sequence
from typing import Final

from meterdrop.detect.propose import Statement, guess
from meterdrop.usecases.proposing.columns import Told

_IGNORED: Final = "-"
"""How a profile writes a column of a file without header that is ignored."""

_NONE: Final = "none"


def propose_header(samples: Sequence[Told]) -> Statement | None:
    """What the profile must say of the header; None if it is where it is looked for anyway."""
    said = [told.sample.header for told in samples]
    values = [None if each is None else each.value for each in said]
    if len(set(values)) > 1:
        where = ", ".join(sorted({"the first line" if value is None else str(value) for value in values}))
        return guess(None, f"the samples differ ({where}); a profile says one for all files: ask the partner")
    if said[0] is not None and said[0].value == _NONE and _in_order(samples) is None:
        return guess(None, "none: to be said together with columns_in_order")
    return said[0]


def propose_order(samples: Sequence[Told]) -> Statement | None:
    """The columns of files without header by what their cells look like; None for files that have one."""
    if any(told.sample.headed for told in samples):
        return None
    columns = _in_order(samples)
    if columns is not None:
        return guess(columns, "by what the cells look like")
    told = samples[0]
    seen = ", ".join(column or "?" for column in told.columns)
    return guess(None, f"to fill in; the cells tell of the {len(told.columns)} columns: {seen}")


def propose_preamble(samples: Sequence[Told]) -> Statement | None:
    """How many lines to pass over in files without header; None if there are none."""
    before = {told.sample.preamble for told in samples}
    if before == {0}:
        return None
    if len(before) > 1:
        lines = ", ".join(str(each) for each in sorted(before))
        return guess(None, f"the samples differ ({lines} lines); a profile says one number for all files")
    return guess(before.pop(), "so many lines stand before the first record")


def _in_order(samples: Sequence[Told]) -> tuple[str, ...] | None:
    """The columns of all samples; None if they differ, or a mandatory one isn't told."""
    orders = {tuple(column or _IGNORED for column in told.columns) for told in samples}
    if len(orders) > 1 or any(told.candidate.missing for told in samples):
        return None
    return orders.pop()
