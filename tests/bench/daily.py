"""How long does the file of one day take, for a large fleet whose readings are stored already? Against bare inserts.

python -m tests.bench.daily [--meters 1000000] [--runs 5] [--files 1] [--days-a-file 1] [--worker]
                            [--stored-days 1] [--database sqlite|postgresql] [--picture FILE.svg]

With `--stored-days 100` a million meters have a hundred million readings before the first file comes; with
`--days-a-file 10` each file has ten million lines. Bare inserts are of one day either way.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any, Final

from meterdrop.bootstrap import House
from meterdrop.dispatch.limits import GivingBack
from meterdrop.logs import to_stderr
from meterdrop.settings import read_settings
from tests.bench import fleet
from tests.bench.baselines import bare, presorted
from tests.bench.memory import held_mb
from tests.bench.picture import curve
from tests.bench.running import DATABASES, homes
from tests.bench.stages import STAGES, Clocks
from tests.homes import Homes

TODAY: Final = date(2026, 11, 24)

Taken = Mapping[str, Any]
"""What `load` told of one file."""


def load(home: Path, files: Sequence[Path]) -> Iterator[str]:
    """Loads files in this process; of each, seconds and the most memory by stage and in all, as JSON."""
    to_stderr(verbose=False)
    house = House(settings=read_settings(home), today_is=TODAY)
    give_back = GivingBack()  # as a worker does between deliveries
    for file in files:
        yield _load(house, file)
        give_back()


def _load(house: House, file: Path) -> str:
    before, clocks, start, worked = held_mb(), Clocks(), time.perf_counter(), time.process_time()
    with clocks.on_the_road():
        [done] = house.take_files([file], partner=fleet.PARTNER, feed=None)
    spent, worked = time.perf_counter() - start, time.process_time() - worked
    lines = done.lines
    if not lines.lawful() or lines.accepted + lines.quarantined + lines.header != lines.physical:
        raise ValueError(f"lines were lost: {lines}")
    peak = {**clocks.peak, "all": max(clocks.peak.values()), "before": before}
    told = {
        "wall": {**clocks.wall, "all": spent},
        "cpu": {**clocks.cpu, "all": worked},
        "peak": peak,
        "accepted": lines.accepted,
    }
    return json.dumps(told)


def main() -> None:
    """Each run has a home of its own; loads go on in processes of their own."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--meters", type=int, default=1_000_000)
    words.add_argument("--runs", type=int, default=5)
    words.add_argument("--files", type=int, default=1, help="so many days, one after another, in each run")
    words.add_argument(
        "--days-a-file", type=int, default=1, help="so many days in each file: lines, and no more meters"
    )
    words.add_argument(
        "--stored-days", type=int, default=1, help="days of readings that are stored before the first file"
    )
    words.add_argument("--picture", type=Path, help="draw how long the files took, one after another")
    words.add_argument("--database", choices=DATABASES, default=DATABASES[0])
    words.add_argument(
        "--worker", action="store_true", help="one process loads all files of a run: the last one is told of"
    )
    words.add_argument("--load", nargs="+", metavar="HOME FILE", help="load files in this process")
    told = words.parse_args()
    if told.load:
        home, *files = map(Path, told.load)
        for line in load(home, files):
            print(line)
        return
    with (
        tempfile.TemporaryDirectory(prefix="meterdrop-bench-") as place,
        homes(Path(place), database=told.database) as made,
    ):
        taken = _measure(
            Path(place),
            homes=made,
            meters=told.meters,
            runs=told.runs,
            files=max(told.files, 2) if told.worker else told.files,
            days_a_file=told.days_a_file,
            stored=told.stored_days,
            by_worker=told.worker,
        )
    if told.picture:
        title = f"{told.meters:,} readings a day on {told.database}: seconds of each day's file"
        told.picture.write_text(curve(_by_day(taken), title=title), encoding="utf-8")


def _by_day(taken: list[list[Taken]]) -> list[float]:
    """The median of all runs, day by day."""
    return [median(run[number]["wall"]["all"] for run in taken) for number in range(len(taken[0]))]


def _measure(
    place: Path,
    *,
    homes: Homes,
    meters: int,
    runs: int,
    files: int,
    days_a_file: int,
    stored: int,
    by_worker: bool,
) -> list[list[Taken]]:
    template = homes.kept("fleet", lambda home: fleet.furnish(home, homes=homes, meters=meters, days=stored))
    rows = fleet.good_rows(meters=meters, number=1)
    by_key = presorted(rows)
    told_of = -1 if by_worker else 0
    taken: list[list[Taken]] = []
    in_file_order: list[float] = []
    in_key_order: list[float] = []
    for run in range(runs):
        home = homes.copy(template, place / f"run-{run}" / "home")
        url = read_settings(home).database_url
        in_file_order.append(bare(url, rows))
        in_key_order.append(bare(url, by_key))
        days = _files(place, meters=meters, files=files, days_a_file=days_a_file)
        taken.append(_taken(home, days, by_worker=by_worker))
        homes.forget()
        _tell(taken[-1][told_of], in_file_order[-1], in_key_order[-1])
    _tell_all(taken, in_file_order, in_key_order, told_of=told_of)
    return taken


def _files(place: Path, *, meters: int, files: int, days_a_file: int) -> list[Path]:
    days = [place / f"day-{number}.csv" for number in range(1, files + 1)]
    for number, day in enumerate(days):
        fleet.daily_file(day, meters=meters, number=1 + number * days_a_file, days=days_a_file)
    return days


def _taken(home: Path, days: Sequence[Path], *, by_worker: bool) -> list[Taken]:
    """What loading each file took: each by a process of its own, or all by one."""
    processes = [days] if by_worker else [[day] for day in days]
    taken = [told for some in processes for told in _loaded(home, some)]
    for day in days:
        day.unlink()
    return taken


def _loaded(home: Path, files: Sequence[Path]) -> list[Taken]:
    command = [sys.executable, "-m", "tests.bench.daily", "--load", str(home), *map(str, files)]
    told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    return [json.loads(line) for line in told.splitlines()]


def _tell(taken: Taken, in_file_order: float, in_key_order: float) -> None:
    """One run, as it ends."""
    ours = taken["wall"]["all"]
    print(
        f"ours {ours:6.2f} s, peak {taken['peak']['all']:4.0f} MB; bare {in_file_order:6.2f} s ({ours / in_file_order:.2f}), "
        f"presorted {in_key_order:6.2f} s ({ours / in_key_order:.2f})",
        flush=True,
    )


def _tell_all(
    taken: list[list[Taken]], in_file_order: list[float], in_key_order: list[float], *, told_of: int
) -> None:
    """Medians: stages of one file of each run, its ratios to the bare inserts of the run, and how days grow."""
    chosen = [run[told_of] for run in taken]
    print(f"\n{'stage':<16}{'s':>8}{'CPU s':>8}{'peak MB':>9}")
    for stage in (*STAGES, "all"):
        seconds, cpu = (median(run[clock].get(stage, 0.0) for run in chosen) for clock in ("wall", "cpu"))
        print(f"{stage:<16}{seconds:8.2f}{cpu:8.2f}{max(run['peak'].get(stage, 0.0) for run in chosen):9.0f}")
    for name, bases in (("file order", in_file_order), ("presorted", in_key_order)):
        ratio = median(run["wall"]["all"] / base for run, base in zip(chosen, bases, strict=True))
        print(f"ours / bare in {name}: {ratio:.2f}")
    for number in range(1, len(taken[0])):
        grown = median(run[number]["wall"]["all"] / run[0]["wall"]["all"] for run in taken)
        print(f"file {number + 1} / file 1: {grown:.2f}")


if __name__ == "__main__":
    main()
