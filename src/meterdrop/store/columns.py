"""How are exact decimals, aware times and JSON kept, the same on SQLite and PostgreSQL?"""

import json
from datetime import UTC, datetime
from decimal import Decimal

from sqlalchemy import Dialect, LargeBinary, Numeric, String, Text, TypeDecorator
from sqlalchemy.types import TypeEngine


class ExactDecimal(TypeDecorator[Decimal]):
    """A decimal with at most 10 places: NUMERIC on PostgreSQL, its plain text on SQLite (which has only floats)."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Decimal]:
        """NUMERIC where there is one."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(Numeric(38, 10))
        return dialect.type_descriptor(Text())  # type: ignore[arg-type]  # text stands for the decimal here

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Decimal | str | None:
        """Plain notation, no exponent, no trailing zeros."""
        if value is None or dialect.name == "postgresql":
            return value
        return plain(value)

    def process_result_value(self, value: Decimal | str | None, dialect: Dialect) -> Decimal | None:
        """Back to a decimal."""
        return None if value is None else Decimal(value)


def plain(value: Decimal) -> str:
    """A decimal in plain notation without trailing zeros: 1204.50 -> 1204.5, 1E+3 -> 1000."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


class UtcTime(TypeDecorator[datetime]):
    """An aware time, kept as UTC text of fixed width, so that text order is time order."""

    impl = String(27)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """Refuses naive times: a bug, not data."""
        return None if value is None else utc_text(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        """Back to an aware time."""
        return None if value is None else datetime.fromisoformat(value)


def utc_text(value: datetime) -> str:
    """`2026-11-24T01:02:03.123456Z`; ValueError for a naive time."""
    if value.tzinfo is None:
        raise ValueError("a time without a zone")
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class JsonText(TypeDecorator[object]):
    """JSON as text with sorted keys: the same value is always the same text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: object, dialect: Dialect) -> str | None:
        """None stays NULL."""
        return None if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)

    def process_result_value(self, value: str | None, dialect: Dialect) -> object:
        """Back to a value."""
        return None if value is None else json.loads(value)


Bytes = LargeBinary
