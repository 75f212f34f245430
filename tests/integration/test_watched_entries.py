"""Partners write to their folders as they like: what is no plain file of their own is told, never read and never followed."""

import errno
import os
import socket
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from meterdrop.model.watched import LeftOut
from meterdrop.receive import tree
from meterdrop.receive.still import Seen
from meterdrop.receive.tree import Walk
from meterdrop.usecases.watch_ledger import LedgerOfLook, StillActive
from tests.homes import POSTGRESQL
from tests.integration.watched_rig import CONTENT, OTHER, QUIET, Rig
from tests.tables import NoteRow

pytestmark = pytest.mark.by_night(POSTGRESQL)

# -- whose folder, and what is in it ---------------------------------------------------------------------------


def test_folders_of_unknown_and_disabled_partners_are_told_and_not_taken(rig: Rig) -> None:
    for name in ("stranger", "left", "line\nbreak"):
        (rig.folder / name / "incoming").mkdir(parents=True)
    rig.house.partners.add("left", name="Left", group=1, keys=[], networks=[], who="test")
    rig.house.partners.disable("left", who="test")
    assert rig.watch.folders() == (("anyone",), ("left", "line\\nbreak", "stranger"))


def test_partner_without_a_folder_incoming_may_put_files_into_its_own(rig: Rig) -> None:
    rig.incoming.rmdir()
    rig.incoming = rig.folder / "anyone"
    rig.put()
    rig.put(OTHER, name="receipts/none.csv")
    rig.wait()
    assert rig.taken() == [("readings.csv", CONTENT)]


def test_hostile_entries_are_told_and_nothing_behind_them_is_read(
    rig: Rig, tmp_path: Path, note_row: NoteRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_bytes(CONTENT)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "theirs.csv").write_bytes(CONTENT)
    (rig.incoming / "link.csv").symlink_to(secret)
    (rig.incoming / "folder").symlink_to(tmp_path / "elsewhere")
    (rig.incoming / "hard.csv").hardlink_to(secret)
    os.mkfifo(rig.incoming / "pipe.csv")
    monkeypatch.chdir(rig.incoming)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as plug:
        plug.bind("socket.csv")
    (rig.incoming / "line\nbreak.csv").write_bytes(CONTENT)
    (rig.incoming / "a\u202ecsv.exe").write_bytes(CONTENT)
    Path(os.fsdecode(bytes(rig.incoming) + b"/\xff.csv")).write_bytes(CONTENT)
    (rig.incoming / "1/2/3/4/5").mkdir(parents=True)
    (rig.incoming / "1/2/3/4/5/deep.csv").write_bytes(CONTENT)
    rig.put(name="1/2/3/4/good.csv")

    looked = rig.wait(6)

    assert rig.why_not(looked) == {
        "incoming/link.csv": "a link",
        "incoming/folder": "a link",
        "incoming/hard.csv": "a file with a second name (hard link)",
        "incoming/pipe.csv": "no plain file",
        "incoming/socket.csv": "no plain file",
        "incoming/line\\nbreak.csv": "the name holds a control character",
        "incoming/a\\u202ecsv.exe": "the name holds a control character",
        "incoming/\\udcff.csv": "the name is not UTF-8",
        "incoming/1/2/3/4/5": "folders go 4 deep",
    }
    assert rig.taken() == [("incoming/1/2/3/4/good.csv", CONTENT)]
    note_row(
        "hostile input",
        what="entries in a watched folder",
        **{"how many": 9, "found": "none taken, all told"},
    )


def test_file_replaced_by_a_link_between_looking_and_taking_is_not_followed(rig: Rig, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_bytes(CONTENT)
    path = rig.put(name="folder/readings.csv")
    rig.look()
    rig.seconds += QUIET
    found = rig.watch._found

    def swapped(
        partner: str, *, ledger: LedgerOfLook, active: StillActive
    ) -> tuple[list[Seen], list[LeftOut], Walk]:
        answer = found(partner, ledger=ledger, active=active)
        path.unlink()
        path.symlink_to(secret)
        return answer

    rig.watch._found = swapped  # type: ignore[method-assign]  # the race, made to happen
    looked = rig.look()
    rig.take_in()
    assert rig.taken() == []
    assert looked.folder.left_out == 1


def test_file_that_may_not_be_read_is_told_as_long_as_it_is_so_and_stops_no_other(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after `put -p` of a file that only its owner may read."""
    opened = tree.open_file

    def refusing(base: Path, *steps: str) -> AbstractContextManager[int]:
        if steps[-1] == "secret.csv":
            raise PermissionError(errno.EACCES, "as if we were not root")
        return opened(base, *steps)

    rig.put(name="secret.csv")
    rig.put(OTHER)
    monkeypatch.setattr(tree, "open_file", refusing)
    for looked in (rig.wait(), rig.look(), rig.wait()):
        assert rig.why_not(looked) == {"incoming/secret.csv": "can't be read: Permission denied"}
    assert len(rig.taken()) == 1
    monkeypatch.undo()

    assert rig.why_not(rig.wait()) == {}

    assert len(rig.taken()) == 2


def test_incoming_that_is_a_link_is_not_followed(rig: Rig, tmp_path: Path) -> None:
    rig.incoming.rmdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "theirs.csv").write_bytes(CONTENT)
    rig.incoming.symlink_to(tmp_path / "elsewhere")
    looked = rig.wait()
    assert rig.taken() == []
    assert rig.why_not(looked) == {"/": "the folder can't be read: Not a directory"}


def test_file_beside_incoming_is_told_but_not_what_the_operator_laid_there(rig: Rig) -> None:
    """Nobody looks there: its sender takes it for delivered."""
    home = rig.folder / "anyone"
    (home / "readings.csv").write_bytes(CONTENT)
    (home / ".profile").write_bytes(CONTENT)
    (home / "archive").mkdir()
    assert rig.why_not(rig.wait()) == {"readings.csv": "not in incoming"}
    if os.geteuid() == 0:
        os.chown(rig.incoming, 1, 1)
        assert rig.why_not(rig.look()) == {}
        os.chown(home / "readings.csv", 1, 1)
        assert rig.why_not(rig.look()) == {"readings.csv": "not in incoming"}
    assert rig.taken() == []


def test_file_that_never_gets_its_final_name_is_told_after_a_day(rig: Rig) -> None:
    rig.put(name="readings.csv.part")
    rig.put(name=".readings.csv")
    rig.watch.clock = lambda: datetime.now(UTC) + timedelta(hours=23)
    assert rig.why_not(rig.wait()) == {}
    rig.watch.clock = lambda: datetime.now(UTC) + timedelta(hours=25)
    assert rig.why_not(rig.wait()) == {
        "incoming/readings.csv.part": "it still has a temporary name after a day"
    }
    assert rig.taken() == []


@pytest.mark.by_day(POSTGRESQL)
def test_file_over_the_limit_is_not_copied_and_its_partner_is_told(rig: Rig) -> None:
    """A terabyte of holes costs its sender nothing, and us nothing either."""
    with (rig.incoming / "huge.csv").open("wb") as stream:
        stream.truncate(1 << 40)
    rig.wait(6)
    rig.wait(6)
    [receipt] = rig.receipts("result.json")
    assert (receipt["verdict"], receipt["findings_by_code"]) == ("incomplete", {"file.too-large": 1})
    assert receipt["bytes"] == 1 << 40


def test_folder_with_more_names_than_are_looked_at_is_told(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("meterdrop.usecases.watch._MOST_NAMES", 3)
    for number in range(5):
        rig.put(name=f"{number}.csv")
    assert rig.wait().folder.cut


# -- receipts --------------------------------------------------------------------------------------------------


def test_receipts_go_to_the_partners_folder_where_that_is_asked_for(rig: Rig) -> None:
    rig.settings["watch_receipts"] = True
    rig.restart()
    rig.put()
    rig.wait()
    [receipt] = (rig.folder / "anyone" / "receipts").iterdir()
    assert receipt.name.endswith(".received.json")
    assert receipt.stat().st_mode & 0o022 == 0
    assert rig.receipts("received.json") == []


def test_receipts_are_not_written_through_a_link(rig: Rig, tmp_path: Path) -> None:
    rig.settings["watch_receipts"] = True
    rig.restart()
    (tmp_path / "elsewhere").mkdir()
    (rig.folder / "anyone" / "receipts").symlink_to(tmp_path / "elsewhere")
    rig.put()
    rig.wait()
    assert list((tmp_path / "elsewhere").iterdir()) == []
    told = rig.house.look_around()
    assert told.receipts_waiting == 1
    [problem] = told.problems
    assert problem.startswith(
        "anyone: receipts can't be written (Not a directory); waiting: 1, tries: 1, since "
    )
    assert "Move away what lies in the folder's place: a link or a file" in problem


def test_link_in_a_receipts_place_is_replaced_not_followed(rig: Rig, tmp_path: Path) -> None:
    rig.settings["watch_receipts"] = True
    rig.restart()
    kept = tmp_path / "kept"
    kept.write_text("as it was")
    folder = rig.folder / "anyone" / "receipts"
    folder.mkdir()
    (folder / ".1.tmp").symlink_to(kept)
    path = rig.put()
    rig.look()
    [waits] = rig.watch._waiting["anyone"].still._waits.items()
    upload = Seen(waits[0], waits[1].state).upload("anyone")
    (folder / f"{path.name}.{upload}.received.json").symlink_to(kept)
    rig.wait()
    assert kept.read_text() == "as it was"
    assert [one.is_symlink() for one in folder.iterdir()] == [False]
