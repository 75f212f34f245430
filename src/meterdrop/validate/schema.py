"""Which pandera schema does a feed declare? Only declared: we ask its checks one by one and take their masks."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pandera.pandas as pandera
import pyarrow as pa

from meterdrop.model.feed import Check, Column, Feed, Type
from meterdrop.tables import DAY, DECIMAL, FLAG, TEXT

Mask = npt.NDArray[np.bool_]

_STORED: Final[Mapping[Type, pd.ArrowDtype]] = {
    Type.TEXT: TEXT,
    Type.SERIAL: TEXT,
    Type.DECIMAL: DECIMAL,
    Type.INTEGER: pd.ArrowDtype(pa.int64()),
    Type.DAY: DAY,
    Type.UNIT: TEXT,
    Type.CHOICE: TEXT,
    Type.CHOICES: TEXT,
    Type.FLAG: FLAG,
}


def schema_of(feed: Feed) -> pandera.DataFrameSchema:
    """The feed as a pandera schema of its typed, nullable columns; it never converts anything.

    Raises ValueError if pandera built other checks than the feed has.
    """
    read = [column for column in feed.columns if not column.kept_in_original]
    schema = pandera.DataFrameSchema(
        {column.name: _column(column) for column in read}, coerce=False, strict=False, name=feed.name
    )
    for column in read:
        written = [check.name for check in column.checks]
        built = [check.name for check in schema.columns[column.name].checks]
        if built != written:
            raise ValueError(f"{feed.name}.{column.name}: {written} were written, but {built} were built")
    return schema


def failing(check: pandera.Check, cells: pd.Series) -> Mask:
    """Which cells the check refuses, row by row. Nulls are not asked; pandera drops them, so they are put back."""
    passed = check(cells).check_output
    refused = np.zeros(len(cells), dtype=np.bool_)
    refused[passed.index.to_numpy()] = ~passed.to_numpy(dtype=np.bool_, na_value=True)
    return refused


def _column(column: Column) -> pandera.Column:
    return pandera.Column(
        dtype=_STORED[column.type],
        checks=[_check(check) for check in column.checks],
        nullable=True,
        coerce=False,
        required=True,
    )


def _check(check: Check) -> pandera.Check:
    """The check by its pandera name; `str_matches` is held to the start of the cell whatever the pattern."""
    arguments = dict(check.arguments)
    if check.name == "str_matches":
        arguments["pattern"] = f"^(?:{arguments['pattern']})"
    return getattr(pandera.Check, check.name)(**arguments)
