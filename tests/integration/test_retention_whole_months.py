"""Old months of readings go as a whole; on PostgreSQL their tables stay, under names that no month needs."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from meterdrop.model.errors import TryAgain
from meterdrop.model.retention import Kept
from meterdrop.store import old_months
from tests.homes import Homes, rows
from tests.integration.retention_rig import Rig

PERIOD: dict[str, Any] = {"retention_readings_months": 12}
LATER = (date(2027, 11, 20) - datetime.now(UTC).date()).days
"""So many days from now: then October is older than twelve months, and November is not."""


@pytest.fixture
def rig(homes: Homes, furnished_home: Path, tmp_path: Path) -> Rig:
    made = Rig(homes.copy(furnished_home, tmp_path / "home"))
    made.register("1", "2")
    made.take(
        *(f"{serial};{month};m3;2026-{month}-05" for serial in "12" for month in ("08", "09", "10", "11"))
    )
    return made


def stored(rig: Rig) -> set[str]:
    return {day for (day,) in rows(rig.home, "SELECT day FROM reading")}


def aside(rig: Rig) -> list[str]:
    found = rows(rig.home, "SELECT relname FROM pg_class WHERE relname LIKE 'detached%' AND relkind = 'r'")
    return sorted(name for (name,) in found)


def test_old_months_are_no_readings_of_ours_any_more(rig: Rig) -> None:
    version = rows(rig.home, "SELECT version FROM partner")
    gone = rig.run(in_days=LATER, **PERIOD)[Kept.READINGS]
    assert (gone.count, gone.first, gone.last) == (6, date(2026, 8, 1), date(2026, 10, 31))
    assert stored(rig) == {"2026-11-05"}
    assert sum(int(str(one["count"])) for one in rig.events(Kept.READINGS)) == 6
    assert rows(rig.home, "SELECT version FROM partner") > version


def test_thinning_leaves_alone_what_goes_as_a_whole(rig: Rig) -> None:
    rig.take("1;10.5;m3;2026-10-20", "1;11.5;m3;2026-11-20", "1;11.6;m3;2026-11-21")
    done = rig.run(in_days=LATER, retention_daily_readings_months=1, **PERIOD)
    assert (done[Kept.READINGS].count, done[Kept.DAILY_READINGS].count) == (7, 1)
    assert stored(rig) == {"2026-11-05", "2026-11-21"}, "the first and the last of what is left"


@pytest.mark.only_on("postgresql")
def test_table_of_a_month_is_put_aside_and_a_late_reading_gets_a_new_one(rig: Rig) -> None:
    rig.run(in_days=LATER, **PERIOD)
    names = [f"detached_reading_2026_{month}" for month in ("08", "09", "10")]
    assert aside(rig) == names
    assert rows(rig.home, "SELECT count(*) FROM detached_reading_2026_10") == [(2,)]
    late = rig.take("1;9;m3;2026-09-20")
    assert late.lines.accepted == 1
    assert rig.run(in_days=LATER, **PERIOD)[Kept.READINGS].count == 1
    assert aside(rig) == sorted([*names, "detached_reading_2026_09_2"])


@pytest.mark.only_on("postgresql")
def test_nobody_waits_for_a_month_that_goes_and_it_is_tried_again(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody reads it and stays: it doesn't go now; others read and store all the same; the next run finishes it."""
    monkeypatch.setattr(old_months, "_PATIENCE", "SET lock_timeout = '200ms'")
    todo = rig.retention(in_days=LATER, **PERIOD)
    house = rig.house()
    with house.database.reading() as store:
        store.exec_driver_sql("SELECT count(*) FROM reading").scalar_one()
        with pytest.raises(TryAgain):
            todo(who="test")
        assert rig.take("1;12;m3;2026-11-20").lines.accepted == 1
        assert todo.half_done()
        with pytest.raises(TryAgain, match="reading_2026_08"):
            rig.take("1;8;m3;2026-08-20")
        assert attempts_of_what_waits(rig) == [(0,)]
    assert [one.count for one in todo(who="test")] == [6]
    assert len(stored(rig)) == 2
    assert [one.lines.accepted for one in house.drain("anyone")] == [1]
    house.database.close()


def attempts_of_what_waits(rig: Rig) -> list[tuple[int]]:
    return rows(rig.home, "SELECT attempts FROM delivery WHERE state = 'loading'")


@pytest.mark.only_on("postgresql")
def test_late_reading_of_a_month_whose_way_out_was_cut_short_waits_until_that_is_finished(rig: Rig) -> None:
    def die(_passed: str) -> None:
        raise _Killed

    todo = rig.retention(in_days=LATER, **PERIOD)
    [part] = todo.parts
    assert not todo.half_done()
    with pytest.raises(_Killed):
        replace(todo, parts=[replace(part, at=die)])(who="test")  # type: ignore[type-var]  # parts are dataclasses

    with pytest.raises(TryAgain, match="reading_2026_08"):
        rig.take("1;8;m3;2026-08-20")
    assert attempts_of_what_waits(rig) == [(0,)]
    assert todo.half_done()
    todo(who="test")
    assert not todo.half_done()

    house = rig.house()
    assert [one.lines.accepted for one in house.drain("anyone")] == [1]
    house.database.close()
    assert stored(rig) == {"2026-11-05", "2026-08-20"}


class _Killed(Exception):
    pass


def test_run_killed_between_two_steps_is_finished_by_the_next(rig: Rig) -> None:
    def die(_passed: str) -> None:
        raise _Killed

    todo = rig.retention(in_days=LATER, **PERIOD)
    [part] = todo.parts
    with pytest.raises(_Killed):
        replace(todo, parts=[replace(part, at=die)])(who="test")  # type: ignore[type-var]  # parts are dataclasses
    assert "2026-08-05" not in stored(rig)
    rig.run(in_days=LATER, **PERIOD)
    assert stored(rig) == {"2026-11-05"}
    assert sum(int(str(one["count"])) for one in rig.events(Kept.READINGS)) == 6
