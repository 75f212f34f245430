"""Are these states of a register, or what was used since the last one? A heading may say so."""

from collections.abc import Iterable
from typing import Final

from meterdrop.detect.propose import Statement, guess
from meterdrop.detect.propose_likeness import words_of_heading
from meterdrop.model.feed import ValueKind

_USED: Final = ("spotreb", "odber", "prirust", "rozdil", "consum", "usage", "delta", "increment", "verbrauch")
"""So begin words for what was used, folded: Spotřeba, Odběr, Přírůstek, Rozdíl, …"""


def propose_value_kind(headings: Iterable[str]) -> Statement | None:
    """What the values under these headings are; None where nothing speaks against states of a register.

    Taken for states, consumption would be refused at best, and billed twice at worst.
    """
    for heading in headings:
        if any(word.startswith(_USED) for word in words_of_heading(heading)):
            return guess(
                ValueKind.DELTA.value,
                f"the heading {heading} speaks of what was used; ask, and say state if it is what the meter shows",
            )
    return None
