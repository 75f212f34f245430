"""A disabled partner's watched folder is not read any more, at once and not at the next sweep; an enabled one's is again."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from meterdrop.receive import hand_over, tree
from meterdrop.service.watcher import Watcher
from meterdrop.usecases import watch_told
from meterdrop.usecases.checkpoint import walk_on
from tests.integration.watched_rig import CONTENT, QUIET, Rig
from tests.road.pipeline_rig import wait_for

NEVER = 3600.0
MEGABYTE = 1 << 20


def handed(rig: Rig) -> int:
    """How many uploads lie on the doorstep."""
    return len(list((rig.home / "landing").iterdir()))


def disable(rig: Rig) -> None:
    """In another process, or so it looks to this one."""
    rig.house.partners.disable("anyone", who="test")


def enable(rig: Rig) -> None:
    """Takes the partner back."""
    rig.house.partners.add("anyone", name="Anyone", group=2, keys=[], networks=[], who="test")


@pytest.fixture
def watcher(rig: Rig) -> Iterator[Watcher]:
    """Sweeps are too seldom to notice anything."""
    rig.settings["watch_quiet_seconds"] = 0.05
    rig.restart()
    rig.turn_clock_by_itself()
    made = Watcher(
        watch=rig.watch, told=rig.home / "work" / "watched.json", sweep_seconds=NEVER, has_bell=True
    )
    made.start()
    yield made
    made.stop()


def test_partner_disabled_at_the_command_line_is_read_no_more_within_two_seconds(
    rig: Rig, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No sweep comes: the file itself rings, and whose it is is looked up before its folder is opened."""
    rig.put(name="before.csv")
    wait_for(lambda: handed(rig) or None, what="the file put before")
    subprocess.run(
        [sys.executable, "-m", "meterdrop", "--home", str(rig.home), "partner", "disable", "anyone"],
        check=True,
        capture_output=True,
    )
    looks: list[str] = []
    open_folder = tree.open_folder

    def noted(base: Path, *steps: str, make: bool = False) -> AbstractContextManager[int]:
        looks.extend(steps)
        return open_folder(base, *steps, make=make)

    monkeypatch.setattr(tree, "open_folder", noted)
    disabled = time.monotonic()

    def unread() -> bool | None:
        told = watch_told.read(watcher.told)
        return True if told is not None and told.unknown == ("anyone",) else None

    rig.put(name="after.csv")
    wait_for(unread, what="status to name the folder as nobody's")

    assert time.monotonic() - disabled < 2
    assert (looks, handed(rig)) == ([], 1)
    told = watch_told.read(watcher.told)
    assert told is not None
    assert told.partners == {}


def test_partner_disabled_while_many_files_are_due_stops_after_the_one_at_hand(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        rig.put(CONTENT + b"%d\n" % number, name=f"{number}.csv")
    rig.look()
    rig.seconds += QUIET

    def disabled(point: str) -> None:
        if point == "watch:handed-over":
            disable(rig)
            rig.seconds += 1.0

    opened: list[str] = []
    open_file = tree.open_file

    def noted(base: Path, *steps: str) -> AbstractContextManager[int]:
        opened.append(steps[-1])
        return open_file(base, *steps)

    rig.watch.at = disabled
    monkeypatch.setattr(tree, "open_file", noted)
    rig.watch.look("anyone")
    assert (handed(rig), len(opened)) == (1, 1)
    assert rig.watch.look("anyone") is None

    rig.watch.at = walk_on
    enable(rig)
    rig.wait()

    assert len(rig.taken()) == 3


def test_partner_disabled_while_a_large_file_is_copied_is_read_for_a_second_at_most(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = rig.put()
    with path.open("ab") as stream:
        stream.truncate(50 * MEGABYTE)
        stream.write(b"\n")
    rig.look()
    rig.seconds += QUIET
    blocks: list[int] = []
    read: Callable[..., bytes] = hand_over._read

    def slow(descriptor: int, count: int, *, at: int) -> bytes:
        """Half a second a block; disabled after the third."""
        blocks.append(at)
        rig.seconds += 0.5
        if len(blocks) == 3:
            disable(rig)
        return read(descriptor, count, at=at)

    monkeypatch.setattr(hand_over, "_read", slow)
    rig.watch.look("anyone")

    assert 3 <= len(blocks) <= 3 + 2
    assert handed(rig) == 0
    assert list((rig.home / "work" / "watched").glob("*")) == []
    monkeypatch.undo()
    enable(rig)
    rig.wait()
    assert len(rig.taken()) == 1


def test_partner_disabled_while_its_folder_is_looked_through_is_looked_through_no_further(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(9):
        rig.put(name=f"{number}.csv")
    why_not = rig.watch._why_not
    asked: list[object] = []

    def slow(one: object) -> str | None:
        asked.append(one)
        rig.seconds += 0.6
        disable(rig)
        return why_not(one)  # type: ignore[arg-type]  # a Seen, passed on

    monkeypatch.setattr(rig.watch, "_why_not", slow)
    assert rig.watch.look("anyone") is None
    assert len(asked) == 2
