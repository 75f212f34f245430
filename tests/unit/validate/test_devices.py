"""Rows of the register, each by itself: owners, units, days."""

from datetime import date

import pytest

from meterdrop.model.errors import CannotRead
from meterdrop.validate.devices import check_devices, check_owners, refuse_unless_registrar
from tests.unit.validate.typed import devices, layout, told

LAYOUT = layout("SerialNumber", "Location", "DateTo", "TypeUnit", "Partner")


def test_partner_of_group_1_may_not_register() -> None:
    """Unless it is the manager."""
    with pytest.raises(CannotRead) as refused:
        refuse_unless_registrar(group=1, kind="metering")
    assert refused.value.code == "device.partner-may-not-register"
    refuse_unless_registrar(group=2, kind="metering")
    refuse_unless_registrar(group=1, kind="manager")


def test_manager_says_whose_each_device_is() -> None:
    """An empty or unknown partner is told, and one that sends its register itself."""
    owned = check_owners(
        devices(Partner=["Renova", "", "nobody", "metra-sumperk", "techem"]),
        sender="manager",
        kind="manager",
        partners=["renova", "metra-sumperk", "techem"],
        own_registrars=["techem"],
        layout=LAYOUT,
    )
    assert owned.frame["owner"].fillna("?").tolist() == ["renova", "?", "?", "metra-sumperk", "?"]
    assert told(owned.findings) == [
        (3, "cell.missing", "Partner"),
        (4, "device.unknown-partner", "Partner"),
        (6, "device.partner-registers-itself", "Partner"),
    ]


def test_metering_company_registers_for_itself_only() -> None:
    """Another's name is unknown to it."""
    owned = check_owners(
        devices(Partner=["", "techem", "ista"]),
        sender="techem",
        kind="metering",
        partners=["techem", "ista"],
        own_registrars=["techem", "ista"],
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
    assert told(check_devices(frame, today=date(2026, 11, 24), layout=LAYOUT)) == [
        (2, "cell.missing", "TypeUnit"),
        (4, "device.ends-before-start", "DateTo"),
    ]


def test_snapshot_of_the_far_future_is_none() -> None:
    """It would make every snapshot that comes after it an old one."""
    frame = devices(Date=["2026-11-25", "2026-11-26"])
    assert told(check_devices(frame, today=date(2026, 11, 24), layout=LAYOUT)) == [
        (3, "date.in-future", "Date")
    ]
