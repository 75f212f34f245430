"""Readings go to the service of their meter that was in service on their day, as a person would lay them out."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random

import pandas as pd
import pytest
from sqlalchemy import Connection, Engine, event, insert, select

from meterdrop.model.ticket import Ticket
from meterdrop.store import deliveries
from meterdrop.store.devices import readings_outside
from meterdrop.store.engine import reading_from, writing
from meterdrop.store.following import follow
from meterdrop.store.schema import device, reading
from meterdrop.tables import DAY, LINE, TEXT

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
METERS = 120
DAYS = 12


@dataclass(frozen=True)
class Service:
    id: int
    number: int
    start: int
    end: int | None

    def serves(self, day: int) -> bool:
        return self.start <= day and (self.end is None or day < self.end)


@dataclass(frozen=True)
class Read:
    service: int
    day: int
    kind: str


def on(day: int | None) -> date | None:
    return None if day is None else date(2026, 3, 1) + timedelta(days=day)


def life(number: int, chance: Random) -> list[Service]:
    """Up to three services of one meter, one after another; one may have lasted no day."""
    cuts = sorted(chance.sample(range(1, DAYS), 4))
    spans = [(cuts[0], cuts[1]), (cuts[chance.choice((1, 2))], cuts[3]), (cuts[3], None)]
    if chance.random() < 0.3:
        spans[1] = (spans[1][0], spans[1][0])
    kept = sorted(chance.sample(spans, chance.randint(2, 3)))
    return [Service(number * 10 + place, number, *span) for place, span in enumerate(kept)]


def belongs(read: Read, services: list[Service], reads: set[tuple[int, int]]) -> int:
    """Where a reading belongs."""
    own = next(one for one in services if one.id == read.service)
    out = read.kind == "EXCHANGE_OUT" and read.day == own.end
    if own.serves(read.day) or out:
        return own.id
    there = [one.id for one in services if one.serves(read.day)]
    if not there and read.day != own.end:
        there = [one.id for one in services if one.end == read.day and one.start < read.day]
    free = [one for one in there if (one, read.day) not in reads]
    return free[0] if free else own.id


@pytest.fixture
def numbers() -> pd.DataFrame:
    keys = [str(number) for number in range(METERS)]
    return pd.DataFrame(
        {
            "partner": pd.Series(["anyone"] * METERS, dtype=TEXT),
            "serial_key": pd.Series(keys, dtype=TEXT),
        }
    )


@pytest.fixture
def lives(engine: Engine, ticket: Ticket) -> dict[int, tuple[list[Service], list[Read]]]:
    """By number: its services, and what is stored with them."""
    chance = Random(5)  # noqa: S311 - the same lives each time
    made = {}
    for number in range(METERS):
        services = life(number, chance)
        days = chance.sample(range(DAYS), 7)
        kinds = ("RADIO", "RADIO", "EXCHANGE_OUT")
        read = [Read(chance.choice(services).id, day, chance.choice(kinds)) for day in days]
        also = Read(services[0].id, days[0], "RADIO")
        made[number] = services, [*read, *([also] if read[0].service != also.service else [])]
    with writing(engine) as store:
        deliveries.add_received(store, ticket=ticket, now=NOW, feed=None)
        for services, reads in made.values():
            put(store, services, reads)
    return made


def put(store: Connection, services: list[Service], reads: list[Read]) -> None:
    for one in services:
        row = {"id": one.id, "serial_key": str(one.number), "serial": str(one.number), "seq": one.id}
        place = {"partner": "anyone", "media": "CW", "unit": "m3", "location": "A", "room": "hall"}
        days = {"installed_from": on(one.start), "installed_to": on(one.end), "seen_on": on(DAYS)}
        told = {"correction": 1, "role": "UNIT", "delivery": 1, "line": 2}
        store.execute(insert(device).values(**row, **place, **days, **told))
    for read in reads:
        value = {"value": "1", "unit": "m3", "canonical_value": 1, "canonical_unit": "m3", "serial": "x"}
        key = {"partner": "anyone", "device": read.service, "day": on(read.day)}
        store.execute(
            insert(reading).values(**key, **value, kind=read.kind, estimated=False, delivery=1, line=2)
        )


def test_each_reading_goes_where_its_meter_served(
    engine: Engine, lives: dict[int, tuple[list[Service], list[Read]]], numbers: pd.DataFrame
) -> None:
    """120 meters with two or three services each; twice changes nothing more."""
    laid_out = _laid_out(lives)
    with writing(engine) as store:
        told = follow(store, numbers=numbers, read_out="EXCHANGE_OUT")
        assert follow(store, numbers=numbers, read_out="EXCHANGE_OUT") == []
    with reading_from(engine) as store:
        rows = store.execute(select(reading.c.device, reading.c.day, reading.c.kind)).all()
    found = [(row.device, row.day, row.kind) for row in rows]
    assert sorted(found) == sorted((at, on(read.day), read.kind) for at, read in laid_out)
    moved = sum(read.service != at for at, read in laid_out)
    assert sum(one.readings for one in told) == moved > METERS


def _laid_out(lives: dict[int, tuple[list[Service], list[Read]]]) -> list[tuple[int, Read]]:
    """Every reading and where it belongs; those of the first service are asked first."""
    pairs = []
    for services, reads in lives.values():
        taken = {(read.service, read.day) for read in reads}
        for read in sorted(reads, key=lambda one: one.service):
            at = belongs(read, services, taken)
            taken.add((at, read.day))
            pairs.append((at, read))
    return pairs


@pytest.mark.only_on("sqlite")
def test_readings_are_looked_for_by_their_devices(engine: Engine, numbers: pd.DataFrame) -> None:
    """However many readings there are of others: no statement goes through all of them."""
    plans: list[str] = []

    def explain(
        connection: Connection, cursor: object, statement: str, parameters: tuple[object, ...], *_: object
    ) -> None:
        if "reading" in statement and not statement.startswith(("CREATE", "DROP", "EXPLAIN")):
            explained = connection.connection.cursor()
            explained.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.extend(str(row[3]) for row in explained.fetchall())

    services = pd.DataFrame(
        {"device": pd.Series([1], dtype=LINE), "partner": pd.Series(["anyone"], dtype=TEXT)}
    )
    days = {name: pd.Series([on(3)], dtype=DAY) for name in ("start", "end")}
    elsewhere = services[["device"]].assign(**days, other=services["device"])
    with writing(engine) as store:
        event.listen(store, "before_cursor_execute", explain)
        readings_outside(store, services=services.assign(**days), elsewhere=elsewhere)
        follow(store, numbers=numbers, read_out="EXCHANGE_OUT")
    assert any("SEARCH reading" in plan for plan in plans)
    assert not any("SCAN reading" in plan for plan in plans)
