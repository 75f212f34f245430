"""A line is corrected while its own delivery is being loaded anew: the delivery is settled by whoever loads it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from meterdrop.model.delivery import Release
from tests.integration.command_line import CommandLine
from tests.integration.loop import Loop

BAD = [f"10001;x;m3;2026-09-{day:02}" for day in range(1, 26)]
GOOD = "10002;5;m3;2026-09-01"


@pytest.fixture
def loop(meterdrop: CommandLine) -> Loop:
    """Delivery 2 is held, with one good line; line 2 of delivery 3 is about a meter and day of it."""
    made = Loop(meterdrop)
    made.profile("  readings: {}")
    meterdrop.register("10001", "10002")
    made.send("held.csv", *BAD, GOOD, code=1)
    made.send("next.csv", "10001;x;m3;2026-09-05", "10002;7;m3;2026-09-03", code=1)
    return made


class _Fallen(Exception):
    """The process is gone."""


def fall_at(point: str) -> Callable[[str], None]:
    def check(passed: str) -> None:
        if passed == point:
            raise _Fallen

    return check


def release_that_falls(loop: Loop) -> None:
    """The process falls over with the released delivery before it is judged."""
    house = loop.site.house()
    ingest = replace(house.ingest, at=fall_at("ingest:begun"))
    decide = replace(house.decide, ingest=ingest)
    with pytest.raises(_Fallen):
        decide.release(2, how=Release.WHOLE, who="test", reason="seen with the partner")
    house.database.close()


def state(loop: Loop) -> str:
    return str(loop.rows("select state from delivery where id = 2")[0]["state"])


def test_good_lines_of_a_delivery_being_loaded_are_stored_whatever_ends_its_bad_ones(loop: Loop) -> None:
    """Once a line that ended settled the delivery, and nobody loaded the rest of it any more."""
    release_that_falls(loop)

    loop.site.done("quarantine", "fix", "300000002", "Value=6", "--reason", "read on site")
    assert dict(loop.states(2))[6] == "superseded"
    assert state(loop) == "loading"

    loop.site.done("delivery", "release", "2", "--reason", "seen with the partner", code=1)
    assert loop.readings() == [
        ("10001", "2026-09-05", "6"),
        ("10002", "2026-09-01", "5"),
        ("10002", "2026-09-03", "7"),
    ]
    told = loop.receipt(2)
    assert (told["verdict"], told["lines"]["accepted"]) == ("partly_accepted", 1)
