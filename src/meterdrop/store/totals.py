"""How much is there in all? Counted without the libraries that tables need, for whoever looks in often."""

from sqlalchemy import Connection, func, select

from meterdrop.store.schema import delivery, device, quarantine


def deliveries_by_state(connection: Connection) -> dict[str, int]:
    """How many deliveries are in each state."""
    rows = connection.execute(select(delivery.c.state, func.count()).group_by(delivery.c.state))
    return {row[0]: row[1] for row in rows}


def lines_by_state(connection: Connection) -> dict[str, int]:
    """How many quarantined lines are in each state."""
    rows = connection.execute(select(quarantine.c.state, func.count()).group_by(quarantine.c.state))
    return {row[0]: row[1] for row in rows}


def devices(connection: Connection) -> int:
    """How many devices are registered."""
    return connection.execute(select(func.count()).select_from(device)).scalar_one()
