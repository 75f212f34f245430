"""Feeds without a table of their own: rows are kept as they are, as JSON."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from meterdrop.model.feed import Agreement, Column, Type
from meterdrop.model.finding import Finding
from meterdrop.model.layout import Layout
from meterdrop.store import records
from meterdrop.store.database import Store
from meterdrop.store.spool import Spool
from meterdrop.tables import TEXT, TypedRows, join_findings
from meterdrop.usecases.judging.ahead import Ahead
from meterdrop.usecases.judging.publication import Publication
from meterdrop.usecases.judging.rules import Occasion, Verdict
from meterdrop.validate.columns import check_columns


class RecordRules:
    """Columns and checks only; nothing is looked up."""

    register_version = 0
    file_findings: tuple[Finding, ...] = ()

    def __init__(self, agreement: Agreement) -> None:
        self._agreement = agreement
        self._columns = [column for column in agreement.feed.columns if not column.kept_in_original]

    def check(self, rows: TypedRows, *, layout: Layout) -> Sequence[pd.DataFrame]:
        """Cells."""
        return [check_columns(rows, feed=self._agreement.feed, layout=layout)]

    def judge(self, rows: TypedRows, *, told: Sequence[pd.DataFrame], layout: Layout) -> Verdict:
        """The rows as JSON."""
        cells = pd.DataFrame({column.name: _as_kept(rows.frame, column) for column in self._columns})
        good = pd.DataFrame({"line": rows.frame["line"], "cells": _json(cells)})
        return Verdict(good=good, findings=join_findings(told))

    def settle(self, spool: Spool, *, occasion: Occasion, ahead: Ahead | None = None) -> int:
        """Records have no rules between lines."""
        return 0

    def make_room(self) -> None:
        """Nothing: there is a place for all of them."""

    def publish(self, store: Store, *, spool: Spool, publication: Publication) -> None:
        """Stores them."""
        for block in spool.blocks("good"):
            rows = block[["line", "cells"]]
            if len(publication.quarantined):
                rows = rows.assign(quarantine=publication.quarantine_of(rows["line"]))
            records.add(
                store,
                rows=rows,
                delivery=publication.delivery,
                partner=publication.partner,
                feed=self._agreement.feed.name,
            )

    def committed(self) -> None:
        """Nothing: of records nothing is remembered."""

    def links(self, spool: Spool) -> Iterator[pd.DataFrame]:
        """Records are no readings: each is found by its delivery and line."""
        return iter(())


def _as_kept(frame: pd.DataFrame, column: Column) -> pd.Series:
    """Decimals as the text sent, so that no digit is lost; days in ISO; the rest as it is."""
    if column.type is Type.DECIMAL:
        return frame[f"{column.name}_sent"]
    if column.type is Type.DAY:
        return frame[column.name].astype(TEXT)
    return frame[column.name]


def _json(cells: pd.DataFrame) -> pd.Series:
    """One JSON object a row, made column by column."""
    objects = cells.astype(object).where(cells.notna(), None)
    text = objects.to_json(orient="records", lines=True, force_ascii=False)
    lines = text.split("\n")[: len(cells)] if len(cells) else []
    return pd.Series(np.array(lines, dtype=object), dtype=TEXT)
