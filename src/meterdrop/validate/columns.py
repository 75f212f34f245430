"""Which cells fail the checks that the feed declares for their columns?"""

from typing import Final

import numpy as np
import pandas as pd

from meterdrop.model.feed import Feed, Type
from meterdrop.model.layout import Layout
from meterdrop.tables import TEXT, TypedRows, findings_at, join_findings
from meterdrop.validate.schema import failing, schema_of

_AS_SENT: Final = {Type.DECIMAL: "_sent", Type.DAY: "_sent"}


def check_columns(rows: TypedRows, *, feed: Feed, layout: Layout) -> pd.DataFrame:
    """One finding for every cell and check that fails, with the check's own code.

    A cell that could not be cast is null and is not asked: it has its finding already.
    """
    schema = schema_of(feed)
    lines = rows.frame["line"].to_numpy()
    findings = []
    for column in feed.columns:
        if column.kept_in_original:
            continue
        cells = rows.frame[column.name]
        for ours, check in zip(column.checks, schema.columns[column.name].checks, strict=True):
            where = np.flatnonzero(failing(check, cells))
            if len(where):
                shown = rows.frame[column.name + _AS_SENT.get(column.type, "")]
                findings.append(
                    findings_at(
                        line=lines[where],
                        code=ours.code,
                        column=layout.heading_of(column.name),
                        value=shown.iloc[where].astype(TEXT),
                    )
                )
    return join_findings(findings)
