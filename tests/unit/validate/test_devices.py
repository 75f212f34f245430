"""One snapshot of the register: owners, names, places, exchanges."""

import pandas as pd
import pytest

from meterdrop.model.errors import CannotRead
from meterdrop.tables import TEXT
from meterdrop.validate.devices import (
    Snapshot,
    check_devices,
    check_owners,
    check_snapshot,
    refuse_unless_registrar,
)
from tests.unit.validate.typed import devices, layout, told

LAYOUT = layout("SerialNumber", "Location", "DateTo", "TypeUnit", "Partner")


def snapshot(**cells: list[str]) -> Snapshot:
    frame = devices(**cells)
    return check_snapshot(frame.assign(owner=pd.Series(["techem"] * len(frame), dtype=TEXT)), layout=LAYOUT)


def test_partner_of_group_1_may_not_register() -> None:
    """Unless it is the manager."""
    with pytest.raises(CannotRead) as refused:
        refuse_unless_registrar(group=1, kind="metering")
    assert refused.value.code == "device.partner-may-not-register"
    refuse_unless_registrar(group=2, kind="metering")
    refuse_unless_registrar(group=1, kind="manager")


def test_manager_says_whose_each_device_is() -> None:
    """An empty or unknown partner is told."""
    owned = check_owners(
        devices(Partner=["Renova", "", "nobody", "metra-sumperk"]),
        sender="manager",
        kind="manager",
        partners=["renova", "metra-sumperk"],
        layout=LAYOUT,
    )
    assert owned.frame["owner"].fillna("?").tolist() == ["renova", "?", "?", "metra-sumperk"]
    assert told(owned.findings) == [(3, "cell.missing", "Partner"), (4, "device.unknown-partner", "Partner")]


def test_metering_company_registers_for_itself_only() -> None:
    """Another's name is unknown to it."""
    owned = check_owners(
        devices(Partner=["", "techem", "ista"]),
        sender="techem",
        kind="metering",
        partners=["techem", "ista"],
        layout=LAYOUT,
    )
    assert owned.frame["owner"].fillna("?").tolist() == ["techem", "techem", "?"]
    assert told(owned.findings) == [(4, "device.unknown-partner", "Partner")]


def test_device_needs_a_unit_unless_it_may_be_an_allocator_and_ends_after_it_starts() -> None:
    """An unknown unit has its finding already."""
    frame = devices(
        TypeUnit=["", "", "m3", "x"],
        Media=["CW", "HT", "CW", "CW"],
        DateTo=["", "", "2019-12-31", "2020-01-01"],
    )
    assert told(check_devices(frame, layout=LAYOUT)) == [
        (2, "cell.missing", "TypeUnit"),
        (4, "cell.not-allowed", "DateTo"),
    ]


def test_identical_row_is_a_duplicate() -> None:
    """The first stays; nothing is ambiguous."""
    found = snapshot(SerialNumber=["1", "1", "2"], Location=["A", "A", "B"])
    assert found.duplicates.tolist() == [3]
    assert told(found.findings) == []


def test_two_rows_of_one_serial_in_service_together_are_ambiguous() -> None:
    """Spelled as they may be; another partner's is another meter."""
    found = snapshot(SerialNumber=["007", "7", "8"])
    assert told(found.findings) == [(line, "device.ambiguous-serial", "SerialNumber") for line in (2, 3)]
    frame = devices(SerialNumber=["7", "7"]).assign(owner=pd.Series(["techem", "ista"], dtype=TEXT))
    assert told(check_snapshot(frame, layout=LAYOUT).findings) == []


def test_meter_that_moved_on_is_not_ambiguous() -> None:
    """Its services follow one another."""
    found = snapshot(
        SerialNumber=["7", "7"], DateFrom=["2020-01-01", "2022-01-01"], DateTo=["2022-01-01", ""]
    )
    assert told(found.findings) == []


def test_same_serial_from_the_same_day_is_ambiguous_even_if_one_never_served() -> None:
    """The register keeps a device by its serial and first day."""
    found = snapshot(SerialNumber=["7", "7"], DateTo=["2020-01-01", ""])
    assert [code for _, code, _ in told(found.findings)] == ["device.ambiguous-serial"] * 2


def test_later_device_at_a_place_ends_the_former() -> None:
    """An exchange, said by nothing but the dates."""
    found = snapshot(Location=["A", "a"], DateFrom=["2020-01-01", "2022-01-01"])
    assert told(found.findings) == []


def test_two_devices_at_one_place_from_the_same_day_overlap() -> None:
    """Another room, medium or riser is another place."""
    found = snapshot(
        Location=["A", "A", "A", "A", "B"],
        Seq=["1", "1", "2", "1", "1"],
        Media=["CW", "CW", "CW", "HW", "CW"],
    )
    assert told(found.findings) == [(2, "device.overlap", "Location"), (3, "device.overlap", "Location")]


def test_device_said_to_end_after_the_next_began_overlaps() -> None:
    """The file contradicts itself; on the day of the exchange it does not."""
    dates = {"Location": ["A", "A"], "DateFrom": ["2020-01-01", "2022-01-01"]}
    assert told(snapshot(**dates, DateTo=["2022-01-01", ""]).findings) == []
    found = snapshot(**dates, DateTo=["2022-01-02", ""])
    assert told(found.findings) == [(2, "device.overlap", "Location"), (3, "device.overlap", "Location")]


def test_long_service_overlaps_every_later_one_it_covers() -> None:
    """Not its neighbour only."""
    found = snapshot(
        Location=["A"] * 3,
        DateFrom=["2020-01-01", "2021-01-01", "2022-01-01"],
        DateTo=["2023-01-01", "2021-06-01", ""],
    )
    assert [line for line, _, _ in told(found.findings)] == [2, 3, 4]


def test_device_that_says_whom_it_replaces_ends_it_outright() -> None:
    """Also from the same day; not if it names itself."""
    same_day = {"Location": ["A", "A"], "SerialNumber": ["1", "2"]}
    assert told(snapshot(**same_day, ReplacesSerial=["", "01"]).findings) == []
    assert len(snapshot(**same_day, ReplacesSerial=["", "2"]).findings) == 2


def test_no_devices_say_nothing_of_each_other() -> None:
    """A register of a header only."""
    frame = devices(SerialNumber=["1"]).iloc[:0].reset_index(drop=True)
    found = check_snapshot(frame.assign(owner=pd.Series([], dtype=TEXT)), layout=LAYOUT)
    assert len(found.findings) == len(found.duplicates) == 0
