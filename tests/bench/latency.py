"""How long from a client's CLOSE to its result listed over SFTP? Idle, and while another partner's large file loads.

python -m tests.bench.latency [--files 200] [--lines 100] [--large 1000000] [--meters 1000] [--workers 2] [--database sqlite|postgresql]
"""

import argparse
import asyncio
import re
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Final

import asyncssh

from tests.bench import timeline as timelines
from tests.bench.running import DATABASES, FIRST_DAY, Running, homes, readings, serials
from tests.bench.timeline import PLACES, Timeline

SMALL: Final = "small"
LARGE: Final = "large"
_LOOK_AGAIN: Final = 0.02
_REST: Final = 0.05
_WAIT: Final = 600.0
_WARM_UP: Final = 5
CLOSED: Final = "close answered"
LISTED: Final = "listed"


@dataclass(frozen=True)
class Took:
    """Seconds since the client sent its CLOSE: until each place, and until the result was listed."""

    places: Mapping[str, float]

    @property
    def all(self) -> float:
        """Until the client saw its result."""
        return self.places[LISTED]


async def measure(
    running: Running, *, files: int, lines: int, timeline: Timeline, while_large: "Large | None" = None
) -> list[Took]:
    """Uploads one file after another; the first few are not counted. With a large file: for as long as it loads."""
    took: list[Took] = []
    async with running.client(SMALL) as client:
        number = 0
        while number < files + _WARM_UP if while_large is None else not while_large.is_done():
            content = readings(serials(lines), day=next(running.days))
            one = await _upload(client, content=content, name=f"readings-{number}.csv", timeline=timeline)
            took.append(one)
            _clear(running.home)
            await asyncio.sleep(_REST)
            number += 1
    return took if while_large is not None else took[_WARM_UP:]


async def _upload(client: asyncssh.SFTPClient, *, content: bytes, name: str, timeline: Timeline) -> Took:
    timeline.forget()
    file = await client.open(f"/incoming/{name}", "wb")
    await file.write(content)
    begun = time.perf_counter()
    await file.close()
    closed = time.perf_counter()
    until = begun + _WAIT
    like = re.compile(re.escape(name) + r"\.([0-9A-Za-z]{26})\.result\.json")
    while True:
        # A client that lists all the time would be what is measured: one lists when there is something to see.
        await asyncio.to_thread(timeline.wait_for_result, _LOOK_AGAIN * 50)
        for found in await client.listdir("/receipts"):
            if told := like.fullmatch(found):
                listed = time.perf_counter()
                await asyncio.sleep(_REST)
                places = {CLOSED: closed, LISTED: listed, **timeline.passed(told[1])}
                return Took({place: moment - begun for place, moment in places.items()})
        if time.perf_counter() > until:
            raise TimeoutError(f"no result of {name}")
        await asyncio.sleep(_LOOK_AGAIN)


def _clear(home: Path) -> None:
    """Receipts that were seen go, as a partner's own clearing away would do: a listing is one of few names."""
    for path in (home / "receipts" / SMALL).iterdir():
        with suppress(FileNotFoundError):
            if not path.name.startswith("."):
                path.unlink()


class Large:
    """Another partner's large file, uploaded over SFTP and loading."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._task: asyncio.Task[None] | None = None
        self.seconds = 0.0

    async def upload(self, content: bytes) -> None:
        """Returns when the door has it."""
        async with self._running.client(LARGE) as client, client.open("/incoming/large.csv", "wb") as file:
            await file.write(content)
        self._task = asyncio.create_task(self._see())

    async def _see(self) -> None:
        begun = time.perf_counter()
        folder = self._running.home / "receipts" / LARGE
        while not [*folder.glob("large.csv.*.result.json")]:
            await asyncio.sleep(_REST)
        self.seconds = time.perf_counter() - begun

    def is_done(self) -> bool:
        """Whether its result is there."""
        return self._task is None or self._task.done()


def told(title: str, took: Sequence[Took]) -> str:
    """One line: how many, and milliseconds: median, 90th, 99th percentile and the longest."""
    ms = sorted(one.all * 1000 for one in took)
    return f"{title:<34}{len(ms):6}{median(ms):10.0f}{_at(ms, 0.90):9.0f}{_at(ms, 0.99):9.0f}{ms[-1]:9.0f}"


def told_places(took: Sequence[Took]) -> str:
    """Milliseconds since the CLOSE at each place: medians and 99th percentiles."""
    lines = [f"{'  since CLOSE, ms':<34}{'':6}{'median':>10}{'':9}{'99 %':>9}"]
    for place in (CLOSED, *PLACES, LISTED):
        ms = sorted(one.places[place] * 1000 for one in took if place in one.places)
        if ms:
            lines.append(f"    {place:<30}{len(ms):6}{median(ms):10.1f}{'':9}{_at(ms, 0.99):9.1f}")
    return "\n".join(lines)


def _at(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


async def _run(words: argparse.Namespace, running: Running) -> None:
    running.add_partner(SMALL, meters=words.meters)
    if words.large:
        running.add_partner(LARGE, meters=words.large)
    with (
        running.running(workers=words.workers),
        timelines.timeline(running.home, partner=SMALL) as timeline,
    ):
        print(f"{'':<34}{'files':>6}{'median ms':>10}{'90 %':>9}{'99 %':>9}{'longest':>9}")
        idle = await measure(running, files=words.files, lines=words.lines, timeline=timeline)
        print(told("idle", idle))
        print(told_places(idle), flush=True)
        if words.large:
            large = Large(running)
            content = readings(serials(words.large), day=FIRST_DAY - timedelta(days=1), bad_every=100)
            await large.upload(content)
            beside = await measure(running, files=0, lines=words.lines, timeline=timeline, while_large=large)
            print(told(f"while {words.large:,} lines load ({large.seconds:.1f} s)", beside))
            print(told_places(beside), flush=True)


def main() -> None:
    """Nothing is asserted."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--files", type=int, default=200)
    words.add_argument("--lines", type=int, default=100)
    words.add_argument(
        "--large", type=int, default=1_000_000, help="lines of the other partner's file; 0: none"
    )
    words.add_argument(
        "--meters", type=int, default=1000, help="registered meters of the partner with small files"
    )
    words.add_argument("--workers", type=int, default=2)
    words.add_argument("--database", choices=DATABASES, default=DATABASES[0])
    told_words = words.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="meterdrop-bench-") as place,
        homes(Path(place), database=told_words.database) as made,
    ):
        asyncio.run(_run(told_words, Running(Path(place) / "home", homes=made)))


if __name__ == "__main__":
    main()
