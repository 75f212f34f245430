"""The service takes away what is past its time, by itself."""

from pathlib import Path

import pytest

from tests.homes import POSTGRESQL, Homes, rows
from tests.road.pipeline_rig import Rig, stop, wait_for


@pytest.mark.road
@pytest.mark.by_night(POSTGRESQL)
def test_service_does_its_round_when_it_starts(homes: Homes, tmp_path: Path) -> None:
    rig = Rig(tmp_path / "home", homes=homes)
    rig.register(["1"])
    running = rig.pipeline(METERDROP_TODAY="2099-01-01", METERDROP_RETENTION_ORIGINALS_DAYS="30")

    wait_for(lambda: None if _originals(rig) else True, what="the end of the original")

    assert stop(running) == 0
    assert rows(rig.home, "SELECT who FROM event WHERE what = 'retention.originals'") == [("meterdrop",)]
    assert [one["count"] for one in rig.logged("retention.done")] == [1]


def _originals(rig: Rig) -> list[Path]:
    return [path for path in (rig.home / "originals").rglob("*") if path.is_file()]
