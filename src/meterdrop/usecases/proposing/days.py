"""In which forms does the partner write days, and which moment of the day do they mean?"""

from collections.abc import Mapping
from typing import Final

import numpy as np

from meterdrop.detect.propose import Statement, counted, guess, sure
from meterdrop.model.codes import Code
from meterdrop.model.feed import Column, DateMeans, Feed, Type
from meterdrop.parse.cells_cast import matches
from meterdrop.parse.cells_days import FORMS
from meterdrop.usecases.proposing.looks import day_failures, days_of
from meterdrop.usecases.proposing.sample import Cells

TOLERATED: Final = ("iso", "dmy")
"""What is read without being agreed (FEEDS)."""

_MOSTLY: Final = 0.8
_LOOKS: Final[Mapping[str, str]] = {
    "iso": "2026-11-24",
    "dmy": "24.11.2026",
    "dmy_slash": "24/11/2026",
    "ymd_compact": "20261124",
    "iso_time": "2026-11-24 06:15",
    "dmy_time": "24.11.2026 6:15",
}
_DAY_ABOVE_TWELVE: Final = "(1[3-9]|2[0-9]|3[01])/.*"
_DAY: Final = Column(name="", type=Type.DAY)


def sentinels_of(feed: Feed) -> tuple[str, ...]:
    """Days that mean "missing" in this feed."""
    written = feed.rules.get("date_sentinels", ())
    return tuple(str(each) for each in written) if isinstance(written, (list, tuple)) else ()


def propose_date_forms(columns: Mapping[str, Cells], *, sentinels: tuple[str, ...]) -> Statement:
    """The forms met. One that is not tolerated anyway is proposed only if all cells of its columns are days."""
    met: dict[str, int] = {}
    doubtful: set[str] = set()
    for cells in columns.values():
        here = {form: count for form in FORMS if (count := _count(cells, forms=(form,), sentinels=sentinels))}
        whole = bool(here) and _count(cells, forms=tuple(here), sentinels=sentinels) == cells.filled
        doubtful |= set() if whole else here.keys() - set(TOLERATED)
        for form, count in here.items():
            met[form] = met.get(form, 0) + count
    told = "; ".join(f"{counted(count, 'cell')} like {_LOOKS[form]}" for form, count in met.items())
    forms = tuple(form for form in met if form not in doubtful)
    if doubtful:
        names = ", ".join(sorted(doubtful))
        return guess(forms or None, f"{told}; other cells of the column are no days, so {names} is left out")
    if not met:
        return guess(None, "no days were met; iso and dmy are read if nothing is said")
    if "dmy_slash" in met and not any(_has_high_day(cells) for cells in columns.values()):
        return guess(forms, f"{told}; no day is above 12, so the month may come first")
    return sure(forms, told)


def propose_date_means(
    cells: Cells, *, forms: tuple[str, ...] | None, sentinels: tuple[str, ...]
) -> Statement:
    """Makers stamp the last day of a period, or the first day after it; other days tell nothing."""
    days = days_of(cells, forms=forms or TOLERATED, sentinels=sentinels)
    if not days.filled:
        return guess(None, "no days were met; end_of_day if nothing is said")
    day = days.text.to_numpy(zero_copy_only=False).astype("datetime64[D]")
    month = day.astype("datetime64[M]")
    first = days.how_many(day == month.astype("datetime64[D]"))
    last = days.how_many(day + np.timedelta64(1, "D") == (month + 1).astype("datetime64[D]"))
    for value, count, which in (
        (DateMeans.END_OF_DAY, last, "last"),
        (DateMeans.START_OF_DAY, first, "first"),
    ):
        if count >= _MOSTLY * days.filled:
            return guess(value.value, f"{count} of {days.filled} days are the {which} of a month")
    return guess(None, "the days are neither last nor first days of months; end_of_day if nothing is said")


def _count(cells: Cells, *, forms: tuple[str, ...], sentinels: tuple[str, ...]) -> int:
    """How many cells are days in these forms? One that stands for a missing day counts."""
    failed = day_failures(cells, column=_DAY, forms=forms, sentinels=sentinels)
    return cells.filled - sum(
        cells.how_many(mask) for code, mask in failed.items() if code is not Code.DATE_SENTINEL
    )


def _has_high_day(cells: Cells) -> bool:
    return bool(matches(cells.text, _DAY_ABOVE_TWELVE).any())
