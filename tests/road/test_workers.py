"""A stopped pipeline lets the delivery in progress finish; a killed one takes its workers along."""

import os
import signal
from pathlib import Path

import pytest

from meterdrop.model.delivery import Delivery
from tests.homes import POSTGRESQL, Homes
from tests.road.pipeline_rig import READINGS_HEADER, Rig, children, is_gone, stop, wait_for

pytestmark = [pytest.mark.road, pytest.mark.by_night(POSTGRESQL)]

LINES = 600_000
"""Some seconds of work."""


@pytest.fixture
def rig(homes: Homes, tmp_path: Path) -> Rig:
    made = Rig(tmp_path / "home", homes=homes)
    made.register(["10000"])
    return made


def _slow() -> bytes:
    rows = (f"10000;{number % 28 + 1},5;m3;2026-10-{number % 28 + 1:02d}" for number in range(LINES))
    return ("\n".join([READINGS_HEADER, *rows]) + "\n").encode()


def _delivery(rig: Rig, upload: str) -> Delivery:
    house = rig.house()
    shown = house.show_delivery(upload).delivery
    house.database.close()
    return shown


def _is_loading(rig: Rig, upload: str) -> bool:
    wait_for(lambda: rig.logged("delivery.received") or None, what="the delivery")
    return _delivery(rig, upload).state.value == "loading"


def test_pipeline_stopped_while_it_loads_finishes_the_delivery(rig: Rig) -> None:
    running = rig.pipeline()
    upload = rig.hand_over(_slow())
    wait_for(lambda: _is_loading(rig, upload) or None, what="a delivery that is being loaded")
    for worker in children(running.pid):
        os.kill(worker, signal.SIGINT)
        os.kill(worker, signal.SIGTERM)

    assert stop(running) == 0

    delivery = _delivery(rig, upload)
    assert (delivery.state.value, delivery.attempts) == ("accepted", 1)
    assert rig.logged("pipeline.stopped")[0]["finished"] is True
    assert rig.logged("worker.ended") == []
    assert rig.receipts(f"{upload}.result.json") != []


def test_killed_pipeline_takes_its_workers_along_and_the_next_one_starts_over(rig: Rig) -> None:
    running = rig.pipeline()
    upload = rig.hand_over(_slow())
    wait_for(lambda: _is_loading(rig, upload) or None, what="a delivery that is being loaded")
    workers = children(running.pid)
    assert workers

    running.kill()
    running.wait()

    wait_for(lambda: all(map(is_gone, workers)) or None, what="the end of its workers", seconds=20)
    assert _delivery(rig, upload).state.value == "loading"
    again = rig.pipeline()
    assert rig.result(upload)["verdict"] == "accepted"
    assert stop(again) == 0
    assert _delivery(rig, upload).attempts == 2


def test_schemas_are_those_of_the_pipelines_start_for_workers_that_replace_others_too(rig: Rig) -> None:
    """A half-edited profile must not come into force with the crash of a worker."""
    running = rig.pipeline(METERDROP_CRASH_AT="ingest:begun in 1 workers")
    assert running.stdout is not None
    running.stdout.readline()
    feeds = rig.home / "schemas" / "feeds"
    feeds.mkdir(parents=True, exist_ok=True)
    (feeds / "broken.yaml").write_text("feed: broken\ntarget: no\n")

    upload = rig.hand_over(f"{READINGS_HEADER}\n10000;1,5;m3;2026-10-31\n".encode())

    assert rig.result(upload)["verdict"] == "accepted"
    assert len(rig.logged("worker.ended")) == 1
    assert stop(running) == 0
