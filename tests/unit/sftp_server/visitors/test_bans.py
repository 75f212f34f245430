"""Are guessers locked out for a time, and nobody else?"""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from sftp_server.networks import source_of
from sftp_server.settings import Settings
from sftp_server.visitors.bans import Bans

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def bans(folder: Path) -> Bans:
    """A table with small limits."""
    limits = Settings(home=folder, ban_score=5, ban_window=60, ban_time=600, connections_per_second=2)
    return Bans(file=folder / "bans.json", settings=limits)


def test_points_add_up_to_a_ban_that_ends(tmp_path: Path) -> None:
    table = bans(tmp_path)
    assert not table.add("192.0.2.1", 4, now=NOW)
    assert not table.is_banned("192.0.2.1", now=NOW)
    assert table.add("192.0.2.1", 1, now=NOW)
    assert table.is_banned("192.0.2.1", now=NOW + timedelta(seconds=599))
    assert not table.is_banned("192.0.2.1", now=NOW + timedelta(seconds=600))
    assert not table.is_banned("192.0.2.2", now=NOW)


def test_old_points_are_forgotten(tmp_path: Path) -> None:
    table = bans(tmp_path)
    table.add("192.0.2.1", 4, now=NOW)
    assert not table.add("192.0.2.1", 4, now=NOW + timedelta(seconds=61))


def test_bans_outlive_a_restart(tmp_path: Path) -> None:
    bans(tmp_path).add("192.0.2.1", 5, now=NOW)
    again = bans(tmp_path)
    again.load()
    assert again.is_banned("192.0.2.1", now=NOW)
    (ban,) = again.running(now=NOW)
    assert (ban.since, ban.by, ban.reason) == (NOW, "door", "too many failed logins")
    assert again.lift("192.0.2.1", now=NOW)
    once_more = bans(tmp_path)
    once_more.load()
    assert once_more.running(now=NOW) == []


def test_addresses_that_are_never_banned_gather_no_points(tmp_path: Path) -> None:
    limits = Settings(home=tmp_path, ban_score=5, never_banned=("192.0.2.0/24", "2001:db8::/32"))
    table = Bans(file=tmp_path / "bans.json", settings=limits)
    for address in ("192.0.2.1", "2001:db8:7::1", "::ffff:192.0.2.9"):
        assert not table.add(address, 100, now=NOW)
    assert table.add("198.51.100.1", 5, now=NOW)
    assert not table.is_banned("192.0.2.1", now=NOW)


def test_only_so_many_bans_are_kept_and_the_longest_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sftp_server.visitors.bans._MOST_BANS", 3)
    table = bans(tmp_path)
    for number in range(5):
        table.ban(f"192.0.2.{number}", seconds=100 - number, reason="", by="x", now=NOW)
    assert [ban.source for ban in table.running(now=NOW)] == ["192.0.2.2", "192.0.2.1", "192.0.2.0"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"a": 1}',
        '{"bans": [{"address": "x", "until": "yesterday"}]}',
        '{"bans": [7]}',
        "[" * 20_000,
    ],
)
def test_a_spoilt_file_of_bans_does_not_keep_the_door_shut(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bans.json").write_text(text)
    bans(tmp_path).load()
    assert "bans.unreadable" in capsys.readouterr().err


def test_bans_that_cannot_be_read_do_not_keep_the_door_shut(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bans.json").mkdir()
    bans(tmp_path).load()
    assert "bans.unreadable" in capsys.readouterr().err


def test_twice_the_rate_may_come_at_once_and_the_rate_after_that(tmp_path: Path) -> None:
    table = bans(tmp_path)
    assert [table.may_connect("192.0.2.1", now=NOW) for _ in range(5)] == [True] * 4 + [False]
    later = NOW + timedelta(seconds=1)
    assert [table.may_connect("192.0.2.1", now=later) for _ in range(3)] == [True, True, False]
    assert table.may_connect("192.0.2.2", now=NOW)


def test_an_address_that_never_stops_knocking_is_let_in_at_a_part_of_the_rate(tmp_path: Path) -> None:
    """Its neighbours behind one router would else be kept out for as long as it knocks."""
    table = bans(tmp_path)
    knocks = [NOW + timedelta(milliseconds=10 * number) for number in range(3000)]
    admitted = [now for now in knocks if table.may_connect("192.0.2.1", now=now)]
    rate = (len(admitted) - 4) / 30
    assert 0.4 <= rate / 2 <= 0.6
    assert max(after - before for before, after in pairwise(admitted)) < timedelta(seconds=2)


def test_one_customer_of_ipv6_counts_once() -> None:
    assert source_of("2001:db8:1:2::1") == source_of("2001:db8:1:2:ffff::9")
    assert source_of("2001:db8:1:3::1") != source_of("2001:db8:1:2::1")
    assert source_of("::ffff:192.0.2.1") == source_of("192.0.2.1")
