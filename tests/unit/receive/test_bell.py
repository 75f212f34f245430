"""The bell rings when a folder is put on the doorstep, and does not sleep over it."""

import sys
import threading
from pathlib import Path

import pytest

from meterdrop.receive import bell


def test_folder_that_is_renamed_on_the_doorstep_rings(tmp_path: Path) -> None:
    (tmp_path / ".made.tmp").mkdir()
    rung = threading.Event()
    observer = bell.watch(tmp_path, ring=rung.set)
    try:
        (tmp_path / ".made.tmp").rename(tmp_path / "made")
        assert rung.wait(30)
    finally:
        observer.stop()
        observer.join(30)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system tells of renames in one piece")
def test_half_a_rename_is_not_slept_over(tmp_path: Path) -> None:
    """watchdog is as we know it: what we set is what its queue takes, where it would be half a second."""
    from watchdog.observers.inotify_move_event_grouper import InotifyMoveEventGrouper

    observer = bell.watch(tmp_path, ring=lambda: None)
    try:
        assert InotifyMoveEventGrouper()._queue.delay <= 0.01
    finally:
        observer.stop()
        observer.join(30)
