"""Is the door consistent again after SIGKILL between any two steps of finishing an upload?"""

import io

import paramiko
import pytest

from sftp_server.crash import POINTS
from tests.integration.door.conftest import HouseMaker
from tests.integration.door.house import House

CONTENT = b"12345678;2026-11-01;12,5\n" * 3000
_LOST = (OSError, EOFError, paramiko.SSHException)
DECIDED = ("door:journalled", "door:linked", "door:handed", "door:visible")


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


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_while_finishing_leads_to_exactly_one_ticket(make_house: HouseMaker, point: str) -> None:
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


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_while_a_rename_hands_over_leads_to_exactly_one_ticket(
    make_house: HouseMaker, point: str
) -> None:
    house = make_house()
    house.start(crash_at=point)
    with house.sftp() as sftp:
        sftp.putfo(io.BytesIO(CONTENT), "/incoming/a.csv.part")
        with pytest.raises(_LOST):
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


@pytest.mark.parametrize("point", DECIDED)
def test_a_second_kill_while_starting_changes_nothing(make_house: HouseMaker, point: str) -> None:
    house = make_house()
    house.start(crash_at=point)
    _send(house, "/incoming/a.csv")
    with pytest.raises(ValueError, match="Expecting value"):
        house.start(crash_at="door:visible")  # it kills itself before it says that it is ready
    assert house.running().wait(timeout=10) == -9
    house.start()
    (ticket,) = house.tickets()
    assert house.content(ticket) == CONTENT
    _check_view(house, ["a.csv"])
