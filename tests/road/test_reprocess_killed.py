"""kill -9 in the middle of a reprocess: nothing of it is there, and the next run does all of it."""

import json
import signal
from pathlib import Path

import pytest

from tests.homes import POSTGRESQL, Homes
from tests.road.pipeline_rig import READINGS_HEADER, Rig

pytestmark = pytest.mark.by_night(POSTGRESQL)


@pytest.fixture
def rig(homes: Homes, tmp_path: Path) -> Rig:
    """Ten readings wait for five meters that are registered by now."""
    made = Rig(tmp_path / "home", homes=homes)
    made.register(["1"])
    rows = [f"{meter};{day};m3;2026-10-{day}" for meter in range(101, 106) for day in (30, 31)]
    path = made.home / "work" / "r.csv"
    path.write_text(
        "\n".join([READINGS_HEADER, *rows, "1;1;m3;2026-10-31", "x;x;m3;2026-10-31"]) + "\n", encoding="utf-8"
    )
    house = made.house()
    house.take_files([path], partner=made.partner, feed=None)
    house.database.close()
    made.register([str(meter) for meter in range(101, 106)])
    return made


@pytest.mark.road
@pytest.mark.parametrize("point", ["reprocess:rows", "reprocess:settled"])
def test_reprocess_killed_before_its_end_leaves_nothing_half(rig: Rig, point: str) -> None:
    before = (rig.stored(), events(rig), [path.read_bytes() for path in rig.receipts(".result.json")])

    killed = rig.command("reprocess", METERDROP_CRASH_AT=point)

    assert killed.returncode == -signal.SIGKILL, "the point was never passed"
    assert (rig.stored(), events(rig), [path.read_bytes() for path in rig.receipts(".result.json")]) == before
    assert states(rig) == ["open"] * 11

    again = rig.command("reprocess", "--json")
    assert json.loads(again.stdout)["accepted"] == 10
    assert len(rig.stored()) == 11
    assert sorted(states(rig)) == ["accepted"] * 10 + ["open"]
    assert json.loads(rig.command("reprocess", "--json").stdout)["deliveries"] == []
    assert len(rig.stored()) == 11, "once is enough"


def events(rig: Rig) -> object:
    house = rig.house()
    shown = house.show_delivery("2")
    house.database.close()
    return shown


def states(rig: Rig) -> list[str]:
    house = rig.house()
    lines = list(house.review.listed(partner=None, delivery=None, state=None, code=None, limit=None))
    house.database.close()
    return [one.line.state for one in lines]
