"""Two real workers remember a partner, are killed and frozen in turn, and its register and readings change: as if none remembered.

What they store is what one embedded worker without memory stores of the same files and acts.
"""

import os
import random
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.homes import NIGHTLY, POSTGRESQL, Homes, rows
from tests.road.pipeline_rig import READINGS_HEADER, REGISTER_HEADER, Rig, children, stop, wait_for

pytestmark = [pytest.mark.road, pytest.mark.only_on(POSTGRESQL)]

METERS = range(10_001, 11_201)
"""More than the thousand names up to which a file is judged without the whole register."""
PROFILE = "partner: anyone\nname: Anyone\ngroup: 2\nfeeds: {readings: {hold_above: {share: 0.9, lines: 9000}}, devices: {}}\n"
FIRST = date(2026, 8, 20)
THIN = {"METERDROP_RETENTION_DAILY_READINGS_MONTHS": "1"}
DETACH = {"METERDROP_RETENTION_READINGS_MONTHS": "12", "METERDROP_TODAY": "2027-09-20"}
"""August is older than twelve months then."""

BY_DAY = ("daily", "correction by the other", "register", "killed daily", "daily by the other")
BY_NIGHT = (
    "daily",
    "daily by the other",
    "correction by the other",
    "register",
    "killed daily",
    "daily by the other",
    "detach",
    "late by the other",
    "daily by the other",
)
ANY = (
    *["daily by the other", "correction by the other", "late by the other", "daily"] * 3,
    "thin",
    "reprocess",
    *BY_NIGHT,
)
SEEN = {
    "device": "SELECT id, serial, unit, installed_from, installed_to, delivery, line FROM device ORDER BY id",
    "reading": "SELECT device, day, value, unit, canonical_value, canonical_unit, kind, estimated, delivery, line, quarantine"
    " FROM reading ORDER BY device, day",
    "history": "SELECT device, day, value, delivery, line, superseded_by, why FROM reading_history ORDER BY device, day, id",
    "quarantine": "SELECT id, state FROM quarantine ORDER BY id",
    "finding": "SELECT delivery, line, code, severity, value FROM finding ORDER BY delivery, line, code, value",
    "delivery": "SELECT id, state, physical, accepted, quarantined, duplicate FROM delivery ORDER BY id",
}
"""All that must be the same."""


def at(number: int) -> date:
    return FIRST + timedelta(days=number)


def daily(number: int, chance: random.Random) -> str:
    """Nearly all rise; some fall, leap, or are of a meter or unit that is not in the register."""
    lines = []
    for meter in METERS:
        value = 100 + 2 * number + chance.choice([0] * 40 + [1, -30, 10**6])
        unit = chance.choice(["m3"] * 300 + ["MWh"])
        lines.append(f"{chance.choice([meter] * 300 + [99_999])};{value},5;{unit};{at(number)}")
    return "\n".join([READINGS_HEADER, *lines]) + "\n"


def register(number: int, chance: random.Random) -> str:
    """Some were exchanged, some are new, and 99999 is known from now on."""
    lines = []
    for meter in [*METERS, 99_999]:
        since = chance.choice(["2024-01-01"] * 60 + [str(at(number - 1))])
        until = chance.choice([""] * 60 + [str(at(number + 1))])
        lines.append(f"{at(number)};A-{meter};m3;hall;CW;{meter};-;1;{since};{until};1")
    header = REGISTER_HEADER.replace("DateFrom;", "DateFrom;DateTo;")
    return "\n".join([header, *lines]) + "\n"


class Side:
    """One home, and what is done there."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.number = 0

    def do(self, act: str, *, seed: int) -> None:
        """One act; its seed says what its file holds."""
        what, chance = act.partition(" by ")[0], random.Random(seed)  # noqa: S311 - a test's own dice
        match what.removeprefix("killed "):
            case "daily":
                self.number += 1
                self.load(daily(self.number, chance), act=act)
            case "correction":
                self.load(daily(self.number, chance), act=act)
            case "late":
                self.load(daily(chance.randrange(self.number), chance), act=act)
            case "register":
                self.load(register(self.number, chance), act=act)
                self.do("reprocess", seed=seed)
            case "reprocess":
                assert self.rig.command("reprocess").returncode in (0, 1)
            case "thin":
                self.tidy(**THIN)
            case "detach":
                self.tidy(**DETACH)

    def load(self, content: str, *, act: str) -> None:
        """By whoever is there."""
        self.rig.result(self.rig.hand_over(content.encode()))

    def tidy(self, **settings: str) -> None:
        told = self.rig.command("retention", **settings)
        assert told.returncode == 0, told.stderr

    def end(self) -> dict[str, list[tuple[Any, ...]]]:
        """All that is stored."""
        return {name: rows(self.rig.home, query) for name, query in SEEN.items()}


class Remembering(Side):
    """Two workers, of which one is frozen while the other loads: who goes on after that remembers what is no longer so."""

    def __init__(self, rig: Rig) -> None:
        super().__init__(rig)
        self.workers = [self.worker(), self.worker()]

    def worker(self) -> "subprocess.Popen[bytes]":
        worker = self.rig.worker(METERDROP_WORKER_MEMORY_MB="64")
        assert worker.stdout is not None
        worker.stdout.readline()
        wait_for(lambda: children(worker.pid) or None, what="the process of a worker")
        return worker

    def load(self, content: str, *, act: str) -> None:
        if "by the other" in act:
            self.workers.reverse()
        with frozen(self.workers[1]):
            upload = self.rig.hand_over(content.encode())
            if act.startswith("killed"):
                self.kill(upload)
            self.rig.result(upload)

    def kill(self, upload: str) -> None:
        """The one that is at it, wherever it is."""
        state = "SELECT state FROM delivery WHERE upload = ? AND state <> 'received'"
        wait_for(lambda: rows(self.rig.home, state, upload) or None, what="a delivery that was begun")
        self.workers[0].kill()
        self.workers[0].wait()
        self.workers[0] = self.worker()

    def stop(self) -> None:
        assert [stop(worker) for worker in self.workers] == [0, 0]


@contextmanager
def frozen(worker: "subprocess.Popen[bytes]") -> Iterator[None]:
    """It does nothing meanwhile, and lets go of nothing."""
    everyone = [worker.pid, *children(worker.pid)]
    try:
        for one in everyone:
            os.kill(one, signal.SIGSTOP)
        yield
    finally:
        for one in everyone:
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGCONT)


@pytest.fixture
def rigs(homes: Homes, tmp_path: Path) -> tuple[Rig, Rig]:
    made = [Rig(tmp_path / name, homes=homes) for name in ("remembering", "forgetful")]
    for rig in made:
        (rig.home / "schemas" / "partners" / "anyone.yaml").write_text(PROFILE, encoding="utf-8")
        rig.register([str(meter) for meter in METERS])
    (made[0].home / "meterdrop.toml").write_text('dispatch = "scaled"\n', encoding="utf-8")
    return made[0], made[1]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(6) if NIGHTLY else range(1))
def test_workers_that_remember_and_are_killed_and_frozen_store_what_one_without_memory_does(
    rigs: tuple[Rig, Rig], seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - a test's own dice
    of_course = BY_NIGHT if NIGHTLY else BY_DAY
    acts = of_course if seed == 0 else ("daily", *(chance.choice(ANY) for _ in range(12)))
    services = [rigs[0].pipeline(), rigs[1].pipeline(METERDROP_WORKER_MEMORY_MB="0")]
    remembering, forgetful = Remembering(rigs[0]), Side(rigs[1])

    for number, act in enumerate(acts):
        for side in (remembering, forgetful):
            side.do(act, seed=1000 * seed + number)
        assert remembering.end() == forgetful.end(), (number, act)

    remembering.stop()
    assert [stop(service) for service in services] == [0, 0]
