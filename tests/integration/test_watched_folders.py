"""What another server puts into partners' folders is taken once it lies still: each state of a file once, whatever happens."""

import os

import pytest
from sqlalchemy import event

from meterdrop.model.errors import TryAgain
from meterdrop.usecases.checkpoint import WATCH_POINTS, kill_at
from tests.homes import POSTGRESQL
from tests.integration.watched_rig import CONTENT, OTHER, QUIET, Rig
from tests.tables import NoteRow

pytestmark = pytest.mark.by_night(POSTGRESQL)

# -- stillness -------------------------------------------------------------------------------------------------


def test_file_is_taken_when_it_has_not_changed_for_long_enough_and_stays_where_it_is(rig: Rig) -> None:
    path = rig.put()
    rig.look()
    rig.seconds += QUIET - 1
    rig.look()
    rig.take_in()
    assert rig.taken() == []

    rig.seconds += 1
    rig.look()
    rig.take_in()

    assert rig.taken() == [("incoming/readings.csv", CONTENT)]
    assert path.read_bytes() == CONTENT
    [receipt] = rig.receipts("received.json")
    assert (receipt["path"], receipt["file"]) == ("incoming/readings.csv", "readings.csv")


def test_file_that_goes_on_growing_is_waited_for(rig: Rig) -> None:
    path = rig.put()
    for number in range(5):
        rig.look()
        rig.seconds += QUIET - 1
        with path.open("ab") as stream:
            stream.write(b"10001;%d;m3;2026-11-01\n" % number)
        rig.look()
    rig.take_in()
    assert rig.taken() == []

    rig.wait()

    assert [content for _, content in rig.taken()] == [path.read_bytes()]


def test_change_of_the_same_size_with_its_time_set_back_counts_as_a_change(rig: Rig) -> None:
    """`put -p` sets times, and an edited digit leaves the size: the inode's own time can't be set."""
    path = rig.put()
    rig.look()
    before = path.stat()
    with path.open("r+b") as stream:
        stream.write(OTHER)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    rig.seconds += QUIET
    rig.look()
    rig.take_in()
    assert rig.taken() == []

    rig.wait()

    assert [content for _, content in rig.taken()] == [OTHER]


def test_file_whose_last_line_has_no_end_is_waited_for_longer(rig: Rig) -> None:
    """A client that was killed leaves such a file more often than not; a partner that writes no last line end waits."""
    rig.put(CONTENT[:-3])
    for _ in range(5):
        rig.wait()
    assert rig.taken() == []

    rig.wait()

    assert [content for _, content in rig.taken()] == [CONTENT[:-3]]


@pytest.mark.parametrize("content", [CONTENT.decode().encode("utf-16-le"), CONTENT.replace(b"\n", b"\r")])
def test_line_end_of_any_encoding_is_one(rig: Rig, content: bytes) -> None:
    rig.put(content)
    rig.wait()
    assert len(rig.taken()) == 1


def test_empty_file_is_waited_for_longer(rig: Rig) -> None:
    """Its sender has opened it and may only be about to write."""
    path = rig.put(b"")
    for _ in range(3):
        rig.wait()
    path.write_bytes(CONTENT)
    rig.wait()
    assert [content for _, content in rig.taken()] == [CONTENT]


def test_file_that_is_open_for_writing_is_not_taken_however_still_it_is(rig: Rig) -> None:
    """The kernel tells the file's owner (and root) so."""
    path = rig.put()
    with path.open("ab"):
        for _ in range(20):
            looked = rig.wait()
    assert (rig.taken(), looked.folder.waiting, looked.folder.open) == ([], 1, 1)

    rig.wait()

    assert len(rig.taken()) == 1


def test_kernel_is_not_asked_where_that_is_switched_off(rig: Rig) -> None:
    rig.settings["watch_leases"] = False
    rig.restart()
    with rig.put().open("ab"):
        rig.wait()
    assert len(rig.taken()) == 1


@pytest.mark.parametrize("then", [CONTENT + OTHER, OTHER, CONTENT[:-3]], ids=["longer", "other", "shorter"])
def test_file_that_changes_while_it_is_copied_is_not_handed_over(rig: Rig, then: bytes) -> None:
    path = rig.put()
    rig.look()
    rig.seconds += QUIET
    checked = rig.watch.room.check

    class Meanwhile:
        """The disk's room is asked for between looking and copying."""

        def check(self, *, needed: int = 0) -> None:
            checked(needed=needed)
            path.write_bytes(then)

    rig.watch.room = Meanwhile()  # type: ignore[assignment]  # a stand-in with the one method that is called
    rig.look()
    assert list((rig.home / "landing").iterdir()) == []
    assert list((rig.home / "work" / "watched").glob("*")) == []


@pytest.mark.parametrize(
    "name", ["a.csv.part", "a.csv.FILEPART", ".a.csv", ".in.a.csv", "a.tmp", ".old/a.csv"]
)
def test_temporary_and_hidden_names_are_left_alone_until_they_are_renamed(rig: Rig, name: str) -> None:
    path = rig.put(name=name)
    for _ in range(8):
        assert rig.wait().folder.left_out == 0
    assert rig.taken() == []

    path.rename(rig.incoming / "a.csv")
    rig.wait()

    assert rig.taken() == [("incoming/a.csv", CONTENT)]


# -- each state once -------------------------------------------------------------------------------------------


@pytest.mark.by_day(POSTGRESQL)
def test_what_was_taken_is_not_taken_again_also_not_after_a_restart(rig: Rig) -> None:
    rig.put()
    for _ in range(2):
        rig.wait()
        rig.wait()
        rig.restart()
    assert len(rig.taken()) == 1


def test_files_that_were_there_before_the_start_are_taken_in_the_order_in_which_they_came(rig: Rig) -> None:
    last = 0
    for name in ("b.csv", "a.csv", "deep/er/c.csv"):
        path = rig.put(CONTENT + name.encode() + b"\n", name=name)
        while (
            path.stat().st_ctime_ns == last
        ):  # the kernel's clock of files ticks some hundred times a second
            os.utime(path)
        last = path.stat().st_ctime_ns
    rig.restart()
    rig.wait()
    assert [path for path, _ in rig.taken()] == ["incoming/b.csv", "incoming/a.csv", "incoming/deep/er/c.csv"]


@pytest.mark.by_day(POSTGRESQL)
def test_file_overwritten_with_other_bytes_is_another_delivery(rig: Rig) -> None:
    for content in (CONTENT, OTHER, CONTENT):
        rig.put(content)
        rig.wait()
    assert [content for _, content in rig.taken()] == [CONTENT, OTHER, CONTENT]


def test_change_of_a_taken_file_is_another_delivery_though_its_size_and_time_are_as_before(rig: Rig) -> None:
    path = rig.put()
    rig.wait()
    before = path.stat()
    with path.open("r+b") as stream:
        stream.write(OTHER)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    rig.wait()
    assert [content for _, content in rig.taken()] == [CONTENT, OTHER]


def test_file_that_was_only_touched_chmoded_or_sent_again_is_no_other_delivery(rig: Rig) -> None:
    path = rig.put()
    rig.wait()
    os.utime(path, (1, 1))
    rig.wait()
    path.chmod(0o600)
    rig.wait()
    rig.restart()
    rig.put()
    rig.wait()
    path.unlink()
    rig.put()
    rig.wait()
    assert len(rig.taken()) == 1


def test_file_that_was_moved_into_an_archive_is_no_other_delivery(rig: Rig) -> None:
    path = rig.put()
    rig.wait()
    (rig.incoming / "done").mkdir()
    path.rename(rig.incoming / "done" / "readings.csv")
    rig.wait()
    assert len(rig.taken()) == 1
    rig.put(OTHER)
    rig.wait()
    assert len(rig.taken()) == 2


def test_refused_file_may_be_sent_again_with_the_same_bytes(rig: Rig) -> None:
    """Its partner's profile may have been mended meanwhile."""
    rig.put(b"no header that anybody knows\n")
    rig.wait()
    rig.house.drain("anyone")
    rig.put(b"no header that anybody knows\n")
    rig.wait()
    assert len(rig.taken()) == 2


@pytest.mark.by_day(POSTGRESQL)
def test_file_that_grew_after_it_was_taken_is_delivered_whole_and_its_receipt_says_what_it_continues(
    rig: Rig,
) -> None:
    path = rig.put()
    rig.wait()
    with path.open("ab") as stream:
        stream.write(b"10002;1;m3;2026-10-31\n")
    rig.wait()

    assert [content for _, content in rig.taken()] == [CONTENT, path.read_bytes()]
    first, second = rig.receipts("received.json")
    assert ("continues" in first, second["continues"]) == (False, first["upload"])


def test_file_that_changes_on_the_doorstep_waits_until_what_lies_there_is_taken_in(rig: Rig) -> None:
    path = rig.put()
    rig.look()
    rig.seconds += QUIET
    rig.look()
    os.utime(path, (1, 1))
    rig.look()
    rig.seconds += QUIET
    rig.look()
    assert len(list((rig.home / "landing").iterdir())) == 1
    rig.take_in()
    rig.wait()
    assert len(rig.taken()) == 1


def test_file_that_moves_while_it_is_on_the_doorstep_waits_until_it_is_taken_in(rig: Rig) -> None:
    """An archive folder at the partner's, and a pipeline with much to do."""
    path = rig.put()
    rig.look()
    rig.seconds += QUIET
    rig.look()
    (rig.incoming / "done").mkdir()
    path.rename(rig.incoming / "done" / "readings.csv")
    rig.look()
    rig.seconds += QUIET
    rig.look()
    assert len(list((rig.home / "landing").iterdir())) == 1
    rig.take_in()
    rig.wait()
    assert [path for path, _ in rig.taken()] == ["incoming/readings.csv"]


@pytest.mark.parametrize("point", WATCH_POINTS)
@pytest.mark.parametrize("touched", [False, True])
def test_kill_between_copy_and_hand_over_loses_nothing_and_doubles_nothing(
    rig: Rig, point: str, touched: bool, note_row: NoteRow
) -> None:
    path = rig.put()
    child = os.fork()
    if child == 0:
        _, watch = rig.started()
        watch.at = kill_at(point)
        watch.look("anyone")
        rig.seconds += QUIET
        watch.look("anyone")
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == 9

    if touched:
        os.utime(path, (1, 1))
    rig.restart()
    rig.take_in()  # as the service does before it looks
    rig.wait()
    rig.wait()

    assert rig.taken() == [("incoming/readings.csv", CONTENT)]
    assert list((rig.home / "work" / "watched").glob("*")) == []
    note_row(
        "interruptions",
        **{
            "what happened": f"watched folder: pipeline killed at {point}{', file touched' if touched else ''}",
            "handed over": "nothing" if point == "watch:copied" else "once",
            "in the end": "taken once",
        },
    )


def test_disk_without_room_is_waited_for(rig: Rig) -> None:
    rig.settings["free_disk_mb"] = 1 << 40
    rig.restart()
    rig.put()
    with pytest.raises(TryAgain, match="make room"):
        rig.wait()
    del rig.settings["free_disk_mb"]
    rig.restart()
    rig.wait()
    assert len(rig.taken()) == 1


@pytest.mark.by_day(POSTGRESQL)
@pytest.mark.parametrize("count", [3, 60])
def test_look_at_files_that_were_taken_asks_the_database_as_often_for_many_as_for_few(
    rig: Rig, count: int
) -> None:
    for number in range(count):
        rig.put(CONTENT + b"%d\n" % number, name=f"{number}.csv")
    rig.wait()
    assert len(rig.taken()) == count
    rig.look()  # what was handed over is seen in the ledger
    asked: list[str] = []
    event.listen(rig.house.database._engine, "before_cursor_execute", lambda *told: asked.append(told[2]))

    rig.look()

    tables = [words.split("FROM ")[1].split()[0] for words in asked if words.startswith("SELECT")]
    assert tables == ["partner", "watched", "watched"], "is it active, what lies there, is anything long gone"
