"""kill -9 between any two steps of a retention: nothing half is left that matters, and the next run finishes it."""

import json
import signal
from pathlib import Path

import pytest

from meterdrop.bootstrap import retention_of
from meterdrop.usecases.checkpoint import RETENTION_POINTS
from tests.homes import NIGHTLY, POSTGRESQL, Homes, rows
from tests.road.pipeline_rig import READINGS_HEADER, Rig

SETTINGS = {
    "METERDROP_TODAY": "2027-11-20",
    "METERDROP_RETENTION_ORIGINALS_DAYS": "30",
    "METERDROP_RETENTION_RECEIPTS_DAYS": "30",
    "METERDROP_RETENTION_READINGS_MONTHS": "12",
    "METERDROP_RETENTION_DAILY_READINGS_MONTHS": "1",
    "METERDROP_RETENTION_AUDIT_DAYS": "30",
}


@pytest.fixture
def rig(homes: Homes, tmp_path: Path) -> Rig:
    """One delivery that is done with, and one that waits for a meter; readings of October and November."""
    made = Rig(tmp_path / "home", homes=homes)
    made.register(["1"])
    days = [f"2026-{month}-{day:02}" for month in (10, 11) for day in range(1, 21)]
    house = made.house()
    for name, lines in (
        ("done.csv", [f"1;{number};m3;{day}" for number, day in enumerate(days)]),
        ("waits.csv", ["9;1;m3;2026-10-31"]),
    ):
        path = made.home / "work" / name
        path.write_text("\n".join([READINGS_HEADER, *lines]) + "\n", encoding="utf-8")
        house.take_files([path], partner=made.partner, feed=None)
    house.database.close()
    return made


def left(rig: Rig) -> tuple[object, ...]:
    """How many files; and how many rows, of which so many are on their way out; and the days of readings."""
    folders = (rig.home / "originals", rig.home / "receipts")
    return (
        sum(path.is_file() for folder in folders for path in folder.rglob("*")),
        rows(
            rig.home,
            "SELECT count(*) AS all_of_them, count(forgotten_at) AS forgotten, count(erased_at) AS erased FROM original",
        ),
        rows(rig.home, "SELECT count(*) AS all_of_them, count(ended_at) AS ended FROM outbox"),
        rows(rig.home, "SELECT day FROM reading ORDER BY day"),
    )


LEFT = (
    5,  # of the file that waits: the original, its rejects file twice, and two receipts
    [(4, 2, 2)],
    [(3, 0)],
    [("2026-11-01",), ("2026-11-20",)],
)


@pytest.mark.road
@pytest.mark.by_night(POSTGRESQL)
@pytest.mark.parametrize("point", RETENTION_POINTS if NIGHTLY else RETENTION_POINTS[1::3])
def test_retention_killed_between_two_steps_is_finished_by_the_next(
    rig: Rig, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By day two of the points, all of them by night."""
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    todo = retention_of(rig.house())
    foreseen = {one.what.value: one.count for one in todo.foreseen()}

    killed = rig.command("retention", METERDROP_CRASH_AT=point, **SETTINGS)

    assert killed.returncode == -signal.SIGKILL, "the point was never passed"
    todo(who="test")
    assert left(rig) == LEFT
    told = rows(rig.home, "SELECT what, after FROM event WHERE what LIKE 'retention.%'")
    counts = dict.fromkeys(foreseen, 0)
    for what, after in told:
        counts[what.removeprefix("retention.")] += json.loads(after)["count"]
    assert counts == foreseen, "each once"
    assert [one.count for one in todo(who="test")] == [0] * len(todo.parts)
    assert left(rig) == LEFT
    assert len(rows(rig.home, "SELECT id FROM event WHERE what LIKE 'retention.%'")) == len(told)
