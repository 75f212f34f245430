"""What is stored goes out again: readings, register and records, as CSV for machines or Parquet."""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final, TextIO

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from meterdrop.store import readings, records, register
from meterdrop.store.columns import plain
from meterdrop.store.database import Database

READING_TYPES: Final = pa.schema(
    [
        ("partner", pa.string()),
        ("serial", pa.string()),
        ("date", pa.date32()),
        ("value", pa.string()),
        ("unit", pa.string()),
        ("canonical_value", pa.decimal128(38, 10)),
        ("canonical_unit", pa.string()),
        ("kind", pa.string()),
        ("estimated", pa.bool_()),
        ("delivery", pa.int64()),
        ("line", pa.int64()),
    ]
)
"""The columns of the contract; `value` is text, exactly as sent but with a decimal point."""

READING_COLUMNS: Final = tuple(READING_TYPES.names)

DEVICE_COLUMNS: Final = (
    "partner",
    "serial",
    "radio",
    "media",
    "unit",
    "location",
    "room",
    "seq",
    "installed_from",
    "installed_to",
    "correction",
    "radio_type",
    "start_value",
    "end_value",
    "digits",
    "role",
    "replaces",
    "manufacturer",
    "verified_until",
    "parent_serial",
    "location_scheme",
    "seen_on",
    "delivery",
    "line",
)


@dataclass(frozen=True)
class Export:
    """Writes what is stored; never more than a block of it in memory."""

    database: Database

    def readings_csv(self, out: TextIO, *, partner: str | None, start: date | None, end: date | None) -> int:
        """Readings as CSV (comma, decimal point, ISO days); how many."""
        return write_csv(
            out, columns=READING_COLUMNS, rows=self.readings(partner=partner, start=start, end=end)
        )

    def readings(
        self, *, partner: str | None, start: date | None, end: date | None
    ) -> Iterator[Mapping[str, object]]:
        """Readings one by one."""
        for block in self._blocks(partner=partner, start=start, end=end):
            yield from (dict(zip(block.columns, row, strict=True)) for row in block.itertuples(index=False))

    def readings_parquet(
        self, path: Path, *, partner: str | None, start: date | None, end: date | None
    ) -> int:
        """Readings as a Parquet file; how many."""
        count = 0
        with pq.ParquetWriter(path, READING_TYPES) as writer:
            for block in self._blocks(partner=partner, start=start, end=end):
                columns = [pa.array(block[field.name].tolist(), type=field.type) for field in READING_TYPES]
                writer.write_table(pa.Table.from_arrays(columns, schema=READING_TYPES))
                count += len(block)
        return count

    def devices(self, *, partner: str | None) -> Iterator[Mapping[str, object]]:
        """The register, device by device."""
        with self.database.reading() as store:
            for device in register.exported(store, partner=partner):
                yield {name: device[name] for name in DEVICE_COLUMNS}

    def records(self, *, feed: str, partner: str | None) -> Iterator[Mapping[str, object]]:
        """Records of a feed, with partner, delivery and line."""
        with self.database.reading() as store:
            yield from records.exported(store, feed=feed, partner=partner)

    def _blocks(self, *, partner: str | None, start: date | None, end: date | None) -> Iterator[pd.DataFrame]:
        with self.database.reading() as store:
            yield from readings.exported(store, partner=partner, start=start, end=end)


def write_csv(out: TextIO, *, columns: Iterable[str], rows: Iterable[Mapping[str, object]]) -> int:
    """Rows as byte-exact CSV for machines; how many."""
    names = list(columns)
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    count = 0
    for row in rows:
        writer.writerow([as_text(row.get(name)) for name in names])
        count += 1
    return count


def as_text(value: object) -> str:
    """A stored value as text: empty for nothing, 1 and 0 for flags, plain decimals, ISO days."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
