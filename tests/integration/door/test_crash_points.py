"""Is the door consistent again after SIGKILL between any two steps of finishing an upload?"""

import io

import paramiko
import pytest

from sftp_server.crash import POINTS
from tests.integration.door.conftest import HouseMaker
from tests.integration.door.house import House, wait_until
from tests.tables import NoteRow

CONTENT = b"12345678;2026-11-01;12,5\n" * 3000
_LOST = (OSError, EOFError, paramiko.SSHException)
DECIDED = ("door:journalled", "door:handed", "door:shown", "door:done")


def _send(house: House, name: str) -> None:
    """Send until the door kills itself; the client only sees a lost connection."""
    with pytest.raises(_LOST), house.sftp() as sftp:
        sftp.putfo(io.BytesIO(CONTENT), name)
    assert house.running().wait(timeout=10) == -9


def _check_view(house: House, listed: list[str]) -> None:
    """The partner sees its file whole, and nothing is left over in staging or landing."""
    with house.sftp() as sftp:
        assert sftp.listdir("/incoming") == listed
        with sftp.open(f"/incoming/{listed[0]}") as visible:
            assert visible.read() == CONTENT
    assert house.staging() == []
    assert list((house.home / "landing").glob(".*")) == []


def _note(note_row: NoteRow, what: str, *, by: str, end: str = "handed over once, every byte") -> None:
    note_row(
        "interruptions",
        **{
            "what happened": what,
            "handed over": "nothing",
            "kept for resume": "-",
            "resumed by": by,
            "in the end": end,
        },
    )


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_while_finishing_leads_to_exactly_one_ticket(
    make_house: HouseMaker, note_row: NoteRow, point: str
) -> None:
    house = make_house()
    house.start(crash_at=point)
    _send(house, "/incoming/a.csv")
    house.start()
    if point not in DECIDED:
        assert house.tickets() == []
        with house.sftp() as sftp:
            sftp.putfo(io.BytesIO(CONTENT), "/incoming/a.csv")
    (ticket,) = house.tickets()
    assert house.content(ticket) == CONTENT
    _check_view(house, ["a.csv"])
    _note(
        note_row, f"server killed at {point}",
        by="nobody: the door finished it" if point in DECIDED else "sent again",
    )  # fmt: skip


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_while_a_rename_hands_over_leads_to_exactly_one_ticket(
    make_house: HouseMaker, point: str
) -> None:
    house = make_house()
    house.start()
    with house.sftp() as sftp:
        sftp.putfo(io.BytesIO(CONTENT), "/incoming/a.csv.part")
    house.stop()
    house.start(crash_at=point)
    with house.sftp() as sftp, pytest.raises(_LOST):
        sftp.posix_rename("/incoming/a.csv.part", "/incoming/a.csv")
    assert house.running().wait(timeout=10) == -9
    house.start()
    if point not in DECIDED:
        assert house.tickets() == []
        with house.sftp() as sftp:
            sftp.posix_rename("/incoming/a.csv.part", "/incoming/a.csv")
    (ticket,) = house.tickets()
    assert (ticket["name"], house.content(ticket)) == ("incoming/a.csv", CONTENT)
    _check_view(house, ["a.csv"])


@pytest.mark.parametrize("point", ["door:journalled", "door:shown"])
def test_a_kill_while_overwriting_leaves_both_versions_handed_over(
    make_house: HouseMaker, note_row: NoteRow, point: str
) -> None:
    house = make_house()
    house.start()
    with house.sftp() as sftp:
        sftp.putfo(io.BytesIO(b"first\n"), "/incoming/a.csv")
    house.stop()
    house.start(crash_at=point)
    _send(house, "/incoming/a.csv")
    house.start()
    assert [house.content(ticket) for ticket in house.tickets()] == [b"first\n", CONTENT]
    _check_view(house, ["a.csv"])
    _note(note_row, f"server killed at {point} while overwriting", by="nobody: the door finished it")


@pytest.mark.parametrize("point", ["door:synced", "door:shown"])
def test_a_kill_at_the_end_of_an_upload_under_a_temporary_name_hands_nothing_over(
    make_house: HouseMaker, point: str
) -> None:
    house = make_house()
    house.start(crash_at=point)
    _send(house, "/incoming/a.csv.part")
    house.start()
    assert house.tickets() == []
    with house.sftp() as sftp:
        if point == "door:synced":  # too short for a journal: it is sent again
            assert sftp.listdir("/incoming") == []
            sftp.putfo(io.BytesIO(CONTENT), "/incoming/a.csv.part")
        sftp.posix_rename("/incoming/a.csv.part", "/incoming/a.csv")
    (ticket,) = house.tickets()
    assert house.content(ticket) == CONTENT
    _check_view(house, ["a.csv"])


@pytest.mark.parametrize("point", ["door:hashed", "door:journalled", "door:handed", "door:done"])
def test_a_kill_while_a_part_is_given_up_tells_of_it_once_and_nobody_goes_on_with_it(
    make_house: HouseMaker, note_row: NoteRow, point: str
) -> None:
    house = make_house(part_expires=0.1, sweep_every=0.05)
    house.start(crash_at=point)
    with house.sftp() as sftp:
        handle = sftp.open("/incoming/a.csv", "wb")
        handle.write(CONTENT)
        sftp.stat("/incoming/a.csv")
        sftp.get_channel().get_transport().close()  # type: ignore[union-attr]  # both are there
        assert house.running().wait(timeout=10) == -9
    house.start()
    wait_until(lambda: house.staging() == [])
    (ticket,) = house.tickets()
    assert (ticket["outcome"], ticket["bytes"]) == ("incomplete", len(CONTENT))
    with house.sftp() as sftp:
        assert sftp.listdir("/incoming") == []
    assert list((house.home / "landing").glob(".*")) == []
    _note(note_row, f"server killed at {point} while giving a part up", by="nobody", end="incomplete, once")


@pytest.mark.parametrize(
    ("point", "again"),
    [
        ("door:journalled", "door:linked"), ("door:journalled", "door:handed"),
        ("door:handed", "door:shown"), ("door:shown", "door:done"), ("door:done", "door:done"),
    ],
)  # fmt: skip
def test_a_second_kill_while_starting_changes_nothing(make_house: HouseMaker, point: str, again: str) -> None:
    house = make_house()
    house.start(crash_at=point)
    _send(house, "/incoming/a.csv")
    with pytest.raises(ValueError, match="Expecting value"):
        house.start(crash_at=again)  # it kills itself before it says that it is ready
    assert house.running().wait(timeout=10) == -9
    house.start()
    (ticket,) = house.tickets()
    assert house.content(ticket) == CONTENT
    _check_view(house, ["a.csv"])
