"""Who did what, when and why? Append-only, in the same transaction as the act."""

from datetime import datetime

from sqlalchemy import Connection, insert, select

from meterdrop.store.schema import event


def tell(
    connection: Connection,
    *,
    at: datetime,
    who: str,
    what: str,
    partner: str | None = None,
    delivery: int | None = None,
    line: int | None = None,
    before: object = None,
    after: object = None,
    why: str | None = None,
) -> None:
    """Adds to the audit; nothing ever takes away from it."""
    connection.execute(
        insert(event).values(
            at=at,
            who=who,
            what=what,
            partner=partner,
            delivery=delivery,
            line=line,
            before=before,
            after=after,
            why=why,
        )
    )


def of_delivery(connection: Connection, *, delivery: int) -> list[dict[str, object]]:
    """All that was done to a delivery, in order."""
    rows = connection.execute(select(event).where(event.c.delivery == delivery).order_by(event.c.id))
    return [dict(row._mapping) for row in rows]
