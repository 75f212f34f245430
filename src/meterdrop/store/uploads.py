"""Which uploads have been taken already?"""

from collections.abc import Collection

from sqlalchemy import Connection, select

from meterdrop.store.schema import delivery


def known(connection: Connection, uploads: Collection[str]) -> frozenset[str]:
    """Those of these uploads that have a delivery."""
    rows = connection.execute(select(delivery.c.upload).where(delivery.c.upload.in_(uploads)))
    return frozenset(row.upload for row in rows)
