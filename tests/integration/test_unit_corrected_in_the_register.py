"""A meter's unit was registered wrong: what was stored in another dimension says nothing of what it measures."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from meterdrop.bootstrap import House
from meterdrop.model.delivery import Delivery
from meterdrop.settings import read_settings
from meterdrop.usecases.reprocess import Selection
from tests.homes import Homes

REGISTER = "Date;Location;TypeUnit;Room;Media;SerialNumber;RadioNumber;Seq;DateFrom;Correction"
READINGS = "SerialNum;Value;Unit;Date;Kind"


@pytest.fixture
def house(homes: Homes, tmp_path: Path) -> Iterator[House]:
    home = tmp_path / "home"
    homes.make(home)
    made = House(settings=read_settings(home), today_is=date(2026, 11, 24))
    made.partners.add("anyone", name="Anyone", group=2, keys=[], networks=[], who="test")
    yield made
    made.database.close()


def taken(house: House, name: str, *lines: str) -> Delivery:
    given = house.home / "work" / f"{name}.csv"
    given.write_text("\n".join([*lines, ""]), encoding="utf-8")
    [done] = house.take_files([given], partner="anyone", feed=None)
    return done


def register(house: House, *, unit: str, taken_on: str) -> None:
    row = f"{taken_on};A1;{unit};hall;HT;1;-;1;2024-01-01;1"
    assert taken(house, f"register-{unit}", REGISTER, row).state.value == "accepted"


def stored(house: House) -> list[tuple[str, str, str]]:
    rows = house.export.readings(partner="anyone", start=None, end=None)
    return [(str(row["date"]), str(row["value"]), str(row["canonical_unit"])) for row in rows]


@pytest.fixture
def corrected(house: House) -> House:
    """Of a heat meter 5 October was told in m³, 6 October in GJ; then the register was corrected from m³ to GJ."""
    register(house, unit="m3", taken_on="2026-10-01")
    taken(house, "first", READINGS, "1;100;m3;2026-10-05;", "1;0.05;GJ;2026-10-06;")
    register(house, unit="GJ", taken_on="2026-10-10")
    return house


def test_reading_is_not_compared_with_one_of_another_dimension(corrected: House) -> None:
    """0.05 GJ is not below 100 m³, nor is 200 GJ a rise from there; but 0.04 GJ is below 0.05 GJ."""
    done = corrected.reprocess(Selection(), dry_run=False, progress=lambda _done, _all: None)
    assert done.accepted == 1
    later = taken(corrected, "later", READINGS, "1;0.06;GJ;2026-10-07;", "1;0.04;GJ;2026-10-08;")
    assert later.findings_by_code == {"reading.below-previous": 1}
    assert stored(corrected) == [
        ("2026-10-05", "100", "m3"),
        ("2026-10-06", "0.05", "MJ"),
        ("2026-10-07", "0.06", "MJ"),
    ]


def test_nearest_reading_of_the_same_dimension_is_the_neighbour(corrected: House) -> None:
    """Those of another one that lie between are looked past."""
    taken(corrected, "before", READINGS, "1;0.3;GJ;2026-10-03;")
    later = taken(corrected, "later", READINGS, "1;0.15;GJ;2026-10-07;")
    assert later.findings_by_code == {"reading.below-previous": 1}


@pytest.mark.parametrize("line", ["1;100;MJ;2026-10-05;", "1;0.1;GJ;2026-10-05;ESTIMATE"])
def test_same_day_in_another_dimension_is_corrected(corrected: House, line: str) -> None:
    """The same number is another value there, and an estimate is better than what is none of this meter."""
    later = taken(corrected, "later", READINGS, line)
    assert later.findings_by_code == {"reading.correction": 1}
    assert stored(corrected) == [("2026-10-05", line.split(";")[1], "MJ")]
