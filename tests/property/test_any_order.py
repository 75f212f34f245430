"""One set of deliveries in any order: in the end the same is stored, and the same lines are set aside.

Left out, because FEEDS or docs/decisions.md say that the order counts, or that somebody has to look:

- two readings of one rank and other values for a meter and day: the later one is a correction;
- copies of a reading that are written otherwise (unit, kind, zeros): the one that came first stays;
- registers that fall without a reason: the one that is stored stays;
- a bad line whose meter and day another line tells: only a later one ends it;
- snapshots that correct an earlier day or bring a meter back to where it left, and readings outside of a meter's
  service that an incomplete register lets in: what is stored is told, not taken back;
- files with so many bad lines that they are held.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from meterdrop.bootstrap import House
from meterdrop.settings import read_settings
from meterdrop.usecases.reprocess import Reprocessed, Selection
from tests.homes import Homes
from tests.property.true_meters import READINGS, Delivery, Told, tellings

SETS = 300 if os.environ.get("HYPOTHESIS_PROFILE") == "nightly" else 3
"""Each is loaded twice, delivery by delivery: that takes its time. So would making a failing one smaller."""

PROFILE = "partner: anyone\nname: Anyone\ngroup: 2\nfeeds: {readings: {hold_above: {share: 1, lines: 100000}}, devices: {}}\n"

OF_THE_ROAD = ("id", "device", "delivery", "line", "quarantine", "seen_in")
"""Columns that say by which road a row came, not what it says."""

Row = tuple[tuple[str, object], ...]


@dataclass(frozen=True)
class Empty:
    """A home with its partner, and who copies it."""

    home: Path
    homes: Homes


@pytest.fixture
def empty(homes: Homes) -> Empty:
    return Empty(homes.kept("any-order", partial(furnish, homes=homes)), homes)


def furnish(home: Path, *, homes: Homes) -> None:
    homes.make(home)
    (home / "schemas" / "partners").mkdir(parents=True, exist_ok=True)
    (home / "schemas" / "partners" / "anyone.yaml").write_text(PROFILE, encoding="utf-8")
    house = House(settings=read_settings(home))
    house.partners.add("anyone", name="Anyone", group=2, keys=[], networks=[], who="test")
    house.database.close()


@contextmanager
def house_of(empty: Empty) -> Iterator[House]:
    with TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        empty.homes.copy(empty.home, home)
        house = House(settings=read_settings(home), today_is=date(2026, 3, 10))
        yield house
        house.database.close()
        empty.homes.forget()


def load(house: House, delivery: Delivery, *, number: int) -> None:
    path = house.home / "work" / f"{number}.csv"
    path.write_bytes(delivery.content)
    [done] = house.take_files([path], partner="anyone", feed=None)
    assert done.state.value in ("accepted", "partly_accepted", "duplicate")
    assert done.lines.lawful()


def reprocess(house: House) -> Reprocessed:
    return house.reprocess(Selection(), dry_run=False, progress=lambda _done, _all: None)


@dataclass(frozen=True)
class End:
    """What is known in the end. `readings` have the place that their meter was found at."""

    readings: list[Row]
    register: list[Row]
    set_aside: set[bytes]


def end_of(house: House) -> End:
    def rows(query: str) -> list[Row]:
        with house.database.reading() as store:
            found = store.exec_driver_sql(query).mappings().all()
        told = (tuple((name, cell) for name, cell in row.items() if name not in OF_THE_ROAD) for row in found)
        return sorted(told, key=str)

    waiting = house.review.listed(partner=None, delivery=None, state="open", code=None, limit=None)
    return End(
        readings=rows(
            "SELECT location, installed_from, reading.* FROM reading JOIN device ON device.id = device"
        ),
        register=rows("SELECT * FROM device"),
        set_aside={one.line.raw for one in waiting},
    )


def known(end: End, *, serial: str, day: date) -> bool:
    """Whether the register knows the meter as serving on this day."""
    for row in map(dict, end.register):
        first, last = str(row["installed_from"]), str(row["installed_to"] or "9999")
        if row["serial"] == serial and first <= day.isoformat() <= last:
            return True
    return False


def true_end(told: Told, end: End) -> tuple[set[tuple[str, ...]], set[bytes]]:
    """Readings (serial, value, unit, day, kind) and open lines, as they must be by this register."""
    lines = {line for delivery in told.deliveries if delivery.header == READINGS for line in delivery.lines}
    settled = [said for said in told.said if known(end, serial=said.serial, day=said.date)]
    ended = {line for said in settled for line in (said.best, *said.others)}
    return {tuple(said.best.split(";")[:5]) for said in settled}, {line.encode() for line in lines - ended}


@st.composite
def orders(draw: st.DrawFn, *, count: int) -> list[tuple[int, bool]]:
    """Places of deliveries, and whether the cron job comes behind each."""
    return [
        (place, draw(st.sampled_from([False, False, True]))) for place in draw(st.permutations(range(count)))
    ]


@settings(max_examples=SETS, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(told=tellings(), data=st.data())
def test_order_of_deliveries_does_not_matter_where_the_rules_say_so(
    empty: Empty, told: Told, data: st.DataObject
) -> None:
    ends = []
    for _ in range(2):
        with house_of(empty) as house:
            for number, tried in data.draw(orders(count=len(told.deliveries))):
                load(house, told.deliveries[number], number=number)
                if tried:
                    reprocess(house)
            reprocess(house)
            assert reprocess(house).deliveries == (), "a second run finds nothing to do"
            ends.append(end_of(house))

    assert ends[0].register == ends[1].register
    assert ends[0].readings == ends[1].readings
    assert ends[0].set_aside == ends[1].set_aside
    stored = {
        tuple(str(dict(row)[name] or "") for name in ("serial", "value", "unit", "day", "kind"))
        for row in ends[0].readings
    }
    assert (stored, ends[0].set_aside) == true_end(told, ends[0])
