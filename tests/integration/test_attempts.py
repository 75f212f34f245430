"""Only a file that kills its worker becomes poison; a full disk or a busy database does not make it so."""

import errno
import shutil
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from meterdrop.bootstrap import House
from meterdrop.model.delivery import State
from meterdrop.model.errors import TryAgain
from meterdrop.settings import read_settings
from meterdrop.store.database import Database
from meterdrop.usecases.ingest import Ingest
from tests.homes import Homes, rows

REGISTER = (
    "Date;Location;TypeUnit;Room;Media;SerialNumber;RadioNumber;Seq;DateFrom;Correction\n"
    "2026-01-01;A1;m3;hall;CW;1001;-;1;2024-01-01;1\n"
    "2026-01-01;A2;m3;hall;CW;1002;-;1;2024-01-01;{correction}\n"
)


@pytest.fixture
def house(homes: Homes, tmp_path: Path) -> House:
    home = tmp_path / "home"
    homes.make(home)
    made = House(settings=read_settings(home))
    made.partners.add("anyone", name="Anyone", group=2, keys=[], networks=[], who="test")
    return made


def _given(house: House, content: str) -> Path:
    path = house.home / "work" / "given.csv"
    path.write_text(content, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "failure", [TryAgain("the database is away"), OSError(errno.ENOSPC, "No space left on device")]
)
def test_attempt_that_the_world_made_fail_is_not_counted(
    house: House, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise failure

    with monkeypatch.context() as broken:
        broken.setattr(Ingest, "_judged_and_published", fail)
        with pytest.raises(TryAgain):
            house.take_files([_given(house, REGISTER.format(correction="1"))], partner="anyone", feed=None)
        for _ in range(house.settings.max_attempts + 2):
            with pytest.raises(TryAgain):
                house.drain("anyone")

    [settled] = house.drain("anyone")
    assert (settled.state, settled.attempts) == (State.ACCEPTED, 1)


@pytest.mark.parametrize("above_the_floor", [0, 380])
def test_delivery_without_room_on_the_disk_waits_and_is_loaded_once_there_is_room(
    house: House, monkeypatch: pytest.MonkeyPatch, above_the_floor: int
) -> None:
    """No room to judge 177 bytes; or room to judge them, but not to store two rows."""
    free = house.room.floor + above_the_floor
    with monkeypatch.context() as full:
        full.setattr(shutil, "disk_usage", lambda _folder: SimpleNamespace(free=free))
        with pytest.raises(TryAgain, match=r"has 256 MB free; some 1 MB are needed now.*make room"):
            house.take_files([_given(house, REGISTER.format(correction="1"))], partner="anyone", feed=None)
    assert [left.name for left in (house.home / "work").iterdir()] == ["given.csv"]

    [settled] = house.drain("anyone")
    assert (settled.state, settled.attempts) == (State.ACCEPTED, 1)


def test_disk_below_its_floor_is_told_by_status(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    assert house.look_around().problems == ()
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: SimpleNamespace(free=house.room.floor - 1))
    [problem] = house.look_around().problems
    assert problem.endswith("make room, and what waits is loaded by itself")


def test_meter_on_a_bad_line_is_not_told_missing_from_the_snapshot(house: House) -> None:
    house.take_files([_given(house, REGISTER.format(correction="1"))], partner="anyone", feed=None)

    [again] = house.take_files([_given(house, REGISTER.format(correction="0"))], partner="anyone", feed=None)

    assert again.findings_by_code == {"device.bad-correction": 1}


def test_attempt_that_a_database_made_fail_which_stayed_away_is_given_back_when_it_answers(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(*_: object, **__: object) -> None:
        gone.setattr(Database, "writing", away)
        raise TryAgain("the database is away")

    def away(*_: object, **__: object) -> None:
        raise TryAgain("the database is away")

    load = partial(
        house.take_files, [_given(house, REGISTER.format(correction="1"))], partner="anyone", feed=None
    )
    for _ in range(house.settings.max_attempts + 2):
        with monkeypatch.context() as gone:
            gone.setattr(Ingest, "_judged_and_published", lose)
            with pytest.raises(TryAgain):
                load()
            load = partial(house.drain, "anyone")
            assert house.drain.make_good()
            assert rows(house.home, "SELECT attempts FROM delivery") == [(1,)]
    assert not house.drain.make_good()
    assert rows(house.home, "SELECT attempts FROM delivery") == [(0,)]

    [settled] = house.drain("anyone")
    assert (settled.state, settled.attempts) == (State.ACCEPTED, 1)
