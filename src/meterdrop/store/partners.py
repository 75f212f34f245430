"""Who may send us what? Partners, and the version of what each has stored."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, Row, insert, select, update

from meterdrop.model.partner import Partner
from meterdrop.store.schema import delivery, partner


def add(connection: Connection, *, id: str, name: str, group: int, now: datetime) -> None:
    """A new partner, or the old one with this name and group, active again."""
    if find(connection, id) is None:
        connection.execute(
            insert(partner).values(id=id, name=name, group_number=group, active=True, created_at=now)
        )
        return
    connection.execute(
        update(partner).where(partner.c.id == id).values(name=name, group_number=group, active=True)
    )


def find(connection: Connection, id: str) -> Partner | None:
    """The partner, or None."""
    row = connection.execute(select(partner).where(partner.c.id == id)).one_or_none()
    return None if row is None else _partner(row)


def known(connection: Connection, ids: Collection[str]) -> frozenset[str]:
    """Which of these are partners."""
    return frozenset(row.id for row in connection.execute(select(partner.c.id).where(partner.c.id.in_(ids))))


def lock(connection: Connection, ids: Collection[str]) -> None:
    """Until this transaction ends nobody else changes these partners' registers and readings.

    Uploads of theirs can still be received. SQLite has one writer at a time anyway.
    """
    wanted = select(partner.c.id).where(partner.c.id.in_(ids)).order_by(partner.c.id)
    connection.execute(wanted.with_for_update(key_share=True)).all()


def is_active(connection: Connection, id: str) -> bool:
    """Whether something may be taken from this partner; False for nobody, too."""
    active: bool | None = connection.execute(
        select(partner.c.active).where(partner.c.id == id)
    ).scalar_one_or_none()
    return bool(active)


def register_version(connection: Connection, id: str) -> int:
    """How often this partner's register changed; 0 where there is no such partner."""
    wanted = select(partner.c.register_version).where(partner.c.id == id)
    return connection.execute(wanted).scalar_one_or_none() or 0


def of_delivery(connection: Connection, key: int) -> str:
    """Who sent a delivery."""
    who: str = connection.execute(select(delivery.c.partner).where(delivery.c.id == key)).scalar_one()
    return who


def all_partners(connection: Connection) -> tuple[Partner, ...]:
    """Every partner by id."""
    return tuple(_partner(row) for row in connection.execute(select(partner).order_by(partner.c.id)))


def disable(connection: Connection, id: str) -> None:
    """Nothing more is taken from this partner; all that came stays."""
    connection.execute(update(partner).where(partner.c.id == id).values(active=False))


def raise_version(connection: Connection, id: str) -> int:
    """Says that this partner's register or readings changed; returns the new version."""
    version: int = connection.execute(
        update(partner)
        .where(partner.c.id == id)
        .values(version=partner.c.version + 1)
        .returning(partner.c.version)
    ).scalar_one()
    return version


def raise_register_version(connection: Connection, id: str) -> None:
    """Says that this partner's register changed."""
    connection.execute(
        update(partner)
        .where(partner.c.id == id)
        .values(version=partner.c.version + 1, register_version=partner.c.register_version + 1)
    )


def _partner(row: Row[tuple[object, ...]]) -> Partner:
    return Partner(
        id=row.id,
        name=row.name,
        group=row.group_number,
        active=row.active,
        version=row.version,
        register_version=row.register_version,
    )
