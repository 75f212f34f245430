"""The reviewer's commands, and `reprocess`: every act has a reason, is in the audit, and tells the partner anew."""

import csv
import io
import json
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from meterdrop.bootstrap import House
from meterdrop.dispatch.locks import FileLocks
from meterdrop.settings import read_settings
from tests.homes import POSTGRESQL, Homes
from tests.integration.command_line import READINGS_HEADER, REGISTER_HEADER, CommandLine

pytestmark = pytest.mark.by_night(POSTGRESQL)

LINE = "200000002"
"""The quarantine's number of line 2 of delivery 2."""


@pytest.fixture
def bad_line(bare: CommandLine, homes: Homes, furnished_home: Path) -> CommandLine:
    """Line 2 of r.csv, quarantined as number 200000002, has no number in Value; line 3 is a reading."""
    rows = ["10001;CHYBA;m3;2026-10-31", "10001;1;m3;2026-10-30"]
    load = partial(loaded, homes=homes, furnished=furnished_home, rows=rows)
    homes.copy(homes.kept("bad-line", load), bare.home)
    return bare


@pytest.fixture
def unknown_meter(bare: CommandLine, homes: Homes, furnished_home: Path) -> CommandLine:
    """Lines 2 and 3 of r.csv are of meters 10002 and 10003, which nobody registered; line 4 is a reading."""
    rows = [f"1000{number};{number};m3;2026-10-31" for number in (2, 3, 1)]
    load = partial(loaded, homes=homes, furnished=furnished_home, rows=rows)
    homes.copy(homes.kept("unknown-meter", load), bare.home)
    return bare


def loaded(home: Path, *, homes: Homes, furnished: Path, rows: list[str]) -> None:
    """Makes a home with the meter 10001 registered and r.csv ingested."""
    place = home.parent
    homes.copy(furnished, home)
    register = [REGISTER_HEADER, "2026-01-01;A-10001;m3;hall;CW;10001;-;1;2024-01-01;1"]
    house = House(settings=read_settings(home), today_is=date(2026, 11, 24))
    for name, lines in (("register.csv", register), ("r.csv", [READINGS_HEADER, *rows])):
        (place / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
        house.take_files([place / name], partner="anyone", feed=None)
    house.database.close()


def stored(meterdrop: CommandLine) -> list[tuple[str, str]]:
    rows = csv.DictReader(io.StringIO(meterdrop.done("readings", "export").out))
    return [(row["date"], row["value"]) for row in rows]


def events(meterdrop: CommandLine, delivery: str = "2") -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = meterdrop.document("delivery", "show", delivery)["events"]
    return told


def result(meterdrop: CommandLine, file: str = "r.csv") -> dict[str, Any]:
    [path] = [one for one in meterdrop.receipts(".result.json") if one.name.startswith(file)]
    told: dict[str, Any] = json.loads(path.read_bytes())
    return told


def test_quarantine_is_listed_with_cells_and_reasons(bad_line: CommandLine) -> None:
    [line] = bad_line.document("quarantine", "list")
    assert line["cells"] == {"SerialNum": "10001", "Value": "CHYBA", "Unit": "m3", "Date": "2026-10-31"}
    assert line["raw"] == "10001;CHYBA;m3;2026-10-31"
    assert (line["line"], line["state"], line["file"]) == (2, "open", "r.csv")
    assert [finding["code"] for finding in line["findings"]] == ["value.not-a-number"]
    assert bad_line.document("quarantine", "show", LINE) == line
    assert "CHYBA" in bad_line.done("quarantine", "list").out
    assert "value.not-a-number" in bad_line.done("quarantine", "show", LINE).out


@pytest.mark.parametrize(
    ("words", "count"),
    [
        (("--partner", "anyone"), 1),
        (("--delivery", "2"), 1),
        (("--delivery", "1"), 0),
        (("--code", "value.not-a-number"), 1),
        (("--code", "unit.unknown"), 0),
        (("--state", "dismissed"), 0),
        (("--state", "all"), 1),
    ],
)
def test_quarantine_is_listed_by_what_is_asked(
    bad_line: CommandLine, words: tuple[str, ...], count: int
) -> None:
    assert len(bad_line.document("quarantine", "list", *words)) == count
    assert len(bad_line.document("quarantine", "export", *words)) == count


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("list", "--code", "value.nope"), "there is no finding code 'value.nope'"),
        (("list", "--state", "lost"), "'lost' is no state of a line"),
        (("list", "--delivery", "77"), "there is no delivery '77'"),
        (("show", "77"), "there is no quarantined line 77"),
        (("show", "x"), "'x' is not the number of a quarantined line"),
        (("dismiss", "77", "--reason", "r"), "there is no quarantined line 77"),
        (
            ("fix", LINE, "--set", "Stav=1", "--reason", "r"),
            "no such heading: Stav. The file has: SerialNum, Value",
        ),
        (("fix", LINE, "--set", "Value", "--reason", "r"), "write HEADING=CELL"),
        (("fix", LINE, "--set", "Value=1\n2", "--reason", "r"), "may not hold a line end"),
        (("fix", LINE, "--set", "Value=1"), "Missing option '--reason'"),
        (("dismiss", LINE, "--reason", "  "), "give a reason"),
        (("accept", LINE, "--reason", "r"), "value.not-a-number is not a matter of judgement"),
    ],
)
def test_act_that_can_not_be_is_told_and_changes_nothing(
    bad_line: CommandLine, words: tuple[str, ...], said: str
) -> None:
    before = events(bad_line)
    assert said in bad_line.refused("quarantine", *words)
    assert events(bad_line) == before
    assert bad_line.document("quarantine", "show", LINE)["state"] == "open"


def test_line_fixed_becomes_a_reading_and_the_receipt_says_so(bad_line: CommandLine) -> None:
    told = bad_line.document("quarantine", "fix", LINE, "--set", "Value=12,50", "--reason", "read on site")

    assert told["outcome"] == "corrected"
    assert told["line"]["reading"]["date"] == "2026-10-31"
    assert told["line"]["reason"] == "read on site"
    assert told["line"]["resolved_by"].startswith("cli:")
    assert stored(bad_line) == [("2026-10-30", "1"), ("2026-10-31", "12.50")]
    receipt = result(bad_line)
    assert (receipt["verdict"], receipt["lines"]["accepted"], receipt["lines"]["quarantined"]) == (
        "accepted",
        2,
        0,
    )
    assert (receipt["findings_total"], receipt["rejects_file"], receipt["revision"]) == (0, None, 2)
    assert bad_line.receipts(".rejects.csv") == [], "there is nothing left to send again"
    assert [(one["what"], one["line"], one["why"]) for one in events(bad_line)][-2:] == [
        ("quarantine.corrected", 2, "read on site"),
        ("delivery.accepted", None, None),
    ]


def test_fix_that_is_still_wrong_stores_nothing_and_says_what_is_wrong(bad_line: CommandLine) -> None:
    told = bad_line.document("quarantine", "fix", LINE, "--set", "Value=-1", "--reason", "r", code=1)
    assert told["outcome"] == "still-failing"
    assert [finding["code"] for finding in told["findings"]] == ["value.negative"]
    assert told["line"]["state"] == "open"
    assert told["line"]["raw"] == "10001;CHYBA;m3;2026-10-31"
    assert (
        "value.negative"
        in bad_line.done("quarantine", "fix", LINE, "--set", "Value=-1", "--reason", "r", code=1).out
    )
    assert stored(bad_line) == [("2026-10-30", "1")]


def test_line_is_ended_once(bad_line: CommandLine) -> None:
    bad_line.done("quarantine", "dismiss", LINE, "--reason", "a test line")
    for act in (("dismiss",), ("return",), ("accept",), ("fix", "--set", "Value=1")):
        assert "is dismissed already" in bad_line.refused(
            "quarantine", act[0], LINE, *act[1:], "--reason", "r"
        )


@pytest.mark.parametrize(
    ("act", "state", "rejects"),
    [("dismiss", "dismissed", 0), ("return", "returned", 1)],
    ids=["dismiss", "return"],
)
def test_dismissed_line_leaves_the_rejects_file_and_a_returned_one_stays(
    bad_line: CommandLine, act: str, state: str, rejects: int
) -> None:
    told = bad_line.document("quarantine", act, LINE, "--reason", "so it is")
    assert told["outcome"] == state
    assert told["line"]["reason"] == "so it is"
    assert len(bad_line.receipts(".rejects.csv")) == rejects
    receipt = result(bad_line)
    assert receipt["lines"]["quarantined"] == 1, "the line law: the line is where it was"
    assert (receipt["rejects_file"] is not None) == bool(rejects)
    ended = next(one for one in events(bad_line) if one["what"] == f"quarantine.{state}")
    assert (ended["line"], ended["why"], ended["before"], ended["after"]) == (
        2,
        "so it is",
        {"state": "open"},
        {"state": state},
    )


def test_soft_rule_may_be_overruled_with_a_reason(meterdrop: CommandLine) -> None:
    register = [REGISTER_HEADER, "2026-01-01;A;m3;hall;CW;10001;-;1;2015-01-01;1"]
    meterdrop.done("ingest", "--partner", "anyone", str(meterdrop.write("register.csv", register)))
    meterdrop.ingest("r.csv", "10001;1;m3;2020-10-31", "10001;2;m3;2026-10-31", code=1)

    told = meterdrop.document("quarantine", "accept", LINE, "--reason", "from the archive")

    assert told["outcome"] == "accepted"
    assert [(one["code"], one["severity"]) for one in told["line"]["findings"]] == [
        ("date.too-old", "warning")
    ]
    assert stored(meterdrop) == [("2020-10-31", "1"), ("2026-10-31", "2")]


def test_export_for_people_runs_no_formula(meterdrop: CommandLine) -> None:
    meterdrop.register("10001")
    rows = ["=cmd|' /C calc'!A0;1;m3;2026-10-31", "10001;-5;m3;2026-10-30", "+1;@SUM(A1);m3;2026-10-29"]
    meterdrop.ingest("r.csv", *rows, code=1)
    lines = list(csv.DictReader(io.StringIO(meterdrop.done("quarantine", "export").out)))

    assert [line["text"] for line in lines] == [
        "'=cmd|' /C calc'!A0;1;m3;2026-10-31",
        "10001;-5;m3;2026-10-30",
        "+1;'@SUM(A1);m3;2026-10-29",
    ]
    out = meterdrop.files / "quarantine.csv"
    assert "3 line(s) written" in meterdrop.done("quarantine", "export", "--output", str(out)).out
    assert list(csv.DictReader(out.open(encoding="utf-8", newline=""))) == lines


def test_rejects_sent_back_name_their_parent_and_lose_our_columns(bad_line: CommandLine) -> None:
    [rejects] = bad_line.receipts(".rejects.csv")
    header, line = rejects.read_text(encoding="utf-8").splitlines()
    assert header == f"{READINGS_HEADER};_line;_code;_column;_message"
    assert line.startswith('10001;CHYBA;m3;2026-10-31;2;value.not-a-number;"Value";"')

    edited = bad_line.write(rejects.name, [header, line.replace("CHYBA", "4,5")])
    [receipt] = bad_line.document("ingest", "--partner", "anyone", str(edited))

    assert (receipt["verdict"], receipt["parent"]) == ("accepted", "000000000002")
    assert stored(bad_line) == [("2026-10-30", "1"), ("2026-10-31", "4.5")]


def test_rejects_of_rejects_have_our_columns_once(bad_line: CommandLine) -> None:
    [rejects] = bad_line.receipts(".rejects.csv")
    header, line = rejects.read_text(encoding="utf-8").splitlines()
    edited = bad_line.write(rejects.name, [header, line.replace("CHYBA", "OMYL")])
    [receipt] = bad_line.document("ingest", "--partner", "anyone", str(edited), code=1)

    again = bad_line.home / "receipts" / "anyone" / receipt["rejects_file"]
    lines = again.read_text(encoding="utf-8").splitlines()
    assert lines[0] == f"{READINGS_HEADER};_line;_code;_column;_message"
    assert lines[1].startswith('10001;OMYL;m3;2026-10-31;2;value.not-a-number;"Value";"')
    assert lines[1].count("value.not-a-number") == 1


def test_reprocess_accepts_lines_whose_meter_came(unknown_meter: CommandLine) -> None:
    assert unknown_meter.document("reprocess")["deliveries"] == [], "nothing has changed"
    unknown_meter.register("10001", "10002", name="grown.csv")

    told = unknown_meter.document("reprocess")

    assert (told["accepted"], told["still_failing"], told["dry_run"]) == (1, 0, False)
    [accepted] = unknown_meter.document("quarantine", "list", "--state", "accepted")
    assert accepted["reading"]["date"] == "2026-10-31"
    assert accepted["resolved_by"] == "reprocess"
    assert stored(unknown_meter) == [("2026-10-31", "1"), ("2026-10-31", "2")]
    receipt = result(unknown_meter)
    assert (receipt["verdict"], receipt["lines"]["accepted"], receipt["lines"]["quarantined"]) == (
        "partly_accepted",
        2,
        1,
    )
    [rejects] = unknown_meter.receipts(".rejects.csv")
    assert "10003" in rejects.read_text(encoding="utf-8")
    assert "10002;" not in rejects.read_text(encoding="utf-8")
    assert unknown_meter.document("reprocess")["deliveries"] == [], (
        "what was tried and stayed is not tried again"
    )


def test_dry_run_tells_what_would_be_and_stores_nothing(unknown_meter: CommandLine) -> None:
    unknown_meter.register("10002", name="grown.csv")
    before = (stored(unknown_meter), events(unknown_meter), result(unknown_meter))

    told = unknown_meter.document("reprocess", "--dry-run")
    assert (told["accepted"], told["still_failing"], told["dry_run"]) == (1, 0, True)
    assert "would accept 1" in unknown_meter.done("reprocess", "--dry-run").out

    assert (stored(unknown_meter), events(unknown_meter), result(unknown_meter)) == before
    assert len(unknown_meter.document("quarantine", "list")) == 2
    assert unknown_meter.document("reprocess")["accepted"] == 1, "a dry run is no try"


@pytest.mark.parametrize(
    ("words", "deliveries"),
    [
        (("--partner", "anyone"), 1),
        (("--feed", "readings"), 1),
        (("--feed", "devices"), 0),
        (("--delivery", "2"), 1),
        (("--code", "reading.device-not-in-register"), 1),
        (("--code", "unit.unknown"), 0),
        (("--since", "2026-01-01"), 1),
        (("--since", "2099-01-01"), 0),
    ],
)
def test_reprocess_tries_what_is_asked(
    unknown_meter: CommandLine, words: tuple[str, ...], deliveries: int
) -> None:
    unknown_meter.register("10002", "10003", name="grown.csv")
    assert len(unknown_meter.document("reprocess", *words)["deliveries"]) == deliveries


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--feed", "readngs"), "There is no feed 'readngs'"),
        (("--code", "nope"), "there is no finding code 'nope'"),
        (("--delivery", "77"), "there is no delivery '77'"),
        (("--since", "yesterday"), "'yesterday' is not a day"),
    ],
)
def test_reprocess_of_what_is_not_there_is_told(
    meterdrop: CommandLine, words: tuple[str, ...], said: str
) -> None:
    assert said in meterdrop.refused("reprocess", *words)


def test_second_reprocess_at_once_ends_with_three(unknown_meter: CommandLine) -> None:
    with FileLocks(unknown_meter.home / "locks").hold("reprocess", wait=0):
        assert "another process is at it" in unknown_meter.refused("reprocess", code=3)
    unknown_meter.done("reprocess")


def test_line_cut_short_does_not_pass_for_whole_when_judged_again(meterdrop: CommandLine) -> None:
    """Of a line that is too long only the beginning is kept; cut there it could be a good one."""
    meterdrop.register("10001")
    path = meterdrop.write(
        "r.csv",
        [f"{READINGS_HEADER};Note", f"10001;1;m3;2026-10-31;{'x' * 100_000}", "10001;2;m3;2026-10-30;"],
    )
    meterdrop.done("ingest", "--partner", "anyone", str(path), code=1)

    told = meterdrop.document("reprocess", "--delivery", "2", code=1)

    assert (told["accepted"], told["still_failing"]) == (0, 1)
    assert stored(meterdrop) == [("2026-10-30", "2")]
    assert "only the beginning is kept" in meterdrop.refused(
        "quarantine", "fix", LINE, "--set", "Note=", "--reason", "shorter"
    )


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1250"])
def test_line_of_any_encoding_can_be_fixed(meterdrop: CommandLine, encoding: str) -> None:
    meterdrop.register("10001")
    path = meterdrop.write(
        "r.csv",
        ["Výrobní číslo;Stav;Jednotka;Datum", "10001;žádný;m3;31.10.2026", "10001;1;m3;30.10.2026"],
        encoding=encoding,
    )
    meterdrop.done("ingest", "--partner", "anyone", str(path), code=1)
    [line] = meterdrop.document("quarantine", "list")
    assert line["cells"]["Stav"] == "žádný"
    meterdrop.done("quarantine", "fix", LINE, "--set", "Stav=2,5", "--reason", "r")
    assert stored(meterdrop) == [("2026-10-30", "1"), ("2026-10-31", "2.5")]


def test_register_line_fixed_does_not_end_the_other_devices(meterdrop: CommandLine) -> None:
    """A register file is a full snapshot; one line of it, judged again, is not."""
    header = "Date;Location;TypeUnit;Room;Media;SerialNumber;RadioNumber;Seq;DateFrom;Correction"
    rows = [
        f"2026-01-01;A{n};m3;hall;CW;1000{n};-;1;2024-01-01;{c}" for n, c in ((1, "1"), (2, "0"), (3, "1"))
    ]
    path = meterdrop.write("register.csv", [header, *rows])
    meterdrop.done("ingest", "--partner", "anyone", str(path), code=1)
    meterdrop.done("quarantine", "fix", "100000003", "--set", "Correction=1", "--reason", "a slip")
    told = meterdrop.document("devices", "export")
    assert [(one["serial"], one["installed_to"]) for one in told] == [
        ("10001", None),
        ("10002", None),
        ("10003", None),
    ]
