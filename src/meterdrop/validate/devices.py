"""Is a row of the register right by itself, and whose device is it?"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from meterdrop.model.codes import Code
from meterdrop.model.errors import CannotRead
from meterdrop.model.layout import Layout
from meterdrop.tables import TEXT, join_findings
from meterdrop.validate.arrays import ALWAYS, NEVER, Mask, arrow, days, is_word, present, truth
from meterdrop.validate.readings import HEATING
from meterdrop.validate.told import cells_told

MANAGER: Final = "manager"
_DAYS_AHEAD: Final = 1
"""A snapshot may be dated tomorrow; one from the far future would make all that come after it old."""


@dataclass(frozen=True)
class Owned:
    """The devices with `owner`: the partner whose each is (null where nobody may register it)."""

    frame: pd.DataFrame
    findings: pd.DataFrame


def refuse_unless_registrar(*, group: int, kind: str) -> None:
    """A partner of group 1 sends readings only; the manager registers for it.

    Raises CannotRead `device.partner-may-not-register`: the whole file is refused.
    """
    if group == 1 and kind != MANAGER:
        raise CannotRead(Code.DEVICE_MAY_NOT_REGISTER)


def check_owners(
    frame: pd.DataFrame,
    *,
    sender: str,
    kind: str,
    partners: Collection[str],
    own_registrars: Collection[str],
    layout: Layout,
) -> Owned:
    """Whose device is it? The manager names one of `partners` in the column Partner; others own what they send.

    The manager registers for itself and for partners of group 1 only: `own_registrars` send their registers
    themselves, and two senders of one register would each miss what the other one sent.
    """
    named = pc.utf8_lower(arrow(frame["Partner"]))
    if kind == MANAGER:
        known, owner = sorted(partners), named
        missing = ~present(frame["Partner"])
        others = sorted(set(own_registrars) - {sender})
    else:
        known, owner = [sender], pc.fill_null(named, sender)
        missing = np.zeros(len(frame), dtype=np.bool_)
        others = []
    there = _among(owner, known)
    forbidden = _among(owner, others)
    owners = pc.if_else(pa.array(there & ~forbidden), owner, pa.scalar(None, pa.string()))
    findings = [
        cells_told(frame, missing, code=Code.CELL_MISSING, column="Partner", layout=layout),
        cells_told(
            frame, ~there & ~missing, code=Code.DEVICE_UNKNOWN_PARTNER, column="Partner", layout=layout
        ),
        cells_told(
            frame, forbidden, code=Code.DEVICE_PARTNER_REGISTERS_ITSELF, column="Partner", layout=layout
        ),
    ]
    owned = frame.assign(owner=pd.Series(pd.arrays.ArrowExtensionArray(owners), dtype=TEXT))
    return Owned(frame=owned, findings=join_findings(findings))


def check_devices(frame: pd.DataFrame, *, today: date, layout: Layout) -> pd.DataFrame:
    """Each row by itself: a unit unless it may be an allocator, no end before the start, no snapshot of the future.

    `today` is the day in Prague on which the file came.
    """
    unitless = ~truth(frame["TypeUnit_given"]) & present(frame["Media"]) & ~is_word(frame["Media"], HEATING)
    backwards = days(frame["DateTo"], empty=NEVER) < days(frame["DateFrom"], empty=ALWAYS)
    latest = (today + timedelta(days=_DAYS_AHEAD) - date(1970, 1, 1)).days
    ahead = days(frame["Date"], empty=ALWAYS) > latest
    return join_findings(
        [
            cells_told(frame, ahead, code=Code.DATE_IN_FUTURE, column="Date", layout=layout),
            cells_told(frame, unitless, code=Code.CELL_MISSING, column="TypeUnit", layout=layout),
            cells_told(
                frame,
                backwards,
                code=Code.DEVICE_ENDS_BEFORE_START,
                column="DateTo",
                layout=layout,
                against=frame["DateFrom"],
            ),
        ]
    )


def _among(texts: pa.Array, known: Collection[str]) -> Mask:
    mask: Mask = pc.is_in(texts, pa.array([*known], pa.string())).to_numpy(zero_copy_only=False)
    return mask
