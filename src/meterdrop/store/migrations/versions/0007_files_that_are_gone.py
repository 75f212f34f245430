"""Which files of watched folders are gone, and since when."""

import sqlalchemy as sa
from alembic import op

from meterdrop.store.columns import UtcTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One step forward; the next look finds out who is gone."""
    op.add_column("watched", sa.Column("gone_at", UtcTime(length=27)))
    op.create_index("ix_watched_partner_gone_at", "watched", ["partner", "gone_at"])


def downgrade() -> None:
    """There is no way back: restore the backup made before the upgrade."""
    raise NotImplementedError("restore the backup made before the upgrade")
