"""The manager registers for others: while their readings are judged, and before we know them."""

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


def test_lines_for_a_partner_we_did_not_know_are_taken_once_it_is_added(
    meterdrop: CommandLine, house: House
) -> None:
    """Or once it is of group 1, as it should have been; a second run finds nothing to do."""
    rows = [METER.format(day="2026-11-01", until="").replace("small", owner) for owner in ("new", "anyone")]
    file = meterdrop.write("evidence-2.csv", [f"Partner;{REGISTER_HEADER};DateTo", *rows])
    [settled] = house.take_files([file], partner="manager", feed=None)
    assert settled.findings_by_code == {
        "device.partner-registers-itself": 1,
        "device.unknown-partner": 1,
    }

    meterdrop.done("partner", "add", "new", "--group", "1")
    assert reprocessed(meterdrop, code=1) == (1, 1)
    meterdrop.done("partner", "add", "anyone", "--group", "1")
    assert reprocessed(meterdrop) == (1, 0)
    meterdrop.done("partner", "add", "anyone", "--name", "Anyone s.r.o.")
    assert reprocessed(meterdrop) == (0, 0)


def reprocessed(meterdrop: CommandLine, *, code: int = 0) -> tuple[int, int]:
    """Lines that `reprocess` accepted, and that it tried in vain."""
    told = meterdrop.document("reprocess", code=code)
    return told["accepted"], told["still_failing"]
