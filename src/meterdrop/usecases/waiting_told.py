"""What waits until the world is mended, as `status` tells it: which, for what, since when, what to do next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from meterdrop.model.delivery import delivery_number
from meterdrop.model.waiting import ReceiptTrouble, WaitingDelivery
from meterdrop.report.waiting_words import WORDS, Words, of_receipts, of_room
from meterdrop.store import outbox, receipt_troubles, waits
from meterdrop.store.database import Store

_MB: Final = 1024 * 1024
_MOST: Final = 10
"""So many of a kind are sentences; JSON and the tables have them all."""


@dataclass(frozen=True)
class ToldDelivery:
    """A delivery that waits. `waits_for` is `room` (on the disk); `needed_mb` above the floor, where that is known."""

    delivery: str
    upload: str
    partner: str
    path: str
    received_at: datetime
    waits_for: str
    needed_mb: int | None
    since: datetime
    tried_at: datetime
    behind: int
    words: Mapping[str, Words]
    """By language: `cs`, `en`."""


@dataclass(frozen=True)
class ToldReceipts:
    """Receipts that can't be written: all of a partner, or (`name`) those of one file."""

    partner: str
    name: str | None
    receipts: int
    error: str
    since: datetime
    tries: int
    again_at: datetime
    words: Mapping[str, Words]
    """By language: `cs`, `en`."""


def deliveries_for_room(store: Store, *, floor: int) -> tuple[ToldDelivery, ...]:
    """Those that wait for room; so many bytes stay free."""
    return tuple(_delivery(one, floor=floor // _MB) for one in waits.for_room(store))


def _delivery(one: WaitingDelivery, *, floor: int) -> ToldDelivery:
    needed = None if one.needed is None else one.needed // _MB + 1
    return ToldDelivery(
        delivery=delivery_number(one.delivery),
        upload=one.upload,
        partner=one.partner,
        path=one.path,
        received_at=one.received_at,
        waits_for="room",
        needed_mb=needed,
        since=one.since,
        tried_at=one.tried_at,
        behind=one.behind,
        words={
            language: of_room(needed=needed, floor=floor, behind=one.behind, language=language)
            for language in WORDS
        },
    )


def receipts_in_trouble(store: Store) -> tuple[ToldReceipts, ...]:
    """Those that could not be written when they were last tried, and wait."""
    told = (_receipts(store, one) for one in receipt_troubles.all_troubles(store))
    return tuple(one for one in told if one.receipts)


def _receipts(store: Store, one: ReceiptTrouble) -> ToldReceipts:
    count = outbox.count_of_partner(store, partner=one.partner, name=one.name)
    return ToldReceipts(
        partner=one.partner,
        name=one.name,
        receipts=count,
        error=one.error,
        since=one.since,
        tries=one.tries,
        again_at=one.again_at,
        words={
            language: of_receipts(
                count=count, name=one.name, error=one.error, why=one.why, tries=one.tries, language=language
            )
            for language in WORDS
        },
    )


def problems_of(deliveries: Sequence[ToldDelivery], receipts: Sequence[ToldReceipts]) -> tuple[str, ...]:
    """Sentences for the operator."""
    return (
        *(_sentence(f"delivery {one.delivery} of {one.partner}", one) for one in deliveries[:_MOST]),
        *_more(len(deliveries), "deliveries wait for room on the disk"),
        *(_sentence(f"{one.partner}:", one) for one in receipts[:_MOST]),
        *_more(len(receipts), "folders or names of receipts can't be written"),
    )


def _sentence(whose: str, one: ToldDelivery | ToldReceipts) -> str:
    words = one.words["en"]
    return f"{whose} {words.why}, since {one.since:%Y-%m-%d %H:%M} UTC. {words.next}"


def _more(count: int, what: str) -> tuple[str, ...]:
    return (f"{count - _MOST} more {what}: see `meterdrop status --json`",) if count > _MOST else ()
