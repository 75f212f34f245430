"""Receipts leave partners' folders after their time: ours only, never one that is still of use."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from meterdrop.model.retention import Kept
from tests.homes import POSTGRESQL, Homes, change, rows
from tests.integration.retention_rig import Rig

pytestmark = pytest.mark.by_night(POSTGRESQL)

LATER = 40
PERIOD: dict[str, Any] = {"retention_receipts_days": 30}


@pytest.fixture
def rig(homes: Homes, furnished_home: Path, tmp_path: Path) -> Rig:
    return Rig(homes.copy(furnished_home, tmp_path / "home"))


def folder(rig: Rig) -> Path:
    return rig.home / "receipts" / "anyone"


def names(rig: Rig) -> set[str]:
    """What lies there, by its ending."""
    return {path.name.split(".", 3)[-1] for path in folder(rig).iterdir()}


def outbox(rig: Rig) -> int:
    [(count,)] = rows(rig.home, "SELECT count(*) FROM outbox")
    return int(count)


def test_receipts_of_a_settled_delivery_go_after_their_time_with_their_letters(rig: Rig) -> None:
    rig.register("1")
    sizes = sum(path.stat().st_size for path in folder(rig).iterdir())
    assert rig.run(in_days=29, **PERIOD)[Kept.RECEIPTS].count == 0
    gone = rig.run(in_days=LATER, **PERIOD)[Kept.RECEIPTS]
    assert (gone.count, gone.bytes) == (2, sizes)
    assert (names(rig), outbox(rig)) == (set(), 0)
    assert [(one["count"], one["bytes"]) for one in rig.events(Kept.RECEIPTS)] == [(2, sizes)]


def test_receipts_of_a_delivery_with_an_open_line_stay(rig: Rig) -> None:
    rig.register("1")
    rig.take("1;5;m3;2026-10-31", "9;5;m3;2026-10-31")
    assert rig.run(in_days=LATER, **PERIOD)[Kept.RECEIPTS].count == 2
    assert len(names(rig)) == 3
    change(rig.home, "UPDATE delivery SET waiting = 0, returned = 1")
    rig.run(in_days=LATER, **PERIOD)
    assert len(names(rig)) == 3, "the partner has still to correct the rejects file"
    change(rig.home, "UPDATE delivery SET waiting = 0, returned = 0")
    [(blob,)] = rows(rig.home, "SELECT bytes FROM original WHERE sha256 IN (SELECT blob FROM outbox)")
    sizes = sum(path.stat().st_size for path in folder(rig).iterdir())
    gone = rig.run(in_days=LATER, **PERIOD)[Kept.RECEIPTS]
    assert (gone.count, gone.bytes) == (3, sizes)
    assert blob > 0
    assert names(rig) == set()


def test_receipt_that_is_not_written_yet_keeps_all_of_its_delivery(rig: Rig) -> None:
    rig.register("1")
    change(rig.home, "UPDATE outbox SET written_at = NULL WHERE id = 2")
    assert rig.run(in_days=LATER, **PERIOD)[Kept.RECEIPTS].count == 0
    assert (len(names(rig)), outbox(rig)) == (2, 2)


def test_what_others_put_there_stays_whatever_its_name(rig: Rig, tmp_path: Path) -> None:
    """A file with other content, a link to ours, a folder, and a name of nobody."""
    rig.register("1")
    rig.register("2")
    changed, linked, foldered, _ours = sorted(folder(rig).iterdir())
    changed.write_text("mine", encoding="utf-8")
    aside = tmp_path / "aside"
    linked.rename(aside)
    linked.symlink_to(aside)
    foldered.unlink()
    foldered.mkdir()
    (folder(rig) / "notes.result.json").write_text("{}", encoding="utf-8")
    rig.run(in_days=LATER, **PERIOD)
    assert {path.name for path in folder(rig).iterdir()} == {
        changed.name,
        linked.name,
        foldered.name,
        "notes.result.json",
    }
    assert changed.read_text(encoding="utf-8") == "mine"
    assert linked.is_symlink()
    assert aside.exists()
    assert outbox(rig) == 0


def test_link_in_place_of_the_folder_is_not_followed(rig: Rig, tmp_path: Path) -> None:
    rig.register("1")
    folder(rig).rename(tmp_path / "aside")
    folder(rig).symlink_to(tmp_path / "aside")
    rig.retention(in_days=LATER, **PERIOD)(who="test")
    assert len(list((tmp_path / "aside").iterdir())) == 2
    folder(rig).unlink()
    (tmp_path / "aside").rename(folder(rig))
    rig.retention(in_days=LATER, **PERIOD)(who="test")
    assert names(rig) == set(), "as soon as it can be looked into again"


def test_receipt_of_today_takes_the_place_of_one_that_ended(rig: Rig) -> None:
    """A returned line was corrected after all, in the moment between: what the partner gets now stays."""
    rig.register("1")
    todo = rig.retention(in_days=LATER, **PERIOD)
    [part] = todo.parts
    house = rig.house()
    [(name,)] = rows(rig.home, "SELECT name FROM outbox WHERE id = 2")

    def write_anew(passed: str) -> None:
        if passed == "retention:ended":
            change(
                rig.home,
                "INSERT INTO outbox (partner, delivery, name, content, removes, created_at) SELECT partner, delivery, "
                "name, content, removes, created_at FROM outbox WHERE id = 2",
            )
            replace(house.send_receipts, clock=todo.clock)()

    replace(todo, parts=[replace(part, at=write_anew)])(who="test")  # type: ignore[type-var]  # parts are dataclasses
    house.database.close()
    assert [path.name for path in folder(rig).iterdir()] == [name]
    assert outbox(rig) == 1


def test_delivery_still_shows_its_receipt_and_no_rejects_file(rig: Rig) -> None:
    rig.register("1")
    rig.take("1;5;m3;2026-10-31", "9;5;m3;2026-10-31")
    change(rig.home, "UPDATE delivery SET waiting = 0")
    before = rig.house().show_delivery("2").receipt
    rig.run(in_days=LATER, **PERIOD)
    after = rig.house().show_delivery("2").receipt
    assert before["rejects_file"] is not None
    assert json.dumps(after) == json.dumps({**before, "rejects_file": None})


class _Killed(Exception):
    pass


@pytest.mark.parametrize("point", ["retention:ended", "retention:removed"])
def test_run_killed_between_two_steps_is_finished_by_the_next(rig: Rig, point: str) -> None:
    rig.register("1")

    def die(passed: str) -> None:
        if passed == point:
            raise _Killed

    todo = rig.retention(in_days=LATER, **PERIOD)
    [part] = todo.parts
    with pytest.raises(_Killed):
        replace(todo, parts=[replace(part, at=die)])(who="test")  # type: ignore[type-var]  # parts are dataclasses
    assert rows(rig.home, "SELECT count(*) FROM outbox WHERE ended_at IS NOT NULL") == [(2,)]
    assert len(names(rig)) == (2 if point == "retention:ended" else 0)
    assert [one.count for one in todo.foreseen()] == [0]
    todo(who="test")
    assert (names(rig), outbox(rig)) == (set(), 0)
    assert len(rig.events(Kept.RECEIPTS)) == 1
