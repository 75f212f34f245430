"""Writers stand in line, whatever process they are, and nobody who is gone holds it up."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from meterdrop.store.turns import LINE, turn

HOLDER = """
import sys, time
from pathlib import Path
from meterdrop.store.turns import turn
with turn(Path(sys.argv[1]), wait=60):
    print("mine", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    made = tmp_path / "some.db"
    made.touch(mode=0o640)
    return made


@pytest.fixture
def children() -> Iterator[list["subprocess.Popen[str]"]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for one in started:
        one.kill()
        one.communicate()


def _process(database: Path, children: list["subprocess.Popen[str]"]) -> "subprocess.Popen[str]":
    started = subprocess.Popen([sys.executable, "-c", HOLDER, database], stdout=subprocess.PIPE, text=True)
    children.append(started)
    return started


def _holder(database: Path, children: list["subprocess.Popen[str]"]) -> "subprocess.Popen[str]":
    started = _process(database, children)
    assert started.stdout is not None
    assert started.stdout.readline() == "mine\n"
    return started


def _drawn(database: Path) -> int:
    return int.from_bytes(Path(f"{database}{LINE}").read_bytes()[:8], "little")


def _until_drawn(database: Path, number: int) -> None:
    end = time.monotonic() + 30
    while _drawn(database) < number:
        assert time.monotonic() < end, "nobody came"
        time.sleep(0.005)


def _waited(database: Path, *, wait: float) -> float:
    begin = time.monotonic()
    with turn(database, wait=wait):
        return time.monotonic() - begin


def test_they_write_in_the_order_in_which_they_came(database: Path) -> None:
    wrote: list[int] = []

    def write(number: int) -> None:
        with turn(database, wait=60):
            wrote.append(number)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(20)]
    with turn(database, wait=60):
        for number, writer in enumerate(writers):
            writer.start()
            _until_drawn(database, number + 2)
        assert not wrote
    for writer in writers:
        writer.join()

    assert wrote == list(range(20))


def test_who_is_killed_at_work_is_followed_at_once(
    database: Path, children: list["subprocess.Popen[str]"]
) -> None:
    holder = _holder(database, children)
    threading.Timer(0.2, holder.send_signal, (signal.SIGKILL,)).start()

    assert 0.1 < _waited(database, wait=60) < 30


def test_who_is_killed_in_the_line_lets_nobody_pass_those_before(
    database: Path, children: list["subprocess.Popen[str]"]
) -> None:
    with ExitStack() as first:
        first.enter_context(turn(database, wait=60))
        second = _process(database, children)
        _until_drawn(database, 2)
        third: list[float] = []
        waiter = threading.Thread(target=lambda: third.append(_waited(database, wait=60)))
        waiter.start()
        _until_drawn(database, 3)
        second.send_signal(signal.SIGKILL)
        second.wait()
        waiter.join(0.3)
        assert waiter.is_alive(), "it passed the first, who still writes"
    waiter.join()

    assert third


def test_who_stands_still_is_passed_after_a_while(
    database: Path, children: list["subprocess.Popen[str]"]
) -> None:
    _holder(database, children).send_signal(signal.SIGSTOP)

    assert 0.3 <= _waited(database, wait=0.3) < 20


def test_the_line_has_the_rights_of_the_database(database: Path) -> None:
    _waited(database, wait=1)

    assert Path(f"{database}{LINE}").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("content", [b"", b"\xff", b"\xff" * 8, b"\xff" * 7 + b"\x7f"])
def test_a_line_with_any_content_still_serves(database: Path, content: bytes) -> None:
    Path(f"{database}{LINE}").write_bytes(content)

    assert _waited(database, wait=5) < 5
    assert _waited(database, wait=5) < 5


def test_without_a_line_nobody_waits(tmp_path: Path) -> None:
    assert _waited(tmp_path / "none.db", wait=5) < 5
    assert list(tmp_path.iterdir()) == []
