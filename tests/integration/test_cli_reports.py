"""`meterdrop report`: the same facts as the receipt, in every form, for one delivery and for one day."""

import csv
import io
import subprocess
import sys
from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from meterdrop.model.delivery import PRAGUE
from meterdrop.store.schema import delivery
from meterdrop.usecases.digest import MakeDigest
from tests.homes import POSTGRESQL
from tests.integration.command_line import CommandLine

pytestmark = pytest.mark.by_night(POSTGRESQL)

ROWS = (
    "10001;CHYBA;m3;2026-10-31",
    "10001;1;m3;2026-10-30",
    "10001;;furlong;2026-10-29",
    "10001;=1+1;m3;2026-10-28",
    "10002;5;m3;2026-10-31",
)


@pytest.fixture
def loaded(meterdrop: CommandLine) -> CommandLine:
    """Delivery 2, r.csv, has one good line, three bad ones, and one of a meter that nobody registered."""
    meterdrop.register("10001")
    meterdrop.ingest("r.csv", *ROWS, code=1)
    return meterdrop


def report(at: CommandLine, *words: str) -> Any:  # noqa: ANN401 - JSON
    return at.document("report", "delivery", "2", *words)


def receipt(at: CommandLine) -> dict[str, Any]:
    told: dict[str, Any] = at.document("delivery", "show", "2")["receipt"]
    return told


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=";"))


def test_the_document_agrees_with_the_receipt(loaded: CommandLine) -> None:
    told, received = report(loaded), receipt(loaded)
    shared = set(received) - {"receipt", "findings"}
    assert {name: told[name] for name in shared} == {name: received[name] for name in shared}

    assert len(told["quarantined"]) == received["lines"]["quarantined"] == sum(told["states"].values())
    found = [one for line in told["quarantined"] for one in line["findings"]]
    found += [*told["file_findings"], *told["other_findings"]]
    assert Counter(one["code"] for one in found) == received["findings_by_code"]
    of_lines = [{"line": line["line"], **one} for line in told["quarantined"] for one in line["findings"]]
    assert sorted(map(str, of_lines)) == sorted(
        str({"line": one["line"], **one}) for one in received["findings"]
    )


def test_a_line_has_its_text_cells_and_place(loaded: CommandLine) -> None:
    first = report(loaded)["quarantined"][0]
    assert (first["line"], first["raw"], first["state"]) == (2, ROWS[0], "open")
    assert first["cells"] == {"SerialNum": "10001", "Value": "CHYBA", "Unit": "m3", "Date": "2026-10-31"}
    shown = loaded.document("quarantine", "show", str(first["id"]))
    assert shown["line"] == 2


def test_the_table_has_a_row_for_every_finding(loaded: CommandLine) -> None:
    told = rows(loaded.done("report", "delivery", "2", "--format", "csv", "--language", "en").out)
    codes = Counter(row["code"] for row in told)
    assert codes == receipt(loaded)["findings_by_code"]
    assert next(row["value"] for row in told if row["line"] == "5") == "'=1+1"
    assert {row["text of the line"] for row in told if row["line"] == "4"} == {ROWS[2]}


def test_what_became_of_lines_is_told(loaded: CommandLine) -> None:
    ids = {line["line"]: str(line["id"]) for line in report(loaded)["quarantined"]}
    loaded.done("quarantine", "fix", ids[2], "--set", "Value=39,13", "--reason", "read on site")
    loaded.done("quarantine", "dismiss", ids[4], "--reason", "a test")

    told = {line["line"]: line for line in report(loaded)["quarantined"]}
    assert (told[2]["state"], told[2]["reason"]) == ("corrected", "read on site")
    assert told[2]["corrected"] == "10001;39,13;m3;2026-10-31"
    assert told[2]["reading"] == {"serial": "10001", "day": "2026-10-31"}
    assert (told[4]["state"], told[4]["reason"]) == ("dismissed", "a test")
    assert report(loaded)["states"] == {"open": 2, "corrected": 1, "dismissed": 1}
    assert {
        row["řádek"] for row in rows(loaded.done("report", "delivery", "2", "--format", "csv").out)
    } == set("2456")


def test_a_file_is_written_whole_in_the_form_its_ending_says(loaded: CommandLine) -> None:
    for ending, begins in (("json", b"{\n"), ("csv", b"\xef\xbb\xbf"), ("html", b"<!doctype html>")):
        path = loaded.files / "out" / f"report.{ending}"
        path.parent.mkdir(exist_ok=True)
        answer = loaded.done("report", "delivery", "2", "--output", str(path))
        assert answer.out == ""
        assert path.read_bytes().startswith(begins)
        assert list(path.parent.glob(".*")) == []
        path.unlink()
    assert list((loaded.files / "out").iterdir()) == []


def test_a_device_can_be_written_to(loaded: CommandLine) -> None:
    """It is no file that could be put in place when it is whole."""
    loaded.done("report", "delivery", "2", "--format", "csv", "--output", "/dev/null")
    assert Path("/dev/null").is_char_device()


def test_a_reader_that_has_seen_enough_is_no_failure(loaded: CommandLine) -> None:
    """`meterdrop report … | head` ends with 0, and quietly."""
    words = [
        sys.executable,
        "-m",
        "meterdrop",
        "--home",
        str(loaded.home),
        "report",
        "delivery",
        "2",
        "--json",
    ]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    errors = process.stderr.read() if process.stderr is not None else b""
    assert (process.wait(timeout=60), errors) == (0, b"")


def test_without_a_form_it_is_for_the_eye(loaded: CommandLine) -> None:
    said = loaded.done("report", "delivery", "2", "--language", "en").out
    assert "value.not-a-number" in said
    assert ROWS[0] in said


def test_the_language_is_the_partners_unless_told(loaded: CommandLine) -> None:
    assert report(loaded)["language"] == "cs"
    assert report(loaded, "--language", "en")["language"] == "en"
    assert (
        '<html lang="en">'
        in loaded.done("report", "delivery", "2", "--format", "html", "--language", "en").out
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("delivery", "77"), "there is no delivery '77'"),
        (("delivery", "2", "--format", "pdf"), "'pdf' is no format: --format json or csv or html"),
        (("delivery", "2", "--json", "--format", "csv"), "--json and --format csv are two formats"),
        (("delivery", "2", "--output", "report.xlsx"), "'xlsx' is no format"),
        (("delivery", "2", "--language", "de", "--json"), "'de' is no language of ours: cs or en"),
        (("digest", "--day", "tomorrow"), "'tomorrow' is not a day"),
        (("digest", "--partner", "nobody"), "there is no partner 'nobody'"),
        (("digest", "--format", "csv"), "'csv' is no format: --format text or json or html"),
    ],
)
def test_what_can_not_be_told_is_refused(loaded: CommandLine, words: tuple[str, ...], said: str) -> None:
    assert said in loaded.refused("report", *words)


def test_a_file_that_can_not_be_written_leaves_nothing(loaded: CommandLine) -> None:
    said = loaded.refused("report", "delivery", "2", "--output", str(loaded.files / "no" / "report.csv"))
    assert "No such file" in said


def test_a_delivery_without_quarantine_has_its_report(loaded: CommandLine) -> None:
    told = loaded.document("report", "delivery", "1")
    assert (told["verdict"], told["quarantined"], told["states"]) == ("accepted", [], {})
    page = loaded.done("report", "delivery", "1", "--format", "html").out
    assert "V karanténě není žádný řádek." in page


def test_a_refused_delivery_tells_why(meterdrop: CommandLine) -> None:
    path = meterdrop.write("r.csv", ["SerialNum;Unit", "10001;m3"])
    meterdrop("ingest", "--partner", "anyone", "--feed", "readings", str(path))
    told = meterdrop.document("report", "delivery", "1")
    assert told["verdict"] == "refused"
    assert {one["code"] for one in told["file_findings"]} == set(told["findings_by_code"])
    assert told["file_findings"] != []
    assert "Chybí povinný sloupec" in meterdrop.done("report", "delivery", "1", "--format", "html").out


def digest(at: CommandLine, *words: str) -> Any:  # noqa: ANN401 - JSON
    return at.document("report", "digest", *words)


def test_the_digest_adds_up_the_day(loaded: CommandLine) -> None:
    line = report(loaded)["quarantined"][0]
    loaded.done("quarantine", "dismiss", str(line["id"]), "--reason", "a test")

    told = digest(loaded)
    [one] = told["partners"]
    received = receipt(loaded)
    assert told["day"] == datetime.now(PRAGUE).date().isoformat()
    assert (one["partner"], one["name"], one["deliveries"]) == ("anyone", "Anyone", 2)
    assert one["by_verdict"] == {"accepted": 1, "partly_accepted": 1}
    assert one["lines"]["physical"] == 2 + received["lines"]["physical"]
    assert one["lines"]["quarantined"] == received["lines"]["quarantined"]
    assert one["findings_by_code"] == received["findings_by_code"]
    assert one["acts"] == {"quarantine.dismissed": 1}
    assert one["open_lines"] == 3
    assert one["oldest_open"]["line"] == 4
    assert one["silent"] is False


def test_a_correction_is_counted_on_its_day(loaded: CommandLine) -> None:
    loaded.ingest("again.csv", "10001;1,5;m3;2026-10-30")
    [one] = digest(loaded)["partners"]
    assert one["corrections"] == 1
    assert one["findings_by_code"]["reading.correction"] == 1


def test_another_day_has_nothing_but_what_waits(loaded: CommandLine) -> None:
    [one] = digest(loaded, "--day", "yesterday")["partners"]
    assert (one["deliveries"], one["acts"], one["corrections"]) == (0, {}, 0)
    assert one["open_lines"] == 4
    assert one["last_received"] is None


def test_the_digest_is_a_mail_and_a_page_too(loaded: CommandLine) -> None:
    mail = loaded.done("report", "digest").out
    assert "Anyone (anyone)" in mail
    assert "value.not-a-number" in mail
    assert "Quarantine" not in mail
    english = loaded.done("report", "digest", "--partner", "anyone", "--language", "en").out
    assert "deliveries: 2 (accepted 1, partly accepted 1)" in english
    out = loaded.files / "digest.html"
    loaded.done("report", "digest", "--output", str(out))
    assert "Přehled dne" in out.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("days_later", "of_days_ago", "silent"), [(4, 0, True), (2, 0, False), (4, 2, False), (90, 0, True)]
)
def test_silence_is_told_as_of_the_day(
    loaded: CommandLine, days_later: int, of_days_ago: int, silent: bool
) -> None:
    """Who was silent for more than three days at its end, or until now if it is not over."""
    house = loaded.house()
    now = house.show_delivery("2").delivery.received_at + timedelta(days=days_later)
    make = MakeDigest(database=house.database, silent_after=timedelta(days=3), clock=lambda: now)
    day = now.astimezone(PRAGUE).date() - timedelta(days=of_days_ago)
    [one] = make(day, partner=None, language="en").partners
    house.database.close()
    assert one.silent is silent


def test_a_day_begins_and_ends_at_midnight_in_prague(loaded: CommandLine) -> None:
    """Also on the day that has 25 hours."""
    house = loaded.house()
    for moment, day in (
        ("2026-10-24T22:00:00Z", "2026-10-25"),
        ("2026-10-25T22:59:59Z", "2026-10-25"),
        ("2026-10-25T23:00:00Z", "2026-10-26"),
        ("2026-07-01T21:59:59Z", "2026-07-01"),
    ):
        with house.database.writing() as store:
            came = datetime.fromisoformat(moment)
            store.execute(update(delivery).where(delivery.c.id == 2).values(received_at=came))
        [one] = house.make_digest(date.fromisoformat(day), partner="anyone", language="en").partners
        assert [each.delivery for each in one.deliveries] == ["000000000002"], moment
    house.database.close()


def test_a_partner_that_may_send_no_more_is_left_out_unless_something_waits(loaded: CommandLine) -> None:
    loaded.done("partner", "disable", "anyone")
    assert [one["partner"] for one in digest(loaded, "--day", "yesterday")["partners"]] == ["anyone"]
    for line in report(loaded)["quarantined"]:
        loaded.done("quarantine", "dismiss", str(line["id"]), "--reason", "they are gone")
    assert digest(loaded, "--day", "yesterday")["partners"] == []
