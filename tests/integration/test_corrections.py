"""A reading that is corrected goes to the history with who, why and when; the current one is always one."""

import csv
import io
from datetime import UTC, datetime, timedelta

from tests.homes import rows
from tests.integration.command_line import CommandLine


def current(meterdrop: CommandLine) -> list[tuple[str, str]]:
    told = csv.DictReader(io.StringIO(meterdrop.done("readings", "export").out))
    return [(row["date"], row["value"]) for row in told]


def history(meterdrop: CommandLine) -> list[tuple[object, ...]]:
    return rows(
        meterdrop.home,
        "select day, value, delivery, superseded_by, who, why, superseded_at from reading_history order by id",
    )


def test_later_delivery_corrects_and_the_old_value_stays_in_the_history(meterdrop: CommandLine) -> None:
    meterdrop.register("10001")
    meterdrop.ingest("one.csv", "10001;8;m3;2026-10-31", "10001;7;m3;2026-10-30")
    receipt = meterdrop.ingest("two.csv", "10001;9;m3;2026-10-31", "10001;7,0;m3;2026-10-30")

    assert receipt["findings_by_code"] == {"reading.correction": 1, "reading.same-value": 1}
    assert receipt["lines"]["duplicate"] == 1
    assert current(meterdrop) == [("2026-10-30", "7"), ("2026-10-31", "9")]
    [(day, value, delivery, by, who, why, at)] = history(meterdrop)
    assert (day, value, delivery, by) == ("2026-10-31", "8", 2, 3)
    assert (who, why) == ("delivery:000000000003", "reading.correction")
    assert datetime.now(UTC) - datetime.fromisoformat(str(at)) < timedelta(minutes=5)


def test_every_correction_is_kept(meterdrop: CommandLine) -> None:
    meterdrop.register("10001")
    for number in range(1, 5):
        meterdrop.ingest(f"{number}.csv", f"10001;{number};m3;2026-10-31")
    assert current(meterdrop) == [("2026-10-31", "4")]
    assert [row[1] for row in history(meterdrop)] == ["1", "2", "3"]


def test_correction_by_a_reviewer_has_his_name_and_reason(meterdrop: CommandLine) -> None:
    meterdrop.register("10001")
    meterdrop.ingest("one.csv", "10001;3;m3;2026-10-31")
    meterdrop.ingest("two.csv", "10001;x;m3;2026-10-31", "10001;2;m3;2026-10-30", code=1)
    meterdrop.done("quarantine", "fix", "300000002", "--set", "Value=5", "--reason", "photo of the meter")

    assert current(meterdrop) == [("2026-10-30", "2"), ("2026-10-31", "5")]
    [(_, value, _, by, who, why, _)] = history(meterdrop)
    assert (value, by, why) == ("3", 3, "photo of the meter")
    assert str(who).startswith("cli:")


def test_estimate_that_is_not_stored_takes_no_waiting_correction_s_place(meterdrop: CommandLine) -> None:
    """The partner corrected an actual reading and made a slip; what it estimates later is no answer to that."""
    meterdrop.register("10001")
    meterdrop.ingest("one.csv", "10001;3;m3;2026-10-31")
    meterdrop.ingest("two.csv", "10001;x;m3;2026-10-31", "10001;2;m3;2026-10-30", code=1)
    rows = ["SerialNum;Value;Unit;Date;Kind", "10001;4;m3;2026-10-31;ESTIMATE"]
    path = str(meterdrop.write("three.csv", rows))
    [receipt] = meterdrop.document("ingest", "--partner", "anyone", path)

    assert receipt["findings_by_code"] == {"reading.worse-kind": 1}
    assert current(meterdrop) == [("2026-10-30", "2"), ("2026-10-31", "3")]
    assert [one["id"] for one in meterdrop.document("quarantine", "list")] == [300000002]
