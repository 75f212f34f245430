"""Files that leave a watched folder: missed, forgotten in the end, and never taken twice because they come into sight again."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from meterdrop.model.watched import LeftOut
from meterdrop.receive import tree
from meterdrop.receive.still import Seen
from meterdrop.store import watched
from meterdrop.store.schema import watched as ledger
from tests.homes import POSTGRESQL
from tests.integration.watched_rig import CONTENT, NOW, OTHER, QUIET, Rig

pytestmark = pytest.mark.by_night(POSTGRESQL)

KEPT = timedelta(days=90)
"""As `watch_forget_days` is without a setting."""


class Days:
    """A calendar that is turned by hand."""

    def __init__(self, rig: Rig) -> None:
        self.rig, self.now = rig, NOW
        self.hang()

    def hang(self) -> None:
        """Also after a restart."""
        self.rig.watch.clock = lambda: self.now

    def pass_by(self, time: timedelta) -> None:
        self.now += time
        self.rig.wait()


@pytest.fixture
def days(rig: Rig) -> Days:
    """One file was taken; another stays in the folder for good, so that it is never without one."""
    rig.put(OTHER.replace(b"10001", b"10002"), name="stays.csv")
    rig.put()
    made = Days(rig)
    rig.wait()
    assert len(rig.taken()) == 2
    return made


def rows(rig: Rig) -> dict[str, datetime | None]:
    """The ledger: path, and since when it is gone."""
    with rig.house.database.reading() as store:
        found = store.execute(ledger.select()).all()
    return {row.path.removeprefix("incoming/"): row.gone_at for row in found}


def taken(rig: Rig) -> list[bytes]:
    """What was taken of the file that comes and goes."""
    return [content for path, content in rig.taken() if path == "incoming/readings.csv"]


# -- missed, and forgotten -------------------------------------------------------------------------------------


@pytest.mark.by_day(POSTGRESQL)
def test_file_that_is_gone_is_missed_and_after_its_time_forgotten(rig: Rig, days: Days) -> None:
    (rig.incoming / "readings.csv").unlink()
    days.pass_by(timedelta(hours=1))
    gone = days.now
    assert rows(rig) == {"stays.csv": None, "readings.csv": gone}

    days.pass_by(KEPT - timedelta(seconds=1))
    assert rows(rig) == {"stays.csv": None, "readings.csv": gone}
    days.pass_by(timedelta(seconds=2))

    assert rows(rig) == {"stays.csv": None}
    assert len(rig.taken()) == 2


def test_file_that_stays_is_remembered_however_long_it_lies_there(rig: Rig, days: Days) -> None:
    for _ in range(3):
        days.pass_by(2 * KEPT)
    rig.restart()
    days.hang()
    days.pass_by(2 * KEPT)
    assert rows(rig) == {"stays.csv": None, "readings.csv": None}
    assert len(rig.taken()) == 2


@pytest.mark.by_day(POSTGRESQL)
def test_look_asks_for_no_row_of_files_that_are_gone(rig: Rig, days: Days) -> None:
    for number in range(20):
        rig.put(OTHER, name=f"{number}.csv").touch()
    rig.wait()
    for number in range(20):
        (rig.incoming / f"{number}.csv").unlink()
    rig.look()

    with rig.house.database.reading() as store:
        read = watched.there(store, partner="anyone")

    assert sorted(read) == ["incoming/readings.csv", "incoming/stays.csv"]
    assert len(rows(rig)) == 22


@pytest.mark.by_day(POSTGRESQL)
def test_rows_are_forgotten_in_parts_look_by_look(
    rig: Rig, days: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others wait for a transaction: none may be as long as the ledger is."""
    monkeypatch.setattr("meterdrop.usecases.watch_ledger._MOST", 2)
    monkeypatch.setattr(watched, "_AT_ONCE", 2)
    for number in range(5):
        rig.put(name=f"{number}.csv").write_bytes(CONTENT.replace(b"10001", b"2000%d" % number))
    rig.wait()
    for number in range(5):
        (rig.incoming / f"{number}.csv").unlink()
    rig.look()
    days.now += KEPT + timedelta(seconds=1)
    left = []
    for _ in range(4):
        rig.look()
        left.append(len(rows(rig)))
    assert left == [5, 3, 2, 2]


def test_days_until_a_file_is_forgotten_can_be_set(rig: Rig, days: Days) -> None:
    rig.settings["watch_forget_days"] = 1
    rig.restart()
    days.hang()
    (rig.incoming / "readings.csv").unlink()
    days.pass_by(timedelta(0))
    days.pass_by(timedelta(days=1, seconds=1))
    assert list(rows(rig)) == ["stays.csv"]


# -- the same name, other content ------------------------------------------------------------------------------


@pytest.mark.parametrize("away", [timedelta(hours=1), KEPT + timedelta(days=1)], ids=["missed", "forgotten"])
def test_same_name_with_other_content_is_taken(rig: Rig, days: Days, away: timedelta) -> None:
    (rig.incoming / "readings.csv").unlink()
    days.pass_by(timedelta(0))
    days.pass_by(away)

    rig.put(OTHER)
    rig.wait()

    assert taken(rig) == [CONTENT, OTHER]
    assert rows(rig) == {"stays.csv": None, "readings.csv": None}


def test_other_content_of_the_same_size_and_times_is_taken(rig: Rig, days: Days) -> None:
    """What a client can set looks as before: only the inode and its own time do not."""
    path = rig.incoming / "readings.csv"
    before = path.stat()
    path.unlink()
    days.pass_by(timedelta(hours=1))
    rig.put(OTHER)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    rig.wait()
    assert taken(rig) == [CONTENT, OTHER]


@pytest.mark.by_day(POSTGRESQL)
def test_file_that_comes_back_longer_names_what_it_continues(rig: Rig, days: Days) -> None:
    (rig.incoming / "readings.csv").unlink()
    days.pass_by(timedelta(hours=1))
    rig.put(CONTENT + b"10001;3;m3;2026-11-01\n")
    rig.wait()
    continued = [one["continues"] for one in rig.receipts("received.json") if one.get("continues")]
    assert len(continued) == 1


# -- the same file, in sight again -----------------------------------------------------------------------------


@contextmanager
def moved_away(rig: Rig, tmp_path: Path, *, replaced: bool) -> Iterator[None]:
    """As if the partner's file system was not mounted: its folder is gone, or an empty one is in its place."""
    incoming = rig.incoming
    incoming.rename(tmp_path / "aside")
    if replaced:
        incoming.mkdir()
    yield
    if replaced:
        incoming.rmdir()
    (tmp_path / "aside").rename(incoming)


@pytest.mark.parametrize("replaced", [True, False])
@pytest.mark.parametrize("away", [timedelta(hours=1), 2 * KEPT])
def test_files_of_a_folder_that_was_away_are_not_taken_twice(
    rig: Rig, days: Days, tmp_path: Path, away: timedelta, replaced: bool
) -> None:
    """However long: a folder without a file says nothing of what should be in it."""
    with moved_away(rig, tmp_path, replaced=replaced):
        days.pass_by(timedelta(0))
        days.pass_by(away)
        assert set(rows(rig).values()) == {None}
    days.pass_by(timedelta(0))
    rig.restart()
    days.hang()
    days.pass_by(timedelta(0))
    assert len(rig.taken()) == 2


def test_files_missed_while_others_were_there_are_not_taken_twice(
    rig: Rig, days: Days, tmp_path: Path
) -> None:
    """The other server wrote into the empty mount point meanwhile."""
    rig.incoming.rename(tmp_path / "aside")
    rig.put(OTHER.replace(b"10001", b"10003"), name="meanwhile.csv")
    days.pass_by(timedelta(hours=1))
    assert sum(gone is not None for gone in rows(rig).values()) == 2
    shutil.rmtree(rig.incoming)
    (tmp_path / "aside").rename(rig.incoming)
    copied: list[str] = []
    rig.watch.at = copied.append

    assert rig.look().folder.waiting == 0
    days.pass_by(timedelta(hours=1))

    assert copied == [], "known by their state: nothing had to be read"
    assert {path for path, gone in rows(rig).items() if gone is None} == {"stays.csv", "readings.csv"}
    assert len(rig.taken()) == 3


def test_file_that_comes_back_just_before_it_is_forgotten_is_remembered(
    rig: Rig, days: Days, tmp_path: Path
) -> None:
    """What is in sight again is no longer gone before anything is forgotten, also in the first look of a new process."""
    path = rig.incoming / "readings.csv"
    path.rename(tmp_path / "kept.csv")
    days.pass_by(timedelta(0))
    (tmp_path / "kept.csv").rename(path)
    days.now += 2 * KEPT
    rig.restart()
    days.hang()
    days.pass_by(timedelta(0))
    assert (rows(rig)["readings.csv"], len(rig.taken())) == (None, 2)


def test_copy_with_another_inode_is_not_taken_twice(rig: Rig, days: Days) -> None:
    """As file systems show that number their files anew when they are mounted: the bytes are compared."""
    path = rig.incoming / "readings.csv"
    copy = shutil.copy2(path, path.with_name(".copy"))
    days.pass_by(timedelta(0))
    path.unlink()
    days.pass_by(timedelta(hours=1))
    Path(copy).rename(path)
    rig.wait()
    assert len(rig.taken()) == 2


def test_forgotten_file_that_comes_back_the_same_is_a_duplicate_and_stored_once(
    rig: Rig, days: Days, tmp_path: Path
) -> None:
    """The last line of defence is the delivery itself."""
    register = (
        b"Date;Location;TypeUnit;Room;Media;SerialNumber;RadioNumber;Seq;DateFrom;Correction\n"
        b"2026-01-01;A1;m3;hall;CW;10001;-;1;2024-01-01;1\n"
    )
    path = rig.put(register, name="register.csv")
    rig.wait()
    rig.house.drain("anyone")
    path.rename(tmp_path / "kept.csv")
    days.pass_by(timedelta(0))
    days.pass_by(KEPT + timedelta(days=1))
    (tmp_path / "kept.csv").rename(path)
    rig.wait()

    [again] = rig.house.drain("anyone")

    assert again.state.value == "duplicate"


@pytest.mark.parametrize("why", ["may not be read", "cut", "input/output error"])
def test_nothing_is_missed_in_a_look_that_did_not_see_all(
    rig: Rig, days: Days, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    opened, through = os.open, tree.Walk.through

    def refusing(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == "below":
            raise PermissionError(13, "as if we were not root")
        return opened(path, flags, mode, dir_fd=dir_fd)

    def failing(
        walk: tree.Walk, folder: int, *, above: str = "", without: frozenset[str] = frozenset()
    ) -> Iterator[Seen | LeftOut]:
        yield from through(walk, folder, above=above, without=without)
        raise OSError(5, "the file server is gone")

    rig.put(OTHER.replace(b"10001", b"10004"), name="below/one.csv")
    rig.wait()
    if why == "cut":
        monkeypatch.setattr("meterdrop.usecases.watch._MOST_NAMES", 2)
    elif why == "input/output error":
        monkeypatch.setattr(tree.Walk, "through", failing)
    else:
        monkeypatch.setattr(os, "open", refusing)
    (rig.incoming / "readings.csv").unlink()
    days.pass_by(timedelta(0))
    assert set(rows(rig).values()) == {None}
    monkeypatch.undo()
    days.pass_by(timedelta(0))
    assert [path for path, gone in rows(rig).items() if gone] == ["readings.csv"]
    assert len(rig.taken()) == 3


def test_file_system_that_is_unmounted_and_mounted_again_brings_nothing_twice(
    rig: Rig, days: Days, tmp_path: Path
) -> None:
    """A real one: a tmpfs that is bound into the partner's folder, away, and bound again."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "none", str(disk)], capture_output=True, check=False
    ).returncode:
        pytest.skip("mount: not allowed here")
    shutil.rmtree(rig.incoming)
    rig.incoming.mkdir()
    bind, unbind = ["mount", "--bind", str(disk), str(rig.incoming)], ["umount", str(rig.incoming)]
    try:
        subprocess.run(bind, check=True)
        rig.put(OTHER.replace(b"10001", b"10005"), name="mounted.csv")
        rig.wait()
        assert len(rig.taken()) == 3
        subprocess.run(unbind, check=True)
        days.pass_by(timedelta(hours=1))
        assert list(rig.incoming.iterdir()) == []
        subprocess.run(bind, check=True)
        days.pass_by(timedelta(hours=1))
        rig.seconds += QUIET
        rig.wait()
        assert len(rig.taken()) == 3
    finally:
        subprocess.run(unbind, check=False, capture_output=True)
        subprocess.run(["umount", str(disk)], check=True)
