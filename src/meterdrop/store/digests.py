"""What happened on one day? Sums by partner; a day is from one moment up to but not including another."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, select

from meterdrop.model.delivery import LineCounts, delivery_number
from meterdrop.model.reported import DayOfDelivery, OldestOpen
from meterdrop.store.quarantine import of_delivery
from meterdrop.store.schema import delivery, event, quarantine, reading_history

_KINDS = tuple(LineCounts().as_dict())


@dataclass(frozen=True)
class Arrived:
    """A delivery that came on the day, with its counts."""

    partner: str
    summary: DayOfDelivery
    lines: LineCounts
    findings_by_code: Mapping[str, int]


def arrived(
    connection: Connection, *, start: datetime, end: datetime, partner: str | None
) -> Iterator[Arrived]:
    """The deliveries that came, in order of arrival."""
    wanted = (
        select(
            delivery.c.id,
            delivery.c.partner,
            delivery.c.file,
            delivery.c.feed,
            delivery.c.state,
            delivery.c.findings_by_code,
            *(delivery.c[kind] for kind in _KINDS),
        )
        .where(delivery.c.received_at >= start, delivery.c.received_at < end)
        .order_by(delivery.c.received_at, delivery.c.id)
    )
    for row in connection.execute(_of(wanted, delivery.c.partner, partner)):
        yield Arrived(
            partner=row.partner,
            summary=_summary(row),
            lines=LineCounts(**{kind: row._mapping[kind] for kind in _KINDS}),
            findings_by_code=row.findings_by_code or {},
        )


def corrections(
    connection: Connection, *, start: datetime, end: datetime, partner: str | None
) -> dict[str, int]:
    """How many readings of each partner were replaced."""
    within = (reading_history.c.superseded_at >= start) & (reading_history.c.superseded_at < end)
    wanted = select(reading_history.c.partner, func.count()).where(within).group_by(reading_history.c.partner)
    return _numbers(connection, _of(wanted, reading_history.c.partner, partner))


def acts(
    connection: Connection, *, start: datetime, end: datetime, partner: str | None
) -> dict[str, Counter[str]]:
    """What was done to quarantined lines of each partner, and how often: `quarantine.corrected` and so on."""
    wanted = (
        select(event.c.partner, event.c.what, func.count())
        .where(event.c.at >= start, event.c.at < end, event.c.what.startswith("quarantine."))
        .group_by(event.c.partner, event.c.what)
    )
    done: dict[str, Counter[str]] = defaultdict(Counter)
    for of, what, count in connection.execute(_of(wanted, event.c.partner, partner)):
        done[of][what] += count
    return done


def open_lines(connection: Connection, *, partner: str | None) -> dict[str, int]:
    """How many lines of each partner wait now; none of those that have none."""
    wanted = (
        select(delivery.c.partner, func.sum(delivery.c.waiting))
        .where(delivery.c.waiting > 0)
        .group_by(delivery.c.partner)
    )
    return _numbers(connection, _of(wanted, delivery.c.partner, partner))


def oldest_open(connection: Connection, *, partner: str) -> OldestOpen | None:
    """The first waiting line of the partner's oldest delivery that has one."""
    oldest = connection.execute(
        select(delivery.c.id, delivery.c.file, delivery.c.received_at)
        .where(delivery.c.partner == partner, delivery.c.waiting > 0)
        .order_by(delivery.c.received_at, delivery.c.id)
        .limit(1)
    ).one_or_none()
    if oldest is None:
        return None
    line: int = connection.execute(
        select(func.min(quarantine.c.line)).where(of_delivery(oldest.id), quarantine.c.state == "open")
    ).scalar_one()
    return OldestOpen(
        delivery=delivery_number(oldest.id), file=oldest.file, line=line, since=oldest.received_at
    )


def last_received(connection: Connection, *, before: datetime, partner: str | None) -> dict[str, datetime]:
    """When each partner last sent something before a moment."""
    wanted = (
        select(delivery.c.partner, func.max(delivery.c.received_at))
        .where(delivery.c.received_at < before)
        .group_by(delivery.c.partner)
    )
    return {row[0]: row[1] for row in connection.execute(_of(wanted, delivery.c.partner, partner))}


def _of(wanted: Select[Any], column: ColumnElement[str], partner: str | None) -> Select[Any]:
    return wanted if partner is None else wanted.where(column == partner)


def _numbers(connection: Connection, wanted: Select[Any]) -> dict[str, int]:
    return {row[0]: int(row[1]) for row in connection.execute(wanted)}


def _summary(row: Row[Any]) -> DayOfDelivery:
    return DayOfDelivery(
        delivery=delivery_number(row.id),
        file=row.file,
        feed=row.feed,
        state=row.state,
        accepted=row.accepted,
        quarantined=row.quarantined,
    )
