"""What lies on the doorstep becomes one delivery each; what can't be taken holds up nothing."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from ulid import ULID

from meterdrop.bootstrap import House
from meterdrop.model.delivery import State
from meterdrop.settings import read_settings
from meterdrop.store import deliveries
from tests.homes import Homes

CONTENT = b"SerialNum;Value;Unit;Date\n10001;1;m3;2026-10-31\n"


@pytest.fixture
def house(homes: Homes, furnished_home: Path, tmp_path: Path) -> Iterator[House]:
    home = tmp_path / "home"
    homes.copy(furnished_home, home)
    made = House(settings=read_settings(home))
    with structlog.testing.capture_logs():
        yield made
    made.database.close()


def hand_over(house: House, content: bytes | None = CONTENT, **changes: object) -> Path:
    upload = str(ULID())
    folder = house.home / "landing" / upload
    folder.mkdir()
    if content is not None:
        (folder / "content").write_bytes(content)
    ticket: dict[str, Any] = {
        "ticket": 1,
        "upload": upload,
        "partner": "anyone",
        "name": "incoming/readings.csv",
        "outcome": "finished",
        "bytes": len(content or b""),
        "sha256": hashlib.sha256(content or b"").hexdigest(),
        "opened_at": "2026-11-24T08:00:00.000000Z",
        "finished_at": "2026-11-24T08:00:01.000000Z",
    }
    (folder / "ticket.json").write_text(json.dumps(ticket | changes), encoding="utf-8")
    return folder


def taken(house: House) -> tuple[str, ...]:
    return house.receive.take_all(house.home / "landing")


def states(house: House) -> list[State]:
    with house.database.reading() as store:
        return [one.state for one in deliveries.listed(store)]


def aside(house: House) -> list[str]:
    return sorted(path.name for path in (house.home / "landing-aside").glob("*"))


def test_upload_is_kept_recorded_and_put_away(house: House) -> None:
    folder = hand_over(house)
    assert taken(house) == ("anyone",)
    assert states(house) == [State.RECEIVED]
    assert not folder.exists()
    assert b"".join(house.originals.chunks(hashlib.sha256(CONTENT).hexdigest())) == CONTENT
    house.send_receipts()
    [receipt] = (house.home / "receipts" / "anyone").glob("*.received.json")
    assert json.loads(receipt.read_bytes())["state"] == "received"


def test_incomplete_upload_is_told_and_wakes_nobody(house: House) -> None:
    hand_over(house, None, outcome="incomplete", bytes=7)
    assert taken(house) == ()
    assert states(house) == [State.INCOMPLETE]
    house.send_receipts()
    [receipt] = (house.home / "receipts" / "anyone").glob("*.result.json")
    told = json.loads(receipt.read_bytes())
    assert (told["verdict"], told["findings_by_code"]) == ("incomplete", {"file.incomplete": 1})


@pytest.mark.parametrize(
    ("content", "changes"),
    [
        (CONTENT, {"ticket": 2}),
        (CONTENT, {"partner": "nobody"}),
        (CONTENT, {"upload": "01M85NE16NB7Q7S2VSG3XJ82BT"}),
        (CONTENT, {"sha256": "0" * 64}),
        (CONTENT, {"bytes": 3}),
        (CONTENT, {"outcome": "perhaps"}),
        (CONTENT, {"finished_at": "yesterday"}),
        (CONTENT, {"name": "\ud800"}),
        (None, {}),
    ],
    ids=str,
)
def test_ticket_that_is_none_is_put_aside_whole_and_the_next_one_is_taken(
    house: House, content: bytes | None, changes: dict[str, object]
) -> None:
    bad = hand_over(house, content, **changes)
    hand_over(house)
    assert taken(house) == ("anyone",)
    assert states(house) == [State.RECEIVED]
    assert aside(house) == [bad.name]
    assert (house.home / "landing-aside" / bad.name / "ticket.json").is_file()


def test_process_that_died_while_it_put_a_folder_away_leaves_no_second_delivery(house: House) -> None:
    """The content is gone already, the ticket is not; the delivery is written down."""
    folder = hand_over(house)
    ticket = (folder / "ticket.json").read_bytes()
    taken(house)
    folder.mkdir()
    (folder / "ticket.json").write_bytes(ticket)
    assert taken(house) == ("anyone",)
    assert states(house) == [State.RECEIVED]
    assert not folder.exists()
    assert aside(house) == []


def test_folder_that_is_not_handed_over_yet_is_left_alone(house: House) -> None:
    (house.home / "landing" / ".01M85NE16NB7Q7S2VSG3XJ82BT.tmp").mkdir()
    (house.home / "landing" / "01M85NE16NB7Q7S2VSG3XJ82BT").mkdir()
    assert taken(house) == ()
    assert states(house) == []
    assert aside(house) == []


def test_delivery_that_kills_its_worker_each_time_is_set_aside_as_poisoned(house: House) -> None:
    hand_over(house)
    taken(house)
    for _ in range(house.settings.max_attempts):
        with house.database.writing() as store:
            deliveries.begin(store, key=1)  # and the worker dies
    hand_over(house, CONTENT + b"10001;2;m3;2026-10-30\n")
    taken(house)

    first, second = house.drain("anyone")

    assert (first.state, first.attempts) == (State.POISONED, house.settings.max_attempts + 1)
    assert first.findings_by_code == {"file.poisoned": 1}
    assert second.state is State.PARTLY_ACCEPTED, "the others go on"
    told = house.show_delivery.receipt(first)
    assert told["verdict"] == "poisoned"


def test_delivery_is_not_poisoned_by_as_many_attempts_as_are_allowed(house: House) -> None:
    hand_over(house)
    taken(house)
    for _ in range(house.settings.max_attempts - 1):
        with house.database.writing() as store:
            deliveries.begin(store, key=1)
    [settled] = house.drain("anyone")
    assert settled.state is State.PARTLY_ACCEPTED
