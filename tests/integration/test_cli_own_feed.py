"""A site's own feeds and profiles, without Python; and commands that help to write them."""

import csv
import io

import pytest

from tests.homes import POSTGRESQL
from tests.integration.command_line import READINGS_HEADER, CommandLine

pytestmark = pytest.mark.by_night(POSTGRESQL)

FEED = """\
feed: boiler_log
target: records
note: What the stoker wrote down.
hold_above: {share: 0.5, lines: 20}
columns:
  No:
    type: integer
    mandatory: true
    filled: true
    aliases: [Číslo]
  Day:
    type: day
    mandatory: true
    filled: true
    aliases: [Dne]
  Pressure:
    type: decimal
    aliases: [Tlak]
    checks:
      - {check: in_range, min_value: 0, max_value: 10, code: value.out-of-range}
  Remark:
    type: text
    aliases: [Pozn.]
"""


@pytest.fixture
def site(meterdrop: CommandLine) -> CommandLine:
    meterdrop.write("../home/schemas/feeds/boiler_log.yaml", FEED.splitlines())
    return meterdrop


def test_feed_of_the_site_works_at_once(site: CommandLine) -> None:
    assert site.document("check")["problems"] == []
    path = site.write(
        "log.csv", ["Číslo;Dne;Tlak;Pozn.", "1;31.10.2026;1,50;čistota", "2;1.11.2026;12;", "x;2.11.2026;;"]
    )

    [receipt] = site.document("ingest", "--partner", "anyone", "--feed", "boiler_log", str(path), code=1)

    assert (receipt["feed"], receipt["verdict"]) == ("boiler_log", "partly_accepted")
    assert receipt["findings_by_code"] == {"value.not-a-number": 1, "value.out-of-range": 1}
    rows = list(csv.DictReader(io.StringIO(site.done("records", "export", "--feed", "boiler_log").out)))
    assert rows == [
        {
            "partner": "anyone",
            "delivery": "1",
            "line": "2",
            "No": "1",
            "Day": "2026-10-31",
            "Pressure": "1.50",
            "Remark": "čistota",
        }
    ]
    [document] = site.document("records", "export", "--feed", "boiler_log", "--partner", "anyone")
    assert document["Remark"] == "čistota"


def test_rejects_of_an_own_feed_are_reviewed_like_all_others(site: CommandLine) -> None:
    path = site.write("log.csv", ["No;Day;Pressure", "1;2026-10-31;1", "2;2026-11-01;12"])
    site.done("ingest", "--partner", "anyone", "--feed", "boiler_log", str(path), code=1)
    site.done("quarantine", "fix", "100000003", "--set", "Pressure=1.2", "--reason", "a slip of the pen")
    rows = csv.DictReader(io.StringIO(site.done("records", "export", "--feed", "boiler_log").out))
    assert [(row["No"], row["Pressure"]) for row in rows] == [("1", "1"), ("2", "1.2")]


def test_own_feed_is_found_by_its_headings(site: CommandLine) -> None:
    path = site.write("log.csv", ["No;Day;Pressure;Remark", "1;2026-10-31;1;"])
    [receipt] = site.document("ingest", "--partner", "anyone", str(path))
    assert receipt["feed"] == "boiler_log"


@pytest.mark.parametrize(
    ("feed", "said"),
    [
        ("boiler", "There is no feed 'boiler'. The feeds are: boiler_log"),
        ("readings", "`meterdrop readings export`"),
        ("devices", "`meterdrop devices export`"),
    ],
)
def test_records_of_a_feed_that_has_none_are_told(site: CommandLine, feed: str, said: str) -> None:
    assert said in site.refused("records", "export", "--feed", feed)


def test_records_of_an_empty_feed_are_a_header(site: CommandLine) -> None:
    out = site.done("records", "export", "--feed", "boiler_log").out
    assert out == "partner,delivery,line,No,Day,Pressure,Remark\n"


def test_quarantine_outlives_the_feed_it_came_by(site: CommandLine) -> None:
    """The site took its feed away: its lines can still be looked at, and others reprocessed."""
    path = site.write("log.csv", ["No;Day;Pressure", "1;2026-10-31;1", "2;2026-11-01;12"])
    site.done("ingest", "--partner", "anyone", "--feed", "boiler_log", str(path), code=1)
    site.register("10001")
    site.ingest("r.csv", "10002;1;m3;2026-10-31", "10001;1;m3;2026-10-31", code=1)
    (site.home / "schemas" / "feeds" / "boiler_log.yaml").unlink()
    site.register("10002", name="grown.csv")

    first, _ = site.document("quarantine", "list")
    assert first["cells"] == {"No": "2", "Day": "2026-11-01", "Pressure": "12"}, "by its own header"
    told = site.document("reprocess", code=1)
    assert (told["accepted"], told["still_failing"]) == (1, 1)


def test_profile_tried_shows_the_receipt_and_stores_nothing(meterdrop: CommandLine) -> None:
    meterdrop.register("10001")
    path = meterdrop.write("r.csv", [READINGS_HEADER, "10001;1;m3;2026-10-31", "10001;x;m3;2026-10-30"])
    told = meterdrop.document("profile", "try", "anyone", str(path), code=1)
    assert told["verdict"] == "partly_accepted"
    assert told["lines"]["accepted"] == 1
    assert [finding["code"] for finding in told["findings"]] == ["value.not-a-number"]
    assert "partly_accepted" in meterdrop.done("profile", "try", "anyone", str(path), code=1).out
    assert len(meterdrop.document("deliveries")) == 1
    assert list((meterdrop.home / "work").iterdir()) == []


@pytest.mark.parametrize(
    "rows",
    [
        [READINGS_HEADER],
        ["Foo;Bar", "1;2"],
        [READINGS_HEADER, *["10001;x;m3;2026-10-31"] * 30],
        [READINGS_HEADER, "10001;1;m3;2026-10-31", "10001;x;m3;2026-10-30", "10001;3;m3;2026-10-31"],
    ],
    ids=["header-only", "unknown-feed", "held", "conflict"],
)
def test_profile_tried_says_what_ingest_would(meterdrop: CommandLine, rows: list[str]) -> None:
    meterdrop.register("10001")
    path = str(meterdrop.write("r.csv", rows))
    tried = meterdrop.document("profile", "try", "anyone", path, code=1)
    [loaded] = meterdrop.document("ingest", "--partner", "anyone", path, code=1)
    same = ("verdict", "feed", "lines", "findings_total", "findings_by_code", "findings")
    assert {name: tried.get(name) for name in same} == {name: loaded[name] for name in same}


def test_profile_is_proposed_from_samples(meterdrop: CommandLine) -> None:
    path = meterdrop.write(
        "readings.csv", [READINGS_HEADER, *[f"10001;{n};m3;2026-10-{n}" for n in range(10, 30)]]
    )
    assert "feeds" in meterdrop.done("profile", "propose", str(path)).out
    assert meterdrop.document("profile", "propose", str(path))


@pytest.mark.parametrize("words", [("propose",), ("try", "anyone")], ids=" ".join)
def test_sample_that_is_not_there_is_told(meterdrop: CommandLine, words: tuple[str, ...]) -> None:
    assert "nowhere.csv" in meterdrop.refused("profile", *words, str(meterdrop.files / "nowhere.csv"))
