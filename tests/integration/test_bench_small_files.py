"""The benches of small files run, and see what they measure."""

import asyncio
from pathlib import Path

import pytest

from tests.bench import latency, many, timeline
from tests.bench.running import FIRST_DAY, Running, readings, serials
from tests.homes import POSTGRESQL, Homes

pytestmark = [pytest.mark.road, pytest.mark.by_night(POSTGRESQL)]


def test_small_files_are_timed_idle_beside_a_large_one_and_in_numbers(homes: Homes, tmp_path: Path) -> None:
    """One start of a house for all three: that is what takes the time here."""
    running = Running(tmp_path / "home", homes=homes)
    for partner in (latency.SMALL, latency.LARGE):
        running.add_partner(partner, meters=30)

    async def measured(pid: int, watched: timeline.Timeline) -> tuple[list[latency.Took], many.Took]:
        idle = await latency.measure(running, files=2, lines=30, timeline=watched)
        large = latency.Large(running)
        await large.upload(readings(serials(30), day=FIRST_DAY))
        await latency.measure(running, files=0, lines=30, timeline=watched, while_large=large)
        assert large.is_done()
        return idle, await many.measure(
            running, [pid], senders=[latency.SMALL, latency.LARGE], files=4, lines=30
        )

    with (
        running.running(workers=1) as pid,
        timeline.timeline(running.home, partner=latency.SMALL) as watched,
    ):
        idle, took = asyncio.run(measured(pid, watched))

    assert len(idle) == 2
    for one in idle:
        passed = [
            one.places[place] for place in (*timeline.PLACES, latency.LISTED) if place != timeline.TAKEN
        ]
        assert passed == sorted(passed)
    assert "idle" in latency.told("idle", idle)
    assert timeline.PUBLISHED in latency.told_places(idle)
    assert took.files == 4
    assert took.pipeline_cpu > 0
    assert "files/s" in many.HEAD
    assert took.told("embedded").startswith("embedded")
