"""What is remembered of last readings says what the database says, or says that it can't."""

import random
from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from meterdrop.bootstrap import House
from meterdrop.settings import read_settings
from meterdrop.store import months, neighbours, readings
from meterdrop.store.database import Database
from meterdrop.tables import DAY, DECIMAL, FLAG, LINE, TEXT
from meterdrop.usecases.judging import known_devices
from meterdrop.usecases.judging.known_devices import KnownDevices
from meterdrop.usecases.judging.last_readings import LastReadings
from meterdrop.usecases.judging.memory import Memory, Remembered
from meterdrop.usecases.judging.stored_readings import StoredReadings
from tests.homes import Homes

METERS = 12
REGISTER = "Date;Location;TypeUnit;Room;Media;SerialNumber;RadioNumber;Seq;DateFrom;Correction"
FIRST = date(2026, 9, 1)
ODD = ["1310", "-4,5", "1 204,50", "é", "0", "922337203.6854775807", "-1234567890.5", "12345678901234567890"]
"""Values of which some can't be kept: they are too long as written, or as a number."""


def some_readings(seed: int, *, first: int, days: int) -> pd.DataFrame:
    """Some meters on some days, each once, in order: of two units, states and deltas."""
    chance = random.Random(seed)  # noqa: S311 - a test's own dice
    keys = sorted({(chance.randrange(1, METERS + 1), first + chance.randrange(days)) for _ in range(20)})
    sent = [chance.choice(ODD) for _ in keys]
    exact = [text.replace(" ", "").replace(",", ".").replace("é", "7")[:22] for text in sent]
    units = [chance.choice(["m3"] * 5 + ["MJ"]) for _ in keys]
    unit = {meter: units[at] for at, (meter, _) in enumerate(keys)}
    own = [unit[meter] if days < 10 else units[at] for at, (meter, _) in enumerate(keys)]
    kinds = [chance.choice(["RADIO", "ESTIMATE"]) for _ in keys]
    return pd.DataFrame(
        {
            "line": pd.Series(range(2, len(keys) + 2), dtype=LINE),
            "device": pd.Series([meter for meter, _ in keys], dtype=LINE),
            "day": pd.Series(pa.array([FIRST + timedelta(days=day) for _, day in keys]), dtype=DAY),
            "value": pd.Series(sent, dtype=TEXT),
            "unit": pd.Series([chance.choice([None, one]) for one in own], dtype=TEXT),
            "canonical_value": pd.Series(pa.array(exact).cast(pa.decimal128(38, 10)), dtype=DECIMAL),
            "canonical_unit": pd.Series(own, dtype=TEXT),
            "kind": pd.Series(kinds, dtype=TEXT),
            "estimated": pd.Series([kind == "ESTIMATE" for kind in kinds], dtype=FLAG),
            "serial": pd.Series(["x"] * len(keys), dtype=TEXT),
            "delivery": pd.Series([1] * len(keys), dtype=LINE),
            "delta": pd.Series([chance.random() < 0.2 for _ in keys], dtype=FLAG),
        }
    )


@pytest.fixture
def database(homes: Homes, tmp_path: Path) -> Iterator[Database]:
    """Twelve meters; most have readings."""
    home = homes.copy(homes.kept("last-readings", partial(furnish, homes=homes)), tmp_path / "home")
    house = House(settings=read_settings(home))
    with house.database.writing() as store:
        months.make(store, days=[FIRST, FIRST + timedelta(days=31)])
        readings.store_new(store, partner="anyone", blocks=[some_readings(0, first=0, days=20)])
    yield house.database
    house.database.close()


def furnish(home: Path, *, homes: Homes) -> None:
    homes.make(home)
    house = House(settings=read_settings(home))
    house.partners.add("anyone", name="Anyone", group=2, keys=[], networks=[], who="test")
    path = home / "work" / "register.csv"
    rows = [f"2026-01-01;A{meter};m3;hall;CW;{meter};-;1;2024-01-01;1" for meter in range(1, METERS + 1)]
    path.write_text("\n".join([REGISTER, *rows, ""]), encoding="utf-8")
    house.take_files([path], partner="anyone", feed=None)
    house.database.close()


def known(database: Database, last: LastReadings | None) -> KnownDevices:
    """One delivery's look at the partner, with last readings that are remembered, or without."""
    memory = Memory(most=1 << 20)
    with database.reading() as store:
        version = store.exec_driver_sql("SELECT version FROM partner").scalar_one()
    if last is not None:
        memory.keep("anyone", remembered(version, last=last))
    return KnownDevices(database=database, partner="anyone", by_radio=False, rows_together=9, memory=memory)


def around(database: Database, rows: pd.DataFrame, *, last: LastReadings | None, delta: bool) -> pd.DataFrame:
    found = StoredReadings(
        database=database, partner="anyone", known=known(database, last), delta=delta, without=None
    ).around(rows)
    return found.sort_values(["device", "day"], ignore_index=True)


@pytest.mark.parametrize("seed", range(1, 13))
def test_what_is_remembered_is_what_is_stored(database: Database, seed: int) -> None:
    """First nothing is known; then what was asked; then what was stored meanwhile, too."""
    last = LastReadings(np.arange(1, METERS + 1))
    told = 0
    for turn in range(3):
        for delta in (False, True):
            rows = some_readings(10 * seed + turn, first=10 + 5 * turn, days=9)
            pd.testing.assert_frame_equal(
                around(database, rows, last=last, delta=delta), around(database, rows, last=None, delta=delta)
            )
            told += int(last.newer(rows, delta=delta).sum())
        new = some_readings(seed, first=20 + 3 * turn, days=3)
        with database.writing() as store:
            readings.store_new(store, partner="anyone", blocks=[new])
        last.move_on(new)
    assert told, "nothing was ever told from memory"


def test_what_is_known_needs_no_database(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    last = LastReadings(np.arange(1, METERS + 1))
    rows = some_readings(3, first=25, days=9)
    around(database, rows, last=last, delta=False)
    newer = rows.loc[last.newer(rows, delta=False)].reset_index(drop=True)
    assert 0 < len(newer) < len(rows)  # some have values that can't be kept
    monkeypatch.setattr(neighbours, "around", None)
    monkeypatch.setattr(neighbours, "last", None)
    around(database, newer, last=last, delta=False)


def test_256th_unit_is_not_kept() -> None:
    last = LastReadings(np.arange(1, 301))
    rows = pd.concat([some_readings(1, first=0, days=1).iloc[:1]] * 300, ignore_index=True)
    rows = rows.assign(
        device=pd.Series(range(1, 301), dtype=LINE),
        value=pd.Series(["1"] * 300, dtype=TEXT),
        canonical_value=pd.Series(pa.array(["1"] * 300).cast(pa.decimal128(38, 10)), dtype=DECIMAL),
        unit=pd.Series([f"unit {number}" for number in range(300)], dtype=TEXT),
    )
    last.learn(np.arange(1, 301), found=rows)
    assert len(last.of(np.arange(1, 301))) == 255
    assert last.of(np.array([255]))["unit"].tolist() == ["unit 254"]


def test_memory_that_is_full_lets_the_partner_go_that_was_not_asked_for_longest() -> None:
    def some() -> Remembered:
        return remembered(1, last=LastReadings(np.arange(100)))

    def there(partner: str, *, register_version: int = 1) -> bool:
        return memory.of(partner, version=1, register_version=register_version) is not None

    memory = Memory(most=2 * some().nbytes)
    for partner in ("first", "second"):
        assert memory.keep(partner, some())
    assert there("first")
    assert memory.keep("third", some())
    assert [there(one) for one in ("first", "second", "third")] == [True, False, True]
    assert not Memory(most=some().nbytes - 1).keep("large", some())
    assert not there("first", register_version=2)
    assert not there("first")


def test_register_outlives_readings_that_another_worker_stored() -> None:
    memory, devices = Memory(most=1 << 20), np.arange(100)
    last = LastReadings(devices)
    last.learn(devices, found=some_readings(1, first=0, days=1).iloc[:0])
    before = remembered(1, last=last)
    memory.keep("anyone", before)
    after = memory.of("anyone", version=2, register_version=1)
    assert after is not None
    assert after.register is before.register
    assert before.last.not_asked(devices).tolist() == []
    assert after.last.not_asked(devices).tolist() == devices.tolist()


def test_what_is_being_stored_is_remembered_by_nobody_else_until_it_is_committed(database: Database) -> None:
    """Were it rolled back, nothing would be left: neither to a later delivery nor to one that began before."""
    memory = Memory(most=1 << 20)
    with database.reading() as store:
        version = store.exec_driver_sql("SELECT version FROM partner").scalar_one()
    last = LastReadings(np.arange(1, METERS + 1))
    memory.keep("anyone", remembered(version, last=last))
    one, other = (
        KnownDevices(database=database, partner="anyone", by_radio=False, rows_together=9, memory=memory)
        for _ in range(2)
    )
    assert remembering(one, other) == [True, True]
    one.let_go()
    one.move_on(some_readings(1, first=30, days=1))
    assert remembering(one, other) == [True, False]
    assert memory.of("anyone", version=version, register_version=1) is None
    one.remember(version=version + 1)
    assert remembering(other) == [False]
    assert memory.of("anyone", version=version + 1, register_version=1) is not None


def test_small_register_is_learned_by_a_file_of_few_readings(database: Database) -> None:
    memory = Memory(most=1 << 20)
    for _ in range(2):
        few = KnownDevices(
            database=database, partner="anyone", by_radio=False, rows_together=9, memory=memory
        )
        named = pd.Series(["1", "2", "3", "no such meter"], dtype=TEXT)
        assert few.bearing(named)["key"].tolist() == ["1", "2", "3"]
        assert few.remembered is not None
        assert len(few.remembered.register) == METERS


def test_large_register_is_not_learned_for_a_file_of_few_readings(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_devices, "_SMALL", METERS - 1)
    few = known(database, None)
    assert few.bearing(pd.Series(["1", "2"], dtype=TEXT))["key"].tolist() == ["1", "2"]
    assert few.remembered is None


def remembered(version: int, *, last: LastReadings) -> Remembered:
    return Remembered(version=version, register_version=1, register=pd.DataFrame({}), last=last)


def remembering(*some: KnownDevices) -> list[bool]:
    return [one.remembered is not None for one in some]
