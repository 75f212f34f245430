"""How many small files a second? Many partners upload over SFTP at the same time; the clock stops at the last result.

python -m tests.bench.many [--files 2000] [--lines 50] [--partners 20] [--workers 1 2] [--database sqlite|postgresql]
                           [--scaled 1 2]
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from tests.bench.door.processes import cpu_seconds, family
from tests.bench.running import DATABASES, FIRST_DAY, Running, homes, readings, serials

_LOOK_AGAIN: Final = 0.1
_WAIT: Final = 3600.0


@dataclass(frozen=True)
class Took:
    """Seconds from the first byte to the last CLOSE, and to the last result; seconds of CPU, the client's left out."""

    files: int
    uploaded: float
    all: float
    door_cpu: float
    pipeline_cpu: float

    def told(self, title: str) -> str:
        """One line."""
        each = 1000 / self.files
        return (
            f"{title:<24}{self.files / self.all:10.1f}{self.all:9.1f}{self.uploaded:12.1f}"
            f"{self.door_cpu * each:14.1f}{self.pipeline_cpu * each:16.1f}"
        )


HEAD: Final = f"{'':<24}{'files/s':>10}{'s':>9}{'uploaded s':>12}{'door CPU ms':>14}{'pipeline CPU ms':>16}"


def partners(count: int) -> Sequence[str]:
    """Their names."""
    return [f"partner{number:02}" for number in range(count)]


async def measure(
    running: Running, pids: Sequence[int], *, senders: Sequence[str], files: int, lines: int
) -> Took:
    """Every sender uploads its share, one file after another, all senders at once."""
    door = next(one for one in family(pids[0]) if _is_door(one))
    before, door_before = sum(map(cpu_seconds, pids)), cpu_seconds(door)
    told = _results(running)
    begun = time.perf_counter()
    shares = {sender: len(range(place, files, len(senders))) for place, sender in enumerate(senders)}
    await asyncio.gather(*(_send(running, sender, files=own, lines=lines) for sender, own in shares.items()))
    uploaded = time.perf_counter() - begun
    await _all_told(running, files=told + files, until=begun + _WAIT)
    took = time.perf_counter() - begun
    door_cpu = cpu_seconds(door) - door_before
    return Took(
        files=files,
        uploaded=uploaded,
        all=took,
        door_cpu=door_cpu,
        pipeline_cpu=sum(map(cpu_seconds, pids)) - before - door_cpu,
    )


async def _send(running: Running, sender: str, *, files: int, lines: int) -> None:
    async with running.client(sender) as client:
        for number in range(files):
            content = readings(serials(lines), day=FIRST_DAY + timedelta(days=number), bad_every=25)
            async with client.open(f"/incoming/readings-{number}.csv", "wb") as file:
                await file.write(content)


async def _all_told(running: Running, *, files: int, until: float) -> None:
    while (told := _results(running)) < files:
        if time.perf_counter() > until:
            raise TimeoutError(f"{told} of {files} results")
        if sys.stderr.isatty():
            print(f"\r{told} of {files}", end="", file=sys.stderr, flush=True)
        await asyncio.sleep(_LOOK_AGAIN)


def _results(running: Running) -> int:
    return sum(1 for _ in (running.home / "receipts").glob("*/*.result.json"))


def _is_door(pid: int) -> bool:
    return b"sftp_server" in Path(f"/proc/{pid}/cmdline").read_bytes()


def run(
    running: Running, *, workers: int, scaled: bool, senders: Sequence[str], files: int, lines: int
) -> Took:
    """One house, started for this and ended."""
    for sender in senders:
        running.add_partner(sender, meters=lines)
    with _at_work(running, workers=workers, scaled=scaled) as pids:
        return asyncio.run(measure(running, pids, senders=senders, files=files, lines=lines))


@contextmanager
def _at_work(running: Running, *, workers: int, scaled: bool) -> Iterator[Sequence[int]]:
    if scaled:
        with running.scaled(workers=workers) as pids:
            yield pids
    else:
        with running.running(workers=workers) as pid:
            yield [pid]


def main() -> None:
    """Nothing is asserted."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--files", type=int, default=2000)
    words.add_argument("--lines", type=int, default=50)
    words.add_argument("--partners", type=int, default=20)
    words.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    words.add_argument("--scaled", type=int, nargs="*", default=[], help="on PostgreSQL: `meterdrop worker`s")
    words.add_argument("--database", choices=DATABASES, default=DATABASES[0])
    told = words.parse_args()
    print(HEAD)
    with (
        tempfile.TemporaryDirectory(prefix="meterdrop-bench-") as place,
        homes(Path(place), database=told.database) as made,
    ):
        for how, workers in [("embedded", one) for one in told.workers] + [
            ("scaled", one) for one in told.scaled
        ]:
            running = Running(Path(place) / f"{how}-{workers}" / "home", homes=made)
            took = run(
                running,
                workers=workers,
                scaled=how == "scaled",
                senders=partners(told.partners),
                files=told.files,
                lines=told.lines,
            )
            print(took.told(f"{how}, {workers} worker{'s' * (workers > 1)}"), flush=True)


if __name__ == "__main__":
    main()
