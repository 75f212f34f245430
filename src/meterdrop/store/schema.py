"""Which tables are there? See docs/glossary.md for the words; the line law is a CHECK of `delivery`."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from meterdrop.model.delivery import State
from meterdrop.model.line_state import LineState
from meterdrop.store.columns import Bytes, ExactDecimal, JsonText, UtcTime
from meterdrop.store.metadata import KEY
from meterdrop.store.metadata import metadata as metadata
from meterdrop.store.schema_outside import delivery_wait as delivery_wait
from meterdrop.store.schema_outside import receipt_trouble as receipt_trouble
from meterdrop.store.schema_outside import watched as watched
from meterdrop.store.schema_outside import worker as worker

_STATES = ", ".join(f"'{state.value}'" for state in State)
_LINE_STATES = ", ".join(f"'{state.value}'" for state in LineState)

partner = Table(
    "partner",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("group_number", Integer, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("version", BigInteger, nullable=False, server_default=text("0")),
    Column("register_version", BigInteger, nullable=False, server_default=text("0")),
    Column("created_at", UtcTime, nullable=False),
    # Alembic writes down only the checks of tables, not those of columns.
    CheckConstraint("group_number in (1, 2)", name="group"),
)

original = Table(
    "original",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("bytes", BigInteger, nullable=False),
    # When somebody brought these bytes last.
    Column("stored_at", UtcTime, nullable=False),
    # When their retention ended: nobody reads them from then on. Their file goes after that.
    Column("forgotten_at", UtcTime),
    Column("erased_at", UtcTime),
    Index(
        "ix_original_not_erased",
        "forgotten_at",
        sqlite_where=text("forgotten_at is not null and erased_at is null"),
        postgresql_where=text("forgotten_at is not null and erased_at is null"),
    ),
)

delivery = Table(
    "delivery",
    metadata,
    Column("id", KEY, primary_key=True),
    Column("upload", String(64), nullable=False, unique=True),
    Column("partner", ForeignKey("partner.id"), nullable=False),
    Column("path", Text, nullable=False),
    Column("file", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("received_at", UtcTime, nullable=False),
    Column("opened_at", UtcTime),
    Column("key", Text),
    Column("address", Text),
    Column("client", Text),
    Column("asked_feed", String(64)),
    Column("state", String(20), nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("feed", String(64)),
    Column("finished_at", UtcTime),
    Column("physical", BigInteger, nullable=False, server_default=text("0")),
    Column("header", BigInteger, nullable=False, server_default=text("0")),
    Column("accepted", BigInteger, nullable=False, server_default=text("0")),
    Column("quarantined", BigInteger, nullable=False, server_default=text("0")),
    Column("duplicate", BigInteger, nullable=False, server_default=text("0")),
    Column("blank", BigInteger, nullable=False, server_default=text("0")),
    Column("comment", BigInteger, nullable=False, server_default=text("0")),
    Column("continuation", BigInteger, nullable=False, server_default=text("0")),
    Column("findings_by_code", JsonText),
    Column("rules", String(64)),
    Column("encoding", String(20)),
    Column("bom", Integer, nullable=False, server_default=text("0")),
    Column("separator", String(1)),
    Column("header_line", BigInteger, nullable=False, server_default=text("0")),
    Column("header_raw", Bytes),
    Column("duplicate_of", ForeignKey("delivery.id")),
    Column("parent", ForeignKey("delivery.id")),
    Column("revision", Integer, nullable=False, server_default=text("0")),
    # How many of its quarantined lines still wait (are open): so that nobody has to count them.
    Column("waiting", BigInteger, nullable=False, server_default=text("0")),
    # How many of them are left to the partner.
    Column("returned", BigInteger, nullable=False, server_default=text("0")),
    # How a reviewer released it after it was held: `good` lines, or the `whole` of it; null: not at all.
    Column("released", String(8)),
    CheckConstraint(
        "physical = header + accepted + quarantined + duplicate + blank + comment + continuation",
        name="line_law",
    ),
    CheckConstraint(f"state in ({_STATES})", name="state"),
    Index("ix_delivery_partner_state", "partner", "state"),
    Index("ix_delivery_sha256", "sha256"),
    # The same bytes are loaded once: what the use case checks, the database guards.
    Index(
        "uq_delivery_loaded_once",
        "partner",
        "feed",
        "sha256",
        unique=True,
        sqlite_where=text("state in ('accepted', 'partly_accepted')"),
        postgresql_where=text("state in ('accepted', 'partly_accepted')"),
    ),
)

device = Table(
    "device",
    metadata,
    Column("id", KEY, primary_key=True),
    Column("partner", ForeignKey("partner.id"), nullable=False),
    Column("serial", String(64), nullable=False),
    Column("serial_key", String(64), nullable=False),
    Column("radio", String(64)),
    Column("radio_key", String(64)),
    Column("media", String(2), nullable=False),
    Column("unit", String(16)),
    Column("dimension", String(16)),
    Column("location", Text, nullable=False),
    Column("room", Text, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("installed_from", Date),
    Column("installed_to", Date),
    Column("correction", ExactDecimal, nullable=False),
    Column("radio_type", Text),
    Column("start_value", ExactDecimal),
    Column("end_value", ExactDecimal),
    Column("digits", Integer),
    Column("role", String(16), nullable=False),
    Column("replaces", String(64)),
    Column("manufacturer", Text),
    Column("verified_until", Date),
    Column("parent_serial", String(64)),
    Column("location_scheme", Text),
    # The end as its register stated it; `installed_to` also knows of ends that follow from other devices.
    Column("stated_to", Date),
    Column("replaces_key", String(64)),
    # The newest snapshot that named the device, and the delivery it came with.
    Column("seen_on", Date, nullable=False),
    Column("seen_in", BigInteger, nullable=False, server_default=text("0")),
    Column("delivery", ForeignKey("delivery.id"), nullable=False),
    Column("line", BigInteger, nullable=False),
    UniqueConstraint("partner", "serial_key", "installed_from"),
    Index("ix_device_partner_place", "partner", "location", "media", "room", "seq"),
)


def _reading_columns() -> list[Column[object]]:
    return [
        Column("value", Text, nullable=False),
        Column("unit", String(16)),
        Column("canonical_value", ExactDecimal, nullable=False),
        Column("canonical_unit", String(16), nullable=False),
        Column("kind", String(16), nullable=False),
        Column("estimated", Boolean, nullable=False),
        Column("status", Text),
        Column("serial", String(64), nullable=False),
        Column("delivery", ForeignKey("delivery.id"), nullable=False),
        Column("line", BigInteger, nullable=False),
        Column("quarantine", ForeignKey("quarantine.id")),
        # True: the value is what was used since the last reading, not what the register showed.
        Column("delta", Boolean, nullable=False, server_default=text("false")),
    ]


reading = Table(
    "reading",
    metadata,
    Column("partner", ForeignKey("partner.id"), primary_key=True),
    Column("device", ForeignKey("device.id"), primary_key=True, autoincrement=False),
    Column("day", Date, primary_key=True),
    *_reading_columns(),
    sqlite_with_rowid=False,
    # Each month is a table of its own: see `months`.
    postgresql_partition_by="RANGE (day)",
)

reading_history = Table(
    "reading_history",
    metadata,
    Column("id", KEY, primary_key=True),
    Column("partner", ForeignKey("partner.id"), nullable=False),
    Column("device", ForeignKey("device.id"), nullable=False),
    Column("day", Date, nullable=False),
    *_reading_columns(),
    Column("superseded_at", UtcTime, nullable=False),
    Column("superseded_by", ForeignKey("delivery.id")),
    Column("who", Text, nullable=False),
    Column("why", Text, nullable=False),
    Index("ix_reading_history_key", "partner", "device", "day"),
    # Both times only grow, so that these two cost the loading of a file next to nothing.
    Index("ix_reading_history_superseded_at", "superseded_at"),
)

LINES_A_DELIVERY: Final = 100_000_000
"""A quarantined line's id is its delivery's times this, plus its line: the same files give the same ids."""

rule_set = Table(
    "rule_set",
    metadata,
    Column("id", KEY, primary_key=True),
    Column("fingerprint", String(64), nullable=False, unique=True),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", KEY, primary_key=True, autoincrement=False),
    Column("delivery", ForeignKey("delivery.id"), nullable=False),
    Column("line", BigInteger, nullable=False),
    Column("raw", Bytes, nullable=False),
    # Which meter and day the line is about, as far as its cells tell.
    Column("serial_key", String(64)),
    Column("day", Date),
    # Whose device the line is about, where a feed says so; null: the sender's.
    Column("owner", String(64)),
    # How good a reading of its day the line tells; null: an actual one, or none.
    Column("kind_rank", Integer),
    Column("corrected_raw", Bytes),
    Column("state", String(12), nullable=False),
    Column("version", Integer, nullable=False, server_default=text("0")),
    Column("rule_set", ForeignKey("rule_set.id")),
    Column("register_version", BigInteger, nullable=False, server_default=text("0")),
    # What the partner's version was when the line was judged last: more readings may have come since.
    Column("partner_version", BigInteger, nullable=False, server_default=text("0")),
    Column("resolved_at", UtcTime),
    Column("resolved_by", Text),
    Column("reason", Text),
    Column("reading_device", BigInteger),
    Column("reading_day", Date),
    # The line that came in this one's place.
    Column("successor_delivery", ForeignKey("delivery.id")),
    Column("successor_line", BigInteger),
    # Of the delivery; on PostgreSQL a part of the key.
    Column("partner", String(64), nullable=False, server_default=text("''")),
    CheckConstraint(f"id = delivery * {LINES_A_DELIVERY} + line", name="id"),
    # "open" first: SQLite builds the list anew for every row it has to look it up for, and all rows come as open.
    CheckConstraint(f"state = '{LineState.OPEN.value}' or state in ({_LINE_STATES})", name="state"),
)


def _finding_columns() -> list[Column[object]]:
    return [
        Column("delivery", ForeignKey("delivery.id"), primary_key=True, autoincrement=False),
        # 0: of the file as a whole.
        Column("line", BigInteger, primary_key=True, autoincrement=False),
        # Its place among the findings of the line.
        Column("number", Integer, primary_key=True, autoincrement=False),
        Column("code", String(64), nullable=False),
        Column("severity", String(8), nullable=False),
        Column("column", Text),
        Column("value", Text),
        # What the cell was compared with.
        Column("against", Text),
        Column("partner", String(64), nullable=False, server_default=text("''")),
    ]


finding = Table("finding", metadata, *_finding_columns(), sqlite_with_rowid=False)

# What was found in a quarantined line before it was stored: why it had been set aside. The line says who, when and why.
finding_history = Table("finding_history", metadata, *_finding_columns(), sqlite_with_rowid=False)

record = Table(
    "record",
    metadata,
    Column("delivery", ForeignKey("delivery.id"), primary_key=True),
    Column("line", BigInteger, primary_key=True, autoincrement=False),
    Column("partner", ForeignKey("partner.id"), nullable=False),
    Column("feed", String(64), nullable=False),
    Column("cells", Text, nullable=False),
    Column("quarantine", ForeignKey("quarantine.id")),
    Index("ix_record_feed", "feed", "partner"),
)

event = Table(
    "event",
    metadata,
    Column("id", KEY, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("who", Text, nullable=False),
    Column("what", String(64), nullable=False),
    Column("partner", String(64)),
    Column("delivery", BigInteger),
    Column("line", BigInteger),
    Column("before", JsonText),
    Column("after", JsonText),
    Column("why", Text),
    Index("ix_event_delivery", "delivery"),
    Index("ix_event_at", "at"),
    # Among millions of other events these few are looked for.
    Index(
        "ix_event_header_changed",
        "at",
        sqlite_where=text("what = 'header.changed'"),
        postgresql_where=text("what = 'header.changed'"),
    ),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", KEY, primary_key=True),
    Column("partner", String(64), nullable=False),
    Column("delivery", ForeignKey("delivery.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("content", Bytes),
    Column("blob", String(64)),
    Column("removes", Boolean, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("written_at", UtcTime),
    # When its retention ended: the file goes after that, and this row with it.
    Column("ended_at", UtcTime),
    Index("ix_outbox_written_at", "written_at"),
    Index("ix_outbox_delivery", "delivery"),
    Index(
        "ix_outbox_blob",
        "blob",
        sqlite_where=text("blob is not null"),
        postgresql_where=text("blob is not null"),
    ),
    Index(
        "ix_outbox_ended",
        "partner",
        sqlite_where=text("ended_at is not null"),
        postgresql_where=text("ended_at is not null"),
    ),
)

# This partner's readings before these days were thinned, or taken away as a whole.
old_readings = Table(
    "old_readings",
    metadata,
    Column("partner", ForeignKey("partner.id"), primary_key=True),
    Column("thinned_before", Date),
    Column("gone_before", Date),
)

_MANY_ROWS: Final = (reading, reading_history, quarantine, finding, finding_history, record)
_KEYED_BY_PARTNER: Final = (delivery, device, quarantine)
"""On PostgreSQL their keys are (id, partner): see migration 0012. No foreign key can ask for the id alone."""

ON_SQLITE_ONLY: Final = tuple(
    key
    for table in metadata.sorted_tables
    for key in table.foreign_key_constraints
    if table in _MANY_ROWS or key.referred_table in _KEYED_BY_PARTNER
)
"""Foreign keys of tables with millions of rows: SQLite asks them at little cost; PostgreSQL would run a query for each row
and key, which takes longer than to store it. There the publishing transaction vouches for them: all its rows are of the
delivery and partner that it holds, and of devices that are never deleted. And those to what has the partner in its key."""

for _key in ON_SQLITE_ONLY:
    _key.ddl_if(dialect="sqlite")
