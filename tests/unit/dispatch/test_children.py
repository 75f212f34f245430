"""Real processes that serve as workers, with a drain that does what the partner's name says: no end of one is the end."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from meterdrop.dispatch.children import LARGE_NEXT, WarmChild

PROGRAM = """
import os, signal, sys, time
from pathlib import Path
from meterdrop.dispatch.child import ChildSide, stdout_for_answers
from meterdrop.dispatch.limits import Limits
from meterdrop.model.errors import TryAgain

folder = Path(sys.argv[1])
answers = stdout_for_answers()
hello = sys.stdin.buffer.readline()
held = []

def passed(name):
    with (folder / name).open("a") as file:
        file.write(f"{os.getpid()}\\n")
    return len((folder / name).read_text().splitlines())

def act(partner, times):
    if times > 3:
        return  # as a poisoned delivery is settled: without touching it
    match partner:
        case "talker": os.system("echo a library says this >&2; echo and this")
        case "scribbler": answers.write(b"no JSON\\n"), answers.flush(), time.sleep(60)
        case "killer": os.kill(os.getpid(), signal.SIGKILL)
        case "crasher": os.kill(os.getpid(), signal.SIGSEGV)
        case "hungry": held.append(b"x" * (200 * 2**20))
        case "slow": time.sleep(60)
        case "bug": raise KeyError("the bug")
        case "busy": raise TryAgain("the database is away")
        case "large": held.append(b"x" * (500 * 2**20))
        case "steady" | "many": time.sleep(1.0)

def drain(partner, *, stopping, begins, settled, leaves):
    if partner == "dies-outside":
        passed(partner)
        os._exit(9)
    waiting = {"queue": 3, "large": 2, "steady": 2, "many": 3}.get(partner, 1)
    for key in range(1, waiting + 1):
        if (folder / f"{partner}-{key}.done").exists():
            continue
        if stopping():
            return
        if partner == "queue" and key == 3 and leaves is not None:
            return leaves()
        begins(key)
        act(partner, passed(partner))
        (folder / f"{partner}-{key}.done").touch()
        settled(key)
    if partner == "many":
        time.sleep(3.0)

limits = Limits(seconds=600.0, megabytes=int(sys.argv[2]))
ChildSide(orders=sys.stdin.buffer, answers=answers, limits=limits).serve(drain)
os._exit(0)
"""


class Rig:
    """One worker in a folder where its processes leave traces."""

    def __init__(self, folder: Path, *, seconds: float = 60.0, megabytes: int = 1000) -> None:
        self.folder = folder
        self.worker = WarmChild(
            command=[sys.executable, "-c", PROGRAM, str(folder), str(megabytes)],
            environment=os.environ,
            hello=str,
            seconds=seconds,
        )

    def passed(self, partner: str) -> list[int]:
        """The process ids that began a delivery of this partner, in order."""
        path = self.folder / partner
        return [int(line) for line in path.read_text().split()] if path.exists() else []

    def is_done(self, partner: str, key: int = 1) -> bool:
        return (self.folder / f"{partner}-{key}.done").exists()


@contextmanager
def rig(folder: Path, *, seconds: float = 60.0, megabytes: int = 1000) -> Iterator[Rig]:
    made = Rig(folder, seconds=seconds, megabytes=megabytes)
    try:
        yield made
    finally:
        made.worker.stop()
        made.worker.end(wait=10)


def ends(logged: list[Any]) -> list[tuple[object, object]]:
    """Why processes ended, and the deliveries they were at."""
    return [(one["why"], one["delivery"]) for one in logged if one["event"] == "worker.ended"]


def test_one_process_is_kept_warm_for_all_partners(tmp_path: Path) -> None:
    with rig(tmp_path) as house, capture_logs() as logged:
        for partner in ("a", "b", "queue"):
            house.worker.warm()
            house.worker.drain(partner)

    assert len({*house.passed("a"), *house.passed("b"), *house.passed("queue")}) == 1
    assert all(house.is_done("queue", key) for key in (1, 2, 3))
    assert logged == []


def test_a_large_delivery_is_left_where_only_small_ones_are_asked_for(tmp_path: Path) -> None:
    with rig(tmp_path) as house:
        house.worker.warm()
        assert house.worker.drain("queue", only_small=True) == LARGE_NEXT
        assert [house.is_done("queue", key) for key in (1, 2, 3)] == [True, True, False]
        assert house.worker.drain("queue") is None
        assert house.is_done("queue", 3)


@pytest.mark.parametrize(
    ("partner", "why"),
    [
        ("killer", "SIGKILL"),
        ("crasher", "SIGSEGV"),
        ("bug", "bug"),
        ("hungry", "memory"),
        ("slow", "time"),
        ("scribbler", "no JSON"),
    ],
)
def test_delivery_that_ends_its_process_has_three_attempts_and_the_next_partner_is_drained(
    tmp_path: Path, partner: str, why: str
) -> None:
    seconds = 0.5 if partner == "slow" else 60.0
    with rig(tmp_path, seconds=seconds, megabytes=100) as house, capture_logs() as logged:
        house.worker.drain(partner)
        house.worker.drain("next")

    assert ends(logged) == [(why, 1)] * 3
    assert len(set(house.passed(partner))) == 4, "each attempt has a process of its own"
    assert house.is_done(partner)
    assert house.is_done("next")


def test_what_others_print_in_the_process_does_not_disturb_its_answers(tmp_path: Path) -> None:
    with rig(tmp_path) as house, capture_logs() as logged:
        house.worker.drain("talker")

    assert house.is_done("talker")
    assert logged == []


def test_memory_is_limited_for_each_delivery_and_not_for_all_of_them_together(tmp_path: Path) -> None:
    """200 MB more are allowed each time, whatever the process holds from earlier ones."""
    with rig(tmp_path, megabytes=300) as house, capture_logs() as logged:
        house.worker.drain("hungry")
        (tmp_path / "hungry-1.done").unlink()
        house.worker.drain("hungry")

    assert ends(logged) == []
    assert len(set(house.passed("hungry"))) == 1


def test_time_is_limited_for_each_delivery_and_not_for_what_is_between_them(tmp_path: Path) -> None:
    """Three deliveries of a second each, then three seconds of sending receipts."""
    with rig(tmp_path, seconds=2.5) as house, capture_logs() as logged:
        house.worker.drain("many")

    assert ends(logged) == []
    assert all(house.is_done("many", key) for key in (1, 2, 3))


def test_process_that_holds_too_much_between_two_deliveries_is_replaced(tmp_path: Path) -> None:
    with rig(tmp_path) as house, capture_logs() as logged:
        house.worker.drain("large")

    assert [one["event"] for one in logged] == ["worker.retired", "worker.retired"]
    assert all(one["held_mb"] > 400 for one in logged)
    assert len(set(house.passed("large"))) == 2, "the second delivery was left to another process"
    assert house.is_done("large", 1)
    assert house.is_done("large", 2)


def test_world_that_is_away_is_told_and_left_to_the_next_sweep(tmp_path: Path) -> None:
    with rig(tmp_path) as house, capture_logs() as logged:
        house.worker.drain("busy")
        house.worker.drain("next")

    [told] = logged
    assert (told["event"], told["why"]) == ("drain.try-again", "the database is away")
    assert house.passed("busy") == house.passed("next"), "the process is as good as before"


def test_process_that_ends_outside_of_a_delivery_is_left_to_the_next_sweep(tmp_path: Path) -> None:
    """No attempt was counted, so to go on at once could go on for ever."""
    with rig(tmp_path) as house, capture_logs() as logged:
        house.worker.drain("dies-outside")
        house.worker.drain("next")

    assert ends(logged) == [("exit", None)]
    assert len(house.passed("dies-outside")) == 1
    assert house.is_done("next")


def test_stop_lets_the_delivery_in_progress_finish(tmp_path: Path) -> None:
    with rig(tmp_path) as house, capture_logs() as logged:
        thread = threading.Thread(target=house.worker.drain, args=("steady",))
        thread.start()
        _wait(lambda: bool(house.passed("steady")))

        house.worker.stop()
        thread.join(10)

        assert not thread.is_alive()
        assert house.is_done("steady", 1)
        assert not house.is_done("steady", 2), "it is the last one"
        assert house.worker.end(wait=10) == 0
    assert logged == []


def test_worker_that_is_cut_off_ends_at_once(tmp_path: Path) -> None:
    with rig(tmp_path) as house:
        thread = threading.Thread(target=house.worker.drain, args=("slow",))
        thread.start()
        _wait(lambda: bool(house.passed("slow")))

        house.worker.stop()
        house.worker.kill()
        thread.join(10)

        assert not thread.is_alive()
    assert not house.is_done("slow")


def test_signals_to_the_parents_group_do_not_reach_the_worker(tmp_path: Path) -> None:
    """Ctrl-C at the terminal: the delivery in progress is the parent's to finish."""
    with rig(tmp_path) as house:
        house.worker.drain("a")
        [pid] = house.passed("a")

        assert os.getpgid(pid) != os.getpgid(0)


def test_worker_ends_with_its_parent_even_in_the_middle_of_a_delivery(tmp_path: Path) -> None:
    program = f"""
import sys
sys.path[:0] = {sys.path!r}
from pathlib import Path
from tests.unit.dispatch.test_children import Rig
Rig(Path({str(tmp_path)!r})).worker.drain("slow")
"""
    parent = subprocess.Popen([sys.executable, "-c", program])
    _wait(lambda: (tmp_path / "slow").exists())
    [worker] = Rig(tmp_path).passed("slow")

    parent.kill()
    parent.wait()

    _wait(lambda: _is_gone(worker))
    assert not Rig(tmp_path).is_done("slow")


def test_program_that_cannot_start_is_told_and_tried_until_stop(tmp_path: Path) -> None:
    worker = WarmChild(
        command=[sys.executable, "-c", "raise SystemExit(3)"], environment=os.environ, hello=str, seconds=1
    )
    with capture_logs() as logged:
        thread = threading.Thread(target=worker.warm)
        thread.start()
        _wait(lambda: bool(logged))
        worker.stop()
        thread.join(10)

    assert not thread.is_alive()
    assert (logged[0]["event"], logged[0]["code"]) == ("worker.not-started", 3)
    worker.drain("techem")


def _is_gone(pid: int) -> bool:
    """Also if nobody has asked for its exit code yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def _wait(look: object, *, seconds: float = 20.0) -> None:
    assert callable(look)
    until = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < until
        time.sleep(0.01)
