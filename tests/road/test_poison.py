"""A delivery that its worker does not survive is poisoned after three attempts, and holds up nobody."""

from pathlib import Path

import pytest

from tests.homes import POSTGRESQL, Homes
from tests.road.pipeline_rig import READINGS_HEADER, Rig, stop, wait_for

pytestmark = [pytest.mark.road, pytest.mark.by_night(POSTGRESQL)]

SERIALS = [f"{10_000 + number}" for number in range(20)]


@pytest.fixture
def rig(homes: Homes, tmp_path: Path) -> Rig:
    made = Rig(tmp_path / "home", homes=homes)
    made.add_partner("other")
    made.register(SERIALS)
    made.register([f"9{serial}" for serial in SERIALS], partner="other")
    return made


def _file(day: str, *, first: str = "") -> bytes:
    rows = [f"{first}{serial};{100 + number},5;m3;{day}" for number, serial in enumerate(SERIALS)]
    return ("\n".join([READINGS_HEADER, *rows]) + "\n").encode()


def _large(lines: int) -> bytes:
    """Far more than 64 MB or one second allow."""
    rows = (f"{10_000 + number % 20};{number},5;m3;2026-10-{number % 28 + 1:02d}" for number in range(lines))
    return ("\n".join([READINGS_HEADER, *rows]) + "\n").encode()


def _is_poisoned(rig: Rig, upload: str) -> None:
    told = rig.result(upload)
    assert (told["verdict"], told["findings_by_code"]) == ("poisoned", {"file.poisoned": 1})
    assert told["lines"]["accepted"] == 0
    house = rig.house()
    shown = house.show_delivery(upload).delivery
    assert shown.attempts == house.settings.max_attempts + 1
    assert any("poisoned" in problem for problem in house.look_around().problems)
    house.database.close()


def _ends(rig: Rig) -> list[str]:
    return [one["why"] for one in rig.logged("worker.ended")]


def test_delivery_that_kills_its_worker_each_time_is_poisoned_and_the_next_ones_are_loaded(rig: Rig) -> None:
    poison = rig.hand_over(_file("2026-10-29"))
    after = rig.hand_over(_file("2026-10-30"))
    others = rig.hand_over(_file("2026-10-31", first="9"), partner="other")

    running = rig.pipeline(METERDROP_CRASH_AT="ingest:judged in 3 workers")

    _is_poisoned(rig, poison)
    assert rig.result(after)["verdict"] == "accepted"
    assert rig.result(others, partner="other")["verdict"] == "accepted"
    assert stop(running) == 0
    assert _ends(rig) == ["SIGKILL"] * 3
    assert {day for _, day, _ in rig.stored()} == {"2026-10-30"}


def test_delivery_that_killed_its_worker_twice_is_loaded_the_third_time(rig: Rig) -> None:
    """The last attempt counts as much as the first."""
    upload = rig.hand_over(_file("2026-10-31"))

    running = rig.pipeline(METERDROP_CRASH_AT="publish:settled in 2 workers")

    assert rig.result(upload)["verdict"] == "accepted"
    assert stop(running) == 0
    assert len(rig.stored()) == len(SERIALS)


def test_delivery_that_needs_too_much_memory_is_poisoned(rig: Rig) -> None:
    poison = rig.hand_over(_large(400_000))
    after = rig.hand_over(_file("2026-10-31"))

    running = rig.pipeline(METERDROP_DELIVERY_MB="64")

    _is_poisoned(rig, poison)
    assert rig.result(after)["verdict"] == "accepted"
    assert stop(running) == 0
    assert len(_ends(rig)) == 3
    assert set(_ends(rig)) <= {"memory", "bug"}, (
        "Arrow tells some of its failed allocations as unknown errors"
    )
    _no_scratch_is_left(rig)


def test_delivery_that_takes_too_long_is_poisoned_and_others_are_loaded_meanwhile(rig: Rig) -> None:
    poison = rig.hand_over(_large(1_000_000))
    running = rig.pipeline(METERDROP_DELIVERY_SECONDS="1.5", METERDROP_WORKERS="2")
    wait_for(lambda: rig.logged("delivery.received") or None, what="the slow file")
    others = rig.hand_over(_file("2026-10-30", first="9"), partner="other")
    after = rig.hand_over(_file("2026-10-31"))

    assert rig.result(others, partner="other")["verdict"] == "accepted"
    assert rig.receipts(f"{poison}.result.json") == [], "the other partner had to wait"
    _is_poisoned(rig, poison)
    assert rig.result(after)["verdict"] == "accepted"
    assert stop(running) == 0
    assert _ends(rig) == ["time"] * 3
    _no_scratch_is_left(rig)


def _no_scratch_is_left(rig: Rig) -> None:
    """A killed attempt can't clean up behind itself."""
    assert list((rig.home / "work").glob("delivery-*")) == []
