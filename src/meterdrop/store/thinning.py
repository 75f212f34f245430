"""Which readings are ordinary daily ones that a month can do without? Taken away with one statement for a month and some devices.

What stays of a device and month is its last reading, and everything that tells more than that a day has passed.
"""

from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Float,
    Select,
    Text,
    and_,
    case,
    cast,
    delete,
    exists,
    func,
    or_,
    select,
    tuple_,
    type_coerce,
)

from meterdrop.model.line_state import WITH_PARTNER
from meterdrop.store.schema import (
    LINES_A_DELIVERY,
    delivery,
    device,
    quarantine,
    reading,
    reading_history,
)
from meterdrop.store.stretches import Stretch

_BESIDE: Final = timedelta(days=31)
_ORDINARY_KIND: Final = "RADIO"
_ORDINARY_STATUS: Final = "OK"


def count(connection: Connection, stretch: Stretch) -> int:
    """How many readings `thin` would take away."""
    ordinary = _ordinary(connection, stretch).subquery()
    return connection.execute(select(func.count()).select_from(ordinary)).scalar_one()


def thin(connection: Connection, stretch: Stretch) -> int:
    """Takes ordinary daily readings away, but for the last of the month; how many. They leave no history."""
    return connection.execute(
        delete(reading).where(
            reading.c.partner == stretch.partner,
            reading.c.device.between(stretch.lowest, stretch.highest),
            reading.c.day >= stretch.start,
            reading.c.day < stretch.end,
            tuple_(reading.c.device, reading.c.day).in_(_ordinary(connection, stretch)),
        )
    ).rowcount


def _ordinary(connection: Connection, stretch: Stretch) -> Select[Any]:  # Any: rows of device and day
    """Keys of the readings that can go: see `_tells_nothing` for what one has to be, and `_month` for its neighbours."""
    month = _month(stretch)
    earlier = _earlier(month, stretch).scalar_subquery()
    before = case((month.c.before.is_not(None), month.c.before), else_=earlier)
    corrected = exists().where(
        reading_history.c.partner == stretch.partner,
        reading_history.c.device == month.c.device,
        reading_history.c.day == month.c.day,
    )
    return select(month.c.device, month.c.day).where(
        month.c.is_ordinary,
        month.c.from_the_end > 1,
        before.is_not(None),  # else it is the first of the device's life
        ~_falls(connection, before, month.c.value),
        or_(month.c.after.is_(None), ~_falls(connection, month.c.value, month.c.after)),
        month.c.device.not_in(_with_open_lines(stretch)),
        ~corrected,
    )


def _month(stretch: Stretch) -> Any:  # noqa: ANN401 - a subquery, whose columns nobody can tell
    """The readings, each with those next to it in its unit, and its number from the end among those as actual as it is."""
    of_unit: dict[str, Any] = {
        "partition_by": (reading.c.device, reading.c.canonical_unit, reading.c.delta),
        "order_by": reading.c.day,
    }
    as_actual: dict[str, Any] = {
        "partition_by": (reading.c.device, reading.c.canonical_unit, reading.c.delta, reading.c.estimated),
        "order_by": reading.c.day.desc(),
    }
    value = reading.c.canonical_value
    return (
        select(
            reading.c.device,
            reading.c.day,
            reading.c.canonical_unit,
            value.label("value"),
            func.lag(value, type_=value.type).over(**of_unit).label("before"),
            func.lead(value, type_=value.type).over(**of_unit).label("after"),
            func.row_number().over(**as_actual).label("from_the_end"),
            _tells_nothing().label("is_ordinary"),
        )
        .select_from(
            device.join(reading, and_(reading.c.partner == device.c.partner, reading.c.device == device.c.id))
        )
        .where(
            device.c.partner == stretch.partner,
            device.c.id.between(stretch.lowest, stretch.highest),
            reading.c.partner == stretch.partner,
            reading.c.day >= stretch.start,
            reading.c.day < stretch.end,
        )
        .subquery()
    )


def _tells_nothing() -> ColumnElement[bool]:
    """Read by radio, well, as it came, a state of the register, and not on a day on which its device came or went.

    What was used since the last reading (a delta) can't go: it would be missing from the sum.
    """
    dates = (device.c.installed_from, device.c.installed_to, device.c.stated_to)
    return and_(
        reading.c.kind == _ORDINARY_KIND,
        ~reading.c.delta,
        reading.c.quarantine.is_(None),
        or_(reading.c.status.is_(None), reading.c.status == _ORDINARY_STATUS),
        *(or_(one.is_(None), one != reading.c.day) for one in dates),
    )


def _earlier(month: Any, stretch: Stretch) -> Select[Any]:  # noqa: ANN401 - as above
    """What the register showed last before the month; null if there is no such reading."""
    previous = reading.alias("previous")
    return (
        select(previous.c.canonical_value)
        .where(
            previous.c.partner == stretch.partner,
            previous.c.device == month.c.device,
            previous.c.canonical_unit == month.c.canonical_unit,
            ~previous.c.delta,
            previous.c.day < stretch.start,
            previous.c.day >= (stretch.kept_from or date.min),
        )
        .order_by(previous.c.day.desc())
        .limit(1)
        .correlate(month)
    )


def _falls(
    connection: Connection, earlier: ColumnElement[Any], later: ColumnElement[Any]
) -> ColumnElement[bool]:
    """Whether a register went down: an exchange, a rollover, a reset. Both readings tell of it.

    SQLite's decimals are texts. Where they are the same as floats but not as texts, they may have gone down.
    """
    if connection.dialect.name != "sqlite":
        return earlier > later
    told = [type_coerce(one, Text) for one in (earlier, later)]
    first, second = (cast(one, Float) for one in told)
    return or_(first > second, and_(first == second, told[0] != told[1]))


def _with_open_lines(stretch: Stretch) -> Select[Any]:  # Any: rows of one key
    """Devices of which a line waits, of these days or of the month next to them: it will be judged by what is beside it."""
    states = [state.value for state in WITH_PARTNER]
    first = delivery.c.id * LINES_A_DELIVERY
    its_lines = quarantine.c.id.between(first, first + LINES_A_DELIVERY - 1)
    return (
        select(device.c.id)
        .select_from(delivery.join(quarantine, its_lines))
        .join(device, device.c.serial_key == quarantine.c.serial_key)
        .where(
            device.c.partner == stretch.partner,
            or_(delivery.c.waiting > 0, delivery.c.returned > 0),
            quarantine.c.state.in_(states),
            func.coalesce(quarantine.c.owner, delivery.c.partner) == stretch.partner,
            quarantine.c.day >= stretch.start - _BESIDE,
            quarantine.c.day < stretch.end + _BESIDE,
        )
    )
