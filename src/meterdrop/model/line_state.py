"""What becomes of a line that was set aside? Its states, and the ways out: each line takes exactly one."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class LineState(StrEnum):
    """Where a quarantined line is."""

    OPEN = "open"
    """It waits: for a person, or for another register, rule or profile."""
    CORRECTED = "corrected"
    """A reviewer gave it other cells, and it was stored."""
    ACCEPTED = "accepted"
    """It was stored as it came: in spite of a soft rule, or because what judges it is another by now."""
    DISMISSED = "dismissed"
    """It is not wanted."""
    SUPERSEDED = "superseded"
    """Another line came in its place."""
    RETURNED = "returned"
    """It is the partner's to correct; only what the partner sends moves it."""


LINE_MOVES: Final[Mapping[LineState, frozenset[LineState]]] = {
    LineState.OPEN: frozenset(LineState) - {LineState.OPEN},
    LineState.CORRECTED: frozenset(),
    LineState.ACCEPTED: frozenset(),
    LineState.DISMISSED: frozenset(),
    LineState.SUPERSEDED: frozenset(),
    LineState.RETURNED: frozenset({LineState.SUPERSEDED, LineState.OPEN}),
}
"""The only table of allowed moves. A returned line is open again only together with its delivery, loaded anew."""

WITH_PARTNER: Final = frozenset(state for state, moves in LINE_MOVES.items() if LineState.SUPERSEDED in moves)
"""The lines of a rejects file: a corrected upload may take their place."""


def may_end(*, old: LineState, new: LineState) -> bool:
    """Whether a quarantined line may go from one state to another."""
    return new in LINE_MOVES[old]
