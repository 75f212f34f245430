"""Files in by command, receipts and exports out."""

import csv
import io
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.homes import POSTGRESQL
from tests.integration.command_line import READINGS_HEADER, CommandLine

pytestmark = pytest.mark.by_night(POSTGRESQL)

RECEIPT = (
    "receipt delivery upload partner feed file bytes sha256 received_at finished_at verdict lines findings_total "
    "findings_by_code findings rules duplicate_of parent rejects_file"
)
LINES = "physical header accepted quarantined duplicate blank comment continuation"
READINGS = "partner,serial,date,value,unit,canonical_value,canonical_unit,kind,estimated,delivery,line"


@pytest.mark.by_day(POSTGRESQL)
def test_ingest_prints_one_receipt_a_file_with_all_the_contract_names(meterdrop: CommandLine) -> None:
    meterdrop.register("10001")
    good = meterdrop.write("good.csv", [READINGS_HEADER, "10001;1;m3;2026-10-31"])
    bad = meterdrop.write("bad.csv", [READINGS_HEADER, "10001;CHYBA;m3;2026-10-30", "10001;2;m3;2026-11-01"])

    first, second = meterdrop.document("ingest", "--partner", "anyone", str(good), str(bad), code=1)

    assert set(RECEIPT.split()) <= set(first)
    assert set(first["lines"]) == set(LINES.split())
    assert (first["verdict"], second["verdict"]) == ("accepted", "partly_accepted")
    assert len(first["delivery"]) == 12
    assert second["findings_by_code"] == {"value.not-a-number": 1}
    [finding] = second["findings"]
    assert (finding["line"], finding["column"], finding["value"], finding["severity"]) == (
        2,
        "Value",
        "CHYBA",
        "error",
    )
    assert finding["message"]
    assert finding["fix"]
    assert second["rejects_file"] in [path.name for path in meterdrop.receipts(".rejects.csv")]


def test_ingest_shows_people_what_is_wrong(meterdrop: CommandLine) -> None:
    path = meterdrop.write("bad.csv", [READINGS_HEADER, "10001;1;m3;2026-10-31"])
    answer = meterdrop.done("ingest", "--partner", "anyone", str(path), code=1)
    assert "reading.device-not-in-register" in answer.out
    assert "quarantined" in answer.out


def test_hostile_names_and_cells_neither_break_nor_colour_a_table(meterdrop: CommandLine) -> None:
    """Square brackets are markup to rich, and escape codes steer a terminal."""
    path = meterdrop.write(
        "[x] [red].csv", [READINGS_HEADER, r"10001;\[/bold];m3;2026-10-31", "1;\x1b[31m;m3;2026-10-31"]
    )
    answer = meterdrop.done("ingest", "--partner", "anyone", "--feed", "readings", str(path), code=1)
    listed = meterdrop.done("quarantine", "list").out
    assert "[x] [red].csv" in answer.out
    assert r"\[/bold]" in listed
    assert "\x1b" not in answer.out + listed
    assert r"\[/bold]" in meterdrop.done("quarantine", "show", "100000002").out


@pytest.mark.parametrize("name", ["nowhere.csv", "folder"])
def test_file_that_is_none_is_told_and_nothing_is_loaded(meterdrop: CommandLine, name: str) -> None:
    (meterdrop.files / "folder").mkdir()
    good = meterdrop.write("good.csv", [READINGS_HEADER, "1;1;m3;2026-10-31"])
    said = meterdrop.refused("ingest", "--partner", "anyone", str(good), str(meterdrop.files / name))
    assert name in said
    assert meterdrop.document("deliveries") == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_file_without_the_right_to_read_it_is_told(meterdrop: CommandLine) -> None:
    path = meterdrop.write("secret.csv", ["x"])
    path.chmod(0)
    assert "secret.csv" in meterdrop.refused("ingest", "--partner", "anyone", str(path))
    assert meterdrop.document("deliveries") == []


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="Linux only")
def test_file_that_fails_while_it_is_read_is_told(meterdrop: CommandLine) -> None:
    assert "Input/output error" in meterdrop.refused("ingest", "--partner", "anyone", "/proc/self/mem")
    assert list((meterdrop.home / "work").iterdir()) == []


def test_unknown_partner_and_feed_are_told_before_anything_is_kept(meterdrop: CommandLine) -> None:
    path = str(meterdrop.write("a.csv", [READINGS_HEADER]))
    assert "partner add nobody" in meterdrop.refused("ingest", "--partner", "nobody", path)
    assert "There is no feed 'readngs'" in meterdrop.refused(
        "ingest", "--partner", "anyone", "--feed", "readngs", path
    )
    assert [one for one in (meterdrop.home / "originals").rglob("*") if one.is_file()] == []


@pytest.mark.by_day(POSTGRESQL)
def test_same_bytes_are_a_duplicate_for_the_same_partner_only(meterdrop: CommandLine) -> None:
    meterdrop.done("partner", "add", "other", "--group", "2")
    for number, partner in enumerate(("anyone", "other")):
        meterdrop.register("10001", name=f"register-{number}.csv", partner=partner)
    row = "10001;1;m3;2026-10-31"

    first = meterdrop.ingest("r.csv", row)
    again = meterdrop.ingest("other-name.csv", row)
    others = meterdrop.ingest("r.csv", row, partner="other")

    assert (again["verdict"], again["duplicate_of"]) == ("duplicate", first["delivery"])
    assert again["lines"]["duplicate"] == 1
    assert others["verdict"] == "accepted"
    assert len(list(csv.DictReader(io.StringIO(meterdrop.done("readings", "export").out)))) == 2


def test_bytes_that_were_refused_are_no_duplicate_when_they_come_again(meterdrop: CommandLine) -> None:
    path = str(meterdrop.write("what.csv", ["Foo;Bar", "1;2"]))
    [first] = meterdrop.document("ingest", "--partner", "anyone", path, code=1)
    [second] = meterdrop.document("ingest", "--partner", "anyone", path, code=1)
    assert [first["verdict"], second["verdict"]] == ["refused", "refused"]


@pytest.mark.by_day(POSTGRESQL)
def test_deliveries_are_listed_by_partner_and_state(meterdrop: CommandLine) -> None:
    meterdrop.register("10001")
    meterdrop.ingest("r.csv", "10001;x;m3;2026-10-31", "10001;1;m3;2026-10-30", code=1)
    both = meterdrop.document("deliveries", "--partner", "anyone")
    assert [one["state"] for one in both] == ["partly_accepted", "accepted"], "the newest first"
    [partly] = meterdrop.document("deliveries", "--state", "partly_accepted")
    assert partly["file"] == "r.csv"
    assert meterdrop.document("deliveries", "--state", "held") == []
    assert len(meterdrop.document("deliveries", "--limit", "1")) == 1
    assert "'lost' is no state" in meterdrop.refused("deliveries", "--state", "lost")
    assert "register.csv" in meterdrop.done("deliveries").out


def test_delivery_is_shown_by_number_and_by_upload(meterdrop: CommandLine) -> None:
    meterdrop.register("10001")
    [listed] = meterdrop.document("deliveries")
    by_number = meterdrop.document("delivery", "show", listed["delivery"])
    assert meterdrop.document("delivery", "show", "1") == by_number
    assert meterdrop.document("delivery", "show", listed["upload"]) == by_number
    assert by_number["receipt"]["verdict"] == "accepted"
    assert [event["what"] for event in by_number["events"]] == ["delivery.finished", "delivery.accepted"]
    assert "What was done" in meterdrop.done("delivery", "show", "1").out
    assert "there is no delivery '77': see `meterdrop deliveries`" in meterdrop.refused(
        "delivery", "show", "77"
    )


@pytest.mark.by_day(POSTGRESQL)
def test_readings_come_out_as_sent_but_with_a_decimal_point(meterdrop: CommandLine) -> None:
    """No digit is lost or made up: not by floats, not by trailing zeros."""
    meterdrop.register("10001", "10002", "10003")
    meterdrop.ingest(
        "r.csv",
        "10001;1 204,50;m3;2026-10-31",
        "10001;1203,1;m3;2026-10-30",
        "10002;123456789.123456;m3;31.10.2026",
        "10003;007;l;2026-10-30",
    )
    rows = list(csv.DictReader(io.StringIO(meterdrop.done("readings", "export").out)))

    assert ",".join(rows[0]) == READINGS
    assert [(row["serial"], row["date"], row["value"], row["unit"]) for row in rows] == [
        ("10001", "2026-10-30", "1203.1", "m3"),
        ("10001", "2026-10-31", "1204.50", "m3"),
        ("10002", "2026-10-31", "123456789.123456", "m3"),
        ("10003", "2026-10-30", "007", "l"),
    ]
    assert [(row["canonical_value"], row["canonical_unit"]) for row in rows] == [
        ("1203.1", "m3"),
        ("1204.5", "m3"),
        ("123456789.123456", "m3"),
        ("0.007", "m3"),
    ]
    assert [(row["kind"], row["estimated"], row["line"]) for row in rows][:2] == [
        ("RADIO", "0", "3"),
        ("RADIO", "0", "2"),
    ]


@pytest.mark.by_day(POSTGRESQL)
def test_readings_of_some_days_only(meterdrop: CommandLine) -> None:
    meterdrop.register("10001")
    meterdrop.ingest("r.csv", *[f"10001;{day};m3;2026-10-{day}" for day in range(10, 20)])
    some = meterdrop.document("readings", "export", "--from", "2026-10-12", "--to", "2026-10-13")
    assert [(row["date"], row["canonical_value"]) for row in some] == [
        ("2026-10-12", "12"),
        ("2026-10-13", "13"),
    ]
    assert set(some[0]) == set(READINGS.split(","))


@pytest.mark.by_day(POSTGRESQL)
def test_readings_as_parquet_have_the_same_columns_and_exact_values(meterdrop: CommandLine) -> None:
    meterdrop.register("10001")
    meterdrop.ingest("r.csv", "10001;0,1;l;2026-10-31")
    out = meterdrop.files / "readings.parquet"
    meterdrop.done("readings", "export", "--format", "parquet", "--output", str(out))
    table = pq.read_table(out)
    assert ",".join(table.column_names) == READINGS
    [row] = table.to_pylist()
    assert (row["value"], row["canonical_value"]) == ("0.1", Decimal("0.0001"))


def test_export_of_nothing_is_a_header(meterdrop: CommandLine) -> None:
    assert meterdrop.done("readings", "export").out == READINGS + "\n"
    out = meterdrop.files / "none.parquet"
    meterdrop.done("readings", "export", "--format", "parquet", "--output", str(out))
    assert pq.read_table(out).num_rows == 0
    assert meterdrop.document("readings", "export") == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--format", "parquet"), "--output readings.parquet"),
        (("--format", "xlsx"), "csv or parquet"),
        (("--from", "31.10.2026"), "write it as 2026-11-30"),
        (("--to", "2026-02-30"), "is not a day"),
        (("--output", "nowhere/at/all.csv"), "nowhere/at/all.csv: No such file or directory"),
    ],
)
def test_export_that_can_not_be_is_told(meterdrop: CommandLine, words: tuple[str, ...], said: str) -> None:
    assert said in meterdrop.refused("readings", "export", *words)


@pytest.mark.by_day(POSTGRESQL)
def test_register_comes_out_as_it_stands(meterdrop: CommandLine) -> None:
    meterdrop.register("10002", "10001")
    rows = list(csv.DictReader(io.StringIO(meterdrop.done("devices", "export").out)))
    assert [
        (row["serial"], row["media"], row["unit"], row["installed_from"], row["correction"]) for row in rows
    ] == [
        ("10001", "CW", "m3", "2024-01-01", "1"),
        ("10002", "CW", "m3", "2024-01-01", "1"),
    ]
    told = meterdrop.document("devices", "export")
    assert [row["serial"] for row in told] == ["10001", "10002"]
    assert told[0]["installed_to"] is None


def test_reader_that_goes_away_makes_no_noise(meterdrop: CommandLine) -> None:
    meterdrop.register("10001")
    meterdrop.ingest("r.csv", *[f"10001;{day};m3;2026-10-{day}" for day in range(10, 30)])
    exporting = subprocess.Popen(
        [sys.executable, "-m", "meterdrop", "--home", str(meterdrop.home), "readings", "export"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert exporting.stdout is not None
    exporting.stdout.close()
    assert exporting.stderr is not None
    assert exporting.stderr.read() == b""
    assert exporting.wait(30) in (0, 1)
