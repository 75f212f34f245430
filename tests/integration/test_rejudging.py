"""Lines judged again later: what was told since stays, nothing is lost, and one delivery holds up no other."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import update

from meterdrop.bootstrap import House
from meterdrop.dispatch.locks import FileLocks
from meterdrop.model.delivery import Delivery
from meterdrop.model.errors import OperatorMistake
from meterdrop.settings import read_settings
from meterdrop.store.schema import delivery
from meterdrop.usecases.reprocess import Reprocessed, Selection
from meterdrop.usecases.review import Choice
from tests.homes import POSTGRESQL, Homes
from tests.homes import rows as rows_of

pytestmark = pytest.mark.by_night(POSTGRESQL)

HEADER = "SerialNum;Value;Unit;Date"
REGISTER = "Date;Location;TypeUnit;Room;Media;SerialNumber;RadioNumber;Seq;DateFrom;Correction"


@pytest.fixture
def house(homes: Homes, tmp_path: Path) -> House:
    home = tmp_path / "home"
    homes.make(home)
    made = House(settings=read_settings(home), today_is=date(2026, 11, 24))
    made.partners.add("anyone", name="Anyone", group=2, keys=[], networks=[], who="test")
    register(made, "1")
    return made


def taken(house: House, content: str | bytes, *, name: str = "readings.csv") -> Delivery:
    given = house.home / "work" / name
    given.write_bytes(content.encode() if isinstance(content, str) else content)
    [done] = house.take_files([given], partner="anyone", feed=None)
    house.send_receipts()
    return done


def register(house: House, *serials: str) -> None:
    rows = [f"2026-01-01;A{serial};m3;hall;CW;{serial};-;1;2024-01-01;1" for serial in serials]
    assert taken(house, "\n".join([REGISTER, *rows]) + "\n").state.value == "accepted"


def reprocessed(house: House, *, delivery: Delivery | None = None) -> Reprocessed:
    selection = Selection(delivery=None if delivery is None else delivery.id)
    return house.reprocess(selection, dry_run=False, progress=lambda _done, _all: None)


def values(house: House) -> list[str]:
    return [str(row["value"]) for row in house.export.readings(partner="anyone", start=None, end=None)]


def open_lines(house: House) -> list[int]:
    lines = house.review.listed(partner=None, delivery=None, state="open", code=None, limit=None)
    return [one.line.id for one in lines]


def rejects(house: House, delivery: Delivery) -> bytes:
    house.send_receipts()
    [path] = (house.home / "receipts" / "anyone").glob(f"*{delivery.upload}.rejects.csv")
    return path.read_bytes()


@pytest.mark.by_day(POSTGRESQL)
def test_reprocess_does_not_undo_what_a_later_file_told(house: House) -> None:
    earlier = taken(house, f"{HEADER}\n2;10;m3;2026-11-05\n1;1;m3;2026-11-05\n")
    register(house, "1", "2")
    taken(house, f"{HEADER}\n2;12;m3;2026-11-05\n", name="later.csv")

    assert reprocessed(house).deliveries == ()

    assert values(house) == ["1", "12"]
    settled = house.show_delivery(earlier.number).delivery
    assert (settled.lines.accepted, settled.lines.duplicate, settled.lines.quarantined) == (1, 0, 1)
    [line] = house.review.listed(partner=None, delivery=earlier.id, state="superseded", code=None, limit=None)
    assert line.line.line == 2


@pytest.mark.by_day(POSTGRESQL)
def test_estimate_does_not_end_an_actual_reading_that_waits_for_its_meter(house: House) -> None:
    """As it would not replace it if the register had come first. Another defect is no reason to wait: it may be the remedy."""
    kinds = f"{HEADER};Kind"
    earlier = taken(house, f"{kinds}\n2;10;m3;2026-11-05;VISUAL\n2;x;m3;2026-11-06;\n2;14;m3;2026-11-07;\n")
    register(house, "1", "2")
    days = "".join(f"2;1{day};m3;2026-11-0{day};ESTIMATE\n" for day in (5, 6)) + "2;17;m3;2026-11-07;\n"
    taken(house, f"{kinds}\n{days}", name="later.csv")
    assert open_lines(house) == [earlier.id * 100_000_000 + 2]

    assert reprocessed(house).accepted == 1

    assert values(house) == ["10", "16", "17"]
    assert reprocessed(house).deliveries == ()


def test_telegram_does_not_end_a_reading_at_an_exchange_that_waits_for_its_meter(house: House) -> None:
    """In the other order the telegram would not have taken its place."""
    kinds = f"{HEADER};Kind"
    waits = taken(house, f"{kinds}\n2;110;m3;2026-11-05;EXCHANGE_OUT\n2;120;m3;2026-11-06;RADIO\n")
    register(house, "1", "2")
    days = "".join(f"2;{value};m3;2026-11-0{day};RADIO\n" for value, day in ((111, 5), (121, 6)))
    taken(house, f"{kinds}\n{days}", name="later.csv")
    assert open_lines(house) == [waits.id * 100_000_000 + 2]

    assert reprocessed(house).accepted == 1
    assert values(house) == ["110", "121"]


def test_estimate_does_not_end_an_actual_reading_that_fell_beside_a_wrong_one(house: House) -> None:
    """Once the wrong one is corrected it takes the estimate's place."""
    taken(house, f"{HEADER}\n1;50;m3;2026-11-05\n")
    fallen = taken(house, f"{HEADER};Kind\n1;10;m3;2026-11-06;VISUAL\n", name="fallen.csv")
    taken(house, f"{HEADER};Kind\n1;51;m3;2026-11-06;ESTIMATE\n", name="estimate.csv")
    assert open_lines(house) == [fallen.id * 100_000_000 + 2]

    taken(house, f"{HEADER}\n1;5;m3;2026-11-05\n", name="correction.csv")

    assert reprocessed(house).accepted == 1
    assert values(house) == ["5", "10"]


def test_reading_mended_in_an_earlier_file_makes_room_for_a_later_one_s_line(house: House) -> None:
    """The value it was wrong beside is corrected by a line that a reviewer mended."""
    taken(house, f"{HEADER}\n1;500;m3;2026-11-05\n")
    earlier = taken(house, f"{HEADER}\n1;100;?;2026-11-05\n", name="earlier.csv")
    later = taken(house, f"{HEADER}\n1;110;m3;2026-11-06\n", name="later.csv")
    house.review.fix(earlier.id * 100_000_000 + 2, cells={"Unit": "m3"}, who="jana", reason="a slip")

    assert reprocessed(house).accepted == 1

    assert values(house) == ["100", "110"]
    assert house.show_delivery(later.number).delivery.state.value == "accepted"


def test_allocator_s_reading_without_a_unit_is_taken_once_the_register_knows_it_as_one(house: House) -> None:
    """It was registered in m3 by mistake."""
    taken(house, f"{HEADER}\n1;5;;2026-11-05\n")
    corrected = f"{REGISTER}\n2026-01-02;A1;;hall;HT;1;-;1;2024-01-01;1\n"
    assert taken(house, corrected, name="register-2.csv").lines.quarantined == 0

    assert reprocessed(house).accepted == 1


@pytest.mark.by_day(POSTGRESQL)
def test_line_whose_end_was_not_kept_is_never_accepted_later(house: House) -> None:
    note = "x" * 200_000
    done = taken(house, f"{HEADER};Note\n1;5;m3;2026-11-05;{note}\n1;5;m3;2026-11-06;\n")

    outcome = reprocessed(house, delivery=done)

    assert (outcome.accepted, outcome.still) == (0, 1)
    assert values(house) == ["5"]


@pytest.mark.by_day(POSTGRESQL)
def test_delivery_that_cannot_be_judged_any_more_holds_up_no_other(house: House) -> None:
    stuck = taken(house, f"{HEADER}\n7;10;m3;2026-11-05\n1;1;m3;2026-11-05\n")
    taken(house, f"{HEADER}\n2;10;m3;2026-11-06\n1;1;m3;2026-11-06\n", name="next.csv")
    register(house, "1", "2", "7")
    with house.database.writing() as store:
        store.execute(update(delivery).where(delivery.c.id == stuck.id).values(header_raw=b"a;b"))

    outcome = reprocessed(house)

    assert [(one.accepted, one.still) for one in outcome.deliveries] == [(0, 1), (1, 0)]


@pytest.mark.parametrize(
    "cells",
    [
        {"SerialNum": "", "Value": "", "Unit": "", "Date": ""},
        {"SerialNum": "# 1"},
        dict(zip(HEADER.split(";"), HEADER.split(";"), strict=True)),
    ],
    ids=["blank", "comment", "header"],
)
def test_line_cannot_be_corrected_into_no_record(house: House, cells: dict[str, str]) -> None:
    done = taken(house, f"{HEADER}\n1;x;m3;2026-11-05\n")
    [line] = open_lines(house)

    with pytest.raises(OperatorMistake, match="no record"):
        house.review.fix(line, cells=cells, who="test", reason="typing error")

    assert open_lines(house) == [line]
    assert house.show_delivery(done.number).delivery.lines.quarantined == 1


@pytest.mark.parametrize("bad", [b"a\xff\xfeb", b"a\x00b"], ids=["bytes", "nul"])
def test_cell_that_cannot_be_read_is_never_stored_as_something_else(house: House, bad: bytes) -> None:
    """A reviewer mends one cell; the other one, which nobody can read, must be given a text, too."""
    good = "1;4;m3;2026-11-04;žluťoučký kůň\n"
    taken(house, f"{HEADER};Note\n{good}1;x;m3;2026-11-05;".encode() + bad + b"\n")
    [line] = open_lines(house)

    with pytest.raises(OperatorMistake, match="can't be read: Note"):
        house.review.fix(line, cells={"Value": "5"}, who="test", reason="typing error")
    assert open_lines(house) == [line]

    house.review.fix(line, cells={"Value": "5", "Note": "ab"}, who="test", reason="typing error")
    assert (open_lines(house), values(house)) == ([], ["4", "5"])


@pytest.mark.parametrize(
    ("mark", "encoding"), [(b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")]
)
def test_rejects_keep_their_byte_order_mark_after_a_reviewers_act(
    house: House, mark: bytes, encoding: str
) -> None:
    text = f"{HEADER}\n1;x;m3;2026-11-05\n1;y;m3;2026-11-06\n"
    done = taken(house, mark + text.encode(encoding))

    house.review.dismiss(Choice(ids=(open_lines(house)[0],)), who="test", reason="not wanted")

    again = rejects(house, done).replace("y".encode(encoding), "5".encode(encoding))
    assert again.startswith(mark)
    assert taken(house, again, name=f"readings.csv.{done.upload}.rejects.csv").parent == done.id
    assert values(house) == ["5"]


def test_bad_line_before_contradicting_lines_comes_back_with_them(house: House) -> None:
    """Findings of two kinds, already in order when they are put together: two pieces of memory, one file."""
    done = taken(house, f"{HEADER}\n1;x;m3;2026-11-05\n1;5;m3;2026-11-06\n1;6;m3;2026-11-06\n")

    assert done.findings_by_code == {"reading.conflict-in-file": 2, "value.not-a-number": 1}
    assert len(rejects(house, done).splitlines()) == 4


def rehearsed(house: House) -> Reprocessed:
    return house.reprocess(Selection(), dry_run=True, progress=lambda _done, _all: None)


@pytest.fixture
def entangled(house: House) -> House:
    """Meter 2 came late: of its readings in two deliveries one contradicts the other."""
    taken(house, f"{HEADER}\n2;5;m3;2026-11-05\n1;1;m3;2026-11-05\n")
    taken(house, f"{HEADER}\n2;4;m3;2026-11-06\n1;1;m3;2026-11-06\n", name="next.csv")
    register(house, "1", "2")
    return house


def stored(house: House) -> dict[str, object]:
    """All that is kept: every row of what a run may change, and the files."""
    kept = [house.home / name for name in ("originals", "receipts")]
    files = {str(path): path.read_bytes() for place in kept for path in place.rglob("*") if path.is_file()}
    return files | {
        table: sorted(map(repr, rows_of(house.home, f"SELECT * FROM {table}")))  # noqa: S608
        for table in (
            "partner",
            "delivery",
            "device",
            "reading",
            "reading_history",
            "quarantine",
            "outbox",
            "event",
        )
    }


@pytest.mark.by_day(POSTGRESQL)
def test_dry_run_tells_what_the_run_comes_to_and_changes_nothing(entangled: House) -> None:
    """What one delivery's lines come to depends on those of another, which would be stored before."""
    house = entangled
    (house.home / "work" / "rehearsal").mkdir()
    (house.home / "work" / "rehearsal" / "meterdrop.db").write_bytes(b"left by one that was killed")
    before = stored(house)

    would = rehearsed(house)

    assert stored(house) == before
    assert not (house.home / "work" / "rehearsal").exists()
    assert len(open_lines(house)) == 2
    assert (would.accepted, would.still, would.dry_run, would.first_pass_only) == (1, 1, True, False)
    assert would.deliveries == reprocessed(house).deliveries
    assert stored(house) != before


@pytest.mark.only_on("postgresql")
def test_dry_run_that_fails_midway_leaves_nothing_behind(entangled: House) -> None:
    """It is one transaction: whatever ends it, it is taken back."""
    house = entangled
    before = stored(house)

    def ctrl_c(_done: int, _all: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        house.reprocess(Selection(), dry_run=True, progress=ctrl_c)
    assert stored(house) == before
    assert len(reprocessed(house).deliveries) == 2


@pytest.mark.only_on("sqlite")
def test_dry_run_without_room_for_a_copy_says_that_it_is_the_first_pass(
    entangled: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        shutil, "disk_usage", lambda _where: SimpleNamespace(free=entangled.room.floor + 10_000)
    )
    would = rehearsed(entangled)
    assert (would.accepted, would.first_pass_only) == (2, True)
    assert not (entangled.home / "work" / "rehearsal").exists()


class _MeanwhileLocks(FileLocks):
    """Before the lock of the partner is got, another process acts."""

    def __init__(self, folder: Path, *, act: Callable[[], object]) -> None:
        super().__init__(folder)
        self._act = act

    @contextmanager
    def hold(self, name: str, *, wait: float) -> Iterator[None]:
        if name != "reprocess":
            self._act()
        with super().hold(name, wait=wait):
            yield


@pytest.mark.by_day(POSTGRESQL)
def test_lines_that_end_while_a_run_is_under_way_stop_no_others(entangled: House) -> None:
    """A reviewer is quicker: the run goes on with the next delivery, and tells what it did."""
    house = entangled
    first = Choice(delivery=2)

    def dismissed() -> None:
        if 200000002 in open_lines(house):
            house.review.dismiss(first, who="test", reason="not wanted")

    locks = _MeanwhileLocks(house.home / "locks", act=dismissed)
    done = replace(house.reprocess, locks=locks)(
        Selection(), dry_run=False, progress=lambda _done, _all: None
    )

    assert [(one.delivery, one.accepted) for one in done.deliveries] == [(3, 1)]
    assert sorted(values(house)) == ["1", "1", "4"]


def test_line_that_fails_for_the_same_reason_again_is_not_told_again(house: House) -> None:
    """A register that grows every day would make a new receipt of it every day."""
    done = taken(house, f"{HEADER}\n1;100;m3;2026-11-05\n1;5;m3;2026-11-06\n")
    register(house, "1", "2")
    assert reprocessed(house).still == 1
    assert house.show_delivery(done.number).delivery.revision == 1
    assert reprocessed(house).deliveries == ()

    taken(house, f"{HEADER}\n1;99;m3;2026-11-05\n", name="later.csv")
    assert reprocessed(house).still == 1
    told = house.show_delivery(done.number)
    assert told.delivery.revision == 2, "it is below another value now"


@pytest.mark.by_day(POSTGRESQL)
def test_second_run_finds_nothing_to_do_however_many_deliveries_wait(house: House) -> None:
    """Once a line that failed again made the next run look at every other delivery, for ever."""
    register(house, "1", "2")
    for serial in "12":
        rows = f"{serial};100;m3;2026-11-05\n{serial};5;m3;2026-11-06\n"
        taken(house, f"{HEADER}\n{rows}", name=f"{serial}.csv")
    assert len(open_lines(house)) == 2
    reprocessed(house)

    before = house.show_delivery("3"), house.show_delivery("4")
    assert reprocessed(house).deliveries == ()
    assert (house.show_delivery("3"), house.show_delivery("4")) == before
