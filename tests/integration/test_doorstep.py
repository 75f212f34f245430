"""What the door hands over is not believed: tickets that lie are set aside, the others are taken."""

import hashlib
import json
from pathlib import Path

import pytest

from meterdrop.bootstrap import House
from tests.homes import POSTGRESQL
from tests.integration.test_rejudging import HEADER, house

pytestmark = pytest.mark.by_night(POSTGRESQL)

__all__ = ["house"]

CONTENT = f"{HEADER}\n1;5;m3;2026-11-05\n".encode()
UPLOAD = "01JDBADBADBADBADBADBADBADB"
LAST = "01JDZZZZZZZZZZZZZZZZZZZZZZ"


def hand_over(house: House, upload: str, **told: object) -> Path:
    folder = house.home / "landing" / upload
    folder.mkdir(parents=True)
    (folder / "content").write_bytes(CONTENT)
    ticket = {
        "ticket": 1,
        "upload": upload,
        "partner": "anyone",
        "name": "incoming/readings.csv",
        "outcome": "finished",
        "bytes": len(CONTENT),
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
        "opened_at": "2026-11-24T08:00:00Z",
        "finished_at": "2026-11-24T08:00:01Z",
        **told,
    }
    (folder / "ticket.json").write_text(json.dumps(ticket), encoding="utf-8")
    return folder


def taken(house: House) -> tuple[str, ...]:
    return house.receive.take_all(house.home / "landing")


def set_aside(house: House) -> list[str]:
    folder = house.home / "landing-aside"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


@pytest.mark.parametrize(
    "told",
    [
        {"partner": "nobody"},
        {"sha256": "0" * 64},
        {"sha256": "../" * 21 + "x"},
        {"bytes": 7},
        {"bytes": 10**30},
        {"name": "incoming/a\x00b.csv"},
        {"name": "incoming/\ud800.csv"},
        {"name": "incoming/"},
        {"finished_at": "2026-11-24T08:00:01"},
        {"upload": "01JDAAAAAAAAAAAAAAAAAAAAAA"},
    ],
    ids=repr,
)
def test_ticket_that_lies_is_set_aside_and_holds_up_no_other(house: House, told: dict[str, object]) -> None:
    folder = hand_over(house, UPLOAD)
    ticket = json.loads((folder / "ticket.json").read_text(encoding="utf-8"))
    (folder / "ticket.json").write_text(json.dumps({**ticket, **told}), encoding="utf-8")
    hand_over(house, LAST)

    assert taken(house) == ("anyone",)
    assert set_aside(house) == [UPLOAD]
    assert [done.upload for done in house.drain("anyone")] == [LAST]


@pytest.mark.parametrize("written", ["{", "[]", "null", "[" * 100_000], ids=["cut", "list", "null", "deep"])
def test_ticket_that_is_none_is_set_aside(house: House, written: str) -> None:
    (hand_over(house, UPLOAD) / "ticket.json").write_text(written, encoding="utf-8")

    assert taken(house) == ()
    assert set_aside(house) == [UPLOAD]


def test_content_that_is_a_link_is_never_followed(house: House) -> None:
    elsewhere = house.home / "elsewhere.csv"
    elsewhere.write_bytes(CONTENT)
    content = hand_over(house, UPLOAD) / "content"
    content.unlink()
    content.symlink_to(elsewhere)

    assert taken(house) == ()
    assert set_aside(house) == [UPLOAD]
    assert elsewhere.read_bytes() == CONTENT


@pytest.mark.by_day(POSTGRESQL)
def test_upload_without_content_is_set_aside(house: House) -> None:
    (hand_over(house, UPLOAD) / "content").unlink()

    assert taken(house) == ()
    assert set_aside(house) == [UPLOAD]


def test_folder_that_is_a_link_is_left_alone(house: House) -> None:
    folder = hand_over(house, UPLOAD)
    elsewhere = folder.rename(house.home / "elsewhere")
    folder.symlink_to(elsewhere)

    assert taken(house) == ()
    assert sorted(path.name for path in elsewhere.iterdir()) == ["content", "ticket.json"]
