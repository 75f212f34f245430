"""The loop closes: a quarantined line ends in exactly one way, and each way can be traced from either end.

One test a way, through the command line and a real database. Delivery 1 is the register with meter 10001; delivery 2 is
`r.csv`, of which the lines named in the tests are quarantined.
"""

from typing import Any

import pytest

from tests.homes import POSTGRESQL
from tests.integration.command_line import CommandLine
from tests.integration.loop import REGISTER_HEADER, Loop

pytestmark = pytest.mark.by_night(POSTGRESQL)

ID = "200000002"
"""Line 2 of delivery 2."""


@pytest.fixture
def loop(meterdrop: CommandLine) -> Loop:
    made = Loop(meterdrop)
    made.profile("  readings: {}")
    meterdrop.register("10001")
    return made


def bad_value(loop: Loop) -> dict[str, Any]:
    """Line 2 has no number, line 3 is a reading of the day before."""
    told: dict[str, Any] = loop.send("r.csv", "10001;CHYBA;m3;2026-10-31", "10001;1;m3;2026-10-30", code=1)
    return told


def closed(
    loop: Loop,
    *,
    state: str,
    who: str,
    why: str,
    delivery: int = 2,
    line: int = 2,
    before: str = "open",
) -> dict[str, Any]:
    """The line as it is kept, after what every way out must leave behind was looked at."""
    kept = loop.line(delivery, line)
    assert (kept["state"], kept["reason"]) == (state, why)
    assert kept["resolved_by"].startswith(who)
    assert kept["resolved_at"] is not None
    last = loop.ended(delivery, line)[-1]
    assert (last["what"], last["who"], last["why"]) == (f"quarantine.{state}", kept["resolved_by"], why)
    assert last["at"] == kept["resolved_at"], "one act, one transaction"
    assert (last["before"]["state"], last["after"]["state"]) == (before, state)
    return kept


def linked(loop: Loop, kept: dict[str, Any], *, value: str, day: str = "2026-10-31") -> dict[str, Any]:
    """The reading that came of a line, linked from both ends."""
    reading = loop.reading(day)
    assert reading["value"] == value
    assert (kept["reading_device"], kept["reading_day"]) == (reading["device"], day)
    return reading


def set_aside_for(loop: Loop, *codes: str, id: str = ID) -> None:
    """Why the line had been set aside can be told from everywhere after it was stored."""
    shown = loop.site.document("quarantine", "show", id)
    assert [one["code"] for one in shown["found_before"]] == list(codes)
    number = str(int(id) // 10**8)
    told = loop.site.document("report", "delivery", number)
    [line] = [one for one in told["quarantined"] if one["id"] == int(id)]
    assert [one["code"] for one in line["found_before"]] == list(codes)
    listed = loop.site.document("quarantine", "list", "--state", "all", "--code", codes[0])
    assert int(id) in [one["id"] for one in listed]
    for form in ("csv", "html"):
        assert codes[0] in loop.site.done("report", "delivery", number, "--format", form).out
    first, *_ = line["found_before"][0]["message"].split()
    assert first in loop.site.done("report", "delivery", number).out.split()


def ends_once(loop: Loop, *, id: str = ID) -> None:
    """Whoever comes second is told, politely, and nothing changes."""
    before = loop.rows("select * from quarantine") + loop.rows("select * from event")
    state = loop.site.document("quarantine", "show", id)["state"]
    for act in (("dismiss", id), ("return", id), ("accept", id), ("fix", id, "Value=7")):
        said = loop.site.refused("quarantine", *act, "--reason", "once more")
        assert f"line {id} is {state} already" in said
    assert loop.rows("select * from quarantine") + loop.rows("select * from event") == before


def test_a_corrected_by_the_reviewer(loop: Loop) -> None:
    first = bad_value(loop)
    loop.site.done("quarantine", "fix", ID, "Value=12,50", "Unit=m³", "--reason", "read on site")

    kept = closed(loop, state="corrected", who="cli:", why="read on site")
    reading = linked(loop, kept, value="12.50")
    assert (reading["quarantine"], reading["delivery"], reading["line"]) == (int(ID), 2, 2)
    assert kept["fingerprint"] == first["rules"]
    assert kept["raw"] == b"10001;CHYBA;m3;2026-10-31", "what came stays as it came"
    assert kept["corrected_raw"].decode() == "10001;12,50;m³;2026-10-31"
    [told] = loop.ended(2, 2)
    assert told["before"] == {"state": "open", "cells": {"Value": "CHYBA", "Unit": "m3"}}
    assert told["after"] == {"state": "corrected", "cells": {"Value": "12,50", "Unit": "m³"}}
    receipt = loop.receipt(2)
    assert (receipt["verdict"], receipt["revision"], receipt["findings_total"]) == ("accepted", 2, 0)
    assert (receipt["lines"]["accepted"], receipt["lines"]["quarantined"]) == (2, 0)
    assert loop.rejects(2) == []
    set_aside_for(loop, "value.not-a-number")
    assert "value.not-a-number" in loop.site.done("quarantine", "show", ID).out
    ends_once(loop)


def test_b_accepted_in_spite_of_a_soft_rule(loop: Loop) -> None:
    loop.send("r.csv", "10001;9001;m3;2026-10-31", "10001;1;m3;2026-10-30", code=1)
    assert loop.receipt(2)["findings_by_code"] == {"reading.implausible-rise": 1}

    loop.site.done("quarantine", "accept", ID, "--reason", "a burst pipe, seen by our technician")

    kept = closed(loop, state="accepted", who="cli:", why="a burst pipe, seen by our technician")
    assert linked(loop, kept, value="9001")["quarantine"] == int(ID)
    assert kept["fingerprint"] == loop.receipt(2)["rules"]
    assert [(one["code"], one["severity"]) for one in loop.receipt(2)["findings"]] == [
        ("reading.implausible-rise", "warning")
    ]
    assert (loop.receipt(2)["verdict"], loop.rejects(2)) == ("accepted", [])
    set_aside_for(loop, "reading.implausible-rise")
    ends_once(loop)


def test_c_dismissed(loop: Loop) -> None:
    first = bad_value(loop)
    loop.site.done("quarantine", "dismiss", ID, "--reason", "a test of theirs")

    kept = closed(loop, state="dismissed", who="cli:", why="a test of theirs")
    assert (kept["reading_device"], kept["successor_delivery"]) == (None, None)
    assert kept["fingerprint"] == first["rules"]
    assert loop.readings() == [("10001", "2026-10-30", "1")]
    receipt = loop.receipt(2)
    assert (receipt["verdict"], receipt["revision"]) == ("partly_accepted", 2)
    assert receipt["lines"]["quarantined"] == 1, "the line was not accepted: it is where it was"
    assert loop.rejects(2) == []
    ends_once(loop)


def test_d_returned_to_the_partner(loop: Loop) -> None:
    bad_value(loop)
    loop.site.done("quarantine", "return", ID, "--reason", "only you can read that meter")

    closed(loop, state="returned", who="cli:", why="only you can read that meter")
    assert loop.receipt(2)["lines"]["quarantined"] == 1
    assert [row.split(";")[1] for row in loop.rejects(2)[1:]] == ["CHYBA"], "it stays in their file"
    assert loop.site.document("reprocess", "--delivery", "2")["deliveries"] == []
    ends_once(loop)


def test_e_superseded_by_the_edited_rejects_file_line_by_line(loop: Loop) -> None:
    """Four lines come back: one right, one known already, one still wrong; one does not come back."""
    rows = [f"10001;{cell};m3;2026-10-{day}" for day, cell in ((27, "x"), (28, "x"), (29, "x"), (30, "x"))]
    loop.send("r.csv", "10001;5;m3;2026-10-26", *rows, code=1)
    header, *back = loop.rejects(2)
    assert header.endswith(";_line;_code;_column;_message")

    child = loop.send_rejects(
        2,
        back[0].replace(";x;", ";6;"),
        back[1].replace(";x;", ";5;").replace("2026-10-28", "2026-10-26"),
        back[2].replace(";x;", ";y;"),
        code=1,
    )

    assert (child["verdict"], child["parent"]) == ("partly_accepted", "000000000002")
    assert loop.states(2) == [(3, "superseded"), (4, "superseded"), (5, "superseded"), (6, "open")]
    came_from = [loop.line(2, line)["successor_line"] for line in (3, 4, 5)]
    assert came_from == [2, 3, 4]
    stored = closed(
        loop, state="superseded", who="delivery:000000000003", why="sent again in the rejects file", line=3
    )
    assert stored["successor_delivery"] == 3
    assert linked(loop, stored, value="6", day="2026-10-27")["delivery"] == 3
    known = loop.line(2, 4)
    assert linked(loop, known, value="5", day="2026-10-26")["delivery"] == 2, "the reading that was there"
    assert loop.line(2, 5)["reading_device"] is None, "set aside again: it waits in the new delivery"
    assert loop.states(3) == [(4, "open")]
    assert loop.ended(2, 3)[0]["after"] == {"state": "superseded", "successor": {"delivery": 3, "line": 2}}
    told = loop.receipt(2)
    assert (told["revision"], told["lines"]["quarantined"]) == (2, 4), "what was not accepted stays so"
    assert [row.split(";")[3] for row in loop.rejects(2)[1:]] == ["2026-10-30"]
    ends_once(loop, id="200000003")


def test_e_superseded_by_an_ordinary_corrected_file(loop: Loop) -> None:
    """It tells the same meter and day, in whatever file, in whatever order, however the number is written."""
    bad_value(loop)
    loop.send("october.csv", "10001;1,0;m3;2026-10-30", "00010001;2;m3;31.10.2026")

    kept = closed(loop, state="superseded", who="delivery:000000000003", why="told by a later delivery")
    assert (kept["successor_delivery"], kept["successor_line"]) == (3, 3)
    assert linked(loop, kept, value="2")["delivery"] == 3
    assert (loop.receipt(2)["revision"], loop.rejects(2)) == (2, [])
    ends_once(loop)


def test_d_then_e_a_returned_line_is_superseded_by_what_the_partner_sends(loop: Loop) -> None:
    bad_value(loop)
    loop.site.done("quarantine", "return", ID, "--reason", "read it again")
    [back] = loop.rejects(2)[1:]

    loop.send_rejects(2, back.replace("CHYBA", "2"))

    kept = closed(
        loop,
        state="superseded",
        who="delivery:000000000003",
        why="sent again in the rejects file",
        before="returned",
    )
    assert (kept["successor_delivery"], kept["successor_line"]) == (3, 2)
    assert [one["what"] for one in loop.ended(2, 2)] == ["quarantine.returned", "quarantine.superseded"]
    assert loop.rejects(2) == []


def test_f_accepted_by_reprocess_after_the_register_changed(loop: Loop) -> None:
    loop.send("r.csv", "10002;3;m3;2026-10-31", "10001;1;m3;2026-10-30", code=1)
    loop.site.register("10002", name="grown.csv")

    assert loop.site.document("reprocess")["accepted"] == 1

    kept = closed(loop, state="accepted", who="reprocess", why="judged again")
    reading = loop.reading("2026-10-31", serial="10002")
    assert (reading["quarantine"], reading["delivery"], reading["line"]) == (int(ID), 2, 2)
    assert (kept["reading_device"], kept["reading_day"]) == (reading["device"], "2026-10-31")
    assert kept["fingerprint"] == loop.receipt(2)["rules"]
    assert (loop.receipt(2)["verdict"], loop.receipt(2)["revision"], loop.rejects(2)) == ("accepted", 2, [])
    set_aside_for(loop, "reading.device-not-in-register")
    ends_once(loop)


def test_f_accepted_by_reprocess_after_a_rule_changed(loop: Loop) -> None:
    first = loop.send("r.csv", "10001;9001;m3;2026-10-31", "10001;1;m3;2026-10-30", code=1)
    loop.profile("  readings: {rules: {max_rise_per_day: {CW: '10000'}}}")

    assert loop.site.document("reprocess")["accepted"] == 1

    kept = closed(loop, state="accepted", who="reprocess", why="judged again")
    assert linked(loop, kept, value="9001")["quarantine"] == int(ID)
    now = [
        one["rules"] for one in loop.site.document("check", "anyone")["rules"] if one["feed"] == "readings"
    ]
    assert [kept["fingerprint"]] == now
    assert loop.receipt(2)["rules"] == first["rules"] != kept["fingerprint"], "each by what judged it"
    assert (loop.receipt(2)["verdict"], loop.rejects(2)) == ("accepted", [])
    ends_once(loop)


def test_f_accepted_by_reprocess_after_the_profile_changed(loop: Loop) -> None:
    loop.send("r.csv", "10001;2;m3;31/10/2026", "10001;1;m3;2026-10-30", code=1)
    loop.profile("  readings: {date_forms: [iso, dmy_slash]}")

    assert loop.site.document("reprocess")["accepted"] == 1

    kept = closed(loop, state="accepted", who="reprocess", why="judged again")
    assert linked(loop, kept, value="2")["quarantine"] == int(ID)
    assert (loop.receipt(2)["verdict"], loop.rejects(2)) == ("accepted", [])
    ends_once(loop)


def test_a_line_of_the_register_goes_the_same_ways(loop: Loop) -> None:
    """A device says itself which delivery and line told it."""
    row = "2026-01-01;A-{0};m3;hall;CW;{0};-;1;2024-01-01;{1}"
    rows = [
        row.format(serial, correction)
        for serial, correction in (("20001", "0"), ("20002", "0"), ("20003", "1"))
    ]
    loop.send("devices.csv", *rows, header=REGISTER_HEADER, code=1)
    assert loop.states(2) == [(2, "open"), (3, "open")]

    loop.site.done("quarantine", "fix", ID, "Correction=1", "--reason", "a slip")
    kept = closed(loop, state="corrected", who="cli:", why="a slip")
    assert kept["reading_device"] is None
    [device] = loop.rows("select delivery, line from device where serial = '20001'")
    assert (device["delivery"], device["line"]) == (2, 2)

    again = [row.format(serial, "1") for serial in ("20001", "20002", "20003")]
    loop.send("devices-2.csv", *again, header=REGISTER_HEADER)
    later = closed(
        loop, state="superseded", who="delivery:000000000003", why="told by a later delivery", line=3
    )
    assert (later["successor_delivery"], later["successor_line"]) == (3, 3)
    assert (loop.receipt(2)["verdict"], loop.rejects(2)) == ("partly_accepted", [])


def test_a_line_of_a_feed_without_a_table_goes_the_same_ways(loop: Loop) -> None:
    header = "VisitNo;VisitDay;Done"
    loop.profile("  service_visits: {}", "  readings: {}")
    loop.send("visits.csv", "V1;2026-10-01;FITTED", "V2;x;FITTED", "V3;y;FITTED", header=header, code=1)

    loop.site.done("quarantine", "fix", "200000003", "VisitDay=2026-10-02", "--reason", "asked them")
    closed(loop, state="corrected", who="cli:", why="asked them", line=3)
    records = {row["line"]: row["quarantine"] for row in loop.rows("select line, quarantine from record")}
    assert records == {2: None, 3: 200000003}

    [back] = loop.rejects(2)[1:]
    loop.send_rejects(2, back.replace(";y;", ";2026-10-03;"))
    kept = closed(loop, state="superseded", who="delivery:", why="sent again in the rejects file", line=4)
    assert (kept["successor_delivery"], kept["successor_line"]) == (3, 2)
    assert [row["delivery"] for row in loop.rows("select delivery from record order by delivery, line")] == [
        2,
        2,
        3,
    ]
