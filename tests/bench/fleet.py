"""A fleet of meters with a previous reading each, put into the database as it stands, and the file of its next day."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, text

from meterdrop.settings import read_settings
from meterdrop.store import months
from meterdrop.store.engine import make_engine, writing
from tests.homes import Homes, house_in

PARTNER: Final = "bench"
FIRST_DAY: Final = date(2026, 9, 1)
"""The day of the previous readings; the first file tells of the day after."""
BAD_EVERY: Final = 100
_FIRST_SERIAL: Final = 10_000_000
_STEP: Final = 7_368_787
"""A prime: steps of so many go through all meters, and never from one to its neighbour."""

_DELIVERY: Final = """
INSERT INTO delivery (upload, partner, path, file, bytes, sha256, received_at, state, feed, physical, accepted)
VALUES (:upload, 'bench', 'made', 'made', 0, :upload, '2026-09-01T00:00:00.000000Z', 'accepted', :feed, 0, 0)
"""
_DEVICES: Final = """
INSERT INTO device (id, partner, serial, serial_key, media, unit, dimension, location, room, seq, installed_from,
  correction, role, seen_on, seen_in, delivery, line)
SELECT number + 1, 'bench', {serial}, {serial}, 'CW', 'm3', 'volume', 'A', 'hall', 1, '2024-01-01', {one}, 'UNIT', '2026-09-01', 1, 1,
  number + 2 FROM {numbers}
"""
_READINGS: Final = """
INSERT INTO {table} (partner, device, day, value, unit, canonical_value, canonical_unit, kind, estimated, serial, delivery, line, delta)
SELECT 'bench', number + 1, CAST(:day AS {date}), {value}, 'm3', {exact}, 'm3', 'RADIO', false, {serial}, 2, number + 2, false FROM {numbers}
"""
_SQLITE: Final = {
    "numbers": "(WITH RECURSIVE n(number) AS (SELECT 0 UNION ALL SELECT number + 1 FROM n WHERE number < :last) SELECT number FROM n)",
    "serial": f"CAST({_FIRST_SERIAL} + number AS TEXT)",
    "value": "CAST(100 + number % 900 AS TEXT)",
    "exact": "CAST(100 + number % 900 AS TEXT)",
    "one": "'1'",
    "date": "TEXT",
}
_POSTGRESQL: Final = {
    "numbers": "generate_series(0, :last) AS n(number)",
    "serial": f"({_FIRST_SERIAL} + number)::text",
    "value": "(100 + number % 900)::text",
    "exact": "100 + number % 900",
    "one": "1",
    "date": "date",
}


def furnish(home: Path, *, homes: Homes, meters: int, days: int = 1) -> None:
    """Makes a home with a partner, so many meters of theirs, and a reading of each on so many days, the last one `FIRST_DAY`."""
    house = house_in(homes.make(home))
    house.partners.add(PARTNER, name="Bench", group=2, keys=[], networks=[], who="bench")
    house.database.close()
    engine = make_engine(read_settings(home).database_url)
    words = _POSTGRESQL if homes.on_postgresql else _SQLITE
    stored = [FIRST_DAY - timedelta(days=number) for number in reversed(range(days))]
    with writing(engine) as store:
        for upload, feed in (("register", "devices"), ("readings", "readings")):
            store.execute(text(_DELIVERY), {"upload": upload, "feed": feed})
        store.execute(text(_DEVICES.format(**words)), {"last": meters - 1})
        of_month = groupby(stored, key=lambda day: day.replace(day=1))
        for first, some in of_month:
            with _month(store, first):
                for day in some:
                    told = {"last": meters - 1, "day": day.isoformat()}
                    store.execute(text(_READINGS.format(table=_table(store, first), **words)), told)
        months.make(store, days=[FIRST_DAY + timedelta(days=31)])
        store.execute(
            text("UPDATE partner SET version = version + 1, register_version = register_version + 1")
        )
    if homes.on_postgresql:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as store:
            store.execute(text("SELECT setval('device_id_seq', (SELECT max(id) FROM device))"))
            store.execute(text("VACUUM ANALYZE"))
    engine.dispose()


@contextmanager
def _month(store: Connection, first: date) -> Iterator[None]:
    """A month's table, whose keys are made when all readings are in it: that takes a tenth of the time."""
    if store.dialect.name == "sqlite":
        yield
        return
    name, after = months.name_of(first), (first + timedelta(days=31)).replace(day=1)
    store.execute(text(f"CREATE TABLE {name} (LIKE reading INCLUDING DEFAULTS)"))
    yield
    store.execute(
        text(f"ALTER TABLE reading ATTACH PARTITION {name} FOR VALUES FROM ('{first}') TO ('{after}')")
    )


def _table(store: Connection, first: date) -> str:
    return "reading" if store.dialect.name == "sqlite" else months.name_of(first)


def day_of(number: int) -> date:
    """The day that the file of this number (from 1) tells of."""
    return FIRST_DAY + timedelta(days=number)


def order(meters: int) -> Iterator[int]:
    """The meters as a file has them: far from the order of their keys."""
    return (place * _STEP % meters for place in range(meters))


def value(meter: int, *, number: int) -> str:
    """What a meter shows in the file of this number."""
    return f"{100 + meter % 900 + number // 8},{number % 8 * 125:03d}"


def is_bad(place: int) -> bool:
    """Every hundredth line has no number."""
    return place % BAD_EVERY == BAD_EVERY - 1


def daily_file(path: Path, *, meters: int, number: int, days: int = 1) -> None:
    """The file of one day, or of so many, every meter once a day; one line in a hundred is bad."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        stream.write("SerialNum;Value;Unit;Date\n")
        for told in range(number, number + days):
            day = day_of(told).isoformat()
            for place, meter in enumerate(order(meters)):
                shown = "CHYBA" if is_bad(place) else value(meter, number=told)
                stream.write(f"{_FIRST_SERIAL + meter};{shown};m3;{day}\n")


def good_rows(*, meters: int, number: int) -> list[tuple[object, ...]]:
    """The rows that the good lines of that file come to, as tuples for a driver, in the order of the file."""
    day = day_of(number).isoformat()
    rows: list[tuple[object, ...]] = []
    for place, meter in enumerate(order(meters)):
        if not is_bad(place):
            shown = value(meter, number=number).replace(",", ".")
            plain = shown.rstrip("0").rstrip(".")
            serial = str(_FIRST_SERIAL + meter)
            rows.append(
                (PARTNER, meter + 1, day, shown, "m3", plain, "m3", "RADIO", 0, serial, 2, place + 2, 0)
            )
    return rows


COLUMNS: Final = (
    "partner", "device", "day", "value", "unit", "canonical_value", "canonical_unit", "kind", "estimated", "serial", "delivery",
    "line", "delta",
)  # fmt: skip
"""Of the rows of `good_rows`."""
