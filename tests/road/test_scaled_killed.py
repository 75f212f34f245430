"""kill -9 at every named point where several machines work, and the database stopped at once in mid-load: nothing lost, nothing twice."""

import signal
import time
from pathlib import Path

import pytest

from meterdrop.usecases.checkpoint import POINTS
from tests.homes import NIGHTLY, POSTGRESQL, Homes, rows
from tests.postgres import cluster
from tests.road.pipeline_rig import READINGS_HEADER, Rig, stop, wait_for

pytestmark = pytest.mark.road

SERIALS = [f"{10_000 + number}" for number in range(20)]
GOOD = [f"{serial};{100 + number},5;m3;2026-10-31" for number, serial in enumerate(SERIALS)]
BAD = ["10000;many;m3;2026-10-30", "99999;1;m3;2026-10-31"]
FILE = ("\n".join([READINGS_HEADER, *GOOD, *BAD]) + "\n").encode()
EXPECTED = sorted((serial, "2026-10-31", f"{100 + number}.5") for number, serial in enumerate(SERIALS))
NEAR_THE_DOOR = ("receive", "outbox")
IN_WORKERS = [point for point in POINTS if point.partition(":")[0] not in NEAR_THE_DOOR]
IN_SERVICE = [point for point in POINTS if point.partition(":")[0] in NEAR_THE_DOOR]
MANY = 60_000 if NIGHTLY else 20_000
"""Meters of a file that takes some seconds."""
MOMENTS = [0.0, 0.1, 0.3, 0.6, 1.0, 1.5, 2.2, 3.0]


@pytest.fixture
def rig(homes: Homes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rig:
    made = Rig(tmp_path / "home", homes=homes)
    made.register(SERIALS)
    monkeypatch.setenv("METERDROP_DISPATCH", "scaled")
    return made


@pytest.mark.only_on(POSTGRESQL)
@pytest.mark.parametrize("point", IN_WORKERS if NIGHTLY else ["publish:settled"])
def test_a_worker_killed_at_a_point_is_followed_by_another_one(rig: Rig, point: str) -> None:
    running, first = rig.pipeline(METERDROP_SWEEP_SECONDS="3"), rig.worker(METERDROP_CRASH_AT=point)
    upload = rig.hand_over(FILE)
    assert first.wait(60) == -signal.SIGKILL, "the point was never passed"

    second = rig.worker()
    assert second.stdout is not None
    second.stdout.readline()

    _all_is_there_once(rig, upload)
    committed = POINTS.index(point) >= POINTS.index("publish:committed")
    assert rows(rig.home, "SELECT attempts FROM delivery WHERE upload = ?", upload) == [
        (1 if committed else 2,)
    ]
    assert [stop(one) for one in (second, running)] == [0, 0]


@pytest.mark.only_on(POSTGRESQL)
@pytest.mark.parametrize("point", IN_SERVICE if NIGHTLY else ["receive:recorded"])
def test_the_service_killed_at_a_point_goes_on_at_its_next_start(rig: Rig, point: str) -> None:
    worker, first = rig.worker(), rig.pipeline(METERDROP_CRASH_AT=point)
    upload = rig.hand_over(FILE)
    assert first.wait(60) == -signal.SIGKILL, "the point was never passed"

    second = rig.pipeline()

    _all_is_there_once(rig, upload)
    assert [stop(one) for one in (worker, second)] == [0, 0]


@pytest.mark.parametrize("dispatch", ["embedded", "scaled"] if NIGHTLY else ["scaled"])
@pytest.mark.parametrize("moment", MOMENTS if NIGHTLY else MOMENTS[3:4])
def test_a_database_stopped_at_once_in_mid_load_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dispatch: str, moment: float
) -> None:
    serials = [f"{100_000 + number}" for number in range(MANY)]
    file = "\n".join([READINGS_HEADER, *(f"{serial};7,25;m3;2026-10-31" for serial in serials), *BAD]) + "\n"
    with cluster() as own:
        rig = Rig(tmp_path / "home", homes=Homes(tmp_path / "homes", server=own.start()))
        rig.register(serials)
        monkeypatch.setenv("METERDROP_DISPATCH", dispatch)
        started = [rig.pipeline(METERDROP_SWEEP_SECONDS="2")]
        started += [rig.worker(), rig.worker()] if dispatch == "scaled" else []
        upload = rig.hand_over(file.encode())
        loading = "SELECT count(*) FROM delivery WHERE upload = ? AND state = 'loading'"
        wait_for(
            lambda: rows(rig.home, loading, upload) == [(1,)] or None, what="a delivery that is being loaded"
        )
        time.sleep(moment)

        own.stop(signal.SIGQUIT)
        own.start()

        told = rig.result(upload, seconds=120)
        wait_for(lambda: True if _nothing_waits(rig) else None, what="an empty outbox")
        assert (told["verdict"], told["lines"]["accepted"], told["lines"]["quarantined"]) == (
            "partly_accepted",
            MANY,
            len(BAD),
        )
        assert rows(
            rig.home,
            "SELECT count(*) AS rows, count(DISTINCT device) AS devices, min(value) AS least, max(value) AS most FROM reading",
        ) == [(MANY, MANY, "7.25", "7.25")]
        assert rows(rig.home, "SELECT count(*) FROM quarantine") == [(len(BAD),)]
        assert [stop(one) for one in reversed(started)] == [0] * len(started)


def _all_is_there_once(rig: Rig, upload: str) -> None:
    told = rig.result(upload, seconds=90)
    wait_for(lambda: True if _nothing_waits(rig) else None, what="an empty outbox")
    assert told["verdict"] == "partly_accepted"
    assert sorted(rig.stored()) == EXPECTED
    assert rows(rig.home, "SELECT count(*) FROM quarantine") == [(len(BAD),)]
    assert len(rig.receipts(f"{upload}.result.json")) == 1


def _nothing_waits(rig: Rig) -> bool:
    return rows(rig.home, "SELECT count(*) FROM outbox WHERE written_at IS NULL") == [(0,)]
