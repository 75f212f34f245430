"""What was done and what was replaced on one day is found by its time."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One step forward; rows stay as they are."""
    op.create_index("ix_event_at", "event", ["at"])
    op.create_index("ix_reading_history_superseded_at", "reading_history", ["superseded_at"])
