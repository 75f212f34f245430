"""A place that receipts can't be written to: it holds up nobody else, is told, and is tried again ever more seldom."""

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog

from meterdrop.bootstrap import House
from meterdrop.receive import tree
from meterdrop.settings import read_settings
from meterdrop.store import outbox, receipt_troubles
from meterdrop.usecases.receipt_troubles import LONGEST_REST
from meterdrop.usecases.status import Status
from tests.homes import POSTGRESQL, Homes
from tests.integration.command_line import CommandLine

pytestmark = pytest.mark.by_night(POSTGRESQL)

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
PARTNERS = ("blocked", "open")


class Post:
    """Two partners, and a clock that is turned by hand."""

    def __init__(self, home: Path) -> None:
        self.home, self.now = home, NOW
        self.house = House(settings=read_settings(home))
        for partner in PARTNERS:
            self.house.partners.add(partner, name=partner, group=1, keys=[], networks=[], who="test")
            given = home / "work" / f"{partner}.csv"
            given.write_text("nothing to read\n", encoding="utf-8")
            self.house.take_files([given], partner=partner, feed=None)

    def folder(self, partner: str = "blocked") -> Path:
        return self.home / "receipts" / partner

    def ask(self, partner: str, name: str, content: bytes = b"told") -> None:
        """Asks for a receipt."""
        with self.house.database.writing() as store:
            number = PARTNERS.index(partner) + 1
            outbox.put(store, partner=partner, delivery=number, name=name, now=self.now, content=content)

    def send(self, *, after: timedelta = timedelta(0), house: House | None = None) -> int:
        """Empties the outbox, some time later."""
        self.now += after
        return replace((house or self.house).send_receipts, clock=lambda: self.now)()

    def status(self) -> Status:
        return replace(self.house.look_around, clock=lambda: self.now)()

    def names(self, partner: str) -> set[str]:
        """What of that which was asked for lies there; and nothing half."""
        return {path.name for path in self.folder(partner).iterdir() if len(path.name) < 10}


@pytest.fixture
def post(homes: Homes, tmp_path: Path) -> Iterator[Post]:
    made = Post(homes.make(tmp_path / "home"))
    yield made
    made.house.database.close()


@contextmanager
def tiny_disk(folder: Path) -> Iterator[None]:
    """A file system of 64 KB in this place; a skip where none can be mounted."""
    size = ["-o", "size=64k"]
    done = subprocess.run(
        ["mount", "-t", "tmpfs", *size, "none", str(folder)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("mount: not allowed here")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def remount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


# -- places that really fail -----------------------------------------------------------------------------------


def test_full_disk_of_one_partner_holds_up_no_other(post: Post) -> None:
    with tiny_disk(post.folder()):
        (post.folder() / "filler").write_bytes(bytes(60 * 1024))
        for name in ("a", "b"):
            post.ask("blocked", name, bytes(20 * 1024))
            post.ask("open", name)

        assert post.send() == 2

        assert post.names("open") == {"a", "b"}
        assert post.names("blocked") == {"filler"}
        [told] = post.status().receipts_in_trouble
        assert (told.partner, told.name, told.error, told.receipts) == ("blocked", None, "ENOSPC", 2)
        remount(post.folder(), "size=1m")
        assert post.send(after=timedelta(seconds=3)) == 2
        assert post.names("blocked") == {"filler", "a", "b"}
        assert (post.status().receipts_in_trouble, post.status().receipts_waiting) == ((), 0)


def test_receipt_that_fits_does_not_make_a_full_disk_well(post: Post) -> None:
    """Else each one that fits would set the rest back to two seconds for the one that does not."""
    with tiny_disk(post.folder()):
        filler = post.folder() / "filler"
        filler.write_bytes(bytes(60 * 1024))
        for name in ("fits", "large"):
            post.ask("blocked", name, bytes((8 if name == "fits" else 60) * 1024))
        assert post.send() == 0
        filler.write_bytes(bytes(32 * 1024))
        assert post.send(after=timedelta(seconds=2)) == 1
        [told] = post.status().receipts_in_trouble
        assert (told.tries, told.since, told.again_at - post.now) == (2, NOW, timedelta(seconds=4))


def test_read_only_file_system_holds_up_no_other(post: Post) -> None:
    with tiny_disk(post.folder()):
        remount(post.folder(), "ro")
        post.ask("blocked", "a")
        post.ask("open", "a")
        assert post.send() == 1
        [told] = post.status().receipts_in_trouble
        assert (told.error, told.receipts) == ("EROFS", 1)
        remount(post.folder(), "rw")
        assert post.send(after=timedelta(seconds=3)) == 1


def test_file_in_the_folders_place_holds_up_no_other(post: Post) -> None:
    folder = post.folder()
    aside = folder.rename(folder.with_name("aside"))
    folder.write_text("in the way")
    post.ask("blocked", "a")
    post.ask("open", "a")
    assert post.send() == 1
    [told] = post.status().receipts_in_trouble
    assert told.error == "ENOTDIR"
    folder.unlink()
    aside.rename(folder)
    assert post.send(after=timedelta(seconds=3)) == 1
    assert post.names("blocked") == {"a"}
    with post.house.database.reading() as store:
        assert receipt_troubles.all_troubles(store) == (), "the next trouble begins anew"


def test_folder_under_the_name_of_one_receipt_holds_up_no_other_of_the_same_partner(post: Post) -> None:
    (post.folder() / "a").mkdir()
    for name in ("a", "b", "a"):
        post.ask("blocked", name)
    assert post.send() == 1
    [told] = post.status().receipts_in_trouble
    assert (told.name, told.error, told.receipts) == ("a", "EISDIR", 2)
    post.ask("blocked", "c")
    assert post.send() == 1
    (post.folder() / "a").rmdir()
    assert post.send(after=timedelta(seconds=3)) == 2


# -- errors that can't be made at will -------------------------------------------------------------------------


@pytest.mark.parametrize("number", [errno.EACCES, errno.ESTALE, errno.EIO])
def test_folder_that_can_not_be_opened_holds_up_no_other(
    post: Post, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """As of another owner, or of a file server that is gone; root may open anything."""
    opened = tree.open_folder

    def refusing(base: Path, *steps: str, make: bool = False) -> AbstractContextManager[int]:
        if steps == ("blocked",):
            raise OSError(number, os.strerror(number))
        return opened(base, *steps, make=make)

    monkeypatch.setattr("meterdrop.usecases.send_receipts.open_folder", refusing)
    post.ask("blocked", "a")
    post.ask("open", "a")
    assert post.send() == 1
    [told] = post.status().receipts_in_trouble
    assert told.error == errno.errorcode[number]
    monkeypatch.undo()
    assert post.send(after=timedelta(seconds=3)) == 1


@pytest.mark.by_day(POSTGRESQL)
@pytest.mark.parametrize("number", [errno.EIO, errno.EEXIST])
def test_older_receipt_never_comes_after_a_newer_one_of_its_name(
    post: Post, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    rename, refused = os.rename, [number]

    def failing_once(source: str, target: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        if refused:
            raise OSError(refused.pop(), os.strerror(number))
        rename(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    monkeypatch.setattr(os, "rename", failing_once)
    post.ask("blocked", "a", b"older")
    post.ask("blocked", "a", b"newer")
    assert post.send() == 0
    assert post.names("blocked") == set(), "nothing half"
    assert post.send(after=timedelta(seconds=3)) == 2
    assert (post.folder() / "a").read_bytes() == b"newer"


def test_folder_that_can_not_be_synced_has_its_batch_not_written_again_and_again(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced, bad = os.fsync, post.folder().stat().st_ino
    written: list[str] = []
    rename = os.rename

    def failing(descriptor: int) -> None:
        if os.fstat(descriptor).st_ino == bad:
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
        synced(descriptor)

    def noted(source: str, target: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        written.append(target)
        rename(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    monkeypatch.setattr(os, "fsync", failing)
    monkeypatch.setattr(os, "rename", noted)
    for name in ("a", "b"):
        post.ask("blocked", name)
        post.ask("open", name)

    assert post.send() == 2
    for _ in range(5):
        assert post.send() == 0

    assert sorted(written) == ["a", "a", "b", "b"], "once each"
    [told] = post.status().receipts_in_trouble
    assert (told.error, told.receipts) == ("ESTALE", 2)
    monkeypatch.undo()
    assert post.send(after=timedelta(seconds=3)) == 2


# -- how often -------------------------------------------------------------------------------------------------


@pytest.fixture
def stuck(post: Post) -> Post:
    """A partner whose folder is a file, and whose receipts could not be written once."""
    folder = post.folder()
    folder.rename(folder.with_name("aside"))
    folder.write_text("in the way")
    post.ask("blocked", "a")
    assert post.send() == 0
    return post


def tries(post: Post) -> int:
    with post.house.database.reading() as store:
        [trouble] = receipt_troubles.all_troubles(store)
    return trouble.tries


def test_what_fails_is_tried_again_ever_more_seldom_and_for_ever(stuck: Post) -> None:
    seconds = []
    for _ in range(750):
        before = tries(stuck)
        stuck.send(after=timedelta(seconds=2))
        if tries(stuck) > before:
            seconds.append((stuck.now - NOW).seconds)
    rests = [later - earlier for earlier, later in zip([0, *seconds], seconds, strict=False)]
    assert rests == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]


@pytest.mark.by_day(POSTGRESQL)
def test_rest_holds_for_other_processes_too(stuck: Post) -> None:
    """Each worker empties the outbox after each delivery."""
    other = House(settings=stuck.house.settings)
    assert stuck.send(house=other, after=timedelta(seconds=1)) == 0
    assert tries(stuck) == 1
    stuck.send(house=other, after=timedelta(seconds=1))
    assert tries(stuck) == 2
    other.database.close()


@pytest.mark.by_day(POSTGRESQL)
def test_receipts_of_a_folder_that_rests_are_not_even_read(
    stuck: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    unwritten = outbox.unwritten

    def noted(*given: object, **rest: object) -> tuple[outbox.Letter, ...]:
        letters = unwritten(*given, **rest)  # type: ignore[arg-type]  # passed on
        asked.append(len(letters))
        return letters

    monkeypatch.setattr(outbox, "unwritten", noted)
    stuck.send()
    assert asked == []


def test_clock_that_was_ahead_makes_nothing_rest_for_years(stuck: Post) -> None:
    stuck.now += timedelta(days=4000)
    stuck.send()
    stuck.now = NOW + timedelta(seconds=10)
    stuck.send()
    with stuck.house.database.reading() as store:
        [trouble] = receipt_troubles.all_troubles(store)
    assert trouble.again_at < stuck.now + LONGEST_REST


def test_failure_and_its_end_are_in_the_log(stuck: Post) -> None:
    with structlog.testing.capture_logs() as logged:
        stuck.send(after=timedelta(seconds=2))
        stuck.folder().unlink()
        stuck.folder().with_name("aside").rename(stuck.folder())
        stuck.send(after=timedelta(seconds=4))
    failed, mended = logged
    assert (failed["event"], failed["partner"], failed["why"], failed["tries"]) == (
        "receipt.not-written", "blocked", "Not a directory", 2,
    )  # fmt: skip
    assert failed["again_at"] == "2026-11-24T08:00:06+00:00"
    assert (mended["event"], mended["partner"]) == ("receipt.written-again", "blocked")


# -- as the operator sees it -----------------------------------------------------------------------------------


@pytest.mark.by_day(POSTGRESQL)
def test_status_tells_what_can_not_be_written_why_since_when_and_what_to_do(
    stuck: Post, bare: CommandLine
) -> None:
    assert bare.home == stuck.home
    told = bare.document("status", code=1)
    [one] = told["receipts_in_trouble"]
    assert (one["partner"], one["receipts"], one["since"]) == ("blocked", 1, "2026-11-24T08:00:00Z")
    assert one["words"]["cs"]["next"].startswith("Odstraňte, co leží na místě složky")
    assert one["words"]["en"]["why"] == "receipts can't be written (Not a directory); waiting: 1, tries: 1"
    [problem] = [problem for problem in told["problems"] if "receipts" in problem]
    assert problem.startswith("blocked: receipts can't be written (Not a directory)")
    assert "since 2026-11-24 08:00 UTC. Move away" in problem
    shown = bare.done("status", code=1)
    assert "their folder (ENOTDIR)" in shown.out
