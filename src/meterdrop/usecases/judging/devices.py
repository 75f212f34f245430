"""The register: a snapshot's rows against each other and against the devices we know."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa

from meterdrop.model.codes import Code
from meterdrop.model.errors import CannotRead
from meterdrop.model.feed import Agreement
from meterdrop.model.finding import Finding
from meterdrop.model.layout import Layout
from meterdrop.model.partner import Partner
from meterdrop.store import devices, partners
from meterdrop.store.database import Database, Store
from meterdrop.store.spool import Spool
from meterdrop.tables import TypedRows, findings_at, join_findings
from meterdrop.usecases.judging import register_changes
from meterdrop.usecases.judging.ahead import Ahead
from meterdrop.usecases.judging.publication import Publication
from meterdrop.usecases.judging.rules import Occasion, Verdict, register_changed
from meterdrop.validate.changes import Settled, settle, words_of
from meterdrop.validate.columns import check_columns
from meterdrop.validate.devices import check_devices, check_owners, refuse_unless_registrar
from meterdrop.validate.services import named_services
from meterdrop.validate.snapshot import FACTS, Told
from meterdrop.validate.turnover import elsewhere, missing, narrowed, tell_turnover

_STORED: Final = {
    "owner": "partner",
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
    "DateTo": "stated_to",
    "Correction": "correction",
    "RadioType": "radio_type",
    "StartValue": "start_value",
    "EndValue": "end_value",
    "Digits": "digits",
    "Role": "role",
    "ReplacesSerial": "replaces",
    "ReplacesSerial_key": "replaces_key",
    "Manufacturer": "manufacturer",
    "VerifiedUntil": "verified_until",
    "ParentSerial": "parent_serial",
    "ParentSerial_key": "parent_key",
    "LocationScheme": "location_scheme",
    "Date": "seen_on",
}
"""Our columns -> the register's."""

_NAMES: Final = ["partner", "serial_key"]


class DeviceRules:
    """The rules of one register file. Registers are small beside readings: they are settled in memory, by columns."""

    def __init__(
        self, agreement: Agreement, *, database: Database, today: date, newcomer: Partner | None = None
    ) -> None:
        """`newcomer` is the sender if it is only tried: nobody has added it yet."""
        self._agreement = agreement
        self._database = database
        self._today = today
        with database.reading() as store:
            known = list(partners.all_partners(store))
        if newcomer is not None and newcomer.id not in {one.id for one in known}:
            known.append(newcomer)
        self._partners = tuple(one.id for one in known)
        self._registrars = tuple(one.id for one in known if one.group == 2)
        self._versions = {one.id: one.register_version for one in known}
        self._group = next((one.group for one in known if one.id == agreement.partner), 1)
        self.register_version = self._versions.get(agreement.partner, 0)
        self.file_findings: tuple[Finding, ...] = ()
        self._layout: Layout | None = None
        self._named: list[pd.DataFrame] = []
        """Partner and serial key of every row that has them, right or wrong."""

    def check(self, rows: TypedRows, *, layout: Layout) -> Sequence[pd.DataFrame]:
        """Each row by itself."""
        return [
            check_columns(rows, feed=self._agreement.feed, layout=layout),
            check_devices(rows.frame, today=self._today, layout=layout),
        ]

    def judge(self, rows: TypedRows, *, told: Sequence[pd.DataFrame], layout: Layout) -> Verdict:
        """Whose each row is. CannotRead if this partner may not register."""
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
            own_registrars=self._registrars,
            layout=layout,
        )
        good = owned.frame[["line", *_STORED]].rename(columns=_STORED)
        self._named.append(good[_NAMES].dropna().drop_duplicates())
        return Verdict(good=good, findings=join_findings([*told, owned.findings]))

    def settle(self, spool: Spool, *, occasion: Occasion, ahead: Ahead | None = None) -> int:
        """Rows against each other and against the register; what they change there waits in the spool."""
        blocks = list(spool.blocks("good"))
        if not blocks or self._layout is None:
            return 0
        rows = pd.concat(blocks, ignore_index=True)
        with self._database.reading() as store:
            known = devices.known(store, partners=sorted(set(rows["partner"])))
        settled = settle(
            Told(
                rows=rows.drop(columns="raw"),
                columns=_columns_of(self._layout),
                named=self._all_named(),
                came_with=occasion.came_with,
            ),
            known=known,
            layout=self._layout,
        )
        self._set_aside(spool, rows=rows, settled=settled)
        left_out = self._readings_left_out(settled)
        spool.add("told", join_findings([tell_turnover(settled, layout=self._layout), left_out]))
        register_changes.keep(settled, spool=spool)
        self.file_findings = missing(settled)
        return len(settled.duplicates)

    def _all_named(self) -> pa.Array:
        named = pd.concat(self._named, ignore_index=True).drop_duplicates(ignore_index=True)
        return named_services(partner=named["partner"], serial_key=named["serial_key"])

    def _set_aside(self, spool: Spool, *, rows: pd.DataFrame, settled: Settled) -> None:
        wrong = np.isin(rows["line"].to_numpy(dtype=np.int64), settled.wrong["line"].to_numpy(dtype=np.int64))
        aside = rows.loc[wrong, ["line", "raw", "serial_key", "installed_from", "partner"]].reset_index(
            drop=True
        )
        spool.add("aside", aside.rename(columns={"installed_from": "day", "partner": "owner"}))
        spool.add("aside-findings", settled.wrong)

    def _readings_left_out(self, settled: Settled) -> pd.DataFrame:
        """`device.readings-out-of-service`: stored readings of days on which their device did not serve, as we know now."""
        services = narrowed(settled).dropna(subset="line")
        with self._database.reading() as store:
            outside = devices.readings_outside(store, services=services, elsewhere=elsewhere(settled))
        found = outside.merge(services[["device", "serial", "line"]], on="device")
        return findings_at(
            line=found["line"],
            code=Code.DEVICE_READINGS_OUT_OF_SERVICE,
            column=None,
            value=found["serial"],
            against=words_of(found["count"], found["first"], found["last"]),
        )

    def make_room(self) -> None:
        """Nothing: there is a place for all of them."""

    def publish(self, store: Store, *, spool: Spool, publication: Publication) -> None:
        """New devices, told otherwise, and ended ones; TryAgain if someone else changed the register meanwhile."""
        owners = register_changes.owners(spool)
        partners.lock(store, {*owners, self._agreement.partner})
        for one in partners.all_partners(store):
            if one.id in owners and one.register_version != self._versions[one.id]:
                raise register_changed(one.id)
        register_changes.publish(store, spool=spool, publication=publication)
        # The sender's own lines may wait for what it told of others.
        for changed in sorted({*owners, self._agreement.partner}) if owners else ():
            partners.raise_register_version(store, changed)

    def committed(self) -> None:
        """Nothing: what is remembered of a register is of an older version now, which shows."""

    def links(self, spool: Spool) -> Iterator[pd.DataFrame]:
        """Devices are no readings: each says itself which delivery and line told it last."""
        return iter(())


def _columns_of(layout: Layout) -> frozenset[str]:
    """The facts for which the file has a column."""
    told = (ours for name, ours in _STORED.items() if name.partition("_")[0] in layout.columns)
    return frozenset(told).intersection(FACTS)
