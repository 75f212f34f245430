"""Which parameters do the rules of each target take? Checked after a partner's are laid over the feed's."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from meterdrop.catalog.strictly import Strict
from meterdrop.model.feed import Target
from meterdrop.model.measures import CANONICAL, MEDIA


def _sentinel(text: str) -> str:
    """A day (real or not: 2000-00-00 is one) or a whole year, as `2127-*`."""
    year, _, rest = text.partition("-")
    parts = rest.split("-")
    whole_year = rest == "*"
    a_day = len(parts) == 2 and all(len(part) == 2 and part.isdecimal() for part in parts)
    if len(year) != 4 or not year.isdecimal() or not (whole_year or a_day):
        raise ValueError(f"{text!r} must look like 1999-11-30 or 2127-*")
    return text


def _number(text: str) -> str:
    try:
        Decimal(text)
    except InvalidOperation as problem:
        raise ValueError(f"{text!r} is not a number") from problem
    return text


def _amount(text: str) -> str:
    """A number above zero that any canonical value can be compared with exactly."""
    number = Decimal(_number(text))
    if not number.is_finite() or number <= 0:
        raise ValueError(f"{text!r} must be above zero")
    if number >= 10**9 or number != round(number, 6):
        raise ValueError(f"{text!r} must have at most 9 digits before the point and 6 behind it")
    return text


def _yearly(text: str) -> str:
    try:
        date.fromisoformat(f"2001-{text}")
    except ValueError as problem:
        raise ValueError(f"{text!r} must be a day of every year, like 12-31") from problem
    return text


def _one_of(known: Mapping[str, object]) -> AfterValidator:
    def check(text: str) -> str:
        if text not in known:
            raise ValueError(f"{text!r} must be one of {', '.join(known)}")
        return text

    return AfterValidator(check)


Sentinel = Annotated[str, AfterValidator(_sentinel)]
Number = Annotated[str, AfterValidator(_number)]
Amount = Annotated[str, AfterValidator(_amount)]
YearlyDay = Annotated[str, AfterValidator(_yearly)]
Dimension = Annotated[str, _one_of(CANONICAL)]
Medium = Annotated[str, _one_of(MEDIA)]


class CommonRules(Strict):
    """Parameters every feed may have."""

    date_sentinels: list[Sentinel] = Field(default_factory=list)


class ReadingRules(CommonRules):
    """Parameters of the rules of readings; all are said in the feed's YAML, none is assumed."""

    days_ahead: Annotated[int, Field(ge=0)]
    years_back: Annotated[int, Field(ge=1)]
    value_sentinels: dict[Dimension, list[Number]]
    max_rise_per_day: dict[Medium, Amount]
    small_fall: dict[Dimension, Amount]
    reset_day: YearlyDay
    reset_window_days: Annotated[int, Field(ge=0, le=180)]


RULES: Final[Mapping[Target, type[CommonRules]]] = {
    Target.READINGS: ReadingRules,
    Target.DEVICES: CommonRules,
    Target.RECORDS: CommonRules,
}
