"""Does the door do what operators ask about bans, and nothing that is no request?"""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sftp_server.audit import Audit
from sftp_server.settings import Settings
from sftp_server.visitors.ban_requests import BanRequests
from sftp_server.visitors.bans import Bans

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
ULID = "01JDZZZZZZZZZZZZZZZZZZZZZ%d"


class Office:
    """Bans, the folder of requests, and who was expelled."""

    def __init__(self, home: Path, *, never_banned: tuple[str, ...] = ()) -> None:
        settings = Settings(home=home, ban_score=5, never_banned=never_banned)
        self.folder = home / "ban-requests"
        self.folder.mkdir()
        self.bans = Bans(file=home / "bans.json", settings=settings)
        self.expelled: list[str] = []
        self._log = home / "door.jsonl"
        self._log.touch()
        self.requests = BanRequests(
            self.folder, bans=self.bans, audit=Audit(self._log, clock=lambda: NOW), expel=self.expelled.append
        )

    def ask(self, **words: Any) -> Path:  # noqa: ANN401 - wrong words, too
        """Put a request there, with all that a request needs but what is said otherwise."""
        told = {"act": "lift", "address": None, "who": "cli:jan", "reason": "why", "seconds": 0.0, **words}
        file = self.folder / f"{ULID % len(list(self.folder.iterdir()))}.json"
        file.write_text(json.dumps(told))
        return file

    def audited(self) -> list[dict[str, Any]]:
        """What the audit says."""
        return [json.loads(line) for line in self._log.read_text().splitlines()]


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """An office without requests."""
    return Office(tmp_path)


def test_an_address_is_banned_with_who_and_why_and_expelled(office: Office) -> None:
    file = office.ask(act="add", address="2001:db8::7", seconds=60)
    office.requests.take(now=NOW)
    assert office.bans.is_banned("2001:db8::8", now=NOW + timedelta(seconds=59))
    assert not office.bans.is_banned("2001:db8::8", now=NOW + timedelta(seconds=60))
    assert office.expelled == ["2001:db8::/64"]
    (line,) = office.audited()
    assert (line["event"], line["address"], line["by"], line["reason"]) == (
        "banned", "2001:db8::/64", "cli:jan", "why",
    )  # fmt: skip
    assert not file.exists()


def test_one_ban_or_all_are_lifted_and_points_forgotten(office: Office) -> None:
    for address in ("192.0.2.1", "192.0.2.2", "2001:db8::1"):
        office.bans.add(address, 5, now=NOW)
    office.bans.add("192.0.2.9", 4, now=NOW)
    office.ask(address="192.0.2.1")
    office.ask(address="192.0.2.9")
    office.requests.take(now=NOW)
    assert [ban.source for ban in office.bans.running(now=NOW)] == ["192.0.2.2", "2001:db8::/64"]
    assert not office.bans.add("192.0.2.9", 1, now=NOW)
    office.ask()
    office.requests.take(now=NOW)
    assert office.bans.running(now=NOW) == []
    assert [line["was_banned"] for line in office.audited()] == [True, False, True, True]


def test_who_is_never_banned_is_not_banned_by_hand_either(tmp_path: Path) -> None:
    office = Office(tmp_path, never_banned=("192.0.2.0/24",))
    office.ask(act="add", address="192.0.2.1", seconds=60)
    office.requests.take(now=NOW)
    assert not office.bans.is_banned("192.0.2.1", now=NOW)
    assert [line["event"] for line in office.audited()] == ["ban.refused"]


@pytest.mark.parametrize(
    "words",
    [{"act": "delete"}, {"act": "add"}, {"address": "everybody"}, {"address": "10.0.0.0/8"}, {"seconds": -1}, {"seconds": "x"},
     {"seconds": float("nan")}, {"act": "add", "address": "192.0.2.1", "seconds": 1e300}, {"seconds": 10**400}, {"who": 7}, {"reason": None}],
)  # fmt: skip
def test_what_is_no_request_does_nothing_and_is_warned_about(
    office: Office, words: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    office.bans.add("192.0.2.1", 5, now=NOW)
    file = office.ask(**words)
    office.requests.take(now=NOW)
    assert "bans.request-unreadable" in capsys.readouterr().err
    assert len(office.bans.running(now=NOW)) == 1
    assert office.audited() == []
    assert not file.exists()


def test_a_request_deeper_than_any_does_not_hold_up_the_next_one(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    deep = office.folder / f"{ULID % 0}.json"
    deep.write_text("[" * 4000)
    office.bans.add("192.0.2.1", 5, now=NOW)
    office.ask(act="lift", address="192.0.2.1")
    office.requests.take(now=NOW)
    assert "bans.request-unreadable" in capsys.readouterr().err
    assert office.bans.running(now=NOW) == []
    assert list(office.folder.iterdir()) == []


def test_links_pipes_and_large_files_are_not_read(
    office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = tmp_path / "secret"
    secret.write_text(json.dumps({"act": "lift", "address": None, "who": "x", "reason": "", "seconds": 0}))
    (office.folder / f"{ULID % 1}.json").symlink_to(secret)
    os.mkfifo(office.folder / f"{ULID % 2}.json")
    (office.folder / f"{ULID % 3}.json").write_bytes(b" " * 10_000 + b"{}")
    (office.folder / ".half.tmp").write_text("{")
    office.bans.add("192.0.2.1", 5, now=NOW)
    office.requests.take(now=NOW)
    assert capsys.readouterr().err.count("bans.request-unreadable") == 3
    assert len(office.bans.running(now=NOW)) == 1
    assert [file.name for file in office.folder.iterdir()] == [".half.tmp"]
    assert secret.exists()
