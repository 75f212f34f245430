"""What retention ended: originals, receipts, and readings that were thinned."""

import sqlalchemy as sa
from alembic import op

from meterdrop.store.columns import UtcTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_NOT_ERASED = sa.text("forgotten_at is not null and erased_at is null")
_BLOB = sa.text("blob is not null")
_ENDED = sa.text("ended_at is not null")


def upgrade() -> None:
    """One step forward. Rejects files are written down as originals are; how long those of before are is not known."""
    op.add_column("original", sa.Column("forgotten_at", UtcTime(length=27)))
    op.add_column("original", sa.Column("erased_at", UtcTime(length=27)))
    op.create_index(
        "ix_original_not_erased",
        "original",
        ["forgotten_at"],
        sqlite_where=_NOT_ERASED,
        postgresql_where=_NOT_ERASED,
    )
    op.add_column("outbox", sa.Column("ended_at", UtcTime(length=27)))
    op.create_index("ix_outbox_delivery", "outbox", ["delivery"])
    op.create_index("ix_outbox_blob", "outbox", ["blob"], sqlite_where=_BLOB, postgresql_where=_BLOB)
    op.create_index("ix_outbox_ended", "outbox", ["partner"], sqlite_where=_ENDED, postgresql_where=_ENDED)
    op.execute(
        "INSERT INTO original (sha256, bytes, stored_at) SELECT blob, 0, max(created_at) FROM outbox "
        "WHERE blob IS NOT NULL AND blob NOT IN (SELECT sha256 FROM original) GROUP BY blob"
    )
    op.create_table(
        "old_readings",
        sa.Column("partner", sa.String(length=64), nullable=False),
        sa.Column("thinned_before", sa.Date()),
        sa.Column("gone_before", sa.Date()),
        sa.ForeignKeyConstraint(["partner"], ["partner.id"], name=op.f("fk_old_readings_partner")),
        sa.PrimaryKeyConstraint("partner", name=op.f("pk_old_readings")),
    )


def downgrade() -> None:
    """There is no way back but the backup."""
    raise NotImplementedError("restore the backup made before the upgrade")
