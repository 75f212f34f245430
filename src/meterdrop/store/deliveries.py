"""What came, and what became of it? The delivery's row is the truth; events and queues are hints."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    func,
    literal,
    or_,
    select,
    update,
)

from meterdrop.model.delivery import UNFINISHED, Delivery, LineCounts, Release, State, may_move
from meterdrop.model.errors import TryAgain
from meterdrop.model.layout import Layout
from meterdrop.model.ticket import Outcome, Ticket
from meterdrop.store import waits
from meterdrop.store.once import insert_once
from meterdrop.store.schema import delivery

_TAKEN = (State.ACCEPTED, State.PARTLY_ACCEPTED)


@dataclass(frozen=True)
class Judgement:
    """What judging came to: all that one transaction writes on the delivery."""

    state: State
    lines: LineCounts
    findings_by_code: Mapping[str, int]
    feed: str | None = None
    rules: str | None = None
    layout: Layout | None = None
    duplicate_of: int | None = None
    parent: int | None = None


def add_received(connection: Connection, *, ticket: Ticket, now: datetime, feed: str | None) -> int | None:
    """A new delivery for a ticket; None if this upload has one already (a ticket may come twice)."""
    finished = ticket.outcome is Outcome.FINISHED
    key: int | None = connection.execute(
        insert_once(connection, delivery)
        .values(
            upload=ticket.upload,
            partner=ticket.partner,
            path=ticket.name,
            file=ticket.file,
            bytes=ticket.bytes,
            sha256=ticket.sha256,
            received_at=ticket.finished_at,
            opened_at=ticket.opened_at,
            key=ticket.key,
            address=ticket.address,
            client=ticket.client,
            asked_feed=feed,
            state=State.RECEIVED if finished else State.INCOMPLETE,
            finished_at=None if finished else now,
            findings_by_code={} if finished else {ticket.outcome.why_not_loaded.value: 1},
            revision=0 if finished else 1,
        )
        .returning(delivery.c.id)
    ).scalar_one_or_none()
    return key


def begin(connection: Connection, *, key: int) -> Delivery:
    """Counts an attempt before any work; the delivery is `loading` from here."""
    current = get(connection, key)
    if not may_move(old=current.state, new=State.LOADING):
        raise TryAgain(f"delivery {current.number} is {current.state.value}: nothing to load")
    begun = connection.execute(
        update(delivery)
        .where(delivery.c.id == key)
        .values(state=State.LOADING, attempts=delivery.c.attempts + 1)
        .returning(delivery)
    )
    return _delivery(begun.one())


def load_again(connection: Connection, *, before: Delivery, released: Release | None) -> None:
    """A person wants this settled delivery loaded; `TryAgain` if someone else acted on it meanwhile."""
    if not may_move(old=before.state, new=State.LOADING):
        raise ValueError(f"{before.state} can't be loaded again")
    changed = connection.execute(
        update(delivery)
        .where(
            delivery.c.id == before.id,
            delivery.c.state == before.state,
            delivery.c.revision == before.revision,
        )
        .values(state=State.LOADING, attempts=0, released=released)
    ).rowcount
    if changed != 1:
        raise TryAgain(f"delivery {before.number} was changed by someone else meanwhile: look at it again")


def give_attempt_back(connection: Connection, *, of: Delivery) -> None:
    """An attempt that the world made fail is not counted; unless it is no longer ours, but of one who took over."""
    connection.execute(
        update(delivery)
        .where(
            delivery.c.id == of.id,
            delivery.c.state == State.LOADING,
            delivery.c.attempts == of.attempts,
            delivery.c.revision == of.revision,
        )
        .values(attempts=delivery.c.attempts - 1)
    )


def settle(
    connection: Connection, *, delivery_before: Delivery, judgement: Judgement, now: datetime
) -> Delivery:
    """Writes the outcome; `TryAgain` if someone else settled or took over this delivery meanwhile."""
    if not may_move(old=delivery_before.state, new=judgement.state):
        raise ValueError(f"{delivery_before.state} can't become {judgement.state}")
    settled = connection.execute(
        update(delivery)
        .where(
            delivery.c.id == delivery_before.id,
            delivery.c.state == delivery_before.state,
            delivery.c.attempts == delivery_before.attempts,
            delivery.c.revision == delivery_before.revision,
        )
        .values(
            state=judgement.state,
            finished_at=now,
            feed=judgement.feed,
            findings_by_code=dict(judgement.findings_by_code),
            rules=judgement.rules,
            duplicate_of=judgement.duplicate_of,
            parent=judgement.parent,
            revision=delivery.c.revision + 1,
            **judgement.lines.as_dict(),
            **_layout_values(judgement.layout),
        )
        .returning(delivery)
    ).one_or_none()
    if settled is None:
        raise TryAgain(f"delivery {delivery_before.number} was settled by someone else meanwhile")
    waits.end(connection, delivery=delivery_before.id)
    return _delivery(settled)


def _layout_values(layout: Layout | None) -> dict[str, object]:
    if layout is None:
        return {}
    return {
        "encoding": layout.encoding,
        "bom": layout.bom,
        "separator": layout.separator,
        "header_line": layout.header_line,
        "header_raw": layout.header_raw,
    }


def get(connection: Connection, key: int) -> Delivery:
    """The delivery of that number; NoResultFound if there is none."""
    return _delivery(connection.execute(select(delivery).where(delivery.c.id == key)).one())


def find(connection: Connection, name: str) -> Delivery | None:
    """By number (with or without leading zeros) or upload id."""
    wanted = delivery.c.upload == name
    if name.isascii() and name.isdigit() and len(name) < 19:
        wanted = delivery.c.id == int(name)
    row = connection.execute(select(delivery).where(wanted)).one_or_none()
    return None if row is None else _delivery(row)


class Unfinished(NamedTuple):
    """A delivery to load, and how large it is."""

    key: int
    bytes: int


def first_unfinished(connection: Connection, *, partner: str) -> Unfinished | None:
    """Which of this partner's deliveries to load came first; None if there are none."""
    row = connection.execute(
        select(delivery.c.id, delivery.c.bytes)
        .where(delivery.c.partner == partner, delivery.c.state.in_(UNFINISHED))
        .order_by(delivery.c.received_at, delivery.c.id)
        .limit(1)
    ).one_or_none()
    return None if row is None else Unfinished(*row)


def that_wait(
    connection: Connection,
    *,
    partner: str | None,
    feed: str | None,
    key: int | None,
    since: datetime | None,
) -> tuple[Delivery, ...]:
    """Deliveries with open lines, the oldest first; all of them where nothing is named."""
    return _chosen(connection, delivery.c.waiting > 0, partner=partner, feed=feed, key=key, since=since)


def that_were_taken(
    connection: Connection,
    *,
    partner: str | None,
    feed: str | None,
    key: int | None,
    since: datetime | None,
) -> tuple[Delivery, ...]:
    """Deliveries with accepted lines, the oldest first; all of them where nothing is named."""
    taken = and_(delivery.c.state.in_(_TAKEN), delivery.c.accepted > 0)
    return _chosen(connection, taken, partner=partner, feed=feed, key=key, since=since)


def _chosen(
    connection: Connection,
    condition: ColumnElement[bool],
    *,
    partner: str | None,
    feed: str | None,
    key: int | None,
    since: datetime | None,
) -> tuple[Delivery, ...]:
    wanted: Select[tuple[object, ...]] = select(delivery).where(condition).order_by(delivery.c.id)
    if partner is not None:
        wanted = wanted.where(delivery.c.partner == partner)
    if feed is not None:
        wanted = wanted.where(delivery.c.feed == feed)
    if key is not None:
        wanted = wanted.where(delivery.c.id == key)
    if since is not None:
        wanted = wanted.where(delivery.c.received_at >= since)
    return tuple(_delivery(row) for row in connection.execute(wanted))


def partners_with_work(connection: Connection) -> tuple[str, ...]:
    """Partners that have unfinished deliveries."""
    rows = connection.execute(select(delivery.c.partner).where(delivery.c.state.in_(UNFINISHED)).distinct())
    return tuple(row.partner for row in rows)


def same_bytes(connection: Connection, *, of: Delivery, feed: str, rules: str) -> Delivery | None:
    """An earlier delivery of the same partner, feed and sha256 whose lines were taken.

    One that is held counts while the rules are the same: after they were mended the file deserves another look. For
    one that a reviewer released it doesn't count.
    """
    held_by_these_rules = and_(
        delivery.c.state == State.HELD, delivery.c.rules == rules, literal(of.released is None)
    )
    row = connection.execute(
        select(delivery)
        .where(
            delivery.c.partner == of.partner,
            delivery.c.feed == feed,
            delivery.c.sha256 == of.sha256,
            delivery.c.id != of.id,
            or_(delivery.c.state.in_(_TAKEN), held_by_these_rules),
        )
        .order_by(delivery.c.id)
        .limit(1)
    ).one_or_none()
    return None if row is None else _delivery(row)


def listed(
    connection: Connection,
    *,
    partner: str | None = None,
    state: State | None = None,
    limit: int | None = None,
) -> tuple[Delivery, ...]:
    """Deliveries, the newest first."""
    wanted: Select[tuple[object, ...]] = select(delivery).order_by(delivery.c.id.desc())
    if partner is not None:
        wanted = wanted.where(delivery.c.partner == partner)
    if state is not None:
        wanted = wanted.where(delivery.c.state == state)
    return tuple(_delivery(row) for row in connection.execute(wanted.limit(limit)))


def oldest_unfinished(connection: Connection) -> datetime | None:
    """When the longest-waiting delivery came."""
    oldest: datetime | None = connection.execute(
        select(func.min(delivery.c.received_at)).where(delivery.c.state.in_(UNFINISHED))
    ).scalar_one()
    return oldest


def last_received(connection: Connection) -> dict[str, datetime]:
    """When each partner last sent something."""
    rows = connection.execute(
        select(delivery.c.partner, func.max(delivery.c.received_at)).group_by(delivery.c.partner)
    )
    return {row[0]: row[1] for row in rows}


def layout_of(connection: Connection, *, key: int) -> tuple[str | None, int, str | None, int, bytes | None]:
    """How the file was written: encoding, BOM bytes, separator, header's line, header's bytes."""
    row = connection.execute(
        select(
            delivery.c.encoding,
            delivery.c.bom,
            delivery.c.separator,
            delivery.c.header_line,
            delivery.c.header_raw,
        ).where(delivery.c.id == key)
    ).one()
    return row.encoding, row.bom, row.separator, row.header_line, row.header_raw


@dataclass(frozen=True)
class WrittenHeader:
    """A delivery's header as its file had it. `feed` None: nobody could tell its feed."""

    delivery: int
    feed: str | None
    encoding: str
    separator: str
    raw: bytes


def headers_before(connection: Connection, *, partner: str, feed: str, key: int) -> Iterator[WrittenHeader]:
    """The headers of this partner's and feed's judged deliveries before this one, the latest first."""
    wanted = _headers(partner=partner, key=key).where(delivery.c.feed == feed)
    return (WrittenHeader(*row) for row in connection.execute(wanted, execution_options={"yield_per": 10}))


def last_header(connection: Connection, *, partner: str, key: int) -> WrittenHeader | None:
    """The header of this partner's last judged delivery before this one that had any, of whatever feed."""
    row = connection.execute(_headers(partner=partner, key=key).limit(1)).first()
    return None if row is None else WrittenHeader(*row)


def _headers(*, partner: str, key: int) -> Select[Any]:  # Any: a row is unpacked into a WrittenHeader
    """The latest first, each as the fields of a WrittenHeader."""
    return (
        select(
            delivery.c.id,
            delivery.c.feed,
            delivery.c.encoding,
            delivery.c.separator,
            delivery.c.header_raw,
        )
        .where(
            delivery.c.partner == partner,
            delivery.c.id < key,
            delivery.c.header_line > 0,
            delivery.c.header_raw.is_not(None),
        )
        .order_by(delivery.c.id.desc())
    )


def _delivery(row: Row[tuple[object, ...]]) -> Delivery:
    lines = LineCounts(
        physical=row.physical,
        header=row.header,
        accepted=row.accepted,
        quarantined=row.quarantined,
        duplicate=row.duplicate,
        blank=row.blank,
        comment=row.comment,
        continuation=row.continuation,
    )
    return Delivery(
        id=row.id,
        upload=row.upload,
        partner=row.partner,
        path=row.path,
        file=row.file,
        bytes=row.bytes,
        sha256=row.sha256,
        received_at=row.received_at,
        state=State(row.state),
        asked_feed=row.asked_feed,
        feed=row.feed,
        attempts=row.attempts,
        finished_at=row.finished_at,
        lines=lines,
        findings_by_code=row.findings_by_code or {},
        rules=row.rules,
        encoding=row.encoding,
        separator=row.separator,
        duplicate_of=row.duplicate_of,
        parent=row.parent,
        revision=row.revision,
        released=None if row.released is None else Release(row.released),
    )
