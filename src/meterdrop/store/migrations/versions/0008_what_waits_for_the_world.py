"""What waits until the world is mended: deliveries for room on the disk, receipts for a folder that can be written to."""

import sqlalchemy as sa
from alembic import op

from meterdrop.store.columns import UtcTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """One step forward: two new tables."""
    op.create_table(
        "delivery_wait",
        sa.Column("delivery", _KEY, autoincrement=False, nullable=False),
        sa.Column("needed", sa.BigInteger()),
        sa.Column("since", UtcTime(length=27), nullable=False),
        sa.Column("tried_at", UtcTime(length=27), nullable=False),
        sa.ForeignKeyConstraint(["delivery"], ["delivery.id"], name=op.f("fk_delivery_wait_delivery")),
        sa.PrimaryKeyConstraint("delivery", name=op.f("pk_delivery_wait")),
    )
    op.create_table(
        "receipt_trouble",
        sa.Column("partner", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("error", sa.String(length=32), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("since", UtcTime(length=27), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("again_at", UtcTime(length=27), nullable=False),
        sa.ForeignKeyConstraint(["partner"], ["partner.id"], name=op.f("fk_receipt_trouble_partner")),
        sa.PrimaryKeyConstraint("partner", "name", name=op.f("pk_receipt_trouble")),
    )


def downgrade() -> None:
    """There is no way back: restore the backup made before the upgrade."""
    raise NotImplementedError("restore the backup made before the upgrade")
