"""Which deliveries wait for room on the disk? Written when one is tried in vain, taken away when it is settled."""

from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select, update

from meterdrop.model.delivery import UNFINISHED
from meterdrop.model.waiting import WaitingDelivery
from meterdrop.store.schema import delivery, delivery_wait


def note(connection: Connection, *, delivery: int, needed: int | None, now: datetime) -> None:
    """It was tried and waits; since then, if it did not wait before."""
    changed = connection.execute(
        update(delivery_wait).where(delivery_wait.c.delivery == delivery).values(needed=needed, tried_at=now)
    ).rowcount
    if changed == 0:
        connection.execute(
            insert(delivery_wait).values(delivery=delivery, needed=needed, since=now, tried_at=now)
        )


def end(connection: Connection, *, delivery: int) -> None:
    """It waits no longer, or not for room."""
    connection.execute(delete(delivery_wait).where(delivery_wait.c.delivery == delivery))


def for_room(connection: Connection) -> tuple[WaitingDelivery, ...]:
    """Deliveries that wait for room, the longest waiting first, and how many of the same partner wait behind each."""
    rows = connection.execute(
        select(delivery, delivery_wait)
        .join(delivery_wait, delivery_wait.c.delivery == delivery.c.id)
        .where(delivery.c.state.in_(UNFINISHED))
        .order_by(delivery_wait.c.since, delivery.c.id)
    ).all()
    return tuple(
        WaitingDelivery(
            delivery=row.id,
            upload=row.upload,
            partner=row.partner,
            path=row.path,
            received_at=row.received_at,
            needed=row.needed,
            since=row.since,
            tried_at=row.tried_at,
            behind=_behind(connection, partner=row.partner, key=row.id, received_at=row.received_at),
        )
        for row in rows
    )


def _behind(connection: Connection, *, partner: str, key: int, received_at: datetime) -> int:
    later = (delivery.c.received_at > received_at) | (
        (delivery.c.received_at == received_at) & (delivery.c.id > key)
    )
    return connection.execute(
        select(func.count())
        .select_from(delivery)
        .where(delivery.c.partner == partner, delivery.c.state.in_(UNFINISHED), later)
    ).scalar_one()
