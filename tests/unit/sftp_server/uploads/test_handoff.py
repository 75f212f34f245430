"""Is an upload handed over in one step, and only once?"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sftp_server.crash import CrashPoints
from sftp_server.uploads.handoff import Ticket, clear_half_made, hand_over
from sftp_server.uploads.syncing import Syncer

NOW = datetime(2026, 11, 24, 1, 2, 3, 123456, tzinfo=UTC)
TICKET = Ticket(
    upload="01JDEF0000000000000000000A", partner="techem", name="incoming/a.csv", outcome="finished", bytes=3, sha256="ab",
    opened_at=NOW, finished_at=NOW, key=None, address="127.0.0.1", client=None,
)  # fmt: skip


@pytest.fixture
def content(tmp_path: Path) -> Path:
    """A part to hand over, and a landing to put it in."""
    (tmp_path / "landing").mkdir()
    made = tmp_path / "x.part"
    made.write_bytes(b"abc")
    return made


def give(content: Path | None, landing: Path) -> Path:
    """Hand over and say where."""
    hand_over(landing=landing, ticket=TICKET, content=content, syncer=Syncer(), crash=CrashPoints())
    return landing / TICKET.upload


def test_the_ticket_says_what_the_pipeline_expects(content: Path) -> None:
    folder = give(content, content.parent / "landing")
    assert json.loads((folder / "ticket.json").read_text()) == {
        "ticket": 1, "upload": TICKET.upload, "partner": "techem", "name": "incoming/a.csv", "outcome": "finished",
        "bytes": 3, "sha256": "ab", "opened_at": "2026-11-24T01:02:03.123456Z", "finished_at": "2026-11-24T01:02:03.123456Z",
        "key": None, "address": "127.0.0.1", "client": None,
    }  # fmt: skip
    assert (folder / "content").samefile(content)


def test_handing_over_twice_changes_nothing(content: Path) -> None:
    folder = give(content, content.parent / "landing")
    before = (folder / "ticket.json").stat()
    give(content, content.parent / "landing")
    assert (folder / "ticket.json").stat() == before


def test_a_half_made_folder_is_made_anew(content: Path) -> None:
    half_made = content.parent / "landing" / f".{TICKET.upload}.tmp"
    half_made.mkdir()
    (half_made / "content").write_bytes(b"old")
    folder = give(content, content.parent / "landing")
    assert (folder / "content").read_bytes() == b"abc"
    assert not half_made.exists()


def test_an_incomplete_upload_has_no_content(content: Path) -> None:
    folder = give(None, content.parent / "landing")
    assert [file.name for file in folder.iterdir()] == ["ticket.json"]


def test_half_made_folders_are_cleared_and_whole_ones_stay(content: Path) -> None:
    landing = content.parent / "landing"
    give(content, landing)
    (landing / ".x.tmp").mkdir()
    clear_half_made(landing)
    assert [folder.name for folder in landing.iterdir()] == [TICKET.upload]


def test_a_misspelt_crash_point_is_not_silently_without_effect() -> None:
    with pytest.raises(ValueError, match="door:sinced"):
        CrashPoints("door:sinced")


def test_the_pipelines_own_user_may_empty_the_folder(content: Path) -> None:
    """It shares the group only: reading, writing and entering are for owner and group, nothing for others."""
    folder = give(content, content.parent / "landing")

    assert folder.stat().st_mode & 0o777 == 0o770


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to a group that it is not in")
def test_ticket_and_folder_are_of_the_group_in_which_both_users_meet(content: Path) -> None:
    """Else the pipeline's user could not read the ticket."""
    landing = content.parent / "landing"
    os.chown(landing, -1, 61010)
    landing.chmod(0o2770)
    folder = give(content, landing)
    assert (folder.stat().st_gid, folder.stat().st_mode & 0o777) == (61010, 0o770)
    assert (folder / "ticket.json").stat().st_gid == 61010
