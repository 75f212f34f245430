"""Workers on several machines: who they are, and on PostgreSQL the tables of Procrastinate, which deals out their jobs."""

from typing import Any, Final

import sqlalchemy as sa
from alembic import op

from meterdrop.store.columns import UtcTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

PROCRASTINATE: Final = "3.10"
"""Whose tables these are; a later version of it needs a migration of ours that takes the steps between."""


def upgrade() -> None:
    """One step forward: a new table, and those of Procrastinate."""
    op.create_table(
        "worker",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("concurrency", sa.Integer(), nullable=False),
        sa.Column("since", UtcTime(length=27), nullable=False),
        sa.Column("seen_at", UtcTime(length=27), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_worker")),
    )
    if op.get_bind().dialect.name == "postgresql":
        from procrastinate.schema import SchemaManager

        # By the driver itself: many statements at once, which SQLAlchemy can't.
        driver: Any = op.get_bind().connection.driver_connection
        driver.execute(SchemaManager.get_schema())


def downgrade() -> None:
    """There is no way back but the backup."""
    raise NotImplementedError("restore the backup made before the upgrade")
