"""Which tables are about what is around: who works, what waits for the world to be mended, folders that others fill."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text

from meterdrop.store.columns import UtcTime
from meterdrop.store.metadata import metadata

# Deliveries that the disk had no room for when they were last tried; `needed` bytes, where that is known.
delivery_wait = Table(
    "delivery_wait",
    metadata,
    Column("delivery", ForeignKey("delivery.id"), primary_key=True, autoincrement=False),
    Column("needed", BigInteger),
    Column("since", UtcTime, nullable=False),
    Column("tried_at", UtcTime, nullable=False),
)

# Each `meterdrop worker`, wherever it runs, as it last said of itself.
worker = Table(
    "worker",
    metadata,
    Column("name", String(255), primary_key=True),
    Column("host", String(255), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("concurrency", Integer, nullable=False),
    Column("since", UtcTime, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
)

# Receipts that could not be written: those of this `name`, or all of the partner where it is empty.
receipt_trouble = Table(
    "receipt_trouble",
    metadata,
    Column("partner", ForeignKey("partner.id"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("error", String(32), nullable=False),
    Column("why", Text, nullable=False),
    Column("since", UtcTime, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("again_at", UtcTime, nullable=False),
)

# What was last taken of each file in a watched folder; `upload` is the delivery that has its bytes. `gone_at`: when a
# look first did not find it there.
watched = Table(
    "watched",
    metadata,
    Column("partner", ForeignKey("partner.id"), primary_key=True),
    Column("path", Text, primary_key=True),
    Column("state", String(32), nullable=False),
    Column("body", String(32), nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("upload", String(64), nullable=False),
    Column("gone_at", UtcTime),
    Index("ix_watched_partner_body", "partner", "body"),
    Index("ix_watched_partner_gone_at", "partner", "gone_at"),
)
