"""Which lines of the audit are past their time? Never those of a delivery about which something is to be done."""

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, func, or_, select

from meterdrop.store.originals import Counted
from meterdrop.store.schema import delivery, event
from meterdrop.store.settled import is_open


def count_past(connection: Connection, *, before: datetime) -> Counted:
    """What `drop_some` would take away, all in all; nobody knows how many bytes that is."""
    told = connection.execute(
        select(
            func.count(),
            func.min(event.c.at, type_=event.c.at.type),
            func.max(event.c.at, type_=event.c.at.type),
        ).where(*_past(before))
    ).one()
    return Counted(count=told[0], bytes=0, first=told[1], last=told[2])


def drop_some(connection: Connection, *, before: datetime, most: int) -> Counted:
    """Takes the oldest ones away that were told before a moment."""
    wanted = select(event.c.id, event.c.at).where(*_past(before)).order_by(event.c.at, event.c.id)
    rows = connection.execute(wanted.limit(most)).all()
    connection.execute(delete(event).where(event.c.id.in_([row.id for row in rows])))
    times = [row.at for row in rows]
    return Counted(count=len(rows), bytes=0, first=min(times, default=None), last=max(times, default=None))


def _past(before: datetime) -> tuple[ColumnElement[bool], ...]:
    still_open = select(delivery.c.id).where(is_open(since=before))
    return event.c.at < before, or_(event.c.delivery.is_(None), event.c.delivery.not_in(still_open))
