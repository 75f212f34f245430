"""Which receipts are past their time? Letters of the outbox whose files are to be taken away, and then they themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, delete, exists, func, select, update

from meterdrop.store.originals import Counted
from meterdrop.store.schema import delivery, original, outbox
from meterdrop.store.settled import is_open

_LATER: Final = outbox.alias("later")


@dataclass(frozen=True)
class OldLetter:
    """A letter past its time. `stands`: its file may lie in the partner's folder, and is the last of its name there."""

    id: int
    name: str
    content: bytes | None
    blob: str | None
    stands: bool


def partners_past(connection: Connection, *, before: datetime) -> tuple[str, ...]:
    """Whose receipts `end_some` would end."""
    wanted = select(outbox.c.partner).where(*_past(before)).distinct().order_by(outbox.c.partner)
    return tuple(connection.execute(wanted).scalars())


def count_past(connection: Connection, *, before: datetime) -> Counted:
    """How many files `end_some` would end, all in all."""
    return _counted(connection, *_past(before))


def end_some(connection: Connection, *, partner: str, before: datetime, now: datetime, most: int) -> Counted:
    """Ends receipts of some deliveries of a partner: those that nobody waits for, all written before a moment."""
    some = select(outbox.c.delivery).where(*_past(before), outbox.c.partner == partner)
    keys = connection.execute(some.distinct().order_by(outbox.c.delivery).limit(most)).scalars().all()
    # A letter that is written down meanwhile, of a delivery that goes on after all, is none of these.
    theirs = [outbox.c.delivery.in_(keys), outbox.c.ended_at.is_(None), outbox.c.written_at < before]
    counted = _counted(connection, *theirs)
    connection.execute(update(outbox).where(*theirs).values(ended_at=now))
    return counted


def partners_ended(connection: Connection) -> tuple[str, ...]:
    """Who has ended receipts whose files may be there still."""
    wanted = select(outbox.c.partner).where(outbox.c.ended_at.is_not(None))
    return tuple(connection.execute(wanted.distinct().order_by(outbox.c.partner)).scalars())


def ended(connection: Connection, *, partner: str, most: int) -> tuple[OldLetter, ...]:
    """Some ended letters of a partner, the oldest first."""
    rows = connection.execute(
        select(
            outbox.c.id, outbox.c.name, outbox.c.content, outbox.c.blob, (~_is_followed()).label("is_last")
        )
        .where(outbox.c.partner == partner, outbox.c.ended_at.is_not(None))
        .order_by(outbox.c.id)
        .limit(most)
    )
    return tuple(
        OldLetter(
            id=row.id,
            name=row.name,
            content=row.content,
            blob=row.blob,
            stands=bool(row.is_last) and not (row.content is None and row.blob is None),
        )
        for row in rows
    )


def drop(connection: Connection, ids: Sequence[int]) -> None:
    """These letters are done with: their files are gone, or no files of ours.

    Rejects files stay kept for as long as their delivery's original: that they were last needed with it is noted.
    """
    last = (
        select(func.max(delivery.c.finished_at))
        .select_from(outbox.join(delivery, delivery.c.id == outbox.c.delivery))
        .where(outbox.c.blob == original.c.sha256, outbox.c.id.in_(ids))
        .correlate(original)
        .scalar_subquery()
    )
    blobs = select(outbox.c.blob).where(outbox.c.id.in_(ids), outbox.c.blob.is_not(None))
    connection.execute(
        update(original)
        .where(original.c.sha256.in_(blobs), original.c.stored_at < last)
        .values(stored_at=last)
    )
    connection.execute(delete(outbox).where(outbox.c.id.in_(ids)))


def _past(before: datetime) -> tuple[ColumnElement[bool], ...]:
    """Not ended yet, of a delivery that is not open since then, and whose last letter was written before."""
    still_open = select(delivery.c.id).where(is_open(since=before))
    written_since = select(outbox.c.delivery).where(outbox.c.written_at >= before)
    return (
        outbox.c.ended_at.is_(None),
        outbox.c.delivery.not_in(still_open),
        outbox.c.delivery.not_in(written_since),
    )


def _is_followed() -> ColumnElement[bool]:
    """Whether there is a later letter of the same file."""
    return exists().where(
        _LATER.c.delivery == outbox.c.delivery, _LATER.c.name == outbox.c.name, _LATER.c.id > outbox.c.id
    )


def _counted(connection: Connection, *wanted: ColumnElement[bool]) -> Counted:
    """Of these letters, the files that they put into the folder and that no later one replaced."""
    size = func.coalesce(func.length(outbox.c.content), original.c.bytes, 0)
    told = connection.execute(
        select(
            func.count(),
            func.sum(size),
            func.min(outbox.c.written_at, type_=outbox.c.written_at.type),
            func.max(outbox.c.written_at, type_=outbox.c.written_at.type),
        )
        .select_from(outbox.outerjoin(original, original.c.sha256 == outbox.c.blob))
        .where(*wanted, ~outbox.c.removes, ~_is_followed())
    ).one()
    return Counted(count=told[0], bytes=int(told[1] or 0), first=told[2], last=told[3])
