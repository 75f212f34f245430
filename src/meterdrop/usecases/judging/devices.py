"""The register: a snapshot's rows against each other and against the devices we know."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from meterdrop.model.codes import Code, severity_of
from meterdrop.model.errors import CannotRead
from meterdrop.model.feed import Agreement
from meterdrop.model.finding import Finding
from meterdrop.model.layout import Layout
from meterdrop.store import partners, register
from meterdrop.store.database import Database, Store
from meterdrop.store.spool import Spool
from meterdrop.tables import TypedRows, join_findings
from meterdrop.usecases.judging.rules import Publication, Verdict
from meterdrop.validate.columns import check_columns
from meterdrop.validate.devices import check_devices, check_owners, check_snapshot, refuse_unless_registrar

_STORED = {
    "SerialNumber": "serial",
    "SerialNumber_key": "serial_key",
    "RadioNumber": "radio",
    "RadioNumber_key": "radio_key",
    "Media": "media",
    "TypeUnit": "unit",
    "TypeUnit_dimension": "dimension",
    "Location": "location",
    "Room": "room",
    "Seq": "seq",
    "DateFrom": "installed_from",
    "DateTo": "installed_to",
    "Correction": "correction",
    "RadioType": "radio_type",
    "StartValue": "start_value",
    "EndValue": "end_value",
    "Digits": "digits",
    "Role": "role",
    "ReplacesSerial": "replaces",
    "Manufacturer": "manufacturer",
    "VerifiedUntil": "verified_until",
    "ParentSerial": "parent_serial",
    "LocationScheme": "location_scheme",
    "Date": "seen_on",
}
"""Our columns -> the table's."""

Device = dict[str, Any]
"""A device's row by the table's columns: texts, days, decimals and numbers."""

_SAME = tuple(name for name in _STORED.values() if name not in ("seen_on", "installed_to"))


class DeviceRules:
    """The rules of one register file. Registers are small beside readings: they are settled in memory."""

    def __init__(self, agreement: Agreement, *, database: Database) -> None:
        self._agreement = agreement
        self._database = database
        with database.reading() as store:
            self._partners = tuple(one.id for one in partners.all_partners(store))
            sender = partners.find(store, agreement.partner)
        self.register_version = 0 if sender is None else sender.register_version
        self._group = 1 if sender is None else sender.group
        self.file_findings: tuple[Finding, ...] = ()
        self._layout: Layout | None = None
        self._named: set[tuple[str, str]] = set()
        """Owner and serial key of every row that has them, right or wrong."""

    def judge(self, rows: TypedRows, *, layout: Layout) -> Verdict:
        """Each row by itself, and whose it is. CannotRead if this partner may not register."""
        try:
            refuse_unless_registrar(group=self._group, kind=self._agreement.kind)
        except CannotRead as problem:
            problem.feed = self._agreement.feed.name
            raise
        self._layout = layout
        owned = check_owners(
            rows.frame,
            sender=self._agreement.partner,
            kind=self._agreement.kind,
            partners=self._partners,
            layout=layout,
        )
        names = owned.frame[["owner", "SerialNumber_key"]].dropna()
        self._named.update(zip(names["owner"], names["SerialNumber_key"], strict=True))
        findings = [
            check_columns(rows, feed=self._agreement.feed, layout=layout),
            check_devices(rows.frame, layout=layout),
            owned.findings,
        ]
        good = owned.frame[["line", "owner", *_STORED, "ReplacesSerial_key"]]
        return Verdict(good=good, findings=join_findings(findings))

    def settle(self, spool: Spool, *, came_with: int | None) -> int:
        """Rows against each other; what is right goes to `devices`."""
        blocks = list(spool.blocks("good"))
        if not blocks or self._layout is None:
            return 0
        rows = pd.concat(blocks, ignore_index=True)
        snapshot = check_snapshot(rows.drop(columns="raw"), layout=self._layout)
        wrong = np.unique(snapshot.findings["line"].to_numpy(dtype=np.int64))
        line = rows["line"].to_numpy(dtype=np.int64)
        spool.add("aside", rows.loc[np.isin(line, wrong), ["line", "raw"]].reset_index(drop=True))
        spool.add("aside-findings", snapshot.findings)
        right = ~np.isin(line, wrong) & ~np.isin(line, snapshot.duplicates)
        spool.add("devices", rows.loc[right].drop(columns="raw").reset_index(drop=True))
        self.file_findings = self._missing()
        return len(snapshot.duplicates)

    def _missing(self) -> tuple[Finding, ...]:
        """Devices in service that a full snapshot no longer names: flagged, never deleted."""
        missing = []
        with self._database.reading() as store:
            for owner in sorted({owner for owner, _ in self._named}):
                for (key, _), device in register.known(store, partner=owner).items():
                    if device["installed_to"] is None and (owner, key) not in self._named:
                        missing.append(str(device["serial"]))
        code = Code.DEVICE_MISSING_FROM_SNAPSHOT
        return tuple(Finding(code=code, severity=severity_of(code), value=serial) for serial in missing)

    def publish(self, store: Store, *, spool: Spool, publication: Publication) -> None:
        """New devices, changed ones, and the ends of those exchanged, for each owner."""
        for block in spool.blocks("devices"):
            for owner, rows in block.groupby("owner"):
                _publish_owner(store, owner=str(owner), devices=_devices(rows, delivery=publication.delivery))
                partners.raise_register_version(store, str(owner))


def _devices(rows: pd.DataFrame, *, delivery: int) -> list[Device]:
    columns = {ours: rows[name].tolist() for name, ours in _STORED.items()} | {"line": rows["line"].tolist()}
    return [
        {name: _or_none(cell) for name, cell in zip(columns, row, strict=True)} | {"delivery": delivery}
        for row in zip(*columns.values(), strict=True)
    ]


def _or_none(cell: Any) -> Any:  # noqa: ANN401 - a cell of any column
    return None if cell is pd.NA else cell


def _publish_owner(store: Store, *, owner: str, devices: list[Device]) -> None:
    known = register.known(store, partner=owner)
    new: list[Device] = []
    for device in sorted(devices, key=lambda one: one["installed_from"]):
        old = known.get((device["serial_key"], device["installed_from"]))
        if old is None:
            new.append({"partner": owner, **device})
        elif _changed(old, device):
            changes = {
                name: device[name] for name in (*_SAME, "seen_on", "delivery", "line") if name != "serial_key"
            }
            ended = device["installed_to"] or old["installed_to"]
            register.change(store, key=int(str(old["id"])), values={**changes, "installed_to": ended})
        else:
            register.change(store, key=int(str(old["id"])), values={"seen_on": device["seen_on"]})
    register.add(store, new)
    _end_exchanged(store, owner=owner)


def _changed(old: Mapping[str, object], new: Device) -> bool:
    ended = new["installed_to"] is not None and new["installed_to"] != old["installed_to"]
    return ended or any(_value(old[name]) != _value(new[name]) for name in _SAME)


def _value(cell: object) -> object:
    return Decimal(cell) if isinstance(cell, Decimal | int) else cell


def _end_exchanged(store: Store, *, owner: str) -> None:
    """A place has one device: a later one at the same place ends the one before on its first day."""
    at_place: dict[tuple[str, ...], list[Mapping[str, object]]] = {}
    by_serial: dict[str, list[Mapping[str, object]]] = {}
    for device in register.known(store, partner=owner).values():
        place = (
            str(device["location"]).upper(),
            str(device["media"]),
            str(device["room"]),
            str(device["seq"]),
        )
        at_place.setdefault(place, []).append(device)
        by_serial.setdefault(str(device["serial_key"]), []).append(device)
    for devices in (*at_place.values(), *by_serial.values()):
        ordered = sorted(devices, key=lambda one: str(one["installed_from"]))
        for old, new in pairwise(ordered):
            first_day = new["installed_from"]
            if (
                old["installed_to"] is None
                and isinstance(first_day, date)
                and old["installed_from"] != first_day
            ):
                register.change(store, key=int(str(old["id"])), values={"installed_to": first_day})
