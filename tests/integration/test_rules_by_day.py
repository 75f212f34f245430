"""A delivery is judged by what was valid on the day it arrived, today and whenever it is judged again."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.homes import POSTGRESQL
from tests.integration.command_line import READINGS_HEADER, REGISTER_HEADER, CommandLine

pytestmark = pytest.mark.by_night(POSTGRESQL)

FIRST = "partner: anyone\nname: Anyone\ngroup: 2\nfeeds:\n  devices: {}\n  readings:\n    date_forms: [iso]\n"
JUNE = "      - valid_from: 2026-06-01\n        date_forms: [iso, dmy_slash]\n"
TWO = f"{FIRST}    changes:\n{JUNE}"
BETWEEN = "      - valid_from: 2026-04-01\n        date_forms: [dmy_slash]\n"
"""It takes the days from April to May over from the first version, which stays in force for those before."""


@pytest.fixture
def site(meterdrop: CommandLine) -> CommandLine:
    meterdrop.register("10001")
    return meterdrop


def profile(site: CommandLine, text: str) -> None:
    site.write("../home/schemas/partners/anyone.yaml", text.splitlines())
    assert site.document("check", "anyone")["problems"] == []


def sent(site: CommandLine, monkeypatch: pytest.MonkeyPatch, *, at: datetime, day: str) -> Any:  # noqa: ANN401 - JSON
    """A file of two readings that arrives at this moment: one day in ISO form, the other with slashes."""
    iso, slashes = f"2026-{day}-11", f"12/{day}/2026"
    with monkeypatch.context() as then:
        then.setattr("meterdrop.bootstrap.building.now", lambda: at)
        path = site.write(
            f"r-{at:%m%d%H}.csv", [READINGS_HEADER, f"10001;{day}.1;m3;{iso}", f"10001;{day}.2;m3;{slashes}"]
        )
        answer = site("ingest", "--partner", "anyone", str(path), "--json")
    assert answer.code in (0, 1), answer
    [receipt] = json.loads(answer.out)
    return receipt


def fingerprints(site: CommandLine) -> dict[str | None, str]:
    """The rule sets of the readings by their first day."""
    told = site.document("check", "anyone")["rules"]
    return {one["valid_from"]: one["rules"] for one in told if one["feed"] == "readings"}


def open_lines(site: CommandLine) -> list[tuple[str, int]]:
    return [(one["delivery"], one["line"]) for one in site.document("quarantine", "list")]


def test_day_of_arrival_in_prague_chooses_the_version(
    site: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Midnight in Prague is 22:00 UTC in summer."""
    profile(site, TWO)
    before = sent(site, monkeypatch, at=datetime(2026, 5, 31, 21, 59, 59, tzinfo=UTC), day="05")
    after = sent(site, monkeypatch, at=datetime(2026, 5, 31, 22, 0, tzinfo=UTC), day="06")

    assert (before["verdict"], after["verdict"]) == ("partly_accepted", "accepted")
    known = fingerprints(site)
    assert (before["rules"], after["rules"]) == (known[None], known["2026-06-01"])


@pytest.mark.by_day(POSTGRESQL)
def test_delivery_is_judged_again_by_the_version_of_its_own_day(
    site: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Today other habits hold; what came before them means what it meant."""
    profile(site, TWO)
    sent(site, monkeypatch, at=datetime(2026, 5, 20, tzinfo=UTC), day="05")

    told = site.document("reprocess", "--delivery", "2", code=1)

    assert (told["accepted"], told["still_failing"]) == (0, 1)
    assert site.document("reprocess")["deliveries"] == []


def test_version_that_was_mended_in_place_lets_its_own_lines_in(
    site: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only lines of the mended version are tried, and the delivery keeps what it was judged by at first."""
    profile(site, TWO.replace("dmy_slash", "dmy"))
    old = sent(site, monkeypatch, at=datetime(2026, 5, 20, tzinfo=UTC), day="05")
    sent(site, monkeypatch, at=datetime(2026, 6, 20, tzinfo=UTC), day="06")
    assert open_lines(site) == [(old["delivery"], 3), ("000000000003", 3)]

    profile(site, TWO.replace("dmy_slash", "dmy").replace("[iso]", "[iso, dmy_slash]"))
    told = site.document("reprocess")

    assert (told["accepted"], told["still_failing"]) == (1, 0)
    assert open_lines(site) == [("000000000003", 3)]


@pytest.mark.by_day(POSTGRESQL)
def test_version_put_between_two_others_lets_in_the_lines_it_took_over(
    site: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fingerprint they were judged by is still in force for earlier days, but not for theirs."""
    profile(site, TWO)
    february = sent(site, monkeypatch, at=datetime(2026, 2, 20, tzinfo=UTC), day="02")
    sent(site, monkeypatch, at=datetime(2026, 4, 20, tzinfo=UTC), day="04")
    first = fingerprints(site)[None]

    profile(site, TWO.replace(JUNE, BETWEEN + JUNE))
    assert fingerprints(site)[None] == first
    told = site.document("reprocess")

    assert (told["accepted"], told["still_failing"]) == (1, 0)
    assert open_lines(site) == [(february["delivery"], 3)]
    assert site.document("reprocess")["deliveries"] == []


def test_day_of_arrival_decides_what_is_too_old_or_in_the_future(
    site: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The readings of a meter that is registered months later, and those taken already when they are checked again."""
    monkeypatch.delenv("METERDROP_TODAY")
    rows = ["20002;1;m3;2023-01-10", "20002;2;m3;2026-01-09", "20002;3;m3;2026-01-12"]
    with monkeypatch.context() as then:
        then.setattr("meterdrop.bootstrap.building.now", lambda: datetime(2026, 1, 9, 23, 30, tzinfo=UTC))
        old = site.ingest("old.csv", *rows, code=1)
    assert old["findings_by_code"] == {"date.in-future": 1, "reading.device-not-in-register": 3}

    site.write("r.csv", [REGISTER_HEADER, "2026-01-02;B;m3;hall;CW;20002;-;1;2020-01-01;1"])
    site.done("ingest", "--partner", "anyone", str(site.files / "r.csv"))
    told = site.document("reprocess", code=1)

    assert (told["accepted"], told["still_failing"]) == (2, 1)
    again = site.document("reprocess", "--recheck", "3650", "--delivery", "2", code=1)
    assert again["newly_rejected"] == 0


def test_reviewer_s_correction_is_judged_by_the_version_of_the_delivery(
    site: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile(site, TWO)
    sent(site, monkeypatch, at=datetime(2026, 5, 20, tzinfo=UTC), day="05")
    [line] = site.document("quarantine", "list")
    words = ("quarantine", "fix", str(line["id"]), "--reason", "typing error")

    assert site(*words, "--set", "Date=13/05/2026").code != 0
    site.done(*words, "--set", "Date=2026-05-13")
    assert open_lines(site) == []


def test_profile_is_tried_as_of_today_or_of_another_day(site: CommandLine) -> None:
    """So that a change can be tried before its day comes."""
    profile(site, TWO.replace("2026-06-01", "2026-12-01"))
    path = str(site.write("r.csv", [READINGS_HEADER, "10001;1;m3;11/05/2026"]))
    assert site.document("profile", "try", "anyone", path, code=1)["lines"]["accepted"] == 0
    told = site.document("profile", "try", "anyone", path, "--on", "2026-12-01")
    assert (told["lines"]["accepted"], told["rules"]) == (1, fingerprints(site)["2026-12-01"])


def test_check_names_every_rule_set(site: CommandLine) -> None:
    """By partner, feed and first day; the feeds of partners without a profile once for all."""
    profile(site, TWO)
    said = site.done("check", "anyone").out
    assert "2026-06-01" in said
    assert fingerprints(site)["2026-06-01"][:12] in said
    everybody = site.document("check")["rules"]
    assert {one["partner"] for one in everybody} > {"anyone", "techem", None}
    assert "(any other)" in site.done("check").out


def test_change_that_makes_no_sense_stops_everything(site: CommandLine) -> None:
    site.write("../home/schemas/partners/anyone.yaml", (TWO + JUNE).splitlines())
    assert "changes.1.valid_from: 2026-06-01 must be later" in site.refused("check")
