"""A quarantined device says whose it is, a quarantined reading how good its kind is."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One step forward; of lines that wait already it is not known: they are the sender's, and actual readings."""
    op.add_column("quarantine", sa.Column("owner", sa.String(length=64)))
    op.add_column("quarantine", sa.Column("kind_rank", sa.Integer))


def downgrade() -> None:
    """There is no way back: restore the backup made before the upgrade."""
    raise NotImplementedError("restore the backup made before the upgrade")
