"""Files built to be slow or large: with the limits as they come, each costs bounded time and memory, and no attempt.

`pytest -s` shows seconds from hand-over to receipt, and the most memory the worker ever held.
"""

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import pytest

from tests.homes import POSTGRESQL, Homes
from tests.road.pipeline_rig import READINGS_HEADER, Rig, children, stop

pytestmark = [pytest.mark.road, pytest.mark.by_night(POSTGRESQL)]

ALLOWED_MB: Final = 1000
ALLOWED_SECONDS: Final = 120
MILLION: Final = 1_000_000
GOOD: Final = "10000;1,5;m3;2026-10-31"


def _million_columns() -> Iterator[bytes]:
    yield (";".join(f"c{number}" for number in range(MILLION)) + "\n").encode()
    yield b"1;" * MILLION + b"\n"


def _million_columns_besides_ours() -> Iterator[bytes]:
    yield (READINGS_HEADER + ";" + ";".join(f"c{number}" for number in range(MILLION)) + "\n").encode()
    yield (GOOD + ";1" * MILLION + "\n").encode()


def _wide_as_a_line_may_be() -> Iterator[bytes]:
    """The header and every line fill what a line may have: 64 KiB."""
    extra = 15_000
    yield (READINGS_HEADER + "".join(f";{number}" for number in range(extra - 5000)) + "\n").encode()
    for day in range(1, 29):
        for _ in range(20):
            yield (f"10000;1,5;m3;2026-10-{day:02d}" + ";" * (extra - 5000) + "\n").encode()


def _million_bad_headings() -> Iterator[bytes]:
    """A million lines, each of which looks like another header."""
    for number in range(MILLION):
        yield f"Bad heading {number};Value {number};Unit;Date {number}\n".encode()


def _distinct_bad_cells() -> Iterator[bytes]:
    yield f"{READINGS_HEADER}\n".encode()
    for number in range(200_000):
        yield f"n{number};v{number};u{number};d{number}\n".encode()


def _line_of_500_mb() -> Iterator[bytes]:
    yield f"{READINGS_HEADER}\n{GOOD}\n".encode()
    for _ in range(500):
        yield b"x" * MILLION
    yield f"\n{GOOD.replace('10000', '10001')}\n".encode()


def _line_of_500_mb_alone() -> Iterator[bytes]:
    for _ in range(500):
        yield b"9" * MILLION


def _regex_traps() -> Iterator[bytes]:
    """Long runs of what numbers, dates, units and serials are made of, with a wrong end: they make a
    backtracking matcher try every way to split them."""
    yield f"{READINGS_HEADER}\n".encode()
    for number in range(600):
        serial, value = "-" * 9000 + f"{number}!", "9 " * 5000 + "x"
        yield f"{serial};{value};{'m' * 9000}3x;{'1.' * 5000}\n".encode()


def _nested_quotes() -> Iterator[bytes]:
    yield f"{READINGS_HEADER}\n".encode()
    for depth in range(500):
        yield b'"' * (2 * depth + 1) + b";1;m3;2026-10-31\n"
        yield b'"' + b'"";' * 15_000 + b'";1;m3;2026-10-31\n'


def _separators_only() -> Iterator[bytes]:
    yield f"{READINGS_HEADER}\n".encode()
    for _ in range(1000):
        yield b";" * 60_000 + b"\n"


def _nothing_but_line_ends() -> Iterator[bytes]:
    yield f"{READINGS_HEADER}\n".encode()
    for _ in range(5):
        yield b"\r" * MILLION


CASES: Final[dict[Callable[[], Iterator[bytes]], str]] = {
    _million_columns: "refused",
    _million_columns_besides_ours: "refused",
    _wide_as_a_line_may_be: "accepted",
    _million_bad_headings: "refused",
    _distinct_bad_cells: "held",
    _line_of_500_mb: "partly_accepted",
    _line_of_500_mb_alone: "refused",
    _regex_traps: "held",
    _nested_quotes: "held",
    _separators_only: "refused",
    _nothing_but_line_ends: "refused",
}


@pytest.fixture
def rig(homes: Homes, tmp_path: Path) -> Iterator[Rig]:
    if shutil.disk_usage(tmp_path).free < 2 * 1024**3:
        pytest.skip("less than 2 GB of free disk")
    made = Rig(tmp_path / "home", homes=homes)
    made.register(["10000", "10001"])
    yield made
    shutil.rmtree(tmp_path)


@pytest.mark.parametrize("content", CASES, ids=lambda content: content.__name__.strip("_"))
def test_hostile_file_costs_bounded_time_and_memory(rig: Rig, content: Callable[[], Iterator[bytes]]) -> None:
    running = rig.pipeline()
    assert running.stdout is not None
    running.stdout.readline()
    [worker] = children(running.pid)

    with peaks_of(worker, running.pid) as peaks:
        upload = rig.hand_over(content())
        start = time.monotonic()
        result = rig.result(upload, seconds=ALLOWED_SECONDS)
        seconds = time.monotonic() - start

    print(
        f"{content.__name__.strip('_')}: {result['bytes'] / 1e6:.0f} MB, {seconds:.1f} s, worker {peaks[0]} MB, "
        f"pipeline {peaks[1]} MB: {result['verdict']} {result['findings_by_code']}"
    )
    assert rig.logged("worker.ended") == []
    assert result["verdict"] == CASES[content]
    assert max(peaks) < ALLOWED_MB
    next_one = rig.hand_over([f"{READINGS_HEADER}\n10000;2,5;m3;2026-11-01\n".encode()])
    assert rig.result(next_one)["verdict"] == "accepted"
    assert stop(running) == 0


@contextmanager
def peaks_of(*pids: int) -> Iterator[list[int]]:
    """The most memory each process held, in MB; a worker that held much may retire before anybody can ask it."""
    peaks = [0] * len(pids)
    over = threading.Event()

    def look() -> None:
        while True:
            for place, pid in enumerate(pids):
                peaks[place] = max(peaks[place], _peak_mb(pid))
            if over.wait(0.02):
                return

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield peaks
    finally:
        over.set()
        looking.join()
    assert all(peaks), "no memory was seen"


def _peak_mb(pid: int) -> int:
    """What the kernel says; 0 of a process that has ended."""
    with suppress(FileNotFoundError, ProcessLookupError):
        told = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").partition("VmHWM:")[2].split()
        return int(told[0]) // 1024 if told else 0
    return 0
