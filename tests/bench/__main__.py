"""How fast is the road, and how much memory does it take? Ratios of one run, medians; nothing is asserted.

python -m tests.bench [--lines 1000000] [--runs 3]
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from meterdrop.bootstrap import House, make_home
from meterdrop.logs import to_stderr
from meterdrop.settings import read_settings

TODAY = date(2026, 11, 24)
METERS = 20_000


def main() -> None:
    """Each file is loaded in a process of its own, so that peaks of memory can be told apart."""
    words = argparse.ArgumentParser()
    words.add_argument("--lines", type=int, default=1_000_000)
    words.add_argument("--runs", type=int, default=3)
    words.add_argument("--one", choices=["good", "bad"])
    told = words.parse_args()
    if told.one:
        _load_one(told.one, lines=told.lines)
        return
    seconds: dict[str, list[float]] = {"good": [], "bad": []}
    peaks: dict[str, list[float]] = {"good": [], "bad": []}
    for _ in range(told.runs):
        for kind in seconds:
            one = [sys.executable, "-m", "tests.bench", "--one", kind, "--lines", str(told.lines)]
            spent, peak = subprocess.run(one, capture_output=True, text=True, check=True).stdout.split()
            seconds[kind].append(float(spent))
            peaks[kind].append(float(peak))
    for kind, runs in seconds.items():
        middle = statistics.median(runs)
        print(
            f"{kind:>5}: {middle:6.1f} s, {told.lines / middle:9,.0f} lines/s, peak {max(peaks[kind]):.0f} MB"
        )
    ratio = statistics.median(seconds["bad"]) / statistics.median(seconds["good"])
    print(f"all bad / all good: {ratio:.2f}")


def _load_one(kind: str, *, lines: int) -> None:
    to_stderr(verbose=False)
    with tempfile.TemporaryDirectory(prefix="meterdrop-bench-") as place:
        home = Path(place) / "home"
        make_home(home, database=None)
        house = House(settings=read_settings(home), today_is=TODAY)
        house.partners.add("bench", name="Bench", group=2, keys=[], networks=[], who="bench")
        register, readings = Path(place) / "register.csv", Path(place) / "readings.csv"
        _write(register, _register())
        _write(readings, _readings(lines, good=kind == "good"))
        house.take_files([register], partner="bench", feed=None)
        start = time.perf_counter()
        [done] = house.take_files([readings], partner="bench", feed=None)
        spent = time.perf_counter() - start
        if done.lines.physical != lines + 1 or not done.lines.lawful():
            raise ValueError(f"lines were lost: {done.lines}")
        print(f"{spent:.3f} {_peak_mb():.0f}")


def _peak_mb() -> float:
    """The most memory this process ever held (not its parent's, as getrusage would tell)."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def _write(path: Path, rows: Iterator[str]) -> None:
    with path.open("w", encoding="utf-8") as stream:
        stream.writelines(rows)


def _register() -> Iterator[str]:
    yield "Date;Location;TypeUnit;Room;Media;SerialNumber;RadioNumber;Seq;DateFrom;Correction\n"
    for meter in range(METERS):
        yield f"2026-01-01;A{meter};m3;hall;CW;{10_000_000 + meter};-;1;2024-01-01;1\n"


def _readings(lines: int, *, good: bool) -> Iterator[str]:
    yield "SerialNum;Value;Unit;Date\n"
    for number in range(lines):
        day = date(2026, 10, 31) - timedelta(days=number // METERS)
        value = f"{number % 70_000},{number % 1000:03d}" if good else f"x{number}"
        yield f"{10_000_000 + number % METERS};{value};m3;{day}\n"


if __name__ == "__main__":
    main()
