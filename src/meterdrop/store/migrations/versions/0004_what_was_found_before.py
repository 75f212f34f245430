"""What was found in a line is kept when it ends."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """One step forward; of lines that ended before nothing is known any more."""
    op.create_table(
        "finding_history",
        sa.Column("delivery", _KEY, autoincrement=False, nullable=False),
        sa.Column("line", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("severity", sa.String(length=8), nullable=False),
        sa.Column("column", sa.Text()),
        sa.Column("value", sa.Text()),
        sa.Column("against", sa.Text()),
        sa.ForeignKeyConstraint(["delivery"], ["delivery.id"], name=op.f("fk_finding_history_delivery")),
        sa.PrimaryKeyConstraint("delivery", "line", "number", name=op.f("pk_finding_history")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """There is no way back: restore the backup made before the upgrade."""
    raise NotImplementedError("restore the backup made before the upgrade")
