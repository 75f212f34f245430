"""A small file is judged by the meters that it names, a large one by all of them: that must not show."""

from collections.abc import Iterator, Sequence
from datetime import date
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from meterdrop.bootstrap import House
from meterdrop.model.errors import TryAgain
from meterdrop.settings import read_settings
from meterdrop.store import partners
from meterdrop.tables import TEXT
from meterdrop.usecases.judging import known_devices
from meterdrop.usecases.judging.known_devices import KnownDevices
from tests.homes import Homes

TODAY = date(2026, 11, 24)
METERS = 5
REGISTER = "Date;Location;TypeUnit;Room;Media;SerialNumber;RadioNumber;Seq;DateFrom;Correction"


@pytest.fixture
def house(homes: Homes, tmp_path: Path) -> Iterator[House]:
    """A home with a partner's five meters."""
    home = homes.copy(homes.kept("five-meters", partial(furnish, homes=homes)), tmp_path / "home")
    made = House(settings=read_settings(home), today_is=TODAY)
    yield made
    made.database.close()


def furnish(home: Path, *, homes: Homes) -> None:
    homes.make(home)
    made = House(settings=read_settings(home), today_is=TODAY)
    made.partners.add("anyone", name="Anyone", group=2, keys=[], networks=[], who="test")
    path = home / "work" / "register.csv"
    rows = [f"2026-01-01;A{meter};m3;hall;CW;{meter};-;1;2024-01-01;1" for meter in range(1, METERS + 1)]
    path.write_text("\n".join([REGISTER, *rows, ""]), encoding="utf-8")
    [done] = made.take_files([path], partner="anyone", feed=None)
    assert done.state.value == "accepted"
    made.database.close()


def known_to(house: House, *, by_radio: bool = False) -> KnownDevices:
    return KnownDevices(
        database=house.database, partner="anyone", by_radio=by_radio, rows_together=1, memory=house.memory
    )


def names(*some: str | None) -> pd.Series:
    return pd.Series(some, dtype=TEXT)


def keys(frame: pd.DataFrame) -> Sequence[str]:
    return sorted(frame["key"])


def test_the_first_few_names_are_looked_up_alone(house: House) -> None:
    known = known_to(house)
    assert keys(known.bearing(names("2", None, "4", "unknown", "2"))) == ["2", "4"]


def test_names_that_go_on_need_the_whole_register(house: House) -> None:
    known = known_to(house)
    known.count(known.bearing(names("2"))["device"])
    assert keys(known.bearing(names("3"))) == ["1", "2", "3", "4", "5"]


def test_names_of_radios_need_the_whole_register(house: House) -> None:
    assert len(known_to(house, by_radio=True).bearing(names("2"))) == METERS


def test_rows_counted_before_still_count(house: House) -> None:
    known = known_to(house)
    known.count(known.bearing(names("2"))["device"])
    known.count(known.bearing(names("4")).query("key == '4'")["device"])
    assert len(known.ranges._bounds()) == 2  # a range ends behind each row


def test_register_that_changed_since_the_beginning_is_asked_anew(house: House) -> None:
    known = known_to(house)
    with house.database.writing() as store:
        partners.raise_register_version(store, "anyone")
    with pytest.raises(TryAgain):
        known.bearing(names("2"))


def test_readings_that_change_all_the_time_are_judged_without_memory_in_the_end(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Retention raises the version every second: a large file must come through all the same."""
    monkeypatch.setattr(known_devices, "_FEW", 0)
    outcomes = []
    for _ in range(3):
        known = known_to(house)
        known.bearing(names("2"))
        with house.database.writing() as store:
            partners.raise_version(store, "anyone")
        with house.database.reading() as store:
            try:
                known.check(store)
            except TryAgain:
                outcomes.append("again")
            else:
                outcomes.append("through")
    assert outcomes == ["again", "through", "again"]
