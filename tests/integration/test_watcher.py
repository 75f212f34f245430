"""The thread that looks after watched folders: it looks when something rings, and without a bell; status knows what it saw."""

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from watchdog.observers.api import BaseObserver

from meterdrop.model.watched import PartnerFolder, WatchedFolders
from meterdrop.receive import bell
from meterdrop.service.watcher import Watcher
from meterdrop.usecases import watch_told
from tests.integration.watched_rig import CONTENT, NOW, Rig
from tests.road.pipeline_rig import wait_for

NEVER = 3600.0


@pytest.fixture
def watcher(rig: Rig) -> Iterator[Watcher]:
    """Nothing has to lie still for long, and sweeps are too seldom to help."""
    rig.settings["watch_quiet_seconds"] = 0.05
    rig.restart()
    rig.turn_clock_by_itself()
    made = Watcher(
        watch=rig.watch, told=rig.home / "work" / "watched.json", sweep_seconds=NEVER, has_bell=True
    )
    yield made
    made.stop()


def handed(rig: Rig) -> int | None:
    """How many uploads lie on the doorstep, if any do."""
    return len(list((rig.home / "landing").iterdir())) or None


def test_file_that_comes_rings_and_is_taken_long_before_the_next_sweep(rig: Rig, watcher: Watcher) -> None:
    watcher.start()
    wait_for(lambda: watch_told.read(watcher.told), what="the first sweep")
    rig.put(name="new/folder/readings.csv")
    assert wait_for(lambda: handed(rig), what="the file", seconds=10) == 1


def test_folder_of_a_partner_that_is_added_later_is_looked_at_when_it_rings(
    rig: Rig, watcher: Watcher
) -> None:
    incoming = rig.folder / "later" / "incoming"
    incoming.mkdir(parents=True)
    watcher.start()
    wait_for(lambda: watch_told.read(watcher.told), what="the first sweep")
    rig.house.partners.add("later", name="Later", group=1, keys=[], networks=[], who="test")
    (incoming / "readings.csv").write_bytes(CONTENT)
    assert wait_for(lambda: handed(rig), what="the file", seconds=10) == 1


def test_without_a_bell_one_looks_every_two_seconds(
    rig: Rig, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(_folder: Path, *, ring: Callable[[str], None]) -> BaseObserver:
        raise OSError(28, "inotify watch limit reached")

    monkeypatch.setattr(bell, "watch_tree", none_left)
    watcher.start()
    wait_for(lambda: watch_told.read(watcher.told), what="the first sweep")
    rig.put()
    assert wait_for(lambda: handed(rig), what="the file", seconds=10) == 1


def test_bell_that_no_longer_rings_is_hung_again(
    rig: Rig, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its thread can die, of a hostile tree for one, and nothing tells us; but then a sweep finds what did not ring."""
    hung: list[BaseObserver] = []
    hang = bell.watch_tree

    def noted(folder: Path, *, ring: Callable[[str], None]) -> BaseObserver:
        hung.append(hang(folder, ring=ring))
        return hung[-1]

    monkeypatch.setattr(bell, "watch_tree", noted)
    watcher.sweep_seconds = 0.2
    watcher.start()
    wait_for(lambda: watch_told.read(watcher.told), what="the first sweep")
    hung[0].unschedule_all()
    rig.put()
    wait_for(lambda: True if len(hung) > 1 else None, what="another bell", seconds=10)


def test_home_that_cannot_be_written_to_is_told_and_is_not_the_files_fault(
    rig: Rig, watcher: Watcher
) -> None:
    """As after somebody ran the pipeline as root."""
    (rig.home / "work" / "watched").write_text("in the way of the folder for copies")
    rig.put()
    watcher.sweep_seconds = 0.2
    watcher.start()

    def hindered() -> WatchedFolders | None:
        told = watch_told.read(watcher.told)
        return told if told is not None and watch_told.problems_of(told, now=told.at) else None

    told = wait_for(hindered, what="the problem")
    [problem] = watch_told.problems_of(told, now=told.at)
    assert problem.startswith(
        "anyone: no file of the watched folder can be taken: the home can't be written to: "
    )

    (rig.home / "work" / "watched").unlink()

    assert wait_for(lambda: handed(rig), what="the file", seconds=10) == 1
    wait_for(lambda: True if hindered() is None else None, what="all well")


def test_tree_too_deep_to_walk_stops_nobody(rig: Rig, watcher: Watcher) -> None:
    """Made step by step, as a hostile partner would; programs that walk trees by recursion end at a thousand."""
    here = os.open(".", os.O_RDONLY)
    try:
        os.chdir(rig.incoming)
        for _ in range(1500):
            Path("d").mkdir()
            os.chdir("d")
    finally:
        os.fchdir(here)
        os.close(here)
    watcher.start()
    rig.put()
    assert wait_for(lambda: handed(rig), what="the file", seconds=10) == 1
    subprocess.run(["rm", "-rf", str(rig.incoming / "d")], check=True)


TOLD = WatchedFolders(at=NOW, folder="/srv/partners", partners={"anyone": PartnerFolder(files=3)})


@pytest.mark.parametrize(
    ("changes", "later", "problem"),
    [
        ({}, timedelta(minutes=5), ""),
        ({}, timedelta(minutes=11), "is the pipeline running?"),
        ({"unknown": ("stranger",)}, timedelta(0), "no active partner's: stranger"),
        ({"partners": {"anyone": PartnerFolder(cut=True)}}, timedelta(0), "too many names"),
        (
            {
                "partners": {
                    "anyone": PartnerFolder(open=1, waiting=1, waiting_since=NOW - timedelta(hours=2))
                }
            },
            timedelta(0),
            "open for writing since",
        ),
    ],
    ids=str,
)
def test_status_names_what_is_wrong_in_watched_folders(
    tmp_path: Path, changes: dict[str, object], later: timedelta, problem: str
) -> None:
    watch_told.write(tmp_path / "told", replace(TOLD, **changes))  # type: ignore[arg-type]  # fields by name
    problems = watch_told.problems_of(watch_told.read(tmp_path / "told"), now=NOW + later)
    assert (len(problems), problem in "".join(problems)) == (bool(problem), True)


def test_nothing_is_told_where_nobody_watches(tmp_path: Path) -> None:
    assert watch_told.problems_of(watch_told.read(tmp_path / "told"), now=NOW) == ()
