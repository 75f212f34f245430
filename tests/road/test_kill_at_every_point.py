"""kill -9 at every named point between ticket and receipt: nothing is lost, nothing is doubled.

Of the whole pipeline, and of the worker alone.
"""

import signal
import time
from pathlib import Path

import pytest

from meterdrop.usecases.checkpoint import POINTS
from tests.homes import NIGHTLY, POSTGRESQL, Homes
from tests.road.pipeline_rig import READINGS_HEADER, Rig, stop, wait_for

SERIALS = [f"{10_000 + number}" for number in range(20)]
GOOD = [f"{serial};{100 + number},5;m3;2026-10-31" for number, serial in enumerate(SERIALS)]
BAD = ["10000;many;m3;2026-10-30", "99999;1;m3;2026-10-31"]
FILE = ("\n".join([READINGS_HEADER, *GOOD, *BAD]) + "\n").encode()
EXPECTED = sorted((serial, "2026-10-31", f"{100 + number}.5") for number, serial in enumerate(SERIALS))


@pytest.fixture
def rig(homes: Homes, tmp_path: Path) -> Rig:
    made = Rig(tmp_path / "home", homes=homes)
    made.register(SERIALS)
    return made


def test_there_are_at_least_eight_points() -> None:
    assert len(set(POINTS)) == len(POINTS) >= 8


BY_NIGHT = pytest.mark.by_night(POSTGRESQL)
"""By day every fourth point of the workers, and every fourth moment; the night has all of them, on both databases."""


@pytest.mark.road
@BY_NIGHT
@pytest.mark.parametrize("point", POINTS)
def test_pipeline_killed_at_a_point_loses_and_doubles_nothing(rig: Rig, point: str) -> None:
    _killed_at(rig, point)


@pytest.mark.road
@pytest.mark.only_on(POSTGRESQL)
@pytest.mark.parametrize("point", ["publish:rows", "publish:settled", "publish:committed"])
def test_where_it_hurts_most_also_by_day_on_postgresql(rig: Rig, point: str) -> None:
    _killed_at(rig, point)


def _killed_at(rig: Rig, point: str) -> None:
    upload = rig.hand_over(FILE)

    killed = rig.pipeline(METERDROP_CRASH_AT=point)
    assert killed.wait(60) == -signal.SIGKILL, "the point was never passed"
    again = rig.pipeline()
    receipt = rig.result(upload)
    wait_for(lambda: True if _nothing_waits(rig) else None, what="an empty outbox")

    assert stop(again) == 0
    _all_is_there_once(rig, receipt=receipt, upload=upload)


IN_WORKERS = [point for point in POINTS if not point.startswith("receive:")]
DELAYS = [0.0, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.08]


@pytest.mark.road
@BY_NIGHT
@pytest.mark.parametrize("point", IN_WORKERS if NIGHTLY else IN_WORKERS[::4])
def test_worker_killed_at_a_point_is_replaced_and_the_pipeline_goes_on(rig: Rig, point: str) -> None:
    running = rig.pipeline(METERDROP_CRASH_AT=f"{point} in 1 workers", METERDROP_SWEEP_SECONDS="3")
    upload = rig.hand_over(FILE)

    receipt = rig.result(upload)
    wait_for(lambda: True if _nothing_waits(rig) else None, what="an empty outbox")

    assert stop(running) == 0, "the pipeline itself was hit"
    assert [one["why"] for one in rig.logged("worker.ended")] == ["SIGKILL"]
    _all_is_there_once(rig, receipt=receipt, upload=upload)
    committed = POINTS.index(point) >= POINTS.index("publish:committed")
    house = rig.house()
    assert house.show_delivery(upload).delivery.attempts == (1 if committed else 2)
    house.database.close()


@pytest.mark.road
@BY_NIGHT
@pytest.mark.parametrize("delay", DELAYS if NIGHTLY else DELAYS[::4])
def test_pipeline_killed_at_any_moment_loses_and_doubles_nothing(rig: Rig, delay: float) -> None:
    running = rig.pipeline()
    assert running.stdout is not None
    running.stdout.readline()
    upload = rig.hand_over(FILE)

    time.sleep(delay)
    running.kill()
    running.wait(60)
    again = rig.pipeline()
    receipt = rig.result(upload)
    wait_for(lambda: True if _nothing_waits(rig) else None, what="an empty outbox")

    assert stop(again) == 0
    _all_is_there_once(rig, receipt=receipt, upload=upload)


def _nothing_waits(rig: Rig) -> bool:
    house = rig.house()
    status = house.look_around()
    house.database.close()
    return status.receipts_waiting == 0


def _all_is_there_once(rig: Rig, *, receipt: dict[str, object], upload: str) -> None:
    assert receipt["verdict"] == "partly_accepted"
    assert receipt["lines"] == {
        "physical": 23,
        "header": 1,
        "accepted": 20,
        "quarantined": 2,
        "duplicate": 0,
        "blank": 0,
        "comment": 0,
        "continuation": 0,
    }
    assert sorted(rig.stored()) == EXPECTED
    assert len(rig.receipts(f"{upload}.received.json")) == 1
    assert len(rig.receipts(f"{upload}.result.json")) == 1
    [rejects] = rig.receipts(f"{upload}.rejects.csv")
    assert len(rejects.read_bytes().splitlines()) == 3
    house = rig.house()
    loaded = [
        one for one in house.show_delivery.listed(partner=None, state=None, limit=10) if one.upload == upload
    ]
    waiting = list(house.review.listed(partner=None, delivery=None, state="open", code=None, limit=None))
    house.database.close()
    assert [one.state.value for one in loaded] == ["partly_accepted"]
    assert [one.line.line for one in waiting] == [22, 23]
    assert list((rig.home / "landing").iterdir()) == []
