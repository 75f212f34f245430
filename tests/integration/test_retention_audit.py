"""Old lines of the audit go, but none of a delivery that still waits for somebody."""

from pathlib import Path
from typing import Any

import pytest

from meterdrop.model.retention import Kept
from meterdrop.usecases.retention import audit
from tests.homes import POSTGRESQL, Homes, change, rows
from tests.integration.retention_rig import Rig

pytestmark = pytest.mark.by_night(POSTGRESQL)

LATER = 40
PERIOD: dict[str, Any] = {"retention_audit_days": 30}


@pytest.fixture
def rig(homes: Homes, furnished_home: Path, tmp_path: Path) -> Rig:
    return Rig(homes.copy(furnished_home, tmp_path / "home"))


def told(rig: Rig) -> list[tuple[str, int | None]]:
    return [
        (what, delivery) for what, delivery in rows(rig.home, "SELECT what, delivery FROM event ORDER BY id")
    ]


def test_old_events_go_and_that_is_told(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "_TOGETHER", 2)
    rig.register("1")
    before = told(rig)
    assert rig.run(in_days=29, **PERIOD)[Kept.AUDIT].count == 0
    assert told(rig) == before
    gone = rig.run(in_days=LATER, **PERIOD)[Kept.AUDIT]
    assert (gone.count, gone.bytes) == (len(before), None)
    assert {what for what, _ in told(rig)} == {"retention.audit"}
    assert sum(int(str(one["count"])) for one in rig.events(Kept.AUDIT)) == len(before)


def test_events_of_a_delivery_that_waits_stay(rig: Rig) -> None:
    rig.register("1")
    rig.take("1;5;m3;2026-10-31", "9;5;m3;2026-10-31")
    mine = [one for one in told(rig) if one[1] == 2]
    rig.run(in_days=LATER, **PERIOD)
    assert [one for one in told(rig) if one[0] != "retention.audit"] == mine
    change(rig.home, "UPDATE delivery SET waiting = 0")
    assert rig.run(in_days=LATER, **PERIOD)[Kept.AUDIT].count == len(mine)
