"""The house of all client tests, started once, and the rows of the client table."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.homes import Homes
from tests.road.clients.rig import PARTNER, SERIALS, Road
from tests.road.clients.versions import require
from tests.road.up_rig import Up, register
from tests.tables import NoteRow

Seen = Callable[..., None]
"""`seen(exit, result, hand_overs)`: one row of the client table."""


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose client is missing, before a house is started for it."""
    mark = item.get_closest_marker("table")
    if mark is not None:
        require(mark.kwargs["client"])


@pytest.fixture(scope="session")
def road(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Road]:
    """`meterdrop up` with a partner that has meters; `legacy_macs` is on for curl with libssh2 before 1.11."""
    place = tmp_path_factory.mktemp("clients")
    up = Up(place / "home", homes=Homes(place, server=None))
    (up.home / "door.toml").write_text("legacy_macs = true\nconnections_per_second = 200\n")
    key = up.add_partner(PARTNER)
    with up.running():
        with up.paramiko(PARTNER, key) as sftp, sftp.open("/incoming/register.csv", "wb") as stream:
            stream.write(register(SERIALS))
        assert up.result(PARTNER, "register.csv")["verdict"] == "accepted"
        yield Road(up=up, key=key)


@pytest.fixture
def seen(request: pytest.FixtureRequest, note_row: NoteRow) -> Seen:
    """Notes the row of the test's client, as its mark `table` names it."""
    mark = request.node.get_closest_marker("table")
    version = require(mark.kwargs["client"])

    def note(exit: int | str, result: dict[str, Any], hand_overs: int = 1) -> None:
        note_row(
            "clients", client=mark.kwargs["client"], version=version, does=mark.kwargs["does"], exit=exit,
            bytes=result["bytes"], **{"hand-overs": hand_overs}, receipt=result["verdict"],
        )  # fmt: skip

    return note
