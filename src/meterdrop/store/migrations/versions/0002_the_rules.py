"""Quarantined lines are named by delivery and line, findings tell what a cell was compared with."""

import sqlalchemy as sa
from alembic import op

from meterdrop.store.columns import UtcTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_LINKED = ("reading", "reading_history", "record")


def upgrade() -> None:
    """One step forward; all rows are kept."""
    op.create_table(
        "rule_set",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_set")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_rule_set_fingerprint")),
    )
    op.execute(
        "INSERT INTO rule_set (fingerprint) SELECT DISTINCT rules FROM quarantine WHERE rules IS NOT NULL"
    )
    op.add_column(
        "delivery", sa.Column("waiting", sa.BigInteger(), server_default=sa.text("0"), nullable=False)
    )
    op.add_column(
        "delivery", sa.Column("returned", sa.BigInteger(), server_default=sa.text("0"), nullable=False)
    )
    op.add_column("delivery", sa.Column("released", sa.String(length=8)))
    for counted, state in (("waiting", "open"), ("returned", "returned")):
        op.execute(
            f"UPDATE delivery SET {counted} = (SELECT count(*) FROM quarantine "  # noqa: S608 - our own words
            f"WHERE quarantine.delivery = delivery.id AND quarantine.state = '{state}')"
        )
    for table in ("reading", "reading_history"):
        op.add_column(
            table, sa.Column("delta", sa.Boolean(), server_default=sa.text("false"), nullable=False)
        )
    _add_to_devices()
    _move_quarantine()
    _move_findings()
    header_changed = sa.text("what = 'header.changed'")
    op.create_index(
        "ix_event_header_changed",
        "event",
        ["at"],
        sqlite_where=header_changed,
        postgresql_where=header_changed,
    )


def _add_to_devices() -> None:
    op.add_column("device", sa.Column("stated_to", sa.Date()))
    op.add_column("device", sa.Column("replaces_key", sa.String(length=64)))
    op.add_column(
        "device", sa.Column("seen_in", sa.BigInteger(), server_default=sa.text("0"), nullable=False)
    )
    # An end on the day another device begins at the place, or the same one elsewhere, came of that; others were stated.
    op.execute("UPDATE device SET seen_in = delivery, stated_to = installed_to")
    op.execute(
        "UPDATE device SET stated_to = NULL WHERE installed_to IS NOT NULL AND EXISTS (SELECT 1 FROM device AS other "
        "WHERE other.partner = device.partner AND other.installed_from = device.installed_to AND (other.serial_key "
        "= device.serial_key OR (other.location = device.location AND other.media = device.media "
        "AND other.room = device.room AND other.seq = device.seq)))"
    )


def _move_quarantine() -> None:
    op.create_table(
        "new_quarantine",
        sa.Column("id", _KEY, autoincrement=False, nullable=False),
        sa.Column("delivery", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("serial_key", sa.String(length=64)),
        sa.Column("day", sa.Date()),
        sa.Column("corrected_raw", sa.LargeBinary()),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("rule_set", _KEY),
        sa.Column("register_version", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("partner_version", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("resolved_at", UtcTime(length=27)),
        sa.Column("resolved_by", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.Column("reading_device", sa.BigInteger()),
        sa.Column("reading_day", sa.Date()),
        sa.Column("successor_delivery", _KEY),
        sa.Column("successor_line", sa.BigInteger()),
        sa.CheckConstraint("id = delivery * 100000000 + line", name=op.f("ck_quarantine_id")),
        sa.CheckConstraint(
            "state = 'open' or "
            "state in ('open', 'corrected', 'accepted', 'dismissed', 'superseded', 'returned')",
            name=op.f("ck_quarantine_state"),
        ),
        sa.ForeignKeyConstraint(["delivery"], ["delivery.id"], name=op.f("fk_quarantine_delivery")),
        sa.ForeignKeyConstraint(["rule_set"], ["rule_set.id"], name=op.f("fk_quarantine_rule_set")),
        sa.ForeignKeyConstraint(
            ["successor_delivery"], ["delivery.id"], name=op.f("fk_quarantine_successor_delivery")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_new_quarantine")),
    )
    same = (
        "line, raw, corrected_raw, state, version, register_version, resolved_at, resolved_by, reason, "
        "reading_device, reading_day"
    )
    op.execute(
        f"INSERT INTO new_quarantine (id, delivery, rule_set, {same}) "  # noqa: S608 - our own words
        "SELECT delivery * 100000000 + line, delivery, "
        f"(SELECT rule_set.id FROM rule_set WHERE fingerprint = rules), {same} FROM quarantine"
    )
    # The links go out of the way while their target is replaced.
    for table in _LINKED:
        op.add_column(table, sa.Column("old_quarantine", sa.BigInteger()))
        op.execute(f"UPDATE {table} SET old_quarantine = quarantine, quarantine = NULL")  # noqa: S608
    op.execute(
        "CREATE TEMPORARY TABLE moved_line AS "
        "SELECT id AS old_id, delivery * 100000000 + line AS new_id FROM quarantine"
    )
    _replace_quarantine()
    for table in _LINKED:
        op.execute(
            f"UPDATE {table} SET quarantine = (SELECT new_id FROM moved_line WHERE old_id = old_quarantine) "  # noqa: S608
            "WHERE old_quarantine IS NOT NULL"
        )
        op.drop_column(table, "old_quarantine")
    op.execute("DROP TABLE moved_line")


def _replace_quarantine() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table in _LINKED:
            op.drop_constraint(f"fk_{table}_quarantine", table, type_="foreignkey")
        op.drop_table("quarantine")
        op.rename_table("new_quarantine", "quarantine")
        for table in _LINKED:
            op.create_foreign_key(f"fk_{table}_quarantine", table, "quarantine", ["quarantine"], ["id"])
        return
    op.drop_table("quarantine")
    op.rename_table("new_quarantine", "quarantine")


def _move_findings() -> None:
    op.create_table(
        "new_finding",
        sa.Column("delivery", _KEY, autoincrement=False, nullable=False),
        sa.Column("line", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("severity", sa.String(length=8), nullable=False),
        sa.Column("column", sa.Text()),
        sa.Column("value", sa.Text()),
        sa.Column("against", sa.Text()),
        sa.ForeignKeyConstraint(["delivery"], ["delivery.id"], name=op.f("fk_finding_delivery")),
        sa.PrimaryKeyConstraint("delivery", "line", "number", name=op.f("pk_new_finding")),
        sqlite_with_rowid=False,
    )
    op.execute(
        'INSERT INTO new_finding (delivery, line, number, code, severity, "column", value) '
        "SELECT delivery, coalesce(line, 0), "
        "row_number() OVER (PARTITION BY delivery, coalesce(line, 0) ORDER BY id) - 1, "
        'code, severity, "column", value FROM finding'
    )
    op.drop_table("finding")
    op.rename_table("new_finding", "finding")


def downgrade() -> None:
    """There is no way back: restore the backup made before the upgrade."""
    raise NotImplementedError("restore the backup made before the upgrade")
