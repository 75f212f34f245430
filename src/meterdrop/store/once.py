"""How does a row come in that someone else may be putting in at this very moment? Once, and without an error."""

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_once(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that does nothing where there is a row like it by any unique key."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table).on_conflict_do_nothing()
    return postgresql.insert(table).on_conflict_do_nothing()
