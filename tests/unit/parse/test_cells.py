"""A block of cells is cast whole: every bad cell has one finding, and hides no other."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from meterdrop.model.feed import Agreement, DateMeans
from meterdrop.model.layout import Layout
from meterdrop.parse.cells import cast
from tests.unit.validate.typed import SHIPPED, agreement, block, layout, rows, told

GOOD = {
    "SerialNum": ["00010206", "NA"],
    "Value": [' ="0039,130" ', "1\u00a0204,5"],
    "Unit": ["m3", "kWh"],
    "Date": ["2026-10-31", "31.10.2026"],
}


def test_clean_rows_are_typed_and_have_no_finding() -> None:
    """Serials stay text, values exact and as sent, absent columns null or their default."""
    frame = rows("readings", GOOD).frame
    assert frame["line"].tolist() == [2, 3]
    assert frame["SerialNum"].tolist() == ["00010206", "NA"]
    assert frame["SerialNum_key"].tolist() == ["10206", "NA"]
    assert frame["Value"].tolist() == [Decimal("39.13"), Decimal("1204.5")]
    assert frame["Value_sent"].tolist() == ["0039.130", "1204.5"]
    assert frame["Unit_factor"].tolist() == [Decimal(1), Decimal("3.6")]
    assert frame["Date"].tolist() == [date(2026, 10, 31)] * 2
    assert frame["Kind"].tolist() == ["RADIO", "RADIO"]
    assert frame["Estimated"].tolist() == [False, False]
    assert frame["Media"].isna().all()
    assert "Note" not in frame.columns
    assert len(rows("readings", GOOD).findings) == 0


def test_every_bad_cell_of_a_row_is_told() -> None:
    """Not only the first; and the good cells are there."""
    typed = rows(
        "readings",
        {
            "SerialNum": ["5,14E+06"],
            "Value": ["CHYBA"],
            "Unit": ["mWh"],
            "Date": ["31.2.2026"],
            "Media": ["CW"],
        },
    )
    assert sorted(told(typed.findings)) == [
        (2, "date.not-a-date", "Date"),
        (2, "serial.malformed", "SerialNum"),
        (2, "unit.unknown", "Unit"),
        (2, "value.not-a-number", "Value"),
    ]
    assert typed.frame["Media"].tolist() == ["CW"]
    assert typed.frame[["SerialNum", "Value", "Unit", "Date"]].isna().all(axis=None)


def test_empty_cell_of_a_filled_column_is_missing_and_of_another_is_null() -> None:
    """Never zero, and spaces are empty."""
    typed = rows("readings", {**GOOD, "Value": ["", " \u00a0"], "Unit": ["", "l"]})
    assert told(typed.findings) == [(2, "cell.missing", "Value"), (3, "cell.missing", "Value")]
    assert typed.frame["Unit_given"].tolist() == [False, True]
    assert typed.frame["Unit_dimension"].isna().tolist() == [True, False]


def test_finding_quotes_the_cell_as_written_and_the_partner_s_heading() -> None:
    """What the partner can search for."""
    agreed = agreement("readings")
    theirs = Layout("utf-8", 0, ";", 1, b"", ("Číslo", "Stav"), ("SerialNum", "Value"))
    typed = cast(
        block({"SerialNum": ["1"], "Value": [' ="CHYBA" ']}),
        feed=agreed.feed,
        agreement=agreed,
        layout=theirs,
    )
    assert typed.findings[["column", "value"]].to_numpy().tolist() == [["Stav", ' ="CHYBA" ']]


def test_long_cell_has_one_finding_and_its_beginning_is_quoted() -> None:
    """Not value.not-a-number as well."""
    typed = rows("readings", {**GOOD, "Value": ["9" * 300, "1"]})
    assert told(typed.findings) == [(2, "cell.too-long", "Value")]
    assert typed.findings["value"].tolist() == ["9" * 200]


def test_unit_in_the_heading_fills_empty_unit_cells_only() -> None:
    """`Stav [m3]`."""
    agreed = agreement("readings")
    headed = replace(layout(*GOOD), heading_units={"Value": "m3"})
    cells = {**GOOD, "Unit": ["", "l"]}
    typed = cast(block(cells), feed=agreed.feed, agreement=agreed, layout=headed)
    assert typed.frame["Unit"].tolist() == ["m3", "l"]
    assert typed.frame["Unit_given"].tolist() == [True, True]


def test_two_units_in_headings_fill_nothing() -> None:
    """Which of them it is would be a guess."""
    agreed = agreement("readings")
    headed = replace(layout(*GOOD), heading_units={"Value": "m3", "Other": "l"})
    typed = cast(block({**GOOD, "Unit": ["", ""]}), feed=agreed.feed, agreement=agreed, layout=headed)
    assert typed.frame["Unit"].isna().all()


def test_start_of_day_moves_the_day_of_a_reading_only() -> None:
    """A register's dates are days, not moments."""
    start = replace(agreement("readings"), date_means=DateMeans.START_OF_DAY)
    typed = rows("readings", GOOD, under=start).frame
    assert typed["Date"].tolist() == [date(2026, 10, 30)] * 2
    assert typed["Date_sent"].tolist() == ["2026-10-31", "31.10.2026"]
    snapshot: Agreement = replace(agreement("devices"), date_means=DateMeans.START_OF_DAY)
    moved = rows("devices", {"Date": ["2026-10-31"], "DateFrom": ["2020-01-01"]}, under=snapshot).frame
    assert moved["Date"].tolist() == [date(2026, 10, 31)]
    assert moved["DateFrom"].tolist() == [date(2020, 1, 1)]


def test_block_without_rows_is_cast_to_typed_columns() -> None:
    """A file of a header only."""
    typed = rows("readings", {name: [] for name in GOOD})
    full = rows("readings", GOOD)
    assert len(typed.frame) == 0
    assert typed.frame.dtypes.equals(full.frame.dtypes)


def test_every_column_of_every_shipped_feed_is_cast() -> None:
    """A feed without Python: service_visits has no code of its own."""
    for name, feed in SHIPPED.feeds.items():
        frame = rows(name, {column.name: ["x"] for column in feed.columns}).frame
        read = {column.name for column in feed.columns if not column.kept_in_original}
        assert read <= set(frame.columns), name
