"""Which bytes are kept, of which was their retention ended? Originals, and the rejects files beside them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Row, Select, exists, func, select, update

from meterdrop.store.once import insert_once
from meterdrop.store.schema import delivery, original, outbox
from meterdrop.store.settled import is_open


@dataclass(frozen=True)
class Counted:
    """So many, how many bytes together, and from when to when they came; nothing of none."""

    count: int
    bytes: int
    first: datetime | None
    last: datetime | None


def note(connection: Connection, *, sha256: str, bytes: int, now: datetime) -> bool:
    """Writes down that these bytes are kept; whether they were known before.

    Of what was known before the retention may have ended between the moment when its file was put there and this
    one: whoever notes it must look whether the file is there still. From here to the end of this transaction it stays.
    """
    row = {"sha256": sha256, "bytes": bytes, "stored_at": now}
    if connection.execute(insert_once(connection, original).values(row)).rowcount == 1:
        return False
    again = {"bytes": bytes, "stored_at": now, "forgotten_at": None, "erased_at": None}
    connection.execute(update(original).where(original.c.sha256 == sha256).values(again))
    return True


def forgotten_at(connection: Connection, *, sha256: str) -> datetime | None:
    """When the retention of these bytes ended; None if they are kept."""
    wanted = select(original.c.forgotten_at).where(original.c.sha256 == sha256)
    when: datetime | None = connection.execute(wanted).scalar_one_or_none()
    return when


def newest(connection: Connection) -> str | None:
    """The hash of the bytes that were kept last, of those that are kept still; None if none are."""
    kept = select(original.c.sha256).where(original.c.forgotten_at.is_(None))
    return connection.execute(kept.order_by(original.c.stored_at.desc()).limit(1)).scalar_one_or_none()


def hold(connection: Connection, *, sha256: str) -> datetime | None:
    """The same; if they are kept, they are until this transaction ends."""
    wanted = select(original.c.forgotten_at).where(original.c.sha256 == sha256).with_for_update()
    when: datetime | None = connection.execute(wanted).scalar_one_or_none()
    return when


def count_past(connection: Connection, *, before: datetime) -> Counted:
    """What `forget_some` would forget, all in all."""
    told = connection.execute(
        select(
            func.count(),
            func.sum(original.c.bytes),
            func.min(original.c.stored_at, type_=original.c.stored_at.type),
            func.max(original.c.stored_at, type_=original.c.stored_at.type),
        ).where(*_past(before))
    ).one()
    return Counted(count=told[0], bytes=int(told[1] or 0), first=told[2], last=told[3])


def forget_some(connection: Connection, *, before: datetime, now: datetime, most: int) -> Counted:
    """Ends the retention of some that nobody needs and that were last needed, or brought, before a moment.

    What somebody else holds just now is left for another time.
    """
    some = connection.execute(_locked(_past(before)).order_by(original.c.stored_at).limit(most))
    hashes = [row.sha256 for row in some]
    # Only now, when they are ours, it is seen whether someone came to need one in the meantime.
    gone = connection.execute(
        update(original)
        .where(original.c.sha256.in_(hashes), *_past(before))
        .values(forgotten_at=now)
        .returning(original.c.bytes, original.c.stored_at)
    ).all()
    return _counted(gone)


def to_erase(connection: Connection, *, most: int) -> list[str]:
    """Forgotten ones whose files may be there still; nobody brings them back before this transaction ends."""
    waiting = (original.c.forgotten_at.is_not(None), original.c.erased_at.is_(None))
    return [row.sha256 for row in connection.execute(_locked(waiting).limit(most))]


def erased(connection: Connection, hashes: Sequence[str], *, now: datetime) -> None:
    """Their files are gone."""
    connection.execute(update(original).where(original.c.sha256.in_(hashes)).values(erased_at=now))


def _locked(wanted: Sequence[ColumnElement[bool]]) -> Select[tuple[str]]:
    return select(original.c.sha256).where(*wanted).with_for_update(skip_locked=True, of=original)


def _past(before: datetime) -> tuple[ColumnElement[bool], ...]:
    """What is kept, was brought before then, and is needed by no delivery and for no receipt that was open since."""
    its_delivery = exists().where(delivery.c.sha256 == original.c.sha256, is_open(since=before))
    still_open = select(delivery.c.id).where(is_open(since=before))
    its_receipt = exists().where(outbox.c.blob == original.c.sha256, outbox.c.delivery.in_(still_open))
    return (
        original.c.forgotten_at.is_(None),
        original.c.stored_at < before,
        ~its_delivery,
        ~its_receipt,
    )


def _counted(rows: Sequence[Row[tuple[int, datetime]]]) -> Counted:
    times = [row.stored_at for row in rows]
    return Counted(
        count=len(rows),
        bytes=sum(row.bytes for row in rows),
        first=min(times, default=None),
        last=max(times, default=None),
    )
