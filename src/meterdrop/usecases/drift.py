"""Has a partner's header changed since the last file of the same feed? The audit keeps every change."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from meterdrop.detect.headings import read_header
from meterdrop.model.delivery import Delivery, delivery_number
from meterdrop.model.feed import Agreement
from meterdrop.model.layout import Layout
from meterdrop.store import deliveries, events
from meterdrop.store.database import Store

Headings = Sequence[tuple[str, str | None]]
"""A header in the order of the file: each heading, and our column for it (None: unknown or empty)."""


@dataclass(frozen=True)
class Renamed:
    """One of our columns, with its heading before and after."""

    column: str
    before: str
    after: str


@dataclass(frozen=True)
class Change:
    """What differs between two headers. What was renamed is neither added nor removed.

    `reordered` tells of the headings that both have.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    renamed: tuple[Renamed, ...]
    reordered: bool


@dataclass(frozen=True)
class Drift:
    """A header that changed: since which delivery, from which headings to which.

    `feed` None: the header is of no feed we know. It is compared with none, so that all of it is added.
    """

    feed: str | None
    since: int
    before: tuple[str, ...]
    after: tuple[str, ...]
    change: Change


def find_drift(
    store: Store, delivery: Delivery, *, agreement: Agreement | None, layout: Layout
) -> Drift | None:
    """What changed since the last judged delivery of this partner and feed; None if nothing did.

    `agreement` None: nobody could tell the feed by this header. That is a change if the partner has sent another one.
    A rejects file that comes back has our header: it changes nothing, and nothing is compared with it. A file without
    a header has none that could change. A delivery that is judged a second time (released, say) has told already.
    """
    if layout.header_line == 0 or layout.rejects_cells:
        return None
    if delivery.revision and events.header_changed_by(store, delivery=delivery.id):
        return None
    if agreement is None:
        return _strange(store, delivery, layout=layout)
    feed = agreement.feed.name
    for one in deliveries.headers_before(store, partner=delivery.partner, feed=feed, key=delivery.id):
        text = one.raw.decode(one.encoding, "replace")
        before = read_header(text, agreement=agreement, separator=one.separator)
        if before.rejects_cells:
            continue
        change = changed(
            tuple(zip(before.headings, before.columns, strict=True)),
            tuple(zip(layout.headings, layout.columns, strict=True)),
        )
        if change is None:
            return None
        return Drift(
            feed=feed, since=one.delivery, before=before.headings, after=layout.headings, change=change
        )
    return None


def _strange(store: Store, delivery: Delivery, *, layout: Layout) -> Drift | None:
    """A header of no feed, unless the partner's last file had the very same, or it is the partner's first."""
    last = deliveries.last_header(store, partner=delivery.partner, key=delivery.id)
    if last is None or (last.feed is None and last.raw == layout.header_raw):
        return None
    change = Change(added=layout.headings, removed=(), renamed=(), reordered=False)
    return Drift(feed=None, since=last.delivery, before=(), after=layout.headings, change=change)


@dataclass(frozen=True)
class ToldDrift:
    """A change as the audit tells it: who sent what when, and what was different."""

    partner: str
    feed: str | None
    at: datetime
    delivery: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    change: Change


def told_drifts(store: Store, *, partner: str | None, since: datetime | None) -> list[ToldDrift]:
    """All changes the audit knows, the latest first; of one partner, or since a moment, where one is named."""
    told = events.headers_changed(store, partner=partner, since=since)
    return [_read(event) for event in reversed(told)]


def changed(before: Headings, after: Headings) -> Change | None:
    """The differences of two headers that were read under the same agreement; None if they are the same."""
    if [heading for heading, _ in before] == [heading for heading, _ in after]:
        return None
    removed, added = _without(before, after), _without(after, before)
    renamed = _renamed(removed, added)
    old = {(one.before, one.column) for one in renamed}
    new = {(one.after, one.column) for one in renamed}
    now_called = {one.before: one.after for one in renamed}
    removed = [each for each in removed if each not in old]
    added = [each for each in added if each not in new]
    kept_before = [now_called.get(heading, heading) for heading, _ in _without(before, removed)]
    kept_after = [heading for heading, _ in _without(after, added)]
    return Change(
        added=tuple(heading for heading, _ in added),
        removed=tuple(heading for heading, _ in removed),
        renamed=renamed,
        reordered=kept_before != kept_after,
    )


def tell_of(store: Store, drift: Drift, *, delivery: Delivery, now: datetime) -> None:
    """Adds the change to the audit, inside the caller's transaction."""
    events.tell(
        store,
        at=now,
        who=f"delivery:{delivery.number}",
        what=events.HEADER_CHANGED,
        partner=delivery.partner,
        delivery=delivery.id,
        before={"delivery": delivery_number(drift.since), "headings": list(drift.before)},
        after={"feed": drift.feed, "headings": list(drift.after), **asdict(drift.change)},
    )


def _read(event: Mapping[str, Any]) -> ToldDrift:
    """What `tell_of` wrote."""
    before, after = event["before"], event["after"]
    return ToldDrift(
        partner=event["partner"],
        feed=after["feed"],
        at=event["at"],
        delivery=delivery_number(event["delivery"]),
        before=tuple(before["headings"]),
        after=tuple(after["headings"]),
        change=Change(
            added=tuple(after["added"]),
            removed=tuple(after["removed"]),
            renamed=tuple(Renamed(**one) for one in after["renamed"]),
            reordered=after["reordered"],
        ),
    )


def _without(some: Headings, others: Headings) -> list[tuple[str, str | None]]:
    """The headings of `some` that `others` lacks, in order; of one that stands twice, as many as are too many."""
    left = Counter(heading for heading, _ in others)
    found: list[tuple[str, str | None]] = []
    for heading, column in some:
        if left[heading]:
            left[heading] -= 1
        else:
            found.append((heading, column))
    return found


def _renamed(removed: Headings, added: Headings) -> tuple[Renamed, ...]:
    """Columns whose heading went while another one came."""
    new: Mapping[str, str] = {column: heading for heading, column in reversed(added) if column is not None}
    old: Mapping[str, str] = {column: heading for heading, column in reversed(removed) if column is not None}
    return tuple(
        Renamed(column=column, before=old[column], after=new[column]) for column in old if column in new
    )
