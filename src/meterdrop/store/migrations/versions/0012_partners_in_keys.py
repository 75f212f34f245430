"""Lines set aside and findings know their partner; on PostgreSQL every key of a partner's rows has the partner in it.

So that the tables can be spread over several servers by partner (Citus asks for that, and for no other unique keys).
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_NEW: Final = ("quarantine", "finding", "finding_history")
_KEYS: Final = {
    "delivery": "id, partner",
    "device": "id, partner",
    "reading_history": "id, partner",
    "quarantine": "id, partner",
    "outbox": "id, partner",
    "record": "delivery, line, partner",
    "finding": "delivery, line, number, partner",
    "finding_history": "delivery, line, number, partner",
}
_ASKED_NO_MORE: Final = {
    "delivery": ("duplicate_of", "parent"),
    "device": ("delivery",),
    "outbox": ("delivery",),
    "delivery_wait": ("delivery",),
}
"""Foreign keys to what has the partner in its key now."""


def upgrade() -> None:
    """One step forward; all rows are kept."""
    for table in _NEW:
        op.add_column(
            table, sa.Column("partner", sa.String(length=64), nullable=False, server_default=sa.text("''"))
        )
        op.execute(
            f"UPDATE {table} SET partner = (SELECT partner FROM delivery WHERE delivery.id = {table}.delivery)"  # noqa: S608 - our own names
        )
    if op.get_bind().dialect.name == "postgresql":
        _rekey()


def _rekey() -> None:
    for table, columns in _ASKED_NO_MORE.items():
        for column in columns:
            op.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS fk_{table}_{column}")
    for table, key in _KEYS.items():
        name = sa.inspect(op.get_bind()).get_pk_constraint(table)["name"]
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT pk_{table} PRIMARY KEY ({key})")
    op.execute("ALTER TABLE delivery DROP CONSTRAINT uq_delivery_upload")
    op.execute("ALTER TABLE delivery ADD CONSTRAINT uq_delivery_upload UNIQUE (upload, partner)")


def downgrade() -> None:
    """There is no way back but the backup."""
    raise NotImplementedError("restore the backup made before the upgrade")
