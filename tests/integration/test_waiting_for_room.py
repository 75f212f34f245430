"""A delivery that waits for room on the disk is told by `status`: which, for what, since when, what to do next."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from meterdrop.bootstrap import House
from meterdrop.model.errors import TryAgain
from meterdrop.report.waiting_words import WORDS
from meterdrop.settings import read_settings
from meterdrop.store.schema import delivery_wait
from meterdrop.usecases.ingest import Ingest
from tests.integration.command_line import REGISTER_HEADER, CommandLine

HOLES = ("{needed}", "{floor}", "{behind}", "{count}", "{name}", "{why}", "{tries}")
ROW = "2026-01-01;A1;m3;hall;CW;1001;-;1;2024-01-01;1"


@contextmanager
def little_room(monkeypatch: pytest.MonkeyPatch, *, free: int) -> Iterator[None]:
    """A disk with so many bytes left, floor and all."""
    with monkeypatch.context() as full:
        full.setattr(shutil, "disk_usage", lambda _folder: SimpleNamespace(free=free))
        yield


@pytest.fixture
def house(meterdrop: CommandLine) -> Iterator[House]:
    made = House(settings=read_settings(meterdrop.home))
    yield made
    made.database.close()


@pytest.fixture
def waiting(meterdrop: CommandLine, monkeypatch: pytest.MonkeyPatch, house: House) -> str:
    """The number of a delivery that found no room; behind it waits another."""
    with little_room(monkeypatch, free=house.room.floor):
        for number in range(2):
            path = meterdrop.write(f"{number}.csv", [REGISTER_HEADER, ROW.replace("1001", f"100{number}")])
            meterdrop.refused("ingest", "--partner", "anyone", str(path), code=3)
    [first, _] = reversed(meterdrop.document("deliveries"))
    delivery: str = first["delivery"]
    return delivery


def told(meterdrop: CommandLine) -> dict[str, Any]:
    """The delivery that waits, as JSON tells it."""
    [one] = meterdrop.document("status", code=1)["waiting"]
    found: dict[str, Any] = one
    return found


def test_json_tells_which_delivery_waits_for_what_since_when_and_what_to_do(
    meterdrop: CommandLine, waiting: str
) -> None:
    one = told(meterdrop)
    since = datetime.fromisoformat(one["since"])
    assert (one["delivery"], one["partner"], one["path"]) == (waiting, "anyone", "incoming/0.csv")
    assert (one["waits_for"], one["needed_mb"], one["behind"]) == ("room", 1, 1)
    assert datetime.now(UTC) - since < timedelta(minutes=1)
    assert one["words"] == {
        "en": {
            "why": "waits for room on the disk: some 1 MB above the 256 MB that stay free (free_disk_mb); "
            "1 more of the same partner wait behind it",
            "next": "Make room on the disk; the next sweep loads it by itself",
        },
        "cs": {
            "why": "čeká na místo na disku: asi 1 MB nad 256 MB, které zůstávají volné (free_disk_mb); "
            "za ní čekají další dodávky téhož partnera: 1",
            "next": "Uvolněte místo na disku; při příští obchůzce se načte sama",
        },
    }


def test_people_are_told_in_a_table_and_a_sentence(meterdrop: CommandLine, waiting: str) -> None:
    shown = meterdrop.done("status", code=1).out
    assert f"delivery {waiting}" in shown
    assert "room on the disk" in shown
    assert f"problem: delivery {waiting} of anyone waits for room on the disk" in shown
    assert "Make room on the disk" in shown


def test_disk_may_have_room_again_and_the_delivery_still_waits_for_the_sweep(
    meterdrop: CommandLine, waiting: str
) -> None:
    """Between two sweeps the disk alone would say that all is well."""
    [problem] = meterdrop.document("status", code=1)["problems"]
    assert problem.startswith(f"delivery {waiting} ")


def test_what_is_loaded_waits_no_longer(meterdrop: CommandLine, house: House, waiting: str) -> None:
    assert waiting
    assert len(house.drain("anyone")) == 2
    status = meterdrop.document("status")
    assert (status["waiting"], status["problems"]) == ([], [])
    with house.database.reading() as store:
        assert store.execute(delivery_wait.select()).all() == [], (
            "if it is judged again it waits from then on"
        )


def test_since_is_when_it_was_first_tried_and_tried_at_when_it_was_last(
    house: House, waiting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert waiting
    before = house.look_around().waiting[0]
    later = before.since + timedelta(hours=3)
    again = replace(house.drain, ingest=replace(house.drain.ingest, clock=lambda: later))
    with little_room(monkeypatch, free=house.room.floor), suppress(TryAgain):
        again("anyone")
    [one] = house.look_around().waiting
    assert (one.since, one.tried_at) == (before.since, later)


def test_delivery_of_which_is_told_why_it_waits_makes_nobody_ask_whether_the_pipeline_runs(
    house: House, waiting: str
) -> None:
    late = replace(house.look_around, clock=lambda: datetime.now(UTC) + timedelta(hours=1))
    problems = late().problems
    assert problems[0].startswith(f"delivery {waiting} ")
    assert not any(problem.startswith("a delivery waits since") for problem in problems)


def test_disk_that_runs_full_on_the_way_is_told_without_a_number(
    meterdrop: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = meterdrop.write("r.csv", [REGISTER_HEADER, ROW])
    with monkeypatch.context() as disk:
        disk.setattr(Ingest, "_judged_and_published", full)
        meterdrop.refused("ingest", "--partner", "anyone", str(path), code=3)
    one = told(meterdrop)
    assert (one["needed_mb"], one["behind"]) == (None, 0)
    assert one["words"]["en"]["why"] == "waits for room on the disk"


def test_delivery_that_waits_for_something_else_is_not_said_to_wait_for_room(
    house: House, waiting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise TryAgain("the register was changed meanwhile")

    assert waiting
    monkeypatch.setattr(Ingest, "_judged_and_published", away)
    with pytest.raises(TryAgain):
        house.drain("anyone")
    assert house.look_around().waiting == ()


def test_every_word_is_there_in_both_languages() -> None:
    assert WORDS["cs"].keys() == WORDS["en"].keys()
    for key, czech in WORDS["cs"].items():
        english = WORDS["en"][key]
        assert [hole in czech for hole in HOLES] == [hole in english for hole in HOLES], key
