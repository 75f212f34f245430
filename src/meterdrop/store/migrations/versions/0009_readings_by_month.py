"""PostgreSQL keeps readings by month, and asks no foreign key for each of millions of rows; SQLite stays as it is."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_MANY_ROWS = {
    "reading": ("partner", "device", "delivery", "quarantine"),
    "reading_history": ("partner", "device", "delivery", "quarantine", "superseded_by"),
    "quarantine": ("delivery", "rule_set", "successor_delivery"),
    "finding": ("delivery",),
    "finding_history": ("delivery",),
    "record": ("delivery", "partner", "quarantine"),
}


def upgrade() -> None:
    """One step forward; all rows are kept."""
    if op.get_bind().dialect.name != "postgresql":
        return
    for table, columns in _MANY_ROWS.items():
        for column in columns:
            op.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS fk_{table}_{column}")
    op.execute("ALTER TABLE reading RENAME TO reading_unparted")
    op.execute("ALTER TABLE reading_unparted RENAME CONSTRAINT pk_reading TO pk_reading_unparted")
    op.execute(
        "CREATE TABLE reading (LIKE reading_unparted INCLUDING DEFAULTS INCLUDING CONSTRAINTS, "
        "CONSTRAINT pk_reading PRIMARY KEY (partner, device, day)) PARTITION BY RANGE (day)"
    )
    op.execute(
        """
        DO $$
        DECLARE start date;
        BEGIN
          FOR start IN SELECT DISTINCT date_trunc('month', day)::date FROM reading_unparted LOOP
            EXECUTE format('CREATE TABLE %I PARTITION OF reading FOR VALUES FROM (%L) TO (%L)',
              'reading_' || to_char(start, 'YYYY_MM'), start, (start + interval '1 month')::date);
          END LOOP;
        END $$
        """
    )
    op.execute("INSERT INTO reading SELECT * FROM reading_unparted ORDER BY partner, device, day")
    op.execute("DROP TABLE reading_unparted")


def downgrade() -> None:
    """There is no way back but the backup."""
    raise NotImplementedError("restore the backup made before the upgrade")
