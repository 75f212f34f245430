"""How is told which cells of a column are wrong?"""

import numpy as np
import pandas as pd

from meterdrop.model.codes import Code
from meterdrop.model.layout import Layout
from meterdrop.tables import TEXT, findings_at, no_findings
from meterdrop.validate.arrays import Mask


def cells_told(
    frame: pd.DataFrame,
    mask: Mask,
    *,
    code: Code,
    column: str,
    layout: Layout,
    shown: str | None = None,
    against: pd.Series | None = None,
) -> pd.DataFrame:
    """A finding for each row of the mask, under the file's own heading of our `column`.

    Quoted are the cells of `shown`, or of the column itself, and of `against` what they were compared with.
    """
    if not mask.any():
        return no_findings()
    where = np.flatnonzero(mask)
    return findings_at(
        line=frame["line"].to_numpy(dtype=np.int64)[where],
        code=code,
        column=layout.heading_of(column),
        value=frame[shown or column].iloc[where].astype(TEXT),
        against=None if against is None else against.iloc[where].astype(TEXT),
    )
