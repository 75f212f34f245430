"""On PostgreSQL the rows of a large file are stored while the rest of it is judged: only how long it takes may show that."""

import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from meterdrop.bootstrap import House
from meterdrop.model.delivery import Delivery
from meterdrop.model.errors import TryAgain
from meterdrop.model.feed import Agreement, Target
from meterdrop.settings import read_settings
from meterdrop.store import partners
from meterdrop.usecases.judging import known_devices
from meterdrop.usecases.judging.readings import ReadingRules
from meterdrop.usecases.judging.rules import Rules
from tests.homes import NIGHTLY, POSTGRESQL, Homes
from tests.property.test_two_workers_remember import TODAY, end_of, furnish, readings, register

pytestmark = pytest.mark.only_on(POSTGRESQL)
HEADER = "SerialNum;Value;Unit;Date;Kind"


@dataclass(frozen=True)
class InRanges(House):
    """A house that takes every file for a large one: three rows are settled together."""

    def rules_for(self, agreement: Agreement, today: date) -> Rules:
        """Readings in ranges; all others as ever."""
        if agreement.feed.target is not Target.READINGS:
            return super().rules_for(agreement, today)
        return ReadingRules(
            agreement, database=self.database, today=today, memory=self.memory, rows_together=3
        )


@pytest.fixture
def start(homes: Homes) -> Path:
    """A home with five meters, and nothing stored."""
    return homes.kept("two-workers", partial(furnish, homes=homes))


@pytest.fixture
def house(start: Path, homes: Homes, tmp_path: Path) -> Iterator[InRanges]:
    made = with_points(InRanges(settings=read_settings(homes.copy(start, tmp_path / "home")), today_is=TODAY))
    yield made
    made.database.close()


def load(house: House, lines: list[str]) -> Delivery:
    path = house.home / "work" / "file.csv"
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    [done] = house.take_files([path], partner="anyone", feed=None)
    return done


def many(chance: random.Random, *, first: int) -> list[str]:
    """Lines of all kinds, of most meters."""
    some = [readings(chance.randrange(2**32), first=first, days=3)[1:] for _ in range(3)]
    return [HEADER, *chain.from_iterable(some)]


def rising(*, first: int, days: int) -> list[str]:
    """Five meters that rise by ten a day."""
    return [
        f"{meter};{100 * meter + 10 * day};m3;2026-09-{day:02};"
        for day in range(first, first + days)
        for meter in range(1, 6)
    ]


class Points:
    """Notes the points that are passed; whenever a range was handed over `act` is called with how many were before."""

    def __init__(self) -> None:
        self.passed: list[str] = []
        self.act: Callable[[int], None] = nothing

    def __call__(self, point: str) -> None:
        self.passed.append(point)
        if point == "publish:ahead":
            self.act(self.passed.count(point) - 1)


def nothing(_number: int) -> None:
    """What happens usually."""


def with_points(house: InRanges) -> InRanges:
    """To be called before anything of the house is asked for."""
    house.__dict__["at"] = Points()
    return house


def points(house: House) -> Points:
    at = points_of(house)
    at.passed.clear()
    return at


def points_of(house: House) -> Points:
    at = house.at
    assert isinstance(at, Points)
    return at


@pytest.mark.parametrize("seed", range(20) if NIGHTLY else range(2))
def test_what_is_stored_ahead_is_what_is_stored_at_the_end(
    start: Path, homes: Homes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Repeats, conflicts, falls, corrections, other units, a register in between: file after file, with and without memory."""
    monkeypatch.setattr(known_devices, "_FEW", 0)
    chance = random.Random(seed)  # noqa: S311 - a test's own dice
    homes_of = [homes.copy(start, tmp_path / name / "home") for name in ("ahead", "forgetful", "at-the-end")]
    made: list[House] = [
        with_points(InRanges(settings=read_settings(home), today_is=TODAY)) for home in homes_of[:2]
    ]
    made[1].__dict__["settings"] = made[1].settings.model_copy(update={"worker_memory_mb": 0})
    made.append(House(settings=read_settings(homes_of[2]), today_is=TODAY))
    for number in range(8):
        lines = register(chance.randrange(2**32)) if number == 4 else many(chance, first=number)
        states = {load(house, lines).state for house in made}
        ends = [end_of(house) for house in made]
        assert ends[0] == ends[2]
        assert ends[1] == ends[2]
        assert len(states) == 1
    for house in made:
        house.database.close()
    assert "publish:ahead" in points_of(made[0]).passed
    assert not ahead_threads()


def test_file_that_is_held_in_the_end_leaves_nothing(house: InRanges) -> None:
    """Every cell of it is good, so rows were stored; that registers fall shows only beside the stored ones."""
    load(house, [HEADER, *rising(first=10, days=1)])
    before = seen(house, "reading", "history")
    at = points(house)
    fallen = [line.replace(";m3", "").split(";") for line in rising(first=11, days=4)]
    wrong = [f"{meter};{int(value) // 100};m3;{day};" for meter, value, day, _ in fallen]
    assert load(house, [HEADER, *wrong]).state.value == "held"
    assert "publish:ahead" in at.passed
    assert seen(house, "reading", "history") == before
    assert not ahead_threads()
    done = load(house, [HEADER, *rising(first=15, days=1)])
    assert (done.state.value, done.lines.accepted) == ("accepted", 5)


@pytest.mark.parametrize("range_", range(3) if NIGHTLY else [1])
def test_database_that_is_lost_meanwhile_is_tried_again(house: InRanges, range_: int) -> None:
    """Whichever range it was at: the attempt is given back, nothing is stored, and then everything is, once."""

    def lose(number: int) -> None:
        if number == range_:
            with house.database.reading() as store:
                store.execute(
                    text(
                        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
                        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    )
                )

    load(house, [HEADER, *rising(first=10, days=1)])
    before = seen(house, "reading")
    points(house).act = lose
    lines = [HEADER, *rising(first=11, days=3)]
    with pytest.raises(TryAgain, match="did not answer"):
        load(house, lines)
    assert seen(house, "reading") == before
    assert not ahead_threads()
    points(house).act = nothing
    [done] = house.drain("anyone")
    assert (done.state.value, done.lines.accepted, done.attempts) == ("accepted", 15, 1)
    assert len(seen(house, "reading")["reading"]) == len(before["reading"]) + 15


def test_what_goes_wrong_while_it_is_judged_takes_all_back(house: InRanges) -> None:
    """A full disk, say: nobody is left who stores, and no transaction open."""

    def fail(number: int) -> None:
        if number == 2:
            raise TryAgain("no room")

    points(house).act = fail
    with pytest.raises(TryAgain, match="no room"):
        load(house, [HEADER, *rising(first=1, days=3)])
    assert not ahead_threads()
    assert seen(house, "reading")["reading"] == []
    with house.database.writing() as store:
        partners.lock(store, ["anyone"])


def test_nobody_changes_the_partner_meanwhile_and_all_others_go_on(house: InRanges) -> None:
    """The lock that publishing takes is taken when the first range goes."""
    refused: list[bool] = []

    def try_it(_number: int) -> None:
        with house.database.reading() as store:
            store.execute(text("SET LOCAL lock_timeout = '50ms'"))
            partners.lock(store, ["someone-else"])
            assert store.execute(text("SELECT count(*) FROM reading")).scalar_one() == 0
            try:
                partners.lock(store, ["anyone"])
            except OperationalError:
                refused.append(True)
                store.rollback()

    points(house).act = try_it
    done = load(house, [HEADER, *rising(first=1, days=3)])
    assert (done.state.value, done.lines.accepted) == ("accepted", 15)
    assert len(refused) >= 3


def seen(house: House, *names: str) -> dict[str, Any]:
    found = end_of(house)
    return {name: found[name] for name in names}


def ahead_threads() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == "ahead"]
