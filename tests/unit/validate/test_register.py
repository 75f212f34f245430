"""A reading finds the one device in service on its day, or is told why not."""

import pandas as pd

from meterdrop.tables import TEXT
from meterdrop.validate.register import Matched, check_against_register
from tests.unit.validate.typed import layout, readings, register, told

LAYOUT = layout("SerialNum", "Value", "Unit", "Date")


def matched(frame: pd.DataFrame, known: pd.DataFrame, *, radio_is_name: bool = False) -> Matched:
    return check_against_register(frame, register=known, layout=LAYOUT, radio_is_name=radio_is_name)


def devices_of(found: Matched) -> list[int | None]:
    return [None if pd.isna(each) else int(each) for each in found.frame["device"]]


def test_serials_of_any_spelling_find_their_device() -> None:
    """`00010206` and `10206` are one meter."""
    known = register(("7", "", "volume", None, None), ("10206", "", "volume", "2020-01-01", None))
    found = matched(readings(SerialNum=["00010206", "10206", "7"]), known)
    assert devices_of(found) == [2, 2, 1]
    assert told(found.findings) == []
    assert found.frame["canonical_unit"].tolist() == ["m3"] * 3


def test_unknown_meter_is_told_also_where_another_cell_is_bad() -> None:
    """All errors in one pass."""
    found = matched(readings(SerialNum=["1", "1", "5,1E+06"], Date=["2026-10-31", "x", "x"]), register())
    assert devices_of(found) == [None, None, None]
    assert told(found.findings) == [
        (2, "reading.device-not-in-register", "SerialNum"),
        (3, "reading.device-not-in-register", "SerialNum"),
    ]


def test_day_of_removal_is_still_fine_and_days_outside_service_are_not() -> None:
    """From installed_from on, up to installed_to."""
    known = register(("1", "", "volume", "2026-01-10", "2026-02-10"))
    days = ["2026-01-09", "2026-01-10", "2026-02-10", "2026-02-11"]
    found = matched(readings(SerialNum=["1"] * 4, Date=days), known)
    assert devices_of(found) == [None, 1, 1, None]
    assert told(found.findings) == [
        (2, "reading.before-installation", "Date"),
        (5, "reading.after-removal", "Date"),
    ]
    assert found.findings["value"].tolist() == ["2026-01-09", "2026-02-11"]


def test_meter_that_moved_is_the_new_one_on_the_day_of_the_move() -> None:
    """And between two services it was removed."""
    known = register(
        ("1", "", "volume", "2026-01-01", "2026-02-01"),
        ("1", "", "volume", "2026-02-01", "2026-03-01"),
        ("1", "", "volume", "2026-04-01", None),
    )
    days = ["2026-01-31", "2026-02-01", "2026-03-01", "2026-03-15", "2026-04-01"]
    found = matched(readings(SerialNum=["1"] * 5, Date=days), known)
    assert devices_of(found) == [1, 2, 2, None, 3]
    assert told(found.findings) == [(5, "reading.after-removal", "Date")]


def test_two_meters_of_one_name_in_service_are_ambiguous() -> None:
    """Never guess which."""
    known = register(("1", "", "volume", "2026-01-01", None), ("1", "", "volume", "2026-05-01", None))
    found = matched(readings(SerialNum=["1", "1"], Date=["2026-04-30", "2026-05-01"]), known)
    assert devices_of(found) == [1, None]
    assert told(found.findings) == [(3, "device.ambiguous-serial", "SerialNum")]


def test_unit_of_another_dimension_than_the_device_s_is_told() -> None:
    """The same dimension is converted."""
    known = register(("1", "", "volume", None, None), ("2", "", "energy", None, None))
    found = matched(readings(SerialNum=["1", "1", "2"], Unit=["l", "kWh", "m3"]), known)
    assert told(found.findings) == [
        (3, "reading.unit-mismatch", "Unit"),
        (4, "reading.unit-mismatch", "Unit"),
    ]
    assert found.frame["canonical_value"].astype(str).str.rstrip("0").tolist()[0] == "0.001"


def test_unit_may_be_empty_for_an_allocator_only() -> None:
    """A device without a unit is one; the row's own medium is not told twice."""
    known = register(
        ("1", "", "allocator", None, None), ("2", "", "volume", None, None), ("3", "", "", None, None)
    )
    cells = {"SerialNum": ["1", "2", "3", "2"], "Unit": [""] * 4, "Media": ["", "", "", "CW"]}
    found = matched(readings(**cells), known)
    assert told(found.findings) == [(3, "cell.missing", "Unit")]
    assert found.frame["canonical_unit"].tolist()[0] == "dílek"


def test_unit_is_judged_also_where_the_day_is_bad() -> None:
    """All candidates share the dimension, so it can be told."""
    known = register(("1", "", "volume", None, "2020-01-01"), ("1", "", "volume", "2021-01-01", None))
    found = matched(readings(SerialNum=["1"], Unit=["kWh"], Date=["x"]), known)
    assert told(found.findings) == [(2, "reading.unit-mismatch", "Unit")]


def test_radio_number_is_a_name_only_where_agreed_and_only_as_a_second_try() -> None:
    """A serial goes before a radio number."""
    known = register(("1", "900", "volume", None, None), ("900", "901", "volume", None, None))
    frame = readings(SerialNum=["900", "901"])
    assert devices_of(matched(frame, known)) == [2, None]
    assert devices_of(matched(frame, known, radio_is_name=True)) == [2, 2]


def test_no_readings_are_matched_to_no_devices() -> None:
    """Empty in, empty out, the same columns."""
    empty = readings(SerialNum=["1"]).iloc[:0].reset_index(drop=True)
    found = matched(empty, register())
    assert len(found.frame) == len(found.findings) == 0
    assert {"device", "canonical_value", "canonical_unit"} <= set(found.frame.columns)


def test_reading_out_on_the_day_of_an_exchange_is_the_old_meter_s() -> None:
    """Where both have one number; any other reading of that day is the new one's."""
    known = register(("1", "", "volume", "2020-01-01", "2026-02-01"), ("1", "", "volume", "2026-02-01", None))
    kinds = ["EXCHANGE_OUT", "EXCHANGE_IN", "RADIO", ""]
    found = matched(readings(SerialNum=["1"] * 4, Date=["2026-02-01"] * 4, Kind=kinds), known)
    assert devices_of(found) == [1, 2, 2, 2]
    assert told(found.findings) == []


def test_reading_out_of_another_day_is_matched_like_any() -> None:
    """The kind tells nothing more there."""
    known = register(("1", "", "volume", "2020-01-01", None), ("1", "", "volume", "2026-02-01", None))
    found = matched(
        readings(SerialNum=["1"] * 2, Date=["2026-01-31", "2026-02-01"], Kind=["EXCHANGE_OUT"] * 2), known
    )
    assert devices_of(found) == [1, None]
    assert told(found.findings) == [(3, "device.ambiguous-serial", "SerialNum")]


def test_mismatch_of_units_names_the_meter_s_own() -> None:
    """As registered; that of its dimension where it has none, or where the device can't be told."""
    known = register(
        ("1", "", "energy", None, None), ("2", "", "", None, None), ("3", "", "energy", None, "2020-01-01")
    ).assign(unit=pd.Series(["kWh", None, "GJ"], dtype=TEXT))
    found = matched(
        readings(SerialNum=["1", "2", "3"], Unit=["m3"] * 3, Date=["2026-01-01"] * 2 + ["x"]), known
    )
    assert told(found.findings) == [(line, "reading.unit-mismatch", "Unit") for line in (2, 3, 4)]
    assert found.findings["against"].tolist() == ["kWh", "dílek", "MJ"]
