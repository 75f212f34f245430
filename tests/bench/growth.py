"""Does memory grow with the file? Originals in a folder and in a bucket, and the rejects file; each file in a process of its own.

python -m tests.bench.growth [--megabytes 50 500] [--bad-lines 100000 1000000]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from meterdrop.bootstrap import House
from meterdrop.logs import to_stderr
from meterdrop.settings import read_settings
from tests.bench.memory import held_mb, peak_mb
from tests.homes import Homes
from tests.road.pipeline_rig import READINGS_HEADER, Rig
from tests.s3 import KEYS, moto

STEPS: Final = ("before", "taken in", "loaded", "receipts sent")
TODAY: Final = date(2026, 11, 24)
_METERS: Final = 20_000
_LINE: Final = 1_000
"""Bytes of a padded line: a large original has not so many rows that their number is what grows."""
_FIRST_DAY: Final = date(2024, 1, 2)
_SERIALS: Final = [str(10_000_000 + number) for number in range(_METERS)]


def padded(megabytes: int) -> Iterator[bytes]:
    """Good readings, day by day, in long lines."""
    yield READINGS_HEADER.encode() + b"\n"
    for number in range(megabytes * 1_000_000 // _LINE):
        yield _line(number, value="7", unit="m3".ljust(_LINE - 22))


def bad(lines: int) -> Iterator[bytes]:
    """Readings of which none is a number."""
    yield READINGS_HEADER.encode() + b"\n"
    for number in range(lines):
        yield _line(number, value="x", unit="m3")


def _line(number: int, *, value: str, unit: str) -> bytes:
    day = _FIRST_DAY + timedelta(days=number // _METERS)
    return f"{_SERIALS[number % _METERS]};{value};{unit};{day}\n".encode()


def peaks_of(home: Path, *, partner: str) -> Mapping[str, float]:
    """The most memory (MB) that this process holds in each step, of what waits on the home's doorstep."""
    to_stderr(verbose=False)
    house = House(settings=read_settings(home), today_is=TODAY)
    peaks = {"before": held_mb()}
    peak_mb()
    house.receive.take_all(home / "landing")
    peaks["taken in"] = peak_mb()
    house.drain(partner)
    peaks["loaded"] = peak_mb()
    house.send_receipts()
    peaks["receipts sent"] = peak_mb()
    house.database.close()
    return peaks


def measure(place: Path, content: Iterator[bytes], *, settings: Mapping[str, str]) -> Mapping[str, float]:
    """The peaks of a process of its own, which gets this content and these settings."""
    rig = Rig(place / "home", homes=Homes(place, server=None))
    rig.register(_SERIALS)
    rig.hand_over(content)
    words = [sys.executable, "-m", "tests.bench.growth", "--one", str(rig.home), rig.partner]
    told = subprocess.run(words, stdout=subprocess.PIPE, env={**os.environ, **settings}, check=True)
    peaks: Mapping[str, float] = json.loads(told.stdout)
    return peaks


def in_bucket(opened: ExitStack) -> Mapping[str, str]:
    """Settings of a new bucket in moto's server."""
    server = opened.enter_context(moto())
    return {
        "METERDROP_ORIGINALS": f"s3://{server.new_bucket()}",
        "METERDROP_ORIGINALS_ENDPOINT": server.url,
        "METERDROP_ORIGINALS_HTTP": "true",
        "METERDROP_ORIGINALS_ACCESS_KEY_ID": KEYS.id,
        "METERDROP_ORIGINALS_SECRET_ACCESS_KEY": KEYS.secret,
    }


def row(title: str, peaks: Mapping[str, float]) -> str:
    """One line of the table."""
    return f"{title:<36}" + "".join(f"{peaks[step]:15.0f}" for step in STEPS)


def report(*, megabytes: Sequence[int], bad_lines: Sequence[int]) -> Iterator[str]:
    """The table, line by line."""
    to_stderr(verbose=False)
    yield f"{'peak MB':<36}" + "".join(f"{step:>15}" for step in STEPS)
    for where in ("folder", "bucket"):
        cases = [(f"{size} MB of readings", padded(size)) for size in megabytes]
        cases += [(f"{lines:,} bad lines", bad(lines)) for lines in bad_lines]
        for title, content in cases:
            with tempfile.TemporaryDirectory(prefix="meterdrop-bench-") as place, ExitStack() as opened:
                settings = in_bucket(opened) if where == "bucket" else {}
                yield row(f"{title}, {where}", measure(Path(place), content, settings=settings))


def main() -> None:
    """Small and large files in turn."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--megabytes", type=int, nargs="+", default=[50, 500])
    words.add_argument("--bad-lines", type=int, nargs="+", default=[100_000, 1_000_000])
    words.add_argument("--one", nargs=2, metavar=("HOME", "PARTNER"), help="in this process; told as JSON")
    told = words.parse_args()
    if told.one:
        print(json.dumps(peaks_of(Path(told.one[0]), partner=told.one[1])))
        return
    for line in report(megabytes=told.megabytes, bad_lines=told.bad_lines):
        print(line, flush=True)


if __name__ == "__main__":
    main()
