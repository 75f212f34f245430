"""What is the least that a database takes for the same rows? A bare `executemany`, a bare COPY, into an identical table."""

import sqlite3
import time
from collections.abc import Sequence
from operator import itemgetter
from typing import Final

import psycopg
from sqlalchemy import make_url

from tests.bench.fleet import COLUMNS

Rows = Sequence[tuple[object, ...]]

_TABLE: Final = "bare_reading"
_PORTION: Final = 1 << 20
_BY_KEY: Final = itemgetter(0, 1, 2)


def presorted(rows: Rows) -> Rows:
    """The rows in the order of the table's key."""
    return sorted(rows, key=_BY_KEY)


def bare(url: str, rows: Rows) -> float:
    """Seconds to put these rows into a table like `reading`, with the rows that `reading` has of these months; nothing is left of it."""
    named = make_url(url)
    if named.get_backend_name() == "sqlite":
        return _executemany(str(named.database), rows)
    return _copy(named.set(drivername="postgresql").render_as_string(hide_password=False), rows)


def _executemany(path: str, rows: Rows) -> float:
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA synchronous=FULL")
    database.execute("PRAGMA foreign_keys=ON")
    made = database.execute("SELECT sql FROM sqlite_master WHERE name = 'reading'").fetchone()[0]
    database.execute(
        made.replace("CREATE TABLE reading", f"CREATE TABLE {_TABLE}", 1).replace(
            'CREATE TABLE "reading"', f"CREATE TABLE {_TABLE}", 1
        )
    )
    database.execute(f"INSERT INTO {_TABLE} SELECT * FROM reading WHERE day >= '2026-09-01'")  # noqa: S608 - our own name
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    marks = ", ".join("?" * len(COLUMNS))
    begun = time.perf_counter()
    database.execute("BEGIN IMMEDIATE")
    database.executemany(f"INSERT INTO {_TABLE} ({', '.join(COLUMNS)}) VALUES ({marks})", rows)  # noqa: S608 - our own names
    database.execute("COMMIT")
    took = time.perf_counter() - begun
    database.execute(f"DROP TABLE {_TABLE}")
    database.close()
    return took


def _copy(words: str, rows: Rows) -> float:
    """The text is made before the clock starts: the least that any program can do is to send it."""
    content = "".join("\t".join(map(str, row)) + "\n" for row in rows).encode()
    with psycopg.connect(words, autocommit=True) as connection:
        connection.execute(
            f"CREATE TABLE {_TABLE} (LIKE reading INCLUDING ALL) PARTITION BY RANGE (day)".encode()
        )
        for month in ("2026-09-01", "2026-10-01"):
            part = f"{_TABLE}_{month[:7].replace('-', '_')}"
            until = f"date '{month}' + interval '1 month'"
            connection.execute(
                f"CREATE TABLE {part} PARTITION OF {_TABLE} FOR VALUES FROM ('{month}') TO ({until})".encode()
            )
        connection.execute(f"INSERT INTO {_TABLE} SELECT * FROM reading WHERE day >= '2026-09-01'".encode())  # noqa: S608 - our own name
        connection.execute(b"CHECKPOINT")
        begun = time.perf_counter()
        with (
            connection.cursor() as cursor,
            cursor.copy(f"COPY {_TABLE} ({', '.join(COLUMNS)}) FROM STDIN".encode()) as copy,
        ):
            for start in range(0, len(content), _PORTION):
                copy.write(content[start : start + _PORTION])
        took = time.perf_counter() - begun
        connection.execute(f"DROP TABLE {_TABLE}".encode())
    return took
