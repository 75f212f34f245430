"""`reprocess --recheck`: what was accepted is judged by rules that changed since; it is told, and nothing is touched."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from meterdrop.bootstrap import House
from meterdrop.model.delivery import Delivery
from meterdrop.settings import read_settings
from meterdrop.usecases.reprocess import Reprocessed, Selection
from tests.homes import POSTGRESQL, Homes
from tests.integration.command_line import CommandLine

pytestmark = pytest.mark.by_night(POSTGRESQL)

REGISTER = "Date;Location;TypeUnit;Room;Media;SerialNumber;RadioNumber;Seq;DateFrom;Correction\n"
READINGS = "SerialNum;Value;Unit;Date\n1;5;m3;2025-01-31\n1;9;m3;2026-10-31\n2;x;m3;2026-10-31\n"
STRICTER = (
    "partner: anyone\nname: Anyone\ngroup: 2\nfeeds:\n  devices: {}\n  readings: {rules: {years_back: 1}}\n"
)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def home(homes: Homes, tmp_path: Path) -> Path:
    """A home where the file of `READINGS` was accepted but for its last line."""
    made = tmp_path / "home"
    homes.make(made)
    house = opened(made)
    house.partners.add("anyone", name="Anyone", group=2, keys=[], networks=[], who="test")
    rows = "".join(f"2026-01-01;A{serial};m3;hall;CW;{serial};-;1;2024-01-01;1\n" for serial in "12")
    taken(house, REGISTER + rows, name="register.csv")
    assert taken(house, READINGS, name="readings.csv").lines.accepted == 2
    house.database.close()
    return made


def opened(home: Path, *, profile: str | None = None) -> House:
    """The house of this home, with the partner's profile as it is now."""
    if profile is not None:
        folder = home / "schemas" / "partners"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "anyone.yaml").write_text(profile, encoding="utf-8")
    return House(settings=read_settings(home), today_is=date(2026, 11, 24))


def taken(house: House, content: str, *, name: str) -> Delivery:
    given = house.home / name
    given.write_text(content, encoding="utf-8")
    [done] = house.take_files([given], partner="anyone", feed=None)
    return done


def rechecked(house: House, *, delivery: int | None = None) -> Reprocessed:
    return house.reprocess(
        Selection(delivery=delivery),
        dry_run=True,
        progress=lambda _done, _all: None,
        recheck_since=LONG_AGO,
    )


def stored(house: House) -> list[tuple[str, str]]:
    rows = house.export.readings(partner="anyone", start=None, end=None)
    return [(str(row["date"]), str(row["value"])) for row in rows]


def test_accepted_line_that_changed_rules_would_reject_is_told_and_stays(home: Path) -> None:
    house = opened(home, profile=STRICTER)
    before = stored(house)
    outcome = rechecked(house)
    [told] = outcome.rechecked
    assert (told.delivery, told.accepted, told.rejected) == (2, 2, 1)
    assert told.by_code == {"date.too-old": 1}
    assert [(finding.line, finding.value) for finding in told.findings] == [(2, "2025-01-31")]
    assert outcome.newly_rejected == 1
    assert stored(house) == before == [("2025-01-31", "5"), ("2026-10-31", "9")]


@pytest.mark.by_day(POSTGRESQL)
def test_rechecking_twice_says_the_same(home: Path) -> None:
    house = opened(home, profile=STRICTER)
    assert rechecked(house).rechecked == rechecked(house).rechecked


def test_deliveries_whose_rules_are_the_same_are_not_judged(home: Path) -> None:
    assert rechecked(opened(home)).rechecked == ()


@pytest.mark.by_day(POSTGRESQL)
def test_deliveries_before_the_days_asked_for_are_not_judged(home: Path) -> None:
    outcome = opened(home, profile=STRICTER).reprocess(
        Selection(),
        dry_run=True,
        progress=lambda _done, _all: None,
        recheck_since=datetime(2100, 1, 1, tzinfo=UTC),
    )
    assert outcome.rechecked == ()


def test_named_delivery_is_judged_whatever_changed_and_its_own_rows_are_not_in_its_way(home: Path) -> None:
    """Its rows are stored: judged against themselves they would all be duplicates, and never wrong."""
    house = opened(home)
    assert rechecked(house, delivery=2).rechecked == ()
    assert (
        house.reprocess.recheck(
            since=LONG_AGO, partner=None, feed=None, delivery=2, progress=lambda _done, _all: None
        )
        == ()
    )


def test_line_a_reviewer_corrected_is_not_held_against_its_delivery(home: Path) -> None:
    house = opened(home)
    [line] = house.review.listed(partner=None, delivery=2, state="open", code=None, limit=None)
    house.review.fix(line.line.id, cells={"Value": "3"}, who="jana", reason="read from the photo")
    outcome = rechecked(opened(home, profile=STRICTER))
    [told] = outcome.rechecked
    assert (told.rejected, told.corrected) == (1, 1)
    assert outcome.left_out == 1, "that it was not judged is told"


@pytest.mark.by_day(POSTGRESQL)
def test_lines_that_reprocess_accepted_are_judged_like_any_accepted_line(meterdrop: CommandLine) -> None:
    """They are rows like others: how long they waited says nothing about the rules of now."""
    meterdrop.register("1")
    meterdrop.ingest("readings.csv", "1;1;m3;2026-10-30", "2;5;m3;2026-10-30", "2;55;m3;2026-10-31", code=1)
    meterdrop.register("2", name="grown.csv")
    assert meterdrop.document("reprocess")["accepted"] == 2

    opened(meterdrop.home, profile=STRICTER.replace("years_back: 1", "max_rise_per_day: {CW: '10'}"))
    told = meterdrop.document("reprocess", "--recheck", "400", code=1)

    assert told["newly_rejected"] == 1
    [one] = [one for one in told["rechecked"] if one["delivery"] == 2]
    assert (one["by_code"], one["findings"][0]["line"]) == ({"reading.implausible-rise": 1}, 4)


@pytest.mark.parametrize("act", ["accept", "dismiss"])
def test_lines_that_were_not_stored_contradict_nobody(meterdrop: CommandLine, act: str) -> None:
    """One of two contradicting lines was chosen; the other one is there in the file, and nowhere else."""
    meterdrop.register("1")
    rows = ("1;5;m3;2026-10-30", "1;6;m3;2026-10-30", "1;9000;m3;2026-10-31")
    meterdrop.ingest("readings.csv", "1;1;m3;2026-10-29", *rows, code=1)
    lines = ("200000003", "200000005") if act == "accept" else ("200000004",)
    meterdrop.done("quarantine", act, *lines, "--reason", "the photo shows it")
    meterdrop.done("reprocess", "--delivery", "2", code=0 if act == "accept" else 1)

    opened(meterdrop.home, profile=STRICTER.replace("years_back: 1", "years_back: 2"))
    told = meterdrop.document("reprocess", "--recheck", "400", "--dry-run", code=0 if act == "accept" else 1)

    assert told["newly_rejected"] == 0, "what a person accepted in spite of a soft rule isn't told again"


def test_file_that_could_not_be_read_at_all_today_counts_with_all_its_lines(home: Path) -> None:
    semicolons = STRICTER.replace("rules: {years_back: 1}", 'separator: "|"')
    [told] = [one for one in rechecked(opened(home, profile=semicolons)).rechecked if one.delivery == 2]
    assert told.rejected == told.accepted == 2
    assert list(told.by_code) == ["file.no-header"]


def test_command_counts_all_three(meterdrop: CommandLine) -> None:
    meterdrop.register("1", "2")
    rows = READINGS.splitlines()[1:]
    meterdrop.ingest("readings.csv", *rows, code=1)
    opened(meterdrop.home, profile=STRICTER)
    shown = meterdrop.done("reprocess", "--dry-run", "--recheck", "400", code=1)
    assert "would accept 0, still fail 1, newly reject 1" in shown.out
    assert "date.too-old 1" in shown.out
    document = meterdrop.document("reprocess", "--dry-run", "--recheck", "400", code=1)
    assert (document["still_failing"], document["newly_rejected"]) == (1, 1)
    assert [finding["line"] for one in document["rechecked"] for finding in one["findings"]] == [2]
