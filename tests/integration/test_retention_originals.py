"""Originals go when nobody needs them any more, never before, and whoever wants one then is told so."""

import signal
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from meterdrop.bootstrap import House, retention_of
from meterdrop.model.errors import OperatorMistake, TryAgain
from meterdrop.model.retention import Kept
from meterdrop.receive.originals import Originals
from meterdrop.store import originals as kept
from meterdrop.usecases.checkpoint import RETENTION_POINTS
from tests.homes import POSTGRESQL, Homes, change, rows
from tests.integration.command_line import CommandLine
from tests.integration.retention_rig import Rig

pytestmark = pytest.mark.by_night(POSTGRESQL)

LATER = 40
PERIOD: dict[str, Any] = {"retention_originals_days": 30}


@pytest.fixture
def rig(homes: Homes, furnished_home: Path, tmp_path: Path) -> Rig:
    return Rig(homes.copy(furnished_home, tmp_path / "home"))


def test_by_default_nothing_goes_ever(rig: Rig) -> None:
    rig.register("1", "2")
    rig.take("1;5;m3;2026-10-31", "2;x;m3;2026-10-31")
    before, there = rows(rig.home, "SELECT id FROM event"), rig.originals()
    assert rig.retention(in_days=100_000)(who="test") == ()
    assert (rows(rig.home, "SELECT id FROM event"), rig.originals()) == (before, there)
    assert len(there) == 3


def test_original_of_a_settled_delivery_goes_after_its_time_and_not_before(rig: Rig) -> None:
    done = rig.register("1")
    assert rig.run(in_days=29, **PERIOD)[Kept.ORIGINALS].count == 0
    gone = rig.run(in_days=LATER, **PERIOD)[Kept.ORIGINALS]
    assert (gone.count, gone.bytes, gone.first) == (1, done.bytes, done.arrived_on)
    assert rig.originals() == set()
    day = done.arrived_on.isoformat()
    assert rig.events(Kept.ORIGINALS) == [{"count": 1, "bytes": done.bytes, "from": day, "to": day}]


def test_delivery_with_an_open_line_keeps_its_original_and_its_rejects_file(rig: Rig) -> None:
    rig.register("1")
    waits = rig.take("1;5;m3;2026-10-31", "9;5;m3;2026-10-31")
    rig.run(in_days=LATER, **PERIOD)
    assert waits.sha256 in rig.originals()
    assert len(rig.originals()) == 2
    change(rig.home, "UPDATE delivery SET waiting = 0, returned = 1")
    rig.run(in_days=LATER, **PERIOD)
    assert len(rig.originals()) == 2, "the partner has still to correct it"
    change(rig.home, "UPDATE delivery SET waiting = 0, returned = 0")
    assert rig.run(in_days=LATER, **PERIOD)[Kept.ORIGINALS].count == 2
    assert rig.originals() == set()


@pytest.mark.parametrize("state", ["received", "loading", "held", "poisoned"])
def test_delivery_that_waits_for_somebody_keeps_its_original(rig: Rig, state: str) -> None:
    rig.register("1")
    change(rig.home, f"UPDATE delivery SET state = '{state}'")  # noqa: S608 - a word of ours
    rig.run(in_days=LATER, **PERIOD)
    assert len(rig.originals()) == 1


def test_receipt_that_is_not_written_yet_keeps_the_original(rig: Rig) -> None:
    rig.register("1")
    change(rig.home, "UPDATE outbox SET written_at = NULL WHERE id = 2")
    rig.run(in_days=LATER, **PERIOD)
    assert len(rig.originals()) == 1


def test_original_of_several_deliveries_goes_when_all_are_past_their_time(rig: Rig) -> None:
    first = rig.register("1")
    again = rig.register("1")
    assert (again.state.value, again.sha256) == ("duplicate", first.sha256)
    ago = (datetime.now(UTC) - timedelta(days=60)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    change(rig.home, f"UPDATE delivery SET finished_at = '{ago}' WHERE id = 1")  # noqa: S608 - a time of ours
    change(rig.home, f"UPDATE original SET stored_at = '{ago}'")  # noqa: S608 - a time of ours
    assert rig.run(**PERIOD)[Kept.ORIGINALS].count == 0
    assert rig.run(in_days=LATER, **PERIOD)[Kept.ORIGINALS].count == 1


def test_bytes_that_come_again_are_kept_again(rig: Rig) -> None:
    first = rig.register("1")
    rig.run(in_days=LATER, **PERIOD)
    again = rig.register("1")
    assert (again.state.value, again.duplicate_of) == ("duplicate", first.id), "what came is still known"
    assert rig.originals() == {first.sha256}
    assert rig.house().show_delivery("1").original_removed_at is None


def test_bytes_that_come_while_their_file_is_erased_are_brought_once_more(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The retention ends exactly between the moment when they were put there and the one when that is written down."""
    first = rig.register("1")
    taken = Originals.take

    def erased_at_once(self: Originals, *, content: Path, sha256: str) -> None:
        taken(self, content=content, sha256=sha256)
        rig.retention(in_days=LATER, **PERIOD)(who="test")

    with monkeypatch.context() as patched:
        patched.setattr(Originals, "take", erased_at_once)
        with pytest.raises(TryAgain):
            rig.register("1")
    assert rows(rig.home, "SELECT count(*) FROM delivery") == [(1,)]
    assert rig.register("1").duplicate_of == first.id
    assert rig.originals() == {first.sha256}


@pytest.mark.only_on("postgresql")
def test_delivery_that_is_retried_meanwhile_keeps_its_original(rig: Rig) -> None:
    """Whoever wants it holds its row: it is left alone, and nobody waits. SQLite has one writer at a time anyway."""
    refused = rig.take("no;such;file", header="what;is;this")
    assert refused.state.value == "refused"
    todo = rig.retention(in_days=LATER, **PERIOD)
    house = rig.house()
    with house.database.writing() as store:
        assert kept.hold(store, sha256=refused.sha256) is None
        assert todo(who="test")[0].count == 0
    assert todo(who="test")[0].count == 1


def test_retry_of_a_delivery_without_its_original_says_what_to_do(rig: Rig) -> None:
    refused = rig.take("no;such;file", header="what;is;this")
    rig.run(in_days=LATER, **PERIOD)
    house = rig.house()
    told = f"Ask anyone to send {refused.file} again"
    with pytest.raises(OperatorMistake, match=told):
        house.decide.would_retry(refused.id)
    with pytest.raises(OperatorMistake, match=told):
        house.decide.retry(refused.id, who="test", reason="mended")
    assert house.show_delivery("1").delivery == refused, "nothing was changed"
    house.database.close()


def test_commands_tell_that_an_original_is_gone(
    meterdrop: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    meterdrop.register("1")
    meterdrop.ingest("r.csv", "1;5;m3;2026-10-31")
    (meterdrop.home / "meterdrop.toml").write_text("retention_originals_days = 30\n", encoding="utf-8")
    assert "kept for ever" not in meterdrop.done("retention", "--dry-run").out
    monkeypatch.setenv("METERDROP_TODAY", "2099-01-01")
    would = meterdrop.document("retention", "--dry-run")
    assert (would["dry_run"], would["ended"][0]["what"], would["ended"][0]["count"]) == (True, "originals", 2)
    assert "Would go" in meterdrop.done("retention", "--dry-run").out
    assert meterdrop.document("retention")["ended"] == would["ended"]
    assert "Gone" in meterdrop.done("retention").out
    assert meterdrop.document("delivery", "show", "2")["original_removed_at"].startswith("2099-01-01")
    assert "no longer kept" in meterdrop.done("delivery", "show", "2").out
    rechecked = meterdrop.document("reprocess", "--recheck", "999", "--delivery", "2")
    assert (rechecked["without_original"], rechecked["newly_rejected"]) == (1, 0)
    assert "no longer kept" in meterdrop.done("reprocess", "--recheck", "999", "--delivery", "2").out


def test_without_a_setting_the_command_says_so(meterdrop: CommandLine) -> None:
    assert "kept for ever" in meterdrop.done("retention").out
    assert meterdrop.document("retention") == {"dry_run": False, "ended": []}


@pytest.mark.parametrize("setting", ["0", "-1", '"soon"'])
def test_period_that_is_none_stops_at_the_start(meterdrop: CommandLine, setting: str) -> None:
    (meterdrop.home / "meterdrop.toml").write_text(
        f"retention_originals_days = {setting}\n", encoding="utf-8"
    )
    assert "retention_originals_days" in meterdrop.refused("retention")


class _Killed(Exception):
    pass


@pytest.mark.parametrize("point", RETENTION_POINTS[:2])
def test_run_killed_between_two_steps_is_finished_by_the_next(rig: Rig, point: str) -> None:
    """What the database says is gone nobody reads any more; what it doesn't say is all there."""
    rig.register("1")

    def die(passed: str) -> None:
        if passed == point:
            raise _Killed(signal.SIGKILL)

    todo = rig.retention(in_days=LATER, **PERIOD)
    [part] = todo.parts
    killed = replace(todo, parts=[replace(part, at=die)])  # type: ignore[type-var]  # parts are dataclasses
    with pytest.raises(_Killed):
        killed(who="test")
    assert rig.house().show_delivery("1").original_removed_at is not None
    assert rows(rig.home, "SELECT count(*) FROM original WHERE erased_at IS NOT NULL") == [(0,)]
    assert [one.count for one in todo.foreseen()] == [0], "it is forgotten already"
    todo(who="test")
    assert rig.originals() == set()
    assert rows(rig.home, "SELECT count(*) FROM original WHERE erased_at IS NULL") == [(0,)]
    assert len(rig.events(Kept.ORIGINALS)) == 1


def test_file_that_cannot_be_erased_is_tried_again(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.register("1")

    def refuse(_self: Originals, _sha256: str) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(Originals, "forget", refuse)
        assert rig.retention(in_days=LATER, **PERIOD)(who="test")[0].count == 1
    assert len(rig.originals()) == 1
    rig.retention(in_days=LATER, **PERIOD)(who="test")
    assert rig.originals() == set()


def test_house_without_settings_has_no_parts(rig: Rig) -> None:
    house: House = rig.house()
    assert retention_of(house).parts == ()
