"""What goes out as text is exact, for machines."""

from datetime import date
from decimal import Decimal

import pytest

from meterdrop.usecases.export import as_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "1"),
        (False, "0"),
        (Decimal("1204.50"), "1204.5"),
        (Decimal("1E+3"), "1000"),
        (Decimal("0.0000000001"), "0.0000000001"),
        (Decimal(0), "0"),
        (date(2026, 10, 31), "2026-10-31"),
        (7, "7"),
        ("007", "007"),
        (["A", "ž"], '["A", "ž"]'),
    ],
)
def test_stored_value_is_told_exactly(value: object, text: str) -> None:
    assert as_text(value) == text
