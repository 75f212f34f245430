"""Two people at once at the same line: real processes, one outcome, the second one is told."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.homes import Homes, rows
from tests.road.pipeline_rig import READINGS_HEADER, TODAY, Rig

FIX = ("quarantine", "fix", "200000002", "Value=5", "--reason", "read on site")
DISMISS = ("quarantine", "dismiss", "200000002", "--reason", "a test of theirs")
ACCEPT = ("quarantine", "accept", "--delivery", "2", "--reason", "all of it")


@pytest.fixture
def rig(homes: Homes, tmp_path: Path) -> Rig:
    """Line 2 of delivery 2 has no number."""
    made = Rig(tmp_path / "home", homes=homes)
    made.register(["1"])
    path = made.home / "work" / "r.csv"
    path.write_text(f"{READINGS_HEADER}\n1;x;m3;2026-10-31\n1;1;m3;2026-10-30\n", encoding="utf-8")
    house = made.house()
    house.take_files([path], partner=made.partner, feed=None)
    house.database.close()
    return made


def at_once(rig: Rig, *commands: tuple[str, ...]) -> list[tuple[int, bytes]]:
    """Starts all of them, then waits: how each ended, and what it said."""
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "meterdrop", "--home", str(rig.home), *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "METERDROP_TODAY": TODAY},
        )
        for words in commands
    ]
    return [(one.wait(120), b"".join(one.communicate())) for one in started]


def acts(rig: Rig) -> list[str]:
    return [what for (what,) in rows(rig.home, "select what from event where what like 'quarantine.%'")]


@pytest.mark.road
@pytest.mark.parametrize(
    "commands", [(FIX, FIX, FIX), (FIX, DISMISS), (DISMISS, DISMISS)], ids=["fix", "mixed", "dismiss"]
)
def test_one_act_is_done_and_the_others_are_told(rig: Rig, commands: tuple[tuple[str, ...], ...]) -> None:
    ended = at_once(rig, *commands)

    assert sorted(code for code, _ in ended)[0] == 0
    for code, said in ended:
        assert code in (0, 2, 3), said
        assert b"Traceback" not in said
        if code == 2:
            assert b"already" in said or b"no line of it waits" in said
        if code == 3:
            assert b"look at" in said or b"try again" in said
    assert sum(code == 0 for code, _ in ended) == 1
    assert len(acts(rig)) == 1
    assert len(rig.stored()) == (2 if acts(rig) == ["quarantine.corrected"] else 1)


@pytest.mark.road
def test_two_decisions_about_one_delivery_come_to_one(homes: Homes, tmp_path: Path) -> None:
    made = Rig(tmp_path / "home", homes=homes)
    meters = [f"{number}" for number in range(1, 41)]
    made.register(meters)
    path = made.home / "work" / "r.csv"
    lines = [f"{meter};{'x' if int(meter) < 26 else 2};m3;2026-10-31" for meter in meters]
    path.write_text("\n".join([READINGS_HEADER, *lines]) + "\n", encoding="utf-8")
    house = made.house()
    house.take_files([path], partner=made.partner, feed=None)
    house.database.close()

    ended = at_once(
        made,
        ("delivery", "release", "2", "--reason", "seen", "--json"),
        ("delivery", "release", "2", "--good-lines", "--reason", "seen", "--json"),
        ("delivery", "refuse", "2", "--reason", "no", "--json"),
    )

    assert sorted(code for code, _ in ended) == [1, 2, 2]
    [said] = [said for code, said in ended if code == 1]
    told = json.loads(said[said.index(b"{") :])
    assert len(made.stored()) == told["lines"]["accepted"]
    decided = rows(
        made.home,
        "select what from event where what in ('delivery.released', 'delivery.refused-by-reviewer')",
    )
    assert len(decided) == 1
