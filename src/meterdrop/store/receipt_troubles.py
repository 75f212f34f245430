"""Which receipts could not be written, why, and when are they tried again?"""

from collections.abc import Iterable

from sqlalchemy import Connection, delete, insert, select

from meterdrop.model.waiting import ReceiptTrouble
from meterdrop.store.schema import receipt_trouble

_WHOLE_FOLDER = ""


def all_troubles(connection: Connection, *, partner: str | None = None) -> tuple[ReceiptTrouble, ...]:
    """By partner and name; of one partner, if it is given."""
    wanted = select(receipt_trouble).order_by(receipt_trouble.c.partner, receipt_trouble.c.name)
    rows = connection.execute(
        wanted if partner is None else wanted.where(receipt_trouble.c.partner == partner)
    )
    return tuple(
        ReceiptTrouble(
            partner=row.partner,
            name=row.name or None,
            error=row.error,
            why=row.why,
            since=row.since,
            tries=row.tries,
            again_at=row.again_at,
        )
        for row in rows
    )


def note(connection: Connection, trouble: ReceiptTrouble) -> None:
    """It is so now."""
    end(connection, [(trouble.partner, trouble.name)])
    connection.execute(
        insert(receipt_trouble).values(
            partner=trouble.partner,
            name=trouble.name or _WHOLE_FOLDER,
            error=trouble.error,
            why=trouble.why,
            since=trouble.since,
            tries=trouble.tries,
            again_at=trouble.again_at,
        )
    )


def end(connection: Connection, of: Iterable[tuple[str, str | None]]) -> None:
    """These can be written again: partner, and name or None for the folder."""
    for partner, name in of:
        connection.execute(
            delete(receipt_trouble).where(
                receipt_trouble.c.partner == partner, receipt_trouble.c.name == (name or _WHOLE_FOLDER)
            )
        )
