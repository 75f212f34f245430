"""Which months of a partner's readings are to be looked through?"""

from collections.abc import Iterator
from datetime import date

from meterdrop.store import stretches
from meterdrop.store.database import Store
from meterdrop.store.stretches import Stretch
from meterdrop.usecases.retention.part import months_before


def stretches_of(store: Store, *, partner: str, start: date | None, before: date) -> list[Stretch]:
    """The partner's readings from `start`, or from the oldest on, up to the month of `before`; both are firsts of a month."""
    first = stretches.first_day(store, partner=partner)
    if first is None:
        return []
    ranges = list(stretches.ranges(store, partner=partner))
    return [
        Stretch(partner=partner, lowest=lowest, highest=highest, start=month, end=after, kept_from=start)
        for month, after in _months(first, start, before)
        for lowest, highest in ranges
    ]


def _months(first: date, start: date | None, before: date) -> Iterator[tuple[date, date]]:
    """Each month with the first day after it."""
    month = max(first.replace(day=1), start or first.replace(day=1))
    while month < before:
        after = months_before(month, months=-1)
        yield month, after
        month = after
