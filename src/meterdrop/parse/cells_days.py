"""Which day is it? Only the forms agreed with the partner; nothing is guessed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from meterdrop.model.codes import Code
from meterdrop.model.feed import Column
from meterdrop.parse.cells_cast import Cast, Mask, matches, present

_CLOCK: Final = "(?:[01]?[0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:[.,][0-9]+)?)?"
_DMY: Final = "(?P<d>[0-9]{1,2})[.][\\s\\p{Z}]*(?P<m>[0-9]{1,2})[.][\\s\\p{Z}]*(?P<y>[0-9]{4})"
_ISO: Final = "(?P<y>[0-9]{4})-(?P<m>[0-9]{2})-(?P<d>[0-9]{2})"

FORMS: Final[Mapping[str, str]] = {
    "iso": _ISO,
    "dmy": _DMY,
    "dmy_slash": "(?P<d>[0-9]{1,2})/(?P<m>[0-9]{1,2})/(?P<y>[0-9]{4})",
    "ymd_compact": "(?P<y>[0-9]{4})(?P<m>[0-9]{2})(?P<d>[0-9]{2})",
    "iso_time": f"{_ISO}[T ]{_CLOCK}",
    "dmy_time": f"{_DMY}[\\s\\p{{Z}}]+{_CLOCK}",
}
"""No two of them read the same text; the time of day is dropped, a time with a zone is in none of them."""

_TWO_DIGITS: Final = "[0-9]{1,2}[./-][\\s\\p{Z}]*[0-9]{1,2}[./-][\\s\\p{Z}]*[0-9]{2}([T\\s\\p{Z}].*)?"
_FIRST_YEAR: Final = 1000

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class DayForms:
    """How a partner writes days. `sentinels` are days that mean "missing" (`1999-11-30`, `2127-*`)."""

    forms: tuple[str, ...]
    sentinels: tuple[str, ...] = ()
    day_before: bool = False
    """The partner stamps the start of the day: the register showed the value when the day before ended."""


def cast_days(text: pa.StringArray, *, column: Column, forms: DayForms) -> Cast:
    """`<column>`, the days, exact to the calendar (31.2. is none), and `<column>_sent`, the text."""
    year, month, day = _parts(text, forms=forms.forms)
    days, real = _calendar(year, month, day)
    missing = _sentinel(year, month, day, sentinels=forms.sentinels)
    known = real & ~missing
    stored = days - np.int64(forms.day_before)
    made = pa.array(stored.astype(np.int32), pa.int32(), mask=~known).cast(pa.date32())
    return Cast(
        {column.name: made, f"{column.name}_sent": text},
        (
            (Code.DATE_SENTINEL, missing),
            (Code.DATE_TWO_DIGIT_YEAR, matches(text, _TWO_DIGITS) & ~known),
            (Code.DATE_NOT_A_DATE, present(text) & ~known),
        ),
    )


def _parts(text: pa.StringArray, *, forms: tuple[str, ...]) -> tuple[Numbers, Numbers, Numbers]:
    """Year, month and day as written; all 0 where no form fits."""
    year, month, day = (np.zeros(len(text), dtype=np.int64) for _ in range(3))
    for form in forms:
        found = pc.extract_regex(text, f"^{FORMS[form]}$")
        fits = np.flatnonzero(present(found))
        parts = found.take(pa.array(fits))
        for into, name in ((year, "y"), (month, "m"), (day, "d")):
            into[fits] = parts.field(name).cast(pa.int64()).to_numpy()
    return year, month, day


def _calendar(year: Numbers, month: Numbers, day: Numbers) -> tuple[Numbers, Mask]:
    """Days since 1970-01-01, and whether there is such a day."""
    possible = (year >= _FIRST_YEAR) & (month >= 1) & (month <= 12) & (day >= 1)
    months = np.where(possible, (year - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    first = months.astype("datetime64[D]").astype(np.int64)
    following = (months + np.timedelta64(1, "M")).astype("datetime64[D]").astype(np.int64)
    days = first + np.where(possible, day, 1) - 1
    return days, possible & (days < following)


def _sentinel(year: Numbers, month: Numbers, day: Numbers, *, sentinels: tuple[str, ...]) -> Mask:
    missing = np.zeros(len(year), dtype=np.bool_)
    for sentinel in sentinels:
        its_year, _, rest = sentinel.partition("-")
        mask = year == int(its_year)
        if rest != "*":
            its_month, its_day = (int(part) for part in rest.split("-"))
            mask &= (month == its_month) & (day == its_day)
        missing |= mask
    return missing
