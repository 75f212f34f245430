"""kill -9 in the middle of a decision about a held delivery: it is not made, or it is carried out; never half."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.homes import NIGHTLY, POSTGRESQL, Homes
from tests.road.pipeline_rig import READINGS_HEADER, Rig, stop, wait_for

pytestmark = pytest.mark.by_night(POSTGRESQL)

METERS = [f"{10_000 + number}" for number in range(40)]
BAD = [f"{meter};x;m3;2026-10-31" for meter in METERS[:25]]
GOOD = [f"{meter};2;m3;2026-10-31" for meter in METERS[25:]]
FILE = "\n".join([READINGS_HEADER, *BAD, *GOOD]) + "\n"
RELEASE = ("delivery", "release", "2", "--reason", "seen with the partner")


@pytest.fixture
def rig(homes: Homes, tmp_path: Path) -> Rig:
    """Delivery 2 is held: 25 of its 40 lines are bad."""
    made = Rig(tmp_path / "home", homes=homes)
    made.register(METERS)
    path = made.home / "work" / "r.csv"
    path.write_text(FILE, encoding="utf-8")
    house = made.house()
    [held] = house.take_files([path], partner=made.partner, feed=None)
    house.database.close()
    assert held.state.value == "held"
    return made


def all_of_it(rig: Rig) -> dict[str, Any]:
    """What is known of delivery 2, and what is stored."""
    house = rig.house()
    shown = house.show_delivery("2")
    lines = list(house.review.listed(partner=None, delivery=2, state=None, code=None, limit=None))
    house.database.close()
    return {
        "state": shown.delivery.state.value,
        "lines": shown.delivery.lines,
        "released": shown.delivery.released,
        "events": [one["what"] for one in shown.events],
        "states": [one.line.state for one in lines],
        "stored": rig.stored(),
    }


def is_released(rig: Rig) -> None:
    told = all_of_it(rig)
    assert (told["state"], told["released"]) == ("partly_accepted", "whole")
    assert (told["lines"].accepted, told["lines"].quarantined) == (15, 25)
    assert told["states"] == ["open"] * 25
    assert len(told["stored"]) == 15
    assert told["events"].count("delivery.released") == 1


@pytest.mark.road
@pytest.mark.parametrize("words", [RELEASE, ("delivery", "refuse", "2", "--reason", "send it again")])
def test_decision_killed_before_it_is_committed_was_never_made(rig: Rig, words: tuple[str, ...]) -> None:
    before = all_of_it(rig)
    killed = rig.command(*words, METERDROP_CRASH_AT="release:decided")
    assert killed.returncode == -signal.SIGKILL, "the point was never passed"
    assert all_of_it(rig) == before

    assert rig.command(*words).returncode == 1
    assert all_of_it(rig)["state"] == ("partly_accepted" if "release" in words else "refused")


POINTS = ["ingest:begun", "ingest:judged", "publish:rows", "publish:settled", "publish:committed"]


@pytest.mark.road
@pytest.mark.parametrize("point", POINTS if NIGHTLY else POINTS[::3])
def test_release_killed_while_it_loads_is_taken_up_by_the_pipeline(rig: Rig, point: str) -> None:
    killed = rig.command(*RELEASE, METERDROP_CRASH_AT=point)
    assert killed.returncode == -signal.SIGKILL, "the point was never passed"

    running = rig.pipeline()
    wait_for(lambda: all_of_it(rig)["state"] == "partly_accepted" or None, what="the released delivery")
    wait_for(lambda: (rig.receipts(".result.json") and len(told_of(rig)) == 2) or None, what="its receipt")
    assert stop(running) == 0
    is_released(rig)


@pytest.mark.road
def test_release_killed_while_it_loads_may_be_asked_for_again(rig: Rig) -> None:
    assert rig.command(*RELEASE, METERDROP_CRASH_AT="ingest:judged").returncode == -signal.SIGKILL
    other = rig.command("delivery", "refuse", "2", "--reason", "no")
    assert (other.returncode, b"is being loaded" in other.stderr) == (3, True)

    assert rig.command(*RELEASE).returncode == 1
    is_released(rig)


def told_of(rig: Rig) -> list[Any]:
    """The receipts of the register and of the released delivery, once both are what they must be."""
    receipts = [json.loads(path.read_bytes()) for path in rig.receipts(".result.json")]
    return [one for one in receipts if one["verdict"] in ("accepted", "partly_accepted")]


@pytest.mark.road
def test_poisoned_delivery_is_loaded_once_a_person_retries_it(homes: Homes, tmp_path: Path) -> None:
    made = Rig(tmp_path / "home", homes=homes)
    made.register(METERS)
    path = made.home / "work" / "r.csv"
    path.write_text("\n".join([READINGS_HEADER, *GOOD]) + "\n", encoding="utf-8")
    ingest = ("ingest", "--partner", made.partner, str(path))
    assert made.command(*ingest, METERDROP_CRASH_AT="ingest:judged").returncode == -signal.SIGKILL
    retry = ("delivery", "retry", "2", "--reason", "the program was mended")
    for _ in range(3):
        upload = made.hand_over(b"SerialNum;Value;Unit;Date\n10000;1;m3;2026-10-01\n")
        killed = made.pipeline(METERDROP_CRASH_AT="ingest:judged")
        assert killed.wait(60) == -signal.SIGKILL
    running = made.pipeline()
    made.result(upload)
    wait_for(lambda: all_of_it(made)["state"] == "poisoned" or None, what="a poisoned delivery")
    assert stop(running) == 0
    assert made.command("status").returncode == 1

    assert made.command(*retry).returncode == 0

    told = all_of_it(made)
    assert (told["state"], told["lines"].accepted) == ("accepted", 15)
    assert told["events"].count("delivery.retried") == 1


@pytest.fixture
def corrected(homes: Homes, tmp_path: Path) -> tuple[Rig, bytes, str]:
    """Lines 2 and 3 of delivery 2 wait; the partner's edited rejects file, and its name."""
    made = Rig(tmp_path / "home", homes=homes)
    made.register(METERS)
    path = made.home / "work" / "r.csv"
    path.write_text("\n".join([READINGS_HEADER, *BAD[:2], *GOOD]) + "\n", encoding="utf-8")
    house = made.house()
    house.take_files([path], partner=made.partner, feed=None)
    house.send_receipts()
    house.database.close()
    [rejects] = made.receipts(".rejects.csv")
    return made, rejects.read_bytes().replace(b";x;", b";2;"), rejects.name


@pytest.mark.road
@pytest.mark.parametrize("point", ["publish:rows", "publish:settled"])
def test_correction_killed_before_it_is_stored_ends_no_line(
    corrected: tuple[Rig, bytes, str], point: str
) -> None:
    """The lines it ends and the rows it brings are one transaction."""
    rig, content, name = corrected
    path = rig.home / "work" / name
    path.write_bytes(content)
    before = all_of_it(rig)

    killed = rig.command("ingest", "--partner", rig.partner, str(path), METERDROP_CRASH_AT=point)
    assert killed.returncode == -signal.SIGKILL, "the point was never passed"
    assert all_of_it(rig) == before
    assert before["states"] == ["open", "open"]

    running = rig.pipeline()
    wait_for(lambda: all_of_it(rig)["states"] == ["superseded"] * 2 or None, what="the correction")
    wait_for(lambda: rig.receipts(".rejects.csv") == [] or None, what="the old rejects file to go")
    assert stop(running) == 0
    told = all_of_it(rig)
    assert told["events"].count("quarantine.superseded") == 2
    assert len(told["stored"]) == 17


@pytest.mark.road
@pytest.mark.parametrize(
    ("words", "point"),
    [
        (("quarantine", "dismiss", "--delivery", "2"), "review:settled"),
        (("quarantine", "return", "200000002"), "review:settled"),
        (("quarantine", "fix", "200000002", "Value=2"), "reprocess:settled"),
    ],
    ids=["dismiss", "return", "fix"],
)
def test_reviewers_act_killed_before_it_is_committed_was_never_done(
    corrected: tuple[Rig, bytes, str], words: tuple[str, ...], point: str
) -> None:
    rig, *_ = corrected
    before = all_of_it(rig)
    killed = rig.command(*words, "--reason", "seen", METERDROP_CRASH_AT=point)
    assert killed.returncode == -signal.SIGKILL, "the point was never passed"
    assert all_of_it(rig) == before
    assert rig.command(*words, "--reason", "seen").returncode == 0
    assert all_of_it(rig)["states"] != before["states"]
