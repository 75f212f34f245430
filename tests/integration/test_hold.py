"""Too many bad lines: nothing is stored, all is shown, and a person decides; once, with a reason, in the audit."""

from typing import Any

import pytest

from tests.homes import POSTGRESQL
from tests.integration.command_line import CommandLine
from tests.integration.loop import Loop

pytestmark = pytest.mark.by_night(POSTGRESQL)

METERS = [f"{10_000 + number}" for number in range(1, 41)]
SOFT = [f"{meter};9001;m3;2026-10-31" for meter in METERS[:15]]
"""A day before they showed 1: they rose faster than such a meter can."""
HARD = [f"{meter};x;m3;2026-10-31" for meter in METERS[15:25]]
GOOD = [f"{meter};2;m3;2026-10-31" for meter in METERS[25:]]


@pytest.fixture
def loop(meterdrop: CommandLine) -> Loop:
    """Forty meters, each with a reading of 1 on 30 October."""
    made = Loop(meterdrop)
    made.profile("  readings: {}")
    meterdrop.register(*METERS)
    made.send("before.csv", *(f"{meter};1;m3;2026-10-30" for meter in METERS))
    return made


@pytest.fixture
def held(loop: Loop) -> Loop:
    """Delivery 3 is held: lines 2 to 16 fail a soft rule, 17 to 26 a hard one, 27 to 41 are good."""
    receipt = loop.send("r.csv", *SOFT, *HARD, *GOOD, code=1)
    assert receipt["verdict"] == "held"
    return loop


def decided(loop: Loop, *words: str, delivery: str = "3", code: int = 0) -> Any:  # noqa: ANN401 - JSON
    """A decision about a delivery; the receipt."""
    return loop.site.document(
        "delivery", words[0], delivery, *words[1:], "--reason", "seen with the partner", code=code
    )


def stored(loop: Loop) -> int:
    """How many readings of the last day there are."""
    return sum(day == "2026-10-31" for _, day, _ in loop.readings())


def states(loop: Loop, delivery: int = 3) -> dict[str, int]:
    told = [state for _, state in loop.states(delivery)]
    return {state: told.count(state) for state in sorted(set(told))}


def test_held_delivery_stores_nothing_and_shows_all_its_findings(held: Loop) -> None:
    receipt = held.receipt(3)
    found = {"file.too-many-bad-lines": 1, "reading.implausible-rise": 15, "value.not-a-number": 10}
    assert receipt["findings_by_code"] == found
    assert len(receipt["findings"]) == 26
    assert receipt["lines"] == {
        "physical": 41,
        "header": 1,
        "accepted": 0,
        "quarantined": 40,
        "duplicate": 0,
        "blank": 0,
        "comment": 0,
        "continuation": 0,
    }
    assert stored(held) == 0
    assert len(held.rejects(3)) == 26, "the header and every bad line"
    listed = held.site.document("quarantine", "list", "--delivery", "3")
    assert [one["line"] for one in listed] == list(range(2, 27))
    shown = held.site.document("delivery", "show", "3")
    assert shown["receipt"]["findings"] == receipt["findings"]
    assert "held" in held.site.done("delivery", "show", "3").out
    assert held.site("status").code == 1


def test_whole_release_stores_good_lines_and_those_that_fail_soft_rules_only(held: Loop) -> None:
    receipt = decided(held, "release", code=1)

    assert receipt["verdict"] == "partly_accepted"
    assert (receipt["lines"]["accepted"], receipt["lines"]["quarantined"]) == (30, 10)
    assert held.receipt(3) == receipt
    assert receipt["findings_by_code"] == {"reading.implausible-rise": 15, "value.not-a-number": 10}
    assert {(one["code"], one["severity"]) for one in receipt["findings"]} == {
        ("reading.implausible-rise", "warning"),
        ("value.not-a-number", "error"),
    }
    assert stored(held) == 30
    assert states(held) == {"accepted": 15, "open": 10}
    line = held.line(3, 2)
    assert line["resolved_by"].startswith("cli:")
    assert (line["reason"], line["fingerprint"]) == ("seen with the partner", receipt["rules"])
    reading = held.reading("2026-10-31")
    assert (reading["quarantine"], reading["line"]) == (300000002, 2)
    assert (line["reading_device"], line["reading_day"]) == (reading["device"], "2026-10-31")
    assert held.ended(3, 2)[0]["after"] == {"state": "accepted"}
    assert len(held.rejects(3)) == 11
    kept = held.rows("select code, severity from finding_history where delivery = 3")
    assert [(row["code"], row["severity"]) for row in kept] == [("reading.implausible-rise", "error")] * 15


def test_release_of_the_good_lines_leaves_all_bad_ones_in_quarantine(held: Loop) -> None:
    receipt = decided(held, "release", "--good-lines", code=1)

    assert (receipt["verdict"], receipt["lines"]["accepted"]) == ("partly_accepted", 15)
    assert receipt["lines"]["quarantined"] == 25
    assert (stored(held), states(held)) == (15, {"open": 25})
    assert len(held.rejects(3)) == 26
    held.site.done("quarantine", "accept", "--delivery", "3", "--reason", "they did burst", code=1)
    assert (stored(held), states(held)) == (30, {"accepted": 15, "open": 10})


def test_release_is_told_in_the_audit_with_who_and_why(held: Loop) -> None:
    decided(held, "release", code=1)
    told = [one for one in held.site.document("delivery", "show", "3")["events"] if one["line"] is None]
    assert [one["what"] for one in told] == [
        "delivery.finished",
        "delivery.held",
        "delivery.released",
        "delivery.partly_accepted",
    ]
    assert told[2]["who"].startswith("cli:")
    assert (told[2]["why"], told[2]["before"]) == ("seen with the partner", {"state": "held"})
    assert told[2]["after"] == {"state": "loading", "released": "whole"}
    [one] = [one for one in held.site.document("deliveries") if one["delivery"] == "000000000003"]
    assert one["released"] == "whole"


def test_refused_delivery_goes_back_with_the_reason_and_the_corrected_file_ends_its_lines(held: Loop) -> None:
    receipt = decided(held, "refuse", code=1)

    assert (receipt["verdict"], receipt["rejects_file"]) == ("refused", None)
    assert receipt["lines"]["quarantined"] == 40
    [told] = [one for one in receipt["findings"] if one["code"] == "file.refused-by-reviewer"]
    assert (told["line"], told["value"]) == (None, "seen with the partner")
    assert "seen with the partner" in told["message"]
    assert receipt["findings_total"] == 27, "what was found before is told still"
    assert (held.receipt(3), held.rejects(3)) == (receipt, []), "the whole file is to come again"
    assert states(held) == {"returned": 25}
    assert held.line(3, 2)["reason"] == "seen with the partner"

    held.send("again.csv", *(row.replace("9001", "2").replace(";x;", ";2;") for row in (*SOFT, *HARD, *GOOD)))
    assert states(held) == {"superseded": 25}
    assert stored(held) == 40


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("release", "release"),
        ("release", "refuse"),
        ("refuse", "release"),
        ("refuse", "refuse"),
        ("release", "retry"),
    ],
)
def test_second_decision_is_told_and_changes_nothing(held: Loop, first: str, then: str) -> None:
    decided(held, first, code=1)
    before = (held.receipt(3), held.readings(), held.rows("select * from event"))
    said = held.site.refused("delivery", then, "3", "--reason", "once more")
    assert "delivery 000000000003 is" in said
    assert "nothing to do" in said
    assert (held.receipt(3), held.readings(), held.rows("select * from event")) == before


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("release", "3", "--reason", " "), "give a reason"),
        (("release", "3"), "Missing option '--reason'"),
        (("release", "77", "--reason", "r"), "there is no delivery '77'"),
        (("release", "2", "--reason", "r"), "delivery 000000000002 is accepted, not held"),
        (("refuse", "2", "--reason", "r"), "delivery 000000000002 is accepted, not held"),
        (("retry", "2", "--reason", "r"), "is accepted, not held or poisoned or refused"),
    ],
)
def test_decision_that_can_not_be_is_told(held: Loop, words: tuple[str, ...], told: str) -> None:
    before = held.rows("select * from event")
    assert told in held.site.refused("delivery", *words)
    assert held.rows("select * from event") == before


@pytest.mark.parametrize(
    "act", [("dismiss",), ("return",), ("accept",), ("fix", "Value=1")], ids=lambda act: act[0]
)
def test_lines_of_a_held_delivery_are_not_decided_one_by_one(held: Loop, act: tuple[str, ...]) -> None:
    said = held.site.refused("quarantine", act[0], "300000002", *act[1:], "--reason", "r")
    assert "is held" in said
    assert states(held) == {"open": 25}


def test_dry_run_tells_what_a_decision_would_come_to_and_changes_nothing(held: Loop) -> None:
    before = (held.receipt(3), held.readings(), held.rows("select * from event"), held.states(3))

    whole = decided(held, "release", "--dry-run", code=1)
    good = decided(held, "release", "--good-lines", "--dry-run", code=1)
    again = decided(held, "retry", "--dry-run", code=1)

    assert (whole["verdict"], whole["lines"]["accepted"]) == ("partly_accepted", 30)
    assert (good["verdict"], good["lines"]["accepted"]) == ("partly_accepted", 15)
    assert (again["verdict"], again["lines"]["accepted"]) == ("held", 0)
    said = held.site.done("delivery", "release", "3", "--reason", "r", "--dry-run", code=1).out
    assert "it would be partly_accepted: 30 line(s) accepted, 10 quarantined" in said
    assert (held.receipt(3), held.readings(), held.rows("select * from event"), held.states(3)) == before


def test_retry_after_the_rules_were_mended_takes_the_file_as_if_it_came_now(held: Loop) -> None:
    """The threshold holds again, by the rules of now."""
    still = decided(held, "retry", code=1)
    assert (still["verdict"], still["revision"], states(held)) == ("held", 2, {"open": 25})

    held.profile("  readings: {rules: {max_rise_per_day: {CW: '10000'}}}")
    receipt = decided(held, "retry", code=1)

    assert (receipt["verdict"], receipt["lines"]["accepted"]) == ("partly_accepted", 30)
    assert states(held) == {"accepted": 15, "open": 10}
    assert held.line(3, 2)["fingerprint"] == receipt["rules"]
    assert held.line(3, 17)["fingerprint"] == receipt["rules"]


def test_retry_of_a_refused_file_reads_it_by_the_profile_of_now(loop: Loop) -> None:
    path = loop.site.write("odd.csv", ["Meter;Counter;Unit;Date", "10001;2;m3;2026-10-31"])
    [receipt] = loop.site.document("ingest", "--partner", "anyone", "--feed", "readings", str(path), code=1)
    assert (receipt["verdict"], receipt["findings_by_code"]) == (
        "refused",
        {"file.extra-column": 2, "file.missing-column": 1},
    )

    loop.profile("  readings: {aliases: {SerialNum: [Meter], Value: [Counter]}}")
    told = decided(loop, "retry")

    assert (told["verdict"], told["findings_total"]) == ("accepted", 0)
    assert stored(loop) == 1


def test_retry_of_what_a_reviewer_refused_takes_its_lines_back(held: Loop) -> None:
    decided(held, "refuse", code=1)
    receipt = decided(held, "retry", code=1)
    assert (receipt["verdict"], states(held)) == ("held", {"open": 25})
    assert "file.refused-by-reviewer" not in receipt["findings_by_code"]
    assert decided(held, "release", code=1)["verdict"] == "partly_accepted"


def test_released_delivery_does_not_undo_what_a_later_one_told(held: Loop) -> None:
    """It came first; that it is loaded only now changes nothing about the order."""
    held.send("later.csv", f"{METERS[30]};3;m3;2026-10-31")
    receipt = decided(held, "release", code=1)

    assert held.reading("2026-10-31", serial=METERS[30])["value"] == "3"
    assert receipt["findings_by_code"]["reading.superseded"] == 1
    assert (receipt["lines"]["accepted"], receipt["lines"]["duplicate"]) == (29, 1)


def test_released_delivery_ends_no_line_of_a_later_one(held: Loop) -> None:
    held.send("later.csv", f"{METERS[30]};y;m3;2026-10-31", f"{METERS[30]};3;m3;2026-11-01", code=1)
    decided(held, "release", code=1)
    assert held.states(4) == [(2, "open")]


def test_same_bytes_taken_meanwhile_make_the_held_delivery_a_duplicate(held: Loop) -> None:
    held.profile("  readings: {rules: {max_rise_per_day: {CW: '10000'}}}")
    assert held.send("r.csv", *SOFT, *HARD, *GOOD, code=1)["verdict"] == "partly_accepted"

    receipt = decided(held, "release")

    assert (receipt["verdict"], receipt["duplicate_of"]) == ("duplicate", "000000000004")
    assert (receipt["lines"]["duplicate"], states(held)) == (40, {"superseded": 25})
    assert (held.line(3, 2)["successor_delivery"], held.line(3, 2)["successor_line"]) == (4, 2)
    assert stored(held) == 30


def test_corrected_lines_of_a_held_delivery_stay_superseded_when_it_is_released(held: Loop) -> None:
    back = held.rejects(3)[1:]
    held.send_rejects(3, *(row.replace(";x;", ";2;") for row in back if ";x;" in row))
    assert states(held) == {"open": 15, "superseded": 10}
    assert (held.receipt(3)["verdict"], len(held.rejects(3))) == ("held", 16)

    receipt = decided(held, "release", "--good-lines", code=1)

    assert (receipt["lines"]["accepted"], receipt["lines"]["quarantined"]) == (15, 25)
    assert states(held) == {"open": 15, "superseded": 10}
    assert held.line(3, 17)["successor_delivery"] == 4
    assert stored(held) == 25


def test_held_correction_ends_nothing_until_it_is_released(held: Loop) -> None:
    back = [row.replace(";x;", ";y;") for row in held.rejects(3)[1:]]
    child = held.send_rejects(3, *back, code=1)
    assert (child["verdict"], child["parent"]) == ("held", "000000000003")
    assert states(held) == {"open": 25}

    decided(held, "release", delivery="4", code=1)

    assert states(held) == {"superseded": 25}
    assert states(held, 4) == {"accepted": 15, "open": 10}
    assert (held.receipt(3)["verdict"], held.rejects(3)) == ("held", [])


def test_many_lines_are_dismissed_and_returned_at_once(held: Loop) -> None:
    decided(held, "release", "--good-lines", code=1)
    words = ("--delivery", "3", "--reason", "all of a kind")
    soft = ("--code", "reading.implausible-rise")

    would = held.site.document("quarantine", "dismiss", *words, *soft, "--dry-run")
    assert (would["lines"], states(held)) == (15, {"open": 25})
    assert (
        "15 line(s) would be dismissed"
        in held.site.done("quarantine", "dismiss", *words, *soft, "--dry-run").out
    )
    assert "15 line(s) are dismissed" in held.site.done("quarantine", "dismiss", *words, *soft).out
    assert held.site.document("quarantine", "return", "300000017", "300000018", "--reason", "r")["lines"] == 2
    assert held.site.document("quarantine", "return", *words)["lines"] == 8

    assert states(held) == {"dismissed": 15, "returned": 10}
    assert len(held.rejects(3)) == 11
    assert held.receipt(3)["lines"]["quarantined"] == 25
    assert len(held.rows("select * from event where what = 'quarantine.dismissed'")) == 15
    assert held.site.document("quarantine", "dismiss", *words)["lines"] == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "name lines by their numbers"),
        (("300000002", "--delivery", "3"), "name lines by their numbers"),
        (("300000002", "--code", "value.not-a-number"), "--code goes with --delivery"),
        (("300000002", "300000099"), "there is no quarantined line 300000099"),
        (("--delivery", "3", "--code", "no.code"), "there is no finding code"),
    ],
)
def test_choice_of_lines_that_is_none_is_told_and_nothing_ends(
    held: Loop, words: tuple[str, ...], told: str
) -> None:
    decided(held, "release", "--good-lines", code=1)
    assert told in held.site.refused("quarantine", "dismiss", *words, "--reason", "r")
    assert states(held) == {"open": 25}


def test_many_lines_are_accepted_as_far_as_a_person_may(held: Loop) -> None:
    decided(held, "release", "--good-lines", code=1)
    words = ("quarantine", "accept", "--delivery", "3", "--reason", "they did burst")

    would = held.site.document(*words, "--dry-run", code=1)
    assert (would["lines"], would["still_failing"], stored(held)) == (15, 10, 15)
    told = held.site.document(*words, code=1)

    assert (told["lines"], told["still_failing"], stored(held)) == (15, 10, 30)
    assert states(held) == {"accepted": 15, "open": 10}
    assert held.receipt(3)["lines"]["quarantined"] == 10
    soft = ("--code", "reading.implausible-rise")
    assert held.site.document(*words, *soft)["lines"] == 0, "there are none left"
