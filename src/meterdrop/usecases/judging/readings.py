"""Readings: each against its own cells, the register, its file and what is stored."""

from datetime import date

import numpy as np
import pandas as pd

from meterdrop.model.feed import Agreement
from meterdrop.model.finding import Finding
from meterdrop.model.layout import Layout
from meterdrop.store import partners, readings, register
from meterdrop.store.database import Database, Store
from meterdrop.store.spool import Spool
from meterdrop.tables import LINE, Lines, TypedRows, join_findings
from meterdrop.usecases.judging.rules import Publication, Verdict
from meterdrop.validate.columns import check_columns
from meterdrop.validate.readings import ReadingRules as Parameters
from meterdrop.validate.readings import check_readings
from meterdrop.validate.register import check_against_register
from meterdrop.validate.repeats import check_against_stored, check_in_file

_STORED = {
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
}
"""Our columns after matching -> the table's."""

_KEYS = ["line", "device", "day", "canonical_value", "value"]


class ReadingRules:
    """The rules of one delivery of readings, with the register as it was when judging began."""

    def __init__(self, agreement: Agreement, *, database: Database, today: date) -> None:
        self._agreement = agreement
        self._database = database
        self._today = today
        self._parameters = Parameters.of(agreement.feed)
        with database.reading() as store:
            partner = partners.find(store, agreement.partner)
            self.register_version = 0 if partner is None else partner.register_version
            self._register = register.facts(store, partner=agreement.partner)
        self.file_findings: tuple[Finding, ...] = ()

    def judge(self, rows: TypedRows, *, layout: Layout) -> Verdict:
        """Cells, days, values, units, and whose each reading is."""
        matched = check_against_register(
            rows.frame, register=self._register, layout=layout, radio_is_name=self._agreement.radio_is_name
        )
        findings = [
            check_columns(rows, feed=self._agreement.feed, layout=layout),
            check_readings(rows.frame, today=self._today, rules=self._parameters, layout=layout),
            matched.findings,
        ]
        good = matched.frame[["line", *_STORED]].rename(columns=_STORED)
        return Verdict(good=good, findings=join_findings(findings))

    def settle(self, spool: Spool, *, came_with: int | None) -> int:
        """One reading a device and day: in the file, then against what is stored."""
        keys = [block[_KEYS] for block in spool.blocks("good")]
        if not keys:
            return 0
        in_file = check_in_file(pd.concat(keys, ignore_index=True))
        conflicts = np.setdiff1d(_lines(in_file.findings), in_file.duplicates)
        spool.add("aside-findings", in_file.findings)
        duplicates = len(in_file.duplicates)
        for block in spool.blocks("good"):
            line = block["line"].to_numpy(dtype=np.int64)
            spool.add("aside", block.loc[np.isin(line, conflicts), ["line", "raw"]].reset_index(drop=True))
            gone = np.isin(line, conflicts) | np.isin(line, in_file.duplicates)
            left = block.loc[~gone].reset_index(drop=True)
            duplicates += self._settle_block(left, spool=spool, came_with=came_with)
        return duplicates

    def _settle_block(self, rows: pd.DataFrame, *, spool: Spool, came_with: int | None) -> int:
        with self._database.reading() as store:
            stored = readings.at_keys(store, partner=self._agreement.partner, keys=rows)
        repeats = check_against_stored(rows, stored=stored, came_with=came_with)
        spool.add("told", repeats.findings)
        line = rows["line"].to_numpy(dtype=np.int64)
        corrects = np.isin(line, repeats.corrections)
        new = ~corrects & ~np.isin(line, repeats.duplicates)
        spool.add("new", rows.loc[new].drop(columns="raw").reset_index(drop=True))
        spool.add("superseding", rows.loc[corrects].drop(columns="raw").reset_index(drop=True))
        return len(repeats.duplicates)

    def publish(self, store: Store, *, spool: Spool, publication: Publication) -> None:
        """New readings, and corrections with the old ones into the history."""
        for rows in spool.blocks("new"):
            readings.store_new(
                store, partner=publication.partner, rows=_of_delivery(rows, publication=publication)
            )
        for rows in spool.blocks("superseding"):
            readings.supersede(
                store,
                partner=publication.partner,
                rows=_of_delivery(rows, publication=publication),
                delivery=publication.delivery,
                now=publication.now,
                who=publication.who,
                why=publication.why,
            )
        partners.raise_version(store, publication.partner)


def _of_delivery(rows: pd.DataFrame, *, publication: Publication) -> pd.DataFrame:
    told = rows.assign(delivery=pd.Series(np.full(len(rows), publication.delivery), dtype=LINE))
    if publication.quarantined:
        told["quarantine"] = told["line"].map(publication.quarantined).astype(LINE)
    return told


def _lines(findings: pd.DataFrame) -> Lines:
    return np.unique(findings["line"].to_numpy(dtype=np.int64))
