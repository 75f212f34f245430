"""Two workers remember a partner, each by itself: what comes of files is what comes of them with no memory at all.

Files, registers, reprocessing, deleted readings and transactions that are rolled back come in any order, to either worker.
"""

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from meterdrop.bootstrap import House
from meterdrop.model.errors import TryAgain
from meterdrop.settings import read_settings
from meterdrop.store import partners
from meterdrop.usecases.judging import known_devices
from meterdrop.usecases.reprocess import Selection
from tests.homes import Homes

RUNS = 150 if os.environ.get("HYPOTHESIS_PROFILE") == "nightly" else 2
"""Each is a dozen files, loaded twice. So would making a failing one smaller."""

TODAY = date(2026, 11, 24)
PROFILE = "partner: anyone\nname: Anyone\ngroup: 2\nfeeds: {readings: {hold_above: {share: 0.6, lines: 4}}, devices: {}}\n"
READINGS = "SerialNum;Value;Unit;Date;Kind"
REGISTER = "Date;Location;TypeUnit;Room;Media;SerialNumber;RadioNumber;Seq;DateFrom;DateTo;Correction"
METERS = 5
DAYS = 14

SEEN = {
    "device": "SELECT id, serial, unit, installed_from, installed_to, delivery, line FROM device ORDER BY id",
    "reading": "SELECT partner, device, day, value, unit, canonical_value, canonical_unit, kind, estimated, serial, delivery, line,"
    " quarantine, delta FROM reading ORDER BY device, day",
    "history": "SELECT device, day, value, delivery, line, superseded_by, why FROM reading_history ORDER BY device, day, id",
    "quarantine": "SELECT id, state FROM quarantine ORDER BY id",
    "finding": "SELECT delivery, line, code, severity, value, against FROM finding ORDER BY delivery, line, code, value, against",
    "delivery": "SELECT id, state, physical, accepted, quarantined, duplicate FROM delivery ORDER BY id",
    "partner": "SELECT id, version, register_version FROM partner ORDER BY id",
}
"""All that must be the same."""

LAST_GOES = """
DELETE FROM reading WHERE partner = 'anyone' AND device = (SELECT min(id) FROM device WHERE serial = :serial)
  AND day = (SELECT max(day) FROM reading AS any_day WHERE any_day.device = reading.device)
"""


@dataclass(frozen=True)
class Act:
    """What happens: `what` with a file or a meter made by `seed`, to the worker of this number."""

    what: str
    worker: int
    seed: int


ACTS = st.lists(
    st.builds(
        Act,
        what=st.sampled_from(
            ["readings"] * 5
            + ["later readings"] * 4
            + ["register", "reprocess", "delete", "broken", "broken reprocess"]
        ),
        worker=st.integers(0, 1),
        seed=st.integers(0, 2**32),
    ),
    min_size=6,
    max_size=14,
)


def readings(seed: int, *, first: int, days: int) -> list[str]:
    """Lines of some meters: most rise, some fall, are estimates, contradict each other or are of another unit."""
    chance = random.Random(seed)  # noqa: S311 - a test's own dice
    lines = []
    for _ in range(chance.randrange(1, 9)):
        meter, day = chance.randrange(1, METERS + 2), first + chance.randrange(days)
        value = f"{100 * meter + 10 * day + chance.choice([0] * 12 + [1, -25, 40, 10**9])}"
        value += chance.choice(["", "", ",5", ",1234567891", "0" * 0])
        unit = chance.choice(["m3"] * 12 + ["l", "MWh", ""])
        kind = chance.choice(["RADIO"] * 8 + ["ESTIMATE", "EXCHANGE_IN", "EXCHANGE_OUT"])
        lines.append(f"{meter};{chance.choice([value] * 15 + ['x'])};{unit};{at(day)};{kind}")
    return [READINGS, *lines]


def register(seed: int) -> list[str]:
    """A snapshot: some meters came, went, were exchanged, or are told with another unit."""
    chance = random.Random(seed)  # noqa: S311 - a test's own dice
    told = at(chance.randrange(DAYS))
    lines = []
    for meter in range(1, METERS + 1):
        if chance.random() < 0.1:
            continue
        number = chance.choice([f"{meter}"] * 8 + [f"{meter + 1}", f"9{meter}"])
        unit = chance.choice(["m3"] * 8 + ["MWh"])
        since = chance.choice(["2024-01-01"] * 6 + [at(chance.randrange(DAYS)).isoformat()])
        until = chance.choice([""] * 6 + [at(chance.randrange(DAYS)).isoformat()])
        media = "CW" if unit == "m3" else "HT"
        lines.append(f"{told};A{meter};{unit};hall;{media};{number};-;1;{since};{until};1")
    return [REGISTER, *lines]


def at(day: int) -> date:
    return date(2026, 9, 1) + timedelta(days=day)


@pytest.fixture
def start(homes: Homes) -> Path:
    return homes.kept("two-workers", partial(furnish, homes=homes))


def furnish(home: Path, *, homes: Homes) -> None:
    homes.make(home)
    (home / "schemas" / "partners").mkdir(parents=True, exist_ok=True)
    (home / "schemas" / "partners" / "anyone.yaml").write_text(PROFILE, encoding="utf-8")
    house = House(settings=read_settings(home), today_is=TODAY)
    house.partners.add("anyone", name="Anyone", group=2, keys=[], networks=[], who="test")
    rows = [f"2026-09-01;A{meter};m3;hall;CW;{meter};-;1;2024-01-01;;1" for meter in range(1, METERS + 1)]
    load(house, [REGISTER, *rows])
    house.database.close()


def load(house: House, lines: list[str]) -> None:
    path = house.home / "work" / "file.csv"
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    house.take_files([path], partner="anyone", feed=None)


def do(act: Act, house: House, *, number: int) -> None:
    """One act; `number` is how many came before."""
    match act.what:
        case "readings":
            load(house, readings(act.seed, first=0, days=DAYS))
        case "later readings":
            load(house, readings(act.seed, first=number, days=3))
        case "register":
            load(house, register(act.seed))
        case "reprocess":
            house.reprocess(Selection(), dry_run=False, progress=lambda _done, _all: None)
        case "delete":
            delete(house, meter=act.seed % METERS + 1)
        case "broken":
            with pytest.raises(TryAgain, match="lost"):
                load(broken(house), readings(act.seed, first=number, days=3))
            house.drain("anyone")
        case "broken reprocess":
            with suppress(TryAgain):
                do(replace(act, what="reprocess"), broken(house), number=number)


def broken(house: House) -> House:
    """The same worker, whose database is lost in the middle of a transaction."""

    def lose(point: str) -> None:
        if point in ("publish:settled", "reprocess:settled"):
            raise TryAgain("the database was lost")

    made = replace(house)
    made.__dict__.update(at=lose, memory=house.memory, database=house.database)
    return made


def delete(house: House, *, meter: int) -> None:
    """As retention would: a meter's last reading goes, and the version is raised."""
    with house.database.writing() as store:
        partners.lock(store, ["anyone"])
        store.execute(text(LAST_GOES), {"serial": str(meter)})
        partners.raise_version(store, "anyone")


def end_of(house: House) -> dict[str, list[tuple[Any, ...]]]:
    with house.database.reading() as store:
        return {name: [tuple(row) for row in store.exec_driver_sql(query)] for name, query in SEEN.items()}


@contextmanager
def home_of(start: Path, *, homes: Homes) -> Iterator[Path]:
    with TemporaryDirectory() as folder:
        yield homes.copy(start, Path(folder) / "home")
        homes.forget()


@pytest.mark.by_night("postgresql")
def test_what_is_remembered_changes_nothing(
    start: Path, homes: Homes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_devices, "_FEW", 0)  # as if every file were a large one
    found: list[int] = []

    @settings(max_examples=RUNS, deadline=None, phases=[Phase.generate])
    @given(acts=ACTS)
    def law(acts: list[Act]) -> None:
        with home_of(start, homes=homes) as home, home_of(start, homes=homes) as other:
            settings_of = read_settings(home)
            workers = [House(settings=settings_of, today_is=TODAY) for _ in range(2)]
            forgetful = House(
                settings=read_settings(other).model_copy(update={"worker_memory_mb": 0}), today_is=TODAY
            )
            before = end_of(forgetful)
            for number, act in enumerate(acts):
                do(act, workers[act.worker], number=number)
                do(act, forgetful, number=number)
                after = end_of(forgetful)
                assert end_of(workers[0]) == after, act
                assert (before["reading"], before["device"]) == (after["reading"], after["device"]) or (
                    before["partner"] < after["partner"]
                ), f"the version was not raised: {act}"
                before = after
            found.append(sum(len(one.memory._partners) for one in workers))
            assert not forgetful.memory._partners
            for house in (*workers, forgetful):
                house.database.close()

    law()
    assert any(found), "nothing was ever remembered"
