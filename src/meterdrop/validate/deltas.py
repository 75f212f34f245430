"""Is so much consumption possible? Readings of partners who send what was used, not what the register shows."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from meterdrop.model.codes import Code
from meterdrop.tables import TEXT, findings_at
from meterdrop.validate.arrays import ALWAYS, arrow, days
from meterdrop.validate.meters import AMOUNT, Meters
from meterdrop.validate.timeline import written

_DAYS = pa.decimal128(10, 0)
_COLUMNS = ["device", "day", "value", "unit"]


def check_deltas(
    rows: pd.DataFrame, *, stored: pd.DataFrame, meters: Meters, heading: str | None = None
) -> pd.DataFrame:
    """`reading.implausible-rise`: more was used since the reading before than such a meter can measure in that time.

    `rows` has line, device, day, value, unit and canonical_value, each device and day once; `stored` the same without
    line: at least the nearest before each row's day. All are consumptions. The reading before is the one before in
    time, whatever its own value, in the file or in the store; without one nothing is asked.
    """
    both = pd.concat([rows[_COLUMNS], stored[_COLUMNS]], ignore_index=True)
    device, day = both["device"].to_numpy(dtype=np.int64), days(both["day"], empty=ALWAYS)
    order = np.lexsort((np.arange(len(both)), day, device))
    # A stored reading of the same day is the one that the row corrects: it stands right behind it.
    keep = np.ones(len(order), dtype=np.bool_)
    same_meter = device[order][1:] == device[order][:-1]
    keep[1:] = ~(same_meter & (day[order][1:] == day[order][:-1]))
    order = order[keep]
    older, newer = order[:-1], order[1:]
    asked = (device[older] == device[newer]) & (newer < len(rows))
    older, newer = older[asked], newer[asked]
    apart = pa.array(day[newer] - day[older], pa.int32()).cast(_DAYS)
    most = pc.multiply(meters.most_a_day.take(pa.array(meters.places(device[newer]))), apart)
    value = arrow(rows["canonical_value"]).cast(AMOUNT).take(pa.array(newer))
    wrong = np.flatnonzero(pc.fill_null(pc.greater(value, most), False).to_numpy(zero_copy_only=False))
    row, other = newer[wrong], both.take(older[wrong])
    return findings_at(
        line=rows["line"].to_numpy(dtype=np.int64)[row],
        code=Code.READING_IMPLAUSIBLE_RISE,
        column=heading,
        value=rows["value"].take(row).astype(TEXT),
        against=written(value=other["value"], unit=other["unit"], day=other["day"]),
    )
