"""A file is settled in ranges of devices: that must not show, except in how much memory it takes."""

import random
from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from meterdrop.bootstrap import House
from meterdrop.model.codes import Code
from meterdrop.settings import read_settings
from meterdrop.store.spool import Spool
from meterdrop.tables import LINE
from meterdrop.usecases.judging.device_ranges import DeviceRanges
from meterdrop.usecases.judging.judge import Judged, findings_in_order, judge, set_aside_in_order
from meterdrop.usecases.judging.memory import Memory
from meterdrop.usecases.judging.readings import ReadingRules
from meterdrop.usecases.judging.rules import AS_IT_CAME, Occasion
from meterdrop.usecases.recognise import recognise_excerpt
from tests.homes import Homes

TODAY = date(2026, 11, 24)
METERS = 7
REGISTER = "Date;Location;TypeUnit;Room;Media;SerialNumber;RadioNumber;Seq;DateFrom;Correction"


@pytest.fixture
def house(homes: Homes) -> Iterator[House]:
    """A home with meters, half of which have readings already; nothing here changes it."""
    home = homes.kept("settling", partial(furnish, homes=homes))
    made = House(settings=read_settings(home), today_is=TODAY)
    yield made
    made.database.close()


def furnish(home: Path, *, homes: Homes) -> None:
    homes.make(home)
    made = House(settings=read_settings(home), today_is=TODAY)
    made.partners.add("anyone", name="Anyone", group=2, keys=[], networks=[], who="test")
    register = [f"2026-01-01;A{meter};m3;hall;CW;{meter};-;1;2024-01-01;1" for meter in range(1, METERS + 1)]
    stored = [f"{meter};{20 + 5 * day};m3;{at(day)};" for meter in range(1, 4) for day in range(0, 12, 4)]
    for name, lines in (("register.csv", [REGISTER, *register]), ("stored.csv", [HEADER, *stored])):
        path = home / "work" / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        [done] = made.take_files([path], partner="anyone", feed=None)
        assert done.state.value == "accepted"
    made.database.close()


HEADER = "SerialNum;Value;Unit;Date;Kind"


def at(day: int) -> date:
    return date(2026, 10, 1) + timedelta(days=day)


def messy(seed: int) -> list[str]:
    """Lines of all meters in any order: repeats, conflicts, falls, corrections, estimates, and bad cells."""
    chance = random.Random(seed)  # noqa: S311 - a test's own dice
    kinds = ["RADIO"] * 6 + ["ESTIMATE", "EXCHANGE_IN", "EXCHANGE_OUT"]
    lines = []
    for _ in range(90):
        meter, day = chance.randint(1, METERS + 1), chance.randint(0, 12)
        value = 20 + 5 * day + chance.choice([0, 0, 0, 1, -30, 900])
        cell = chance.choice([str(value)] * 20 + ["x", ""])
        lines.append(f"{meter};{cell};m3;{at(day)};{chance.choice(kinds)}")
    return lines


def judged(
    house: House, lines: list[str], *, work: Path, rows_together: int, occasion: Occasion = AS_IT_CAME
) -> tuple[Judged, dict[str, pd.DataFrame]]:
    """What judging comes to, and all that waits in the spool then."""
    content = "\n".join([HEADER, *lines, ""]).encode()
    agreement = house.agreement_of("anyone", "readings", TODAY)
    layout = recognise_excerpt(
        HEADER.encode(), encoding="utf-8", bom=0, separator=";", header_line=1, agreement=agreement
    )
    rules = ReadingRules(
        agreement,
        database=house.database,
        today=TODAY,
        rows_together=rows_together,
        memory=Memory(most=0),
    )
    spool = Spool(work / "spool")
    try:
        found = judge(
            BytesIO(content), agreement=agreement, layout=layout, rules=rules, spool=spool, occasion=occasion
        )
        kept = {
            "findings": _all(list(findings_in_order(spool, ends=found.ends))),
            "aside": _all([rows for rows, _ in set_aside_in_order(spool, ends=found.ends)]),
            **{
                name: _all([block for part in spool.parts(name) for block in spool.blocks(part)])
                for name in ("new", "superseding")
            },
        }
    finally:
        spool.close()
    return found, kept


def _all(blocks: list[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(blocks, ignore_index=True) if blocks else pd.DataFrame()


@pytest.mark.parametrize("seed", range(8))
def test_ranges_of_devices_change_nothing(house: House, tmp_path: Path, seed: int) -> None:
    """One for all, some, or one for each device: the same counts, findings, bytes and readings."""
    lines = messy(seed)
    whole, all_of_it = judged(house, lines, work=tmp_path, rows_together=10_000)
    assert whole.lines.lawful()
    assert {"reading.below-previous", "reading.same-value"} <= set(whole.findings_by_code)
    for rows_together in (1, 30):
        parts, all_of_them = judged(house, lines, work=tmp_path, rows_together=rows_together)
        assert (parts.lines, parts.findings_by_code) == (whole.lines, whole.findings_by_code)
        for name, rows in all_of_it.items():
            pd.testing.assert_frame_equal(all_of_them[name], rows)


def test_readings_wait_in_the_order_in_which_they_are_stored(house: House, tmp_path: Path) -> None:
    """Device by device and day by day, whatever the file's order and the ranges: good for the database."""
    lines = [f"{meter};{20 + 5 * day + 1};m3;{at(day)};" for day in range(12, -1, -1) for meter in (3, 7, 1)]
    _, kept = judged(house, lines, work=tmp_path, rows_together=20)
    for name, rows in (("new", 33), ("superseding", 6)):
        keys = list(zip(kept[name]["device"], kept[name]["day"], strict=True))
        assert keys == sorted(set(keys))
        assert len(keys) == rows


def test_line_set_aside_later_waits_with_its_bytes_meter_and_day(house: House, tmp_path: Path) -> None:
    """As those whose cells were bad do."""
    lines = ["005;1;m3;2026-10-01;", "6;9;m3;2026-10-01;", "6;x;m3;2026-10-02;", "6;8;m3;2026-10-03;"]
    _, kept = judged(house, lines, work=tmp_path, rows_together=1)
    aside = kept["aside"]
    assert aside["line"].tolist() == [4, 5]
    assert aside["raw"].tolist() == [lines[2].encode(), lines[3].encode()]
    assert aside["serial_key"].tolist() == ["6", "6"]
    assert aside["day"].tolist() == [date(2026, 10, 2), date(2026, 10, 3)]


def test_waived_rise_is_a_warning_and_its_line_a_reading(house: House, tmp_path: Path) -> None:
    """A fall stays an error."""
    lines = ["6;100;m3;2026-10-01;", "6;900;m3;2026-10-02;", "6;10;m3;2026-10-03;", "6;905;m3;2026-10-04;"]
    waived = Occasion(waived=frozenset({Code.READING_IMPLAUSIBLE_RISE}))
    found, kept = judged(house, lines, work=tmp_path, rows_together=1, occasion=waived)
    told = kept["findings"].loc[kept["findings"]["severity"] == "warning", ["line", "code"]]
    assert told.to_numpy().tolist() == [[3, "reading.implausible-rise"]]
    assert kept["new"]["line"].tolist() == [2, 3, 5]
    assert found.lines.quarantined == 1


def test_what_the_delivery_itself_stored_counts_as_not_there_when_it_is_checked_once_more(
    house: House, tmp_path: Path
) -> None:
    """Delivery 2 stored these very readings."""
    lines = [f"1;{20 + 5 * day};m3;{at(day)};" for day in (0, 4, 8)]
    again, _ = judged(house, lines, work=tmp_path, rows_together=1)
    once_more, _ = judged(house, lines, work=tmp_path, rows_together=1, occasion=Occasion(stored_by=2))
    assert (again.lines.duplicate, once_more.lines.duplicate) == (3, 0)
    assert once_more.lines.accepted == 3


def test_rejected_correction_is_not_told_as_a_correction(house: House, tmp_path: Path) -> None:
    """Nothing was corrected."""
    _, kept = judged(house, [f"1;1;m3;{at(4)};"], work=tmp_path, rows_together=1)
    assert kept["findings"]["code"].tolist() == ["reading.below-previous"]
    assert kept["findings"]["column"].tolist() == ["Value"]


def test_ranges_hold_about_so_many_rows_and_never_part_a_device(tmp_path: Path) -> None:
    """Devices without rows are somebody's, too; rows without a device are nobody's."""
    devices = np.array([3, 5, 6, 9, 40], dtype=np.int64)
    told = [5, 5, 5, 9, 3, 5, 9, 9, 40, 40]
    rows = pd.DataFrame({"device": pd.Series(told, dtype=LINE), "line": pd.Series(range(10), dtype=LINE)})
    ranges = DeviceRanges(devices, rows_together=4)
    ranges.count(pd.Series([5, 5, 5, 9, None], dtype=LINE))
    ranges.count(pd.Series([3, 5, 9, 9, 40, 40], dtype=LINE))
    spool = Spool(tmp_path / "spool")
    spool.add("good", rows.iloc[:6].reset_index(drop=True))
    spool.add("good", rows.iloc[6:].reset_index(drop=True))
    found = []
    for name in ranges.parts(spool, name="good", columns=["device", "line"]):
        found.append(_all(list(spool.blocks(name))))
    assert [sorted(set(part["device"])) for part in found] == [[3, 5], [9], [40]]
    assert sorted(line for part in found for line in part["line"]) == list(range(10))
    assert all(part["line"].is_monotonic_increasing for part in found)
    assert spool.parts("good") == []
    spool.close()


def test_small_file_is_settled_where_it_lies(tmp_path: Path) -> None:
    """It is not copied."""
    ranges = DeviceRanges(np.array([1, 2], dtype=np.int64), rows_together=3)
    ranges.count(pd.Series([1, 2], dtype=LINE))
    spool = Spool(tmp_path / "spool")
    assert list(ranges.parts(spool, name="good", columns=["device"])) == ["good"]
