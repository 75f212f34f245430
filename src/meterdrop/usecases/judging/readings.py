"""Readings: each against its own cells, the register, its file and what is stored."""

from collections.abc import Iterator, Sequence
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa

from meterdrop.model.codes import Code
from meterdrop.model.feed import Agreement, ValueKind
from meterdrop.model.finding import Finding
from meterdrop.model.layout import Layout
from meterdrop.store import partners, readings
from meterdrop.store.database import Database, Store
from meterdrop.store.spool import Spool, part
from meterdrop.tables import LINE, TEXT, TypedRows, framed, join_findings
from meterdrop.usecases.judging.ahead import Ahead
from meterdrop.usecases.judging.device_ranges import ROWS_TOGETHER
from meterdrop.usecases.judging.known_devices import KnownDevices
from meterdrop.usecases.judging.memory import Memory
from meterdrop.usecases.judging.publication import Publication
from meterdrop.usecases.judging.rules import Occasion, Verdict
from meterdrop.usecases.judging.settling import ROW_COLUMNS, Settling
from meterdrop.usecases.judging.stored_readings import StoredReadings
from meterdrop.usecases.judging.traces import kind_rank
from meterdrop.usecases.make_months import make_months
from meterdrop.validate.arrays import arrow, months_of
from meterdrop.validate.columns import check_columns
from meterdrop.validate.readings import ReadingRules as Parameters
from meterdrop.validate.readings import check_readings
from meterdrop.validate.register import check_against_register

_STORED = {
    "line": "line",
    "device": "device",
    "Date": "day",
    "Value_sent": "value",
    "Unit": "unit",
    "canonical_value": "canonical_value",
    "canonical_unit": "canonical_unit",
    "Kind": "kind",
    "Estimated": "estimated",
    "Status": "status",
    "SerialNum": "serial",
    "SerialNum_key": "serial_key",
}
"""Our columns after matching -> the table's, and the name by which a line set aside is found again."""


class ReadingRules:
    """The rules of one delivery of readings, with the register as it was when judging began."""

    def __init__(
        self,
        agreement: Agreement,
        *,
        database: Database,
        today: date,
        memory: Memory,
        rows_together: int = ROWS_TOGETHER,
    ) -> None:
        self._agreement = agreement
        self._database = database
        self._today = today
        self._parameters = Parameters.of(agreement.feed)
        self._known = KnownDevices(
            database=database,
            partner=agreement.partner,
            by_radio=agreement.radio_is_name,
            rows_together=rows_together,
            memory=memory,
        )
        self.register_version = self._known.register_version
        self._version = self._known.version
        self._delta = agreement.value_kind is ValueKind.DELTA
        self._heading: str | None = None
        self._months: set[date] = set()
        self._stores_ahead = False
        self.file_findings: tuple[Finding, ...] = ()

    def check(self, rows: TypedRows, *, layout: Layout) -> Sequence[pd.DataFrame]:
        """Cells, days, values, units."""
        return [
            check_columns(rows, feed=self._agreement.feed, layout=layout),
            check_readings(rows.frame, today=self._today, rules=self._parameters, layout=layout),
        ]

    def judge(self, rows: TypedRows, *, told: Sequence[pd.DataFrame], layout: Layout) -> Verdict:
        """Whose each reading is."""
        matched = check_against_register(
            rows.frame,
            register=self._known.bearing(rows.frame["SerialNum_key"]),
            layout=layout,
            radio_is_name=self._agreement.radio_is_name,
        )
        self._heading = layout.heading_of("Value")
        self._known.count(matched.frame["device"])
        self._months |= months_of(matched.frame["Date"])
        good = {name: arrow(matched.frame[ours]) for ours, name in _STORED.items()}
        good["delta"] = pa.repeat(pa.scalar(self._delta), len(matched.frame))
        return Verdict(good=framed(good), findings=join_findings([*told, matched.findings], by_line=False))

    def settle(self, spool: Spool, *, occasion: Occasion, ahead: Ahead | None = None) -> int:
        """One reading a device and day, and registers that rise: in the file and with what is stored.

        Devices are settled range by range, each with all of its rows; if there are many, new readings are stored ahead.
        """
        settling = Settling(
            stored=StoredReadings(
                database=self._database,
                partner=self._agreement.partner,
                known=self._known,
                delta=self._delta,
                without=occasion.stored_by,
            ),
            register=self._known.frame,
            rules=self._parameters,
            delta=self._delta,
            heading=self._heading,
            occasion=occasion,
        )
        if ahead is not None and self._known.ranges.are_many and not self._looks_held(spool):
            self._store_ahead(ahead, spool=spool)
        duplicates = 0
        for number, name in enumerate(self._known.ranges.parts(spool, name="good", columns=ROW_COLUMNS)):
            duplicates += settling(spool, name=name, number=number)
            if self._stores_ahead and ahead is not None:
                _put(ahead, spool, part("new", number))
        _set_aside(spool)
        return duplicates

    def _looks_held(self, spool: Spool) -> bool:
        """So many lines are set aside already that the file may come to nothing."""
        aside, good = spool.count("quarantine"), spool.count("good")
        return aside > self._agreement.feed.hold_above_share * (aside + good)

    def _store_ahead(self, ahead: Ahead, *, spool: Spool) -> None:
        """New readings go to the database as soon as they are settled."""
        self.make_room()
        publication = ahead.publication

        def storing(store: Store, names: Iterator[str]) -> None:
            blocks = (block for name in names for block in spool.blocks(name))
            self._store_new(store, blocks, publication=publication)

        ahead.begin(storing, prepare=lambda store: self._begin(store, publication=publication))
        self._stores_ahead = True

    def make_room(self) -> None:
        """Every month that a good line tells of has its place."""
        make_months(self._database, days=self._months)

    def publish(self, store: Store, *, spool: Spool, publication: Publication) -> None:
        """New readings that are not stored yet, and corrections with the old ones into the history; device by device.

        Where there are none the partner's version stays: nothing changed for the lines that wait.
        TryAgain if the register changed meanwhile (the manager's deliveries have another lock than the partner's), or
        the readings did.
        """
        if not self._stores_ahead:
            self._begin(store, publication=publication)
            self._store_new(store, _blocks(spool, "new"), publication=publication)
        for rows in _blocks(spool, "superseding"):
            told = _of_delivery(rows, publication=publication)
            readings.supersede(
                store,
                partner=publication.partner,
                rows=told,
                delivery=publication.delivery,
                now=publication.now,
                who=publication.who,
                why=publication.why or Code.READING_CORRECTION.value,
            )
            self._known.move_on(told)
        if spool.parts("new") or spool.parts("superseding"):
            self._version = partners.raise_version(store, publication.partner)

    def _begin(self, store: Store, *, publication: Publication) -> None:
        """From here to the end of the transaction nobody else changes what the lines were judged by."""
        partners.lock(store, [publication.partner])
        self._known.check(store)
        self._known.let_go()

    def _store_new(self, store: Store, blocks: Iterator[pd.DataFrame], *, publication: Publication) -> None:
        told = self._to_store(blocks, publication=publication)
        readings.store_new(store, partner=publication.partner, blocks=told)

    def _to_store(
        self, blocks: Iterator[pd.DataFrame], *, publication: Publication
    ) -> Iterator[pd.DataFrame]:
        for rows in blocks:
            told = _of_delivery(rows, publication=publication)
            yield told
            self._known.move_on(told)

    def committed(self) -> None:
        """The last readings that are remembered are those that are stored now."""
        self._known.remember(version=self._version)

    def links(self, spool: Spool) -> Iterator[pd.DataFrame]:
        """Every good line's reading."""
        return spool.blocks("good", columns=["line", "device", "day"])


def _put(ahead: Ahead, spool: Spool, name: str) -> None:
    """What is under this name is whole: another thread may read it."""
    spool.finish(name)
    ahead.put(name)


def _blocks(spool: Spool, name: str) -> Iterator[pd.DataFrame]:
    return (block for part in spool.parts(name) for block in spool.blocks(part))


def _of_delivery(rows: pd.DataFrame, *, publication: Publication) -> pd.DataFrame:
    told = rows.assign(delivery=pd.Series(pa.repeat(publication.delivery, len(rows)), dtype=LINE))
    if len(publication.quarantined):
        told["quarantine"] = publication.quarantine_of(told["line"])
    return told


def _set_aside(spool: Spool) -> None:
    """The bytes of the lines that settling found errors in, by line."""
    if not spool.parts("aside-findings"):
        return
    errors = spool.in_line_order("aside-findings")
    for block in spool.blocks("good", columns=["line", "raw", "serial_key", "day", "kind", "estimated"]):
        wrong = errors.upto(int(block["line"].iloc[-1]))
        if wrong is not None:
            line = block["line"].to_numpy(dtype=np.int64)
            aside = np.isin(line, wrong["line"].to_numpy(dtype=np.int64))
            fallen = block.loc[aside].reset_index(drop=True).astype({"serial_key": TEXT})
            ranks = kind_rank(fallen.pop("kind"), fallen.pop("estimated"))
            spool.add("aside", fallen.assign(kind_rank=ranks))
