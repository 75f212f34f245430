"""What is past its time goes once a day, again soon if it could not, and never where nothing is ever to go."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

import pytest

from meterdrop.model.errors import TryAgain
from meterdrop.model.retention import Ended, Kept
from meterdrop.service.caretaker import Caretaker
from meterdrop.usecases.retention.part import Turn
from meterdrop.usecases.retention.run import Retention

DAY = date(2026, 11, 24)


@dataclass
class Days:
    """A calendar to be turned by hand."""

    day: date = DAY

    def __call__(self) -> date:
        return self.day


@dataclass
class Counting:
    """A part that only counts its runs."""

    fails: list[Exception] = field(default_factory=list)
    ran: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    runs: int = 0
    what: Kept = Kept.AUDIT

    def foreseen(self, _now: datetime) -> Ended:
        return Ended(what=self.what, count=0)

    def run(self, turn: Turn) -> Ended:
        assert turn.who == "meterdrop"
        self.runs += 1
        self.ran.release()
        if self.fails:
            raise self.fails.pop()
        return Ended(what=self.what, count=0)


class _NoLocks:
    @contextmanager
    def hold(self, name: str, *, wait: float) -> Iterator[None]:
        yield


class Ringing(Protocol):
    def __call__(
        self, part: Counting | None, days: Days, *, half_done: Callable[[], bool] = ...
    ) -> Caretaker: ...


@pytest.fixture
def begin() -> Iterator[Ringing]:
    """Starts caretakers, and stops them."""
    begun: list[Caretaker] = []

    def start(
        part: Counting | None, days: Days, *, half_done: Callable[[], bool] = lambda: False
    ) -> Caretaker:
        parts = [] if part is None else [part]
        retention = Retention(
            parts=parts,
            locks=_NoLocks(),
            clock=lambda: datetime(2026, 11, 24, tzinfo=UTC),
            half_done=half_done,
        )
        caretaker = Caretaker(retention, today=days)
        caretaker.start()
        begun.append(caretaker)
        return caretaker

    yield start
    for one in begun:
        one.stop()


def rung_until(caretaker: Caretaker, part: Counting) -> None:
    """Rings as the sweep does, until there was one more run."""
    for _ in range(500):
        caretaker.ring()
        if part.ran.acquire(timeout=0.02):
            return
    raise AssertionError("it never ran")


def test_it_runs_once_on_a_day(begin: Ringing) -> None:
    part, days = Counting(), Days()
    caretaker = begin(part, days)
    rung_until(caretaker, part)
    for _ in range(5):
        caretaker.ring()
        assert not part.ran.acquire(timeout=0.02)
    days.day += timedelta(days=1)
    rung_until(caretaker, part)
    caretaker.stop()
    assert part.runs == 2


def test_what_could_not_be_done_is_tried_again_on_the_same_day(begin: Ringing) -> None:
    part = Counting(fails=[TryAgain("the database is away")])
    caretaker = begin(part, Days())
    rung_until(caretaker, part)
    rung_until(caretaker, part)
    caretaker.stop()
    assert part.runs == 2


def test_bug_is_not_met_again_before_tomorrow(begin: Ringing) -> None:
    part, days = Counting(fails=[ZeroDivisionError()]), Days()
    caretaker = begin(part, days)
    rung_until(caretaker, part)
    caretaker.ring()
    assert not part.ran.acquire(timeout=0.05)
    days.day += timedelta(days=1)
    rung_until(caretaker, part)


def test_what_somebody_left_half_done_is_finished_on_the_same_day(begin: Ringing) -> None:
    part, left = Counting(), [False, True, False]
    caretaker = begin(part, Days(), half_done=lambda: bool(left and left.pop()))
    rung_until(caretaker, part)
    rung_until(caretaker, part)
    caretaker.ring()
    assert not part.ran.acquire(timeout=0.05)
    caretaker.stop()
    assert part.runs == 2


def test_without_a_setting_there_is_no_thread(begin: Ringing) -> None:
    before = threading.active_count()
    begin(None, Days()).ring()
    assert threading.active_count() == before
