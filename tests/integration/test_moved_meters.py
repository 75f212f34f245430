"""A meter that is put up elsewhere takes its readings along, also when that is learnt after they were stored."""

import json

import pytest

from tests.integration.command_line import CommandLine
from tests.integration.loop import REGISTER_HEADER, Loop

HEADER = f"{REGISTER_HEADER};DateTo"


def at(place: str, since: str, *, seen: str, until: str = "") -> str:
    """A row of the register: the meter at a place."""
    return f"{seen};{place};m3;hall;CW;10001;-;1;{since};1;{until}"


@pytest.fixture
def loop(meterdrop: CommandLine) -> Loop:
    """The meter at A; readings of 1 to 8 October are stored, that of the 5th after a correction."""
    made = Loop(meterdrop)
    made.send("first.csv", at("A", "2024-01-01", seen="2026-09-01"), header=HEADER)
    made.send("r.csv", *(f"10001;{day};m3;2026-10-0{day}" for day in range(1, 9)))
    made.send("c.csv", "10001;6.5;m3;2026-10-06")
    return made


def places(loop: Loop) -> list[tuple[str, str, int]]:
    """Which days' readings are stored with the meter's service at each place: first, last and how many."""
    rows = loop.rows(
        "select location, min(day) first, max(day) last, count(*) number from reading "
        "join device on device.id = reading.device group by device.id, device.location order by location"
    )
    return [(row["location"], f"{row['first'][-2:]}-{row['last'][-2:]}", row["number"]) for row in rows]


def test_readings_go_with_the_meter_from_the_day_it_was_put_up_elsewhere(loop: Loop) -> None:
    """Nothing is out of service, sent again they are known, and each day is exported once."""
    receipt = loop.send("moved.csv", at("B", "2026-10-05", seen="2026-11-01"), header=HEADER)
    assert receipt["findings_by_code"] == {"device.moved": 1}
    assert places(loop) == [("A", "01-04", 4), ("B", "05-08", 4)]

    again = loop.send("again.csv", *(f"10001;{day}.0;m3;2026-10-0{day}" for day in (5, 7, 8)))
    assert (again["lines"]["duplicate"], again["lines"]["accepted"]) == (3, 0)
    assert len(loop.readings()) == 8


def test_audit_tells_which_readings_went_where(loop: Loop) -> None:
    loop.send("moved.csv", at("B", "2026-10-05", seen="2026-11-01"), header=HEADER)
    [told] = loop.rows("select * from event where what = 'device.readings-followed'")
    assert (told["delivery"], told["line"], told["partner"]) == (4, 2, "anyone")
    assert (told["who"], told["why"]) == ("delivery:000000000004", None), "a register corrects no reading"
    assert json.loads(told["before"]) == {"device": 1}
    followed = {"device": 2, "readings": 4, "first": "2026-10-05", "last": "2026-10-08"}
    assert json.loads(told["after"]) == followed


def test_what_readings_superseded_and_the_quarantined_lines_they_came_of_follow_them(loop: Loop) -> None:
    loop.send("bad.csv", "10001;x;m3;2026-10-09", code=1)
    loop.site.done("quarantine", "fix", "400000002", "Value=9", "--reason", "a photo")
    loop.send("moved.csv", at("B", "2026-10-05", seen="2026-11-01"), header=HEADER)

    [superseded] = loop.rows("select device, day, value from reading_history")
    assert superseded == {"device": 2, "day": "2026-10-06", "value": "6"}
    line = loop.line(4, 2)
    assert (line["reading_device"], line["reading_day"]) == (2, "2026-10-09")


def test_readings_come_back_when_the_move_is_taken_back(loop: Loop) -> None:
    """The service elsewhere is told to have lasted no day."""
    loop.send("moved.csv", at("B", "2026-10-05", seen="2026-11-01"), header=HEADER)
    rows = (
        at("A", "2024-01-01", seen="2026-11-02"),
        at("B", "2026-10-05", seen="2026-11-02", until="2026-10-05"),
    )
    loop.send("back.csv", *rows, header=HEADER)
    assert places(loop) == [("A", "01-08", 8)]


def test_reading_of_a_day_on_which_the_meter_served_nowhere_stays_and_is_told(loop: Loop) -> None:
    """On the last day of a service it still served there."""
    rows = (
        at("A", "2024-01-01", seen="2026-11-01", until="2026-10-03"),
        at("B", "2026-10-05", seen="2026-11-01", until="2026-10-07"),
    )
    receipt = loop.send("moved.csv", *rows, header=HEADER)
    assert receipt["findings_by_code"] == {"device.readings-out-of-service": 1}
    [told] = receipt["findings"]
    assert told["against"] == "2 2026-10-04 2026-10-08"
    assert places(loop) == [("A", "01-08", 5), ("B", "05-07", 3)]


def test_meter_that_bears_another_number_takes_no_readings(loop: Loop) -> None:
    """An exchange: readings of the old meter after it are told, as before."""
    receipt = loop.send(
        "exchange.csv",
        at("A", "2026-10-05", seen="2026-11-01").replace("10001", "20002"),
        header=HEADER,
    )
    assert receipt["findings_by_code"] == {"device.exchanged": 1, "device.readings-out-of-service": 1}
    assert places(loop) == [("A", "01-08", 8)]
