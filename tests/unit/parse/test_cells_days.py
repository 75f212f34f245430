"""Days are read in the agreed forms only, and only real ones are days."""

from datetime import date

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterdrop.model.codes import Code
from meterdrop.model.feed import Column, Type
from meterdrop.parse.cells_days import FORMS, DayForms, cast_days

SENTINELS = ("1999-11-30", "2000-00-00", "2000-01-01", "2127-*")
USUAL = DayForms(forms=("iso", "dmy"), sentinels=SENTINELS)
EVERY = DayForms(forms=tuple(FORMS))
WRITTEN = {
    "iso": "{0:%Y-%m-%d}",
    "dmy": "{0.day}.{0.month}.{0:%Y}",
    "dmy_slash": "{0:%d/%m/%Y}",
    "ymd_compact": "{0:%Y%m%d}",
    "iso_time": "{0:%Y-%m-%d}T23:59:59",
    "dmy_time": "{0.day}. {0.month}. {0:%Y} 6:15",
}


def day(text: str, forms: DayForms = USUAL) -> tuple[date | None, list[Code]]:
    made = cast_days(pa.array([text]), column=Column(name="Date", type=Type.DAY), forms=forms)
    return made.columns["Date"][0].as_py(), [code for code, mask in made.failed if mask[0]][:1]


@pytest.mark.parametrize(
    "text",
    ["2026-11-04", "4.11.2026", "04.11.2026", "4. 11. 2026", "4.\u00a011.\u00a02026"],
)
def test_usual_ways_of_writing_a_day_are_read(text: str) -> None:
    """ISO and Czech."""
    assert day(text) == (date(2026, 11, 4), [])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("31.2.2026", Code.DATE_NOT_A_DATE),
        ("2026-02-29", Code.DATE_NOT_A_DATE),
        ("2026-13-01", Code.DATE_NOT_A_DATE),
        ("2026-00-10", Code.DATE_NOT_A_DATE),
        ("0026-01-10", Code.DATE_NOT_A_DATE),
        ("45985", Code.DATE_NOT_A_DATE),
        ("20261104", Code.DATE_NOT_A_DATE),
        ("4/11/2026", Code.DATE_NOT_A_DATE),
        ("2026-11-04T06:00:00", Code.DATE_NOT_A_DATE),
        ("včera", Code.DATE_NOT_A_DATE),
        ("4.11.26", Code.DATE_TWO_DIGIT_YEAR),
        ("04. 11. 26", Code.DATE_TWO_DIGIT_YEAR),
        ("26-11-04", Code.DATE_TWO_DIGIT_YEAR),
        ("4/11/26", Code.DATE_TWO_DIGIT_YEAR),
        ("1999-11-30", Code.DATE_SENTINEL),
        ("30.11.1999", Code.DATE_SENTINEL),
        ("2000-00-00", Code.DATE_SENTINEL),
        ("1.1.2000", Code.DATE_SENTINEL),
        ("2127-12-28", Code.DATE_SENTINEL),
    ],
)
def test_what_is_no_agreed_day_is_refused_with_its_code(text: str, code: Code) -> None:
    """The most specific code first."""
    assert day(text) == (None, [code])


@pytest.mark.parametrize("text", ["2026-11-04T06:00:00Z", "2026-11-04 25:00", "2026-11-04T06:00:00+01:00"])
def test_time_with_a_zone_or_no_time_at_all_is_refused(text: str) -> None:
    """Dropping a zone could change the day."""
    assert day(text, EVERY) == (None, [Code.DATE_NOT_A_DATE])


@given(
    st.dates(min_value=date(1000, 1, 1)),
    st.sampled_from(sorted(WRITTEN)),
)
def test_every_day_in_every_agreed_form_reads_back_as_itself(written: date, form: str) -> None:
    """Leap years and all."""
    text = WRITTEN[form].format(written)
    assert day(text, DayForms(forms=(form,))) == (written, [])
    assert day(text, EVERY) == (written, [])


@given(st.dates(min_value=date(1901, 1, 1)))
def test_start_of_the_day_stores_the_day_before(written: date) -> None:
    """The stamp is the first moment after the day whose end the register showed."""
    stored, codes = day(written.isoformat(), DayForms(forms=("iso",), day_before=True))
    assert codes == []
    assert stored is not None
    assert (written - stored).days == 1


@given(st.text(alphabet="0123456789.-/ T:", max_size=20))
def test_any_text_is_a_day_or_has_a_code(text: str) -> None:
    """Nothing falls between, nothing crashes."""
    stored, codes = day(text, EVERY)
    assert (stored is None) == (len(codes) == 1)
