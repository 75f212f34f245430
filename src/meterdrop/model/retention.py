"""For how long is what kept, and what did its end take away?"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Kept(StrEnum):
    """What may be kept for a set time only."""

    ORIGINALS = "originals"
    RECEIPTS = "receipts"
    DAILY_READINGS = "daily_readings"
    READINGS = "readings"
    AUDIT = "audit"


@dataclass(frozen=True)
class Periods:
    """How long things are kept after the last that happened to them; None: for ever."""

    originals_days: int | None = None
    receipts_days: int | None = None
    daily_readings_months: int | None = None
    readings_months: int | None = None
    audit_days: int | None = None

    def any(self) -> bool:
        """Whether anything is ever to go."""
        return any(one is not None for one in vars(self).values())


@dataclass(frozen=True)
class Ended:
    """What went, or would go: how many, how many bytes (None where nobody knows), and days in Prague from and to."""

    what: Kept
    count: int
    bytes: int | None = None
    first: date | None = None
    last: date | None = None


def together(what: Kept, parts: Iterable[Ended]) -> Ended:
    """Several parts of the same as one."""
    some = list(parts)
    sizes = [one.bytes for one in some if one.bytes is not None]
    firsts = [one.first for one in some if one.first is not None]
    lasts = [one.last for one in some if one.last is not None]
    return Ended(
        what=what,
        count=sum(one.count for one in some),
        bytes=sum(sizes) if sizes else None,
        first=min(firsts, default=None),
        last=max(lasts, default=None),
    )
