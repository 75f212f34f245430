"""Locks between processes: one holder, told at once or after a wait, and free again however the holder ends."""

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from meterdrop.dispatch.locks import FileLocks
from meterdrop.model.errors import TryAgain

HOLDER = """
import sys, time
from pathlib import Path
from meterdrop.dispatch.locks import FileLocks
with FileLocks(Path(sys.argv[1])).hold("partner-techem", wait=0):
    print("held", flush=True)
    time.sleep(60)
"""


def test_lock_that_is_held_means_try_again(tmp_path: Path) -> None:
    locks = FileLocks(tmp_path / "locks")
    with (
        locks.hold("reprocess", wait=0),
        pytest.raises(TryAgain, match="reprocess: another process is at it"),
        FileLocks(tmp_path / "locks").hold("reprocess", wait=0.05),
    ):
        pytest.fail("two holders")


def test_other_names_are_other_locks(tmp_path: Path) -> None:
    locks = FileLocks(tmp_path)
    with locks.hold("partner-a", wait=0), locks.hold("partner-b", wait=0):
        assert {path.name for path in tmp_path.iterdir()} == {"partner-a.lock", "partner-b.lock"}


def test_lock_is_free_after_its_block_even_if_that_failed(tmp_path: Path) -> None:
    locks = FileLocks(tmp_path)
    with pytest.raises(KeyError), locks.hold("reprocess", wait=0):
        raise KeyError
    with locks.hold("reprocess", wait=0):
        pass


def test_one_who_waits_gets_the_lock_when_it_is_free(tmp_path: Path) -> None:
    locks, order = FileLocks(tmp_path), []

    def second() -> None:
        with locks.hold("reprocess", wait=10):
            order.append("second")

    with locks.hold("reprocess", wait=0):
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.1)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]


def test_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    locks = FileLocks(tmp_path)
    with pytest.raises(TryAgain), locks.hold("partner-techem", wait=0):
        pytest.fail("two holders")

    holder.send_signal(signal.SIGKILL)
    holder.wait(10)

    with locks.hold("partner-techem", wait=5):
        pass


def test_lock_does_not_pass_to_a_child_process(tmp_path: Path) -> None:
    """A child that outlives its parent must not keep the parent's lock."""
    locks = FileLocks(tmp_path)
    with locks.hold("reprocess", wait=0):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], close_fds=False)
    with locks.hold("reprocess", wait=5):
        assert child.poll() is None, "the child must still live when the lock is free again"
    child.kill()
    child.wait(10)
