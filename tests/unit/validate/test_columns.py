"""The checks a feed declares are pandera's, asked one by one; all of them are there."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pandas as pd
import pandera.pandas as pandera
import pytest

from meterdrop.catalog.checks import SHAPES, default_code
from meterdrop.model.codes import Code
from meterdrop.model.feed import Check, Feed, Type
from meterdrop.tables import TypedRows
from meterdrop.validate.columns import check_columns
from meterdrop.validate.schema import schema_of
from tests.unit.validate.typed import SHIPPED, agreement, layout, rows, told

EXAMPLES: dict[str, tuple[Type, dict[str, object], str, str]] = {
    "equal_to": (Type.TEXT, {"value": "a"}, "a", "b"),
    "not_equal_to": (Type.TEXT, {"value": "a"}, "b", "a"),
    "isin": (Type.TEXT, {"allowed_values": ["a", "b"]}, "b", "c"),
    "notin": (Type.TEXT, {"forbidden_values": ["a", "b"]}, "c", "b"),
    "greater_than": (Type.DECIMAL, {"min_value": Decimal("0.1")}, "0.11", "0.1"),
    "greater_than_or_equal_to": (Type.INTEGER, {"min_value": 3}, "3", "2"),
    "less_than": (Type.DAY, {"max_value": date(2026, 1, 2)}, "1.1.2026", "2.1.2026"),
    "less_than_or_equal_to": (Type.DECIMAL, {"max_value": Decimal("0.1")}, "0.1", "0.100001"),
    "in_range": (
        Type.DECIMAL,
        {"min_value": Decimal(0), "max_value": Decimal(1), "include_max": False},
        "0",
        "1",
    ),
    "str_matches": (Type.TEXT, {"pattern": "a|b"}, "bx", "xb"),
    "str_contains": (Type.TEXT, {"pattern": "[0-9]{2}"}, "x12", "x1"),
    "str_startswith": (Type.TEXT, {"string": "x."}, "x.1", "xy1"),
    "str_endswith": (Type.TEXT, {"string": "z"}, "xz", "zx"),
    "str_length": (Type.TEXT, {"min_value": 2, "max_value": 3}, "ab", "a"),
}


def feed_with(name: str, *, kind: Type, arguments: dict[str, object]) -> Feed:
    visits = SHIPPED.feeds["service_visits"]
    column = replace(
        visits.columns[0],
        name="Cell",
        type=kind,
        filled=False,
        checks=(Check(name=name, arguments=arguments, code=default_code(kind)),),
    )
    return replace(visits, columns=(column,))


def checked(feed: Feed, cells: list[str]) -> pd.DataFrame:
    agreed = replace(agreement("service_visits"), feed=feed)
    return check_columns(rows("x", {"Cell": cells}, under=agreed), feed=feed, layout=layout("Cell"))


def test_the_catalog_s_checks_are_examples_here() -> None:
    """A new check comes with an example."""
    assert set(EXAMPLES) == set(SHAPES)


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_check_refuses_the_bad_cell_and_leaves_good_and_empty_ones(name: str) -> None:
    """The mask is of the rows, whatever pandera drops."""
    kind, arguments, good, bad = EXAMPLES[name]
    found = checked(feed_with(name, kind=kind, arguments=arguments), ["", good, bad, "", good, bad])
    assert told(found) == [(4, default_code(kind).value, "Cell"), (7, default_code(kind).value, "Cell")]


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_catalog_knows_the_arguments_pandera_takes(name: str) -> None:
    """No more and no fewer than our table says."""
    _, arguments, _, _ = EXAMPLES[name]
    built = getattr(pandera.Check, name)(**arguments)
    taken = set(built.statistics) if name != "str_length" else {"min_value", "max_value", "exact_value"}
    assert taken == {*SHAPES[name].must, *SHAPES[name].may}


def test_as_many_checks_are_built_as_were_written() -> None:
    """For every shipped feed, and there are some."""
    for feed in SHIPPED.feeds.values():
        written = sum(len(column.checks) for column in feed.columns)
        built = sum(len(column.checks) for column in schema_of(feed).columns.values())
        assert built == written > 0, feed.name


def test_negative_register_is_told_as_sent_and_hides_no_other_error() -> None:
    """Also beside a cell that could not be cast, and with many rows of it."""
    cells = {
        "SerialNum": ["1", "2", "3"],
        "Value": ["-1,50", "CHYBA", "2"],
        "Unit": ["m3"] * 3,
        "Date": ["2026-10-31"] * 3,
    }
    typed = rows("readings", cells)
    found = check_columns(typed, feed=agreement("readings").feed, layout=layout(*cells))
    assert told(found) == [(2, "value.negative", "Value")]
    assert found["value"].tolist() == ["-1.50"]
    assert told(typed.findings) == [(3, "value.not-a-number", "Value")]


def test_block_without_rows_passes_every_check() -> None:
    """A file of a header only."""
    cells: dict[str, list[str]] = {"SerialNum": [], "Value": [], "Unit": [], "Date": []}
    typed: TypedRows = rows("readings", cells)
    assert len(check_columns(typed, feed=agreement("readings").feed, layout=layout(*cells))) == 0


def test_correction_of_nothing_is_a_bad_correction() -> None:
    """Declared in the YAML, with its own code; one that is too large is said to be just that."""
    cells = {"Correction": ["0", "-1", "0,5", "1000000000000"]}
    found = check_columns(rows("devices", cells), feed=agreement("devices").feed, layout=layout("Correction"))
    assert told(found) == [
        (2, Code.DEVICE_BAD_CORRECTION.value, "Correction"),
        (3, Code.DEVICE_BAD_CORRECTION.value, "Correction"),
        (5, Code.VALUE_OUT_OF_RANGE.value, "Correction"),
    ]
