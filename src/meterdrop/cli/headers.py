"""How is a changed header told in one line?"""

from collections.abc import Iterator, Sequence
from typing import Final

from meterdrop.usecases.drift import Change, ToldDrift

_NAMED: Final = 5
"""So many headings are named; of the others only how many they are."""

HEADINGS: Final = ("when", "partner", "feed", "delivery", "what changed")


def row_of(drift: ToldDrift) -> tuple[str, ...]:
    """One change as a row under `HEADINGS`."""
    return (
        f"{drift.at:%Y-%m-%d %H:%M}",
        drift.partner,
        drift.feed or "unknown",
        drift.delivery,
        "; ".join(_told(drift.change) if drift.feed else _named("of no feed we know", drift.after)),
    )


def _told(change: Change) -> Iterator[str]:
    yield from _named("renamed", [f"{one.before} → {one.after} ({one.column})" for one in change.renamed])
    yield from _named("added", change.added)
    yield from _named("removed", change.removed)
    if change.reordered:
        yield "in another order"


def _named(what: str, headings: Sequence[str]) -> Iterator[str]:
    if headings:
        more = len(headings) - _NAMED
        named = ", ".join(heading or "(empty)" for heading in headings[:_NAMED])
        yield f"{what}: {named}" + (f" and {more} more" if more > 0 else "")
