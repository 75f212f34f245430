"""Readings beside those stored before: late ones, corrections, exchanges, reviewers and partners of consumption."""

import csv
import io
import random
from itertools import permutations

import pytest

from tests.homes import POSTGRESQL, rows
from tests.integration.command_line import CommandLine

pytestmark = pytest.mark.by_night(POSTGRESQL)

FALLS, TOO_FAST = "reading.below-previous", "reading.implausible-rise"


def stored(meterdrop: CommandLine) -> list[tuple[str, str, str, str]]:
    """Meter, day, value and kind of all current readings."""
    rows = csv.DictReader(io.StringIO(meterdrop.done("readings", "export").out))
    return sorted((row["serial"], row["date"], row["value"], row["kind"]) for row in rows)


def of_one(rows: list[tuple[str, str, str, str]], serial: str) -> list[tuple[str, str, str]]:
    return [row[1:] for row in rows if row[0] == serial]


def codes(receipt: object) -> dict[str, int]:
    assert isinstance(receipt, dict)
    found: dict[str, int] = receipt["findings_by_code"]
    return found


def test_readings_that_rise_are_stored_in_whatever_order_they_come(meterdrop: CommandLine) -> None:
    """One delivery for each day; each order has a meter of its own."""
    days = [("2026-10-01", "5"), ("2026-10-02", "7.5"), ("2026-10-20", "7.5")]
    orders = list(permutations(days))
    meterdrop.register(*(str(1000 + number) for number in range(len(orders))))
    for place in range(len(days)):
        rows = [
            f"{1000 + number};{order[place][1]};m3;{order[place][0]}" for number, order in enumerate(orders)
        ]
        receipt = meterdrop.ingest(f"{place}.csv", *rows)
        assert receipt["lines"]["accepted"] == len(orders)
    found = stored(meterdrop)
    for number in range(len(orders)):
        assert of_one(found, str(1000 + number)) == [(day, value, "RADIO") for day, value in days]


@pytest.mark.parametrize("seed", range(4))
def test_file_cut_in_two_stores_what_it_stores_whole(meterdrop: CommandLine, seed: int) -> None:
    """Where nothing contradicts: one meter gets the file whole, the others its halves, either first."""
    chance = random.Random(seed)  # noqa: S311 - a test's own dice
    meterdrop.register("1", "2", "3")
    value, rows = 0.0, []
    for day in sorted(chance.sample(range(1, 29), 12)):
        value += chance.choice([0, 0.125, 9])
        rows.append(f"{value};m3;2026-10-{day:02}")
    one, other = rows[::2], rows[1::2]
    chance.shuffle(one)
    meterdrop.ingest("whole.csv", *(f"1;{row}" for row in rows))
    meterdrop.ingest("a.csv", *(f"2;{row}" for row in one), *(f"3;{row}" for row in other))
    receipt = meterdrop.ingest("b.csv", *(f"2;{row}" for row in other), *(f"3;{row}" for row in one))
    assert codes(receipt) == {}
    found = stored(meterdrop)
    assert len(of_one(found, "1")) == len(rows)
    assert of_one(found, "1") == of_one(found, "2") == of_one(found, "3")


@pytest.mark.by_day(POSTGRESQL)
def test_same_readings_in_another_file_are_all_duplicates(meterdrop: CommandLine) -> None:
    """Whatever was accepted; what was wrong is wrong again."""
    meterdrop.register("1", "2")
    rows = ["1;5;m3;2026-10-01", "1;4;m3;2026-10-02", "2;9;m3;2026-10-01", "2;9;m3;2026-10-01"]
    first = meterdrop.ingest("a.csv", *rows, code=1)
    before = stored(meterdrop)
    again = meterdrop.ingest("b.csv", *reversed(rows), code=1)
    assert (first["lines"]["accepted"], first["lines"]["duplicate"], first["lines"]["quarantined"]) == (
        2,
        1,
        1,
    )
    assert (again["lines"]["accepted"], again["lines"]["duplicate"], again["lines"]["quarantined"]) == (
        0,
        3,
        1,
    )
    assert codes(again) == {FALLS: 1, "reading.same-value": 3}
    assert stored(meterdrop) == before


@pytest.mark.by_day(POSTGRESQL)
def test_actual_reading_wins_over_an_estimate_in_whatever_order_they_come(meterdrop: CommandLine) -> None:
    """And the estimate is never the current one."""
    meterdrop.register("1", "2")
    estimate, actual = "{};8;m3;2026-10-01;ESTIMATE", "{};7;m3;2026-10-01;VISUAL"
    header = "SerialNum;Value;Unit;Date;Kind"
    for name, told in (
        ("a.csv", [estimate.format(1), actual.format(2)]),
        ("b.csv", [actual.format(1), estimate.format(2)]),
    ):
        path = meterdrop.write(name, [header, *told])
        meterdrop.done("ingest", "--partner", "anyone", str(path))
    assert stored(meterdrop) == [(meter, "2026-10-01", "7", "VISUAL") for meter in ("1", "2")]


def test_message_names_the_reading_beside_which_the_line_is_wrong(meterdrop: CommandLine) -> None:
    """With its value as it was sent, its unit and its day."""
    meterdrop.register("1")
    meterdrop.ingest("a.csv", "1;1310,0;m3;2026-10-30")
    receipt = meterdrop.ingest("b.csv", "1;1204,5;m3;2026-10-31", code=1)
    [found] = receipt["findings"]
    assert (found["code"], found["column"], found["value"]) == (FALLS, "Value", "1204.5")
    assert "„1204.5“ oproti 1310.0 m3 (2026-10-30)" in found["message"]


def test_rise_that_a_reviewer_accepts_is_a_reading_like_any(meterdrop: CommandLine) -> None:
    """What comes later is compared with it."""
    meterdrop.register("1")
    meterdrop.ingest("a.csv", "1;100;m3;2026-10-01")
    receipt = meterdrop.ingest("b.csv", "1;900;m3;2026-10-02", "1;x;m3;2026-10-03", code=1)
    assert codes(receipt)[TOO_FAST] == 1
    line = 100_000_000 * int(receipt["delivery"]) + 2
    meterdrop.done("quarantine", "accept", str(line), "--reason", "a burst pipe")
    later = meterdrop.ingest("c.csv", "1;905;m3;2026-10-04")
    assert codes(later) == {}
    assert of_one(stored(meterdrop), "1")[-1] == ("2026-10-04", "905", "RADIO")
    late = meterdrop.ingest("d.csv", "1;901;m3;2026-10-01", code=1)
    assert codes(late) == {FALLS: 1}, "a correction of the first reading must not be above it"


def test_fall_is_not_a_matter_of_judgement(meterdrop: CommandLine) -> None:
    """A reviewer can correct the line or the other reading, and have an exchange registered."""
    meterdrop.register("1")
    meterdrop.ingest("a.csv", "1;100;m3;2026-10-01")
    receipt = meterdrop.ingest("b.csv", "1;9;m3;2026-10-02", "1;x;m3;2026-10-03", code=1)
    line = 100_000_000 * int(receipt["delivery"]) + 2
    assert FALLS in meterdrop.refused("quarantine", "accept", str(line), "--reason", "looks fine")


def test_consumption_is_marked_and_never_compared_with_states(meterdrop: CommandLine) -> None:
    """The partner's profile changed from states to consumption; the export's columns are the same."""
    meterdrop.register("1")
    meterdrop.ingest("a.csv", "1;100;m3;2026-10-01")
    profile = meterdrop.home / "schemas" / "partners" / "anyone.yaml"
    profile.parent.mkdir(parents=True, exist_ok=True)
    profile.write_text(
        "partner: anyone\nname: Anyone\ngroup: 2\nfeeds: {readings: {value_kind: delta}, devices: {}}\n",
        encoding="utf-8",
    )
    receipt = meterdrop.ingest("b.csv", "1;5;m3;2026-10-02", "1;3;m3;2026-10-03")
    assert codes(receipt) == {}
    profile.unlink()
    receipt = meterdrop.ingest("c.csv", "1;101;m3;2026-10-04", "1;99;m3;2026-10-05", code=1)
    assert codes(receipt) == {FALLS: 1}
    found = rows(meterdrop.home, "select day, value, delta from reading order by day")
    assert found == [
        ("2026-10-01", "100", 0),
        ("2026-10-02", "5", 1),
        ("2026-10-03", "3", 1),
        ("2026-10-04", "101", 0),
    ]
    assert [row[2] for row in stored(meterdrop)] == ["100", "5", "3", "101"]


@pytest.mark.by_day(POSTGRESQL)
def test_corrected_neighbour_makes_room_for_the_line_that_was_wrong_beside_it(meterdrop: CommandLine) -> None:
    """In the same delivery: both are judged with each other, not with what is corrected."""
    meterdrop.register("1")
    meterdrop.ingest("a.csv", "1;5000;m3;2026-10-30")
    receipt = meterdrop.ingest("b.csv", "1;51;m3;2026-10-31", "1;50;m3;2026-10-30")
    assert codes(receipt) == {"reading.correction": 1}
    assert [value for _, value, _ in of_one(stored(meterdrop), "1")] == ["50", "51"]
