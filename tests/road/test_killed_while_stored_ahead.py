"""kill -9 while the first rows of a large file are in the database already, and the last are not judged yet."""

import signal
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.homes import NIGHTLY, POSTGRESQL, Homes, rows
from tests.road.pipeline_rig import READINGS_HEADER, Rig, stop, wait_for

pytestmark = [pytest.mark.road, pytest.mark.only_on(POSTGRESQL)]

POINT = "publish:ahead"
SERIALS = [f"{10_000 + number}" for number in range(400)]
DAYS = [date(2026, 1, 1) + timedelta(days=number) for number in range(300)]
GOOD = [f"{serial};{100 + number},5;m3;{day}" for number, day in enumerate(DAYS) for serial in SERIALS]
"""More than are settled together."""
BAD = ["10000;many;m3;2026-10-30", "99999;1;m3;2026-10-31"]
FILE = ("\n".join([READINGS_HEADER, *GOOD, *BAD]) + "\n").encode()


@pytest.fixture
def rig(homes: Homes, tmp_path: Path) -> Rig:
    made = Rig(tmp_path / "home", homes=homes)
    made.register(SERIALS)
    return made


@pytest.mark.parametrize("dispatch", ["embedded", "scaled"] if NIGHTLY else ["embedded"])
def test_killed_while_rows_are_stored_ahead(rig: Rig, monkeypatch: pytest.MonkeyPatch, dispatch: str) -> None:
    monkeypatch.setenv("METERDROP_DISPATCH", dispatch)
    service = [rig.pipeline(METERDROP_SWEEP_SECONDS="3")] if dispatch == "scaled" else []
    start = rig.worker if service else rig.pipeline
    killed = start(METERDROP_CRASH_AT=POINT)
    upload = rig.hand_over(FILE)
    assert killed.wait(60) == -signal.SIGKILL, "the point was never passed"
    assert rows(rig.home, "SELECT count(*) FROM reading") == [(0,)]

    running = [start(), *service]
    _all_is_there_once(rig, upload, attempts=2)
    assert [stop(one) for one in running] == [0] * len(running)


def _all_is_there_once(rig: Rig, upload: str, *, attempts: int) -> None:
    receipt = rig.result(upload)
    assert receipt["verdict"] == "partly_accepted"
    assert (receipt["lines"]["accepted"], receipt["lines"]["quarantined"]) == (len(GOOD), 2)
    found = "SELECT count(*) AS stored, count(DISTINCT (device, day)) AS keys, sum(canonical_value) AS total FROM reading"
    sent = sum(Decimal("100.5") + number for number in range(len(DAYS))) * len(SERIALS)
    [(stored, different, all_of_it)] = rows(rig.home, found)
    assert (stored, different, Decimal(str(all_of_it))) == (len(GOOD), len(GOOD), sent)
    assert rows(rig.home, "SELECT attempts FROM delivery WHERE upload = ?", upload) == [(attempts,)]
    wait_for(lambda: True if len(rig.receipts(f"{upload}.result.json")) == 1 else None, what="one result")
