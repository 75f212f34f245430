"""A line with NULs, or with bytes that are no letters: set aside as it came, and all else that is wrong is told with it."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import pytest

from meterdrop.bootstrap import House
from meterdrop.model.delivery import Delivery
from meterdrop.model.errors import OperatorMistake
from meterdrop.settings import read_settings
from meterdrop.usecases.reprocess import Selection
from tests.homes import POSTGRESQL, Homes

pytestmark = pytest.mark.by_night(POSTGRESQL)

READINGS = "SerialNum;Value;Unit;Date;RadioNumber;Media;Kind;Estimated;Status;Note"
DEVICES = (
    "Date;Location;TypeUnit;Room;Media;SerialNumber;RadioNumber;Seq;DateFrom;DateTo;Correction;Digits;Partner"
)
REGISTER = "Date;Location;TypeUnit;Room;Media;SerialNumber;RadioNumber;Seq;DateFrom;Correction"
DAMAGES = {"line.nul": b"\0", "line.encoding": b"\xff"}


@pytest.fixture
def house(homes: Homes, tmp_path: Path) -> House:
    home = tmp_path / "home"
    homes.make(home)
    made = House(settings=read_settings(home), today_is=date(2026, 11, 24))
    made.partners.add("anyone", name="Anyone", group=2, keys=[], networks=[], who="test")
    rows = [f"2026-01-01;A{serial};m3;hall;CW;{serial};-;1;2024-01-01;1" for serial in ("1", "2")]
    taken(made, [REGISTER, *rows], name="register.csv")
    return made


def taken(house: House, lines: Sequence[str | bytes], *, name: str = "readings.csv") -> Delivery:
    """The lines in UTF-8, with the mark that says so."""
    given = house.home / "work" / name
    sent = [line.encode() if isinstance(line, str) else line for line in lines]
    given.write_bytes(b"\xef\xbb\xbf" + b"\n".join(sent) + b"\n")
    [done] = house.take_files([given], partner="anyone", feed=None)
    house.send_receipts()
    return done


def told(house: House, delivery: Delivery) -> dict[int, list[tuple[str | None, str]]]:
    """By line of the open ones: what is wrong, in which column."""
    lines = house.review.listed(partner=None, delivery=delivery.id, state="open", code=None, limit=None)
    return {
        one.line.line: [(found.column, found.code.value) for found in one.findings if found.line]
        for one in lines
    }


def raws(house: House, delivery: Delivery) -> list[bytes]:
    lines = house.review.listed(partner=None, delivery=delivery.id, state="open", code=None, limit=None)
    return [one.line.raw for one in lines]


@pytest.mark.parametrize("code", DAMAGES)
@pytest.mark.parametrize(
    ("header", "line", "wrong", "needs"),
    [
        (READINGS, "9;x;m4;31.2.2026;+;Y;Z;Q;W;n", 9, {}),
        (READINGS, "1;-5;kWh;2027-01-01;7;CW;Z;Q;W;n", 6, {"SerialNum": "reading.unit-mismatch"}),
        (READINGS, "1;5;;2026-11-05;7;CW;RADIO;0;OK;n", 1, {}),
        (DEVICES, "2030-01-01;;m4;;Y;5.1E+06;+;x;31.2.2026;x;-1;x;nobody", 13, {}),
        (
            DEVICES,
            "2026-11-01;A;;hall;CW;9;-;1;2026-05-01;2026-04-01;1;5;",
            2,
            {"Media": "cell.missing", "DateFrom": "device.ends-before-start"},
        ),
    ],
)
def test_damage_in_one_cell_hides_no_error_of_another_one_and_tells_none_of_its_own(
    house: House, header: str, line: str, wrong: int, needs: Mapping[str, str], code: str
) -> None:
    """`needs`: what is told of another cell only if this one can be read."""
    cells = line.encode().split(b";")
    harmed = [
        b";".join([*cells[:place], cell[:1] + DAMAGES[code] + cell[1:], *cells[place + 1 :]])
        for place, cell in enumerate(cells)
    ]

    done = taken(house, [header, line, *harmed])

    found = told(house, done)
    whole = found.pop(2)
    assert len({column for column, _ in whole}) == wrong
    for heading, errors in zip(header.split(";"), found.values(), strict=True):
        others = [each for each in whole if each[0] != heading and each[1] != needs.get(heading)]
        assert errors == [(None, code), *others]


def test_all_is_told_at_once_and_the_mended_line_ends_it(house: House) -> None:
    damaged = b"1;x;m3;2026-11-05;;;;;;no\0te"
    done = taken(house, [READINGS, damaged])
    assert told(house, done) == {2: [(None, "line.nul"), ("Value", "value.not-a-number")]}

    later = taken(house, [READINGS, "1;5;m3;2026-11-05;;;;;;note"], name="later.csv")

    assert later.findings_by_code == {}
    assert told(house, done) == {}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damaged_line_comes_back_byte_for_byte_and_is_judged_again(house: House, damage: bytes) -> None:
    lines = [b"1;5;m" + damage + b"3;2026-11-05;;;;;;", b'7;x;m3;2026-11-06;;;;;;"a' + damage + b';"']
    done = taken(house, [READINGS, *lines, "1;6;m3;2026-11-07;;;;;;"])
    [path] = (house.home / "receipts" / "anyone").glob(f"*{done.upload}.rejects.csv")
    sent_back = path.read_bytes().splitlines()
    assert raws(house, done) == lines
    assert [line.startswith(raw + b";") for line, raw in zip(sent_back[1:], lines, strict=True)] == [True] * 2
    before = told(house, done)

    outcome = house.reprocess(Selection(delivery=done.id), dry_run=False, progress=lambda _done, _all: None)

    assert [(one.accepted, one.still) for one in outcome.deliveries] == [(0, 2)]
    assert told(house, done) == before


def test_rejects_file_sent_back_as_it_is_takes_the_damaged_lines_place(house: House) -> None:
    done = taken(house, [READINGS, b"1;5;m\xff3;2026-11-05;;;;;;\0", b"1;x;m3;2026-11-06;;;;;;\0"])
    [path] = (house.home / "receipts" / "anyone").glob(f"*{done.upload}.rejects.csv")

    sent_back = path.read_bytes()

    lines = sent_back.removeprefix(b"\xef\xbb\xbf").splitlines()
    again = taken(house, lines, name=f"readings.csv.{done.upload}.rejects.csv")

    assert (again.parent, told(house, done)) == (done.id, {})
    [second] = (house.home / "receipts" / "anyone").glob(f"*{again.upload}.rejects.csv")
    assert second.read_bytes() == sent_back


def test_damaged_line_is_never_another_line_s_contradiction(house: House) -> None:
    """Nor is its reading stored: it is nobody's neighbour."""
    done = taken(
        house,
        [
            READINGS,
            "1;5;m3;2026-11-05;;;;;;",
            b"1;9;m3;2026-11-05;;;;;;\0",
            b"1;99;m3;2026-11-04;;\xff;;;;",
            "1;6;m3;2026-11-06;;;;;;",
        ],
    )

    assert (done.lines.accepted, done.lines.quarantined) == (2, 2)
    assert done.findings_by_code == {"line.encoding": 1, "line.nul": 1}


def test_reviewer_gives_a_damaged_cell_a_text(house: House) -> None:
    done = taken(house, [READINGS, b"1;5;m\xff3;2026-11-05;;;;;;", "1;6;m3;2026-11-06;;;;;;"])
    [line] = house.review.listed(partner=None, delivery=done.id, state="open", code=None, limit=None)
    with pytest.raises(OperatorMistake, match="can't be read: Unit"):
        house.review.fix(line.line.id, cells={"Value": "5"}, who="test", reason="typing error")

    house.review.fix(line.line.id, cells={"Unit": "m3"}, who="test", reason="it is water")

    assert told(house, done) == {}
