"""What must still be written to partners' folders? Rows of the same transaction as what they tell."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, or_, select, update

from meterdrop.store.schema import outbox


@dataclass(frozen=True)
class Letter:
    """A file for a partner's receipts: its content, or the blob that has it, or that it must go."""

    id: int
    partner: str
    name: str
    content: bytes | None
    blob: str | None
    removes: bool


def put(
    connection: Connection,
    *,
    partner: str,
    delivery: int,
    name: str,
    now: datetime,
    content: bytes | None = None,
    blob: str | None = None,
) -> None:
    """Asks for a file; with neither content nor blob, for the file to be taken away."""
    connection.execute(
        insert(outbox).values(
            partner=partner,
            delivery=delivery,
            name=name,
            content=content,
            blob=blob,
            removes=content is None and blob is None,
            created_at=now,
        )
    )


def unwritten(
    connection: Connection, *, partner: str, after: int = 0, limit: int = 500
) -> tuple[Letter, ...]:
    """What is to be written for a partner, the oldest first; only letters after this one."""
    rows = connection.execute(
        select(outbox)
        .where(outbox.c.written_at.is_(None), outbox.c.partner == partner, outbox.c.id > after)
        .order_by(outbox.c.id)
        .limit(limit)
    )
    return tuple(
        Letter(
            id=row.id,
            partner=row.partner,
            name=row.name,
            content=row.content,
            blob=row.blob,
            removes=row.removes,
        )
        for row in rows
    )


def mark_written(connection: Connection, *, ids: list[int], now: datetime) -> None:
    """These are in the partners' folders."""
    connection.execute(update(outbox).where(outbox.c.id.in_(ids)).values(written_at=now))


def stands(connection: Connection, *, delivery: int, name: str) -> bool:
    """Whether this file is in the partner's folder, or will be; not, if its retention ended."""
    last = connection.execute(
        select(or_(outbox.c.removes, outbox.c.ended_at.is_not(None)))
        .where(outbox.c.delivery == delivery, outbox.c.name == name)
        .order_by(outbox.c.id.desc())
        .limit(1)
    ).scalar_one_or_none()
    return last is False


def partners_waiting(connection: Connection, *, since: datetime | None = None) -> tuple[str, ...]:
    """Whose receipts wait to be written; with `since`, only those that wait since then or longer."""
    wanted = select(outbox.c.partner).where(outbox.c.written_at.is_(None))
    if since is not None:
        wanted = wanted.where(outbox.c.created_at <= since)
    rows = connection.execute(wanted.distinct().order_by(outbox.c.partner))
    return tuple(row.partner for row in rows)


def count_of_partner(connection: Connection, *, partner: str, name: str | None) -> int:
    """How many receipts of this partner wait to be written, or of these only the ones under that name."""
    wanted = (
        select(func.count())
        .select_from(outbox)
        .where(outbox.c.written_at.is_(None), outbox.c.partner == partner)
    )
    return connection.execute(wanted if name is None else wanted.where(outbox.c.name == name)).scalar_one()


def count_unwritten(connection: Connection) -> int:
    """How many receipts wait to be written."""
    return connection.execute(
        select(func.count()).select_from(outbox).where(outbox.c.written_at.is_(None))
    ).scalar_one()
