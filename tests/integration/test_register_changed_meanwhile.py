"""A register that changes while readings are judged by it: nothing is stored by what was true before."""

from dataclasses import replace
from pathlib import Path

import pytest

from meterdrop.bootstrap import House
from meterdrop.model.delivery import State
from meterdrop.model.errors import TryAgain
from tests.integration.command_line import READINGS_HEADER, REGISTER_HEADER, CommandLine

METER = "small;{day};A-1;m3;hall;CW;10001;-;1;2024-01-01;1;{until}"
READINGS = ["10001;1;m3;2026-10-30", "10001;2;m3;2026-10-31"]


@pytest.fixture
def house(meterdrop: CommandLine) -> House:
    """The manager has registered a meter of a partner of group 1."""
    house = meterdrop.house()
    for name, group in (("small", 1), ("manager", 2)):
        house.partners.add(name, name=name, group=group, keys=[], networks=[], who="test")
    house.take_files([evidence(meterdrop, day="2026-10-01")], partner="manager", feed=None)
    return house


def evidence(meterdrop: CommandLine, *, day: str, until: str = "") -> Path:
    """The manager's register of that day."""
    header = f"Partner;{REGISTER_HEADER};DateTo"
    return meterdrop.write(f"evidence-{day}.csv", [header, METER.format(day=day, until=until)])


def test_readings_are_judged_again_if_the_manager_changed_the_register_meanwhile(
    meterdrop: CommandLine, house: House
) -> None:
    """He holds his own lock, not the partner's: the meter is told removed between judging and publishing."""
    removed = evidence(meterdrop, day="2026-11-01", until="2026-10-30")

    def at(point: str) -> None:
        if point == "ingest:judged":
            house.take_files([removed], partner="manager", feed=None)

    drain = replace(house.drain, ingest=replace(house.ingest, at=at))
    with pytest.raises(TryAgain, match="the register of small was changed meanwhile"):
        replace(house.take_files, drain=drain)(
            [meterdrop.write("r.csv", [READINGS_HEADER, *READINGS])], partner="small", feed=None
        )

    [settled] = house.drain("small")
    assert (settled.state, settled.attempts) == (State.PARTLY_ACCEPTED, 1)
    assert settled.findings_by_code == {"reading.after-removal": 1}
