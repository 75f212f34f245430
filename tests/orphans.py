"""What SQLite's foreign keys guard, looked for where PostgreSQL has none: rows without a parent."""

from functools import cache
from typing import Final

import psycopg
from sqlalchemy import ColumnElement, ForeignKey, exists, literal, make_url, select, union_all

from meterdrop.store.engine import make_engine
from meterdrop.store.schema import ON_SQLITE_ONLY

_TABLES: Final = "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()"


def orphans(url: str) -> list[str]:
    """The keys of a PostgreSQL database that name what is not there."""
    words = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(words) as connection:
        question = _question(frozenset(name for (name,) in connection.execute(_TABLES)))
        return [] if question is None else [told for (told,) in connection.execute(question.encode())]


@cache
def _question(tables: frozenset[str]) -> str | None:
    """One for all keys of the tables that are there; put together once, for databases are many and shapes few."""
    keys = [key for law in ON_SQLITE_ONLY if law.table.name in tables for key in law.elements]
    if not keys:
        return None
    asked = union_all(*(select(literal(_told(key))).where(_without_parent(key)) for key in keys))
    return str(
        asked.compile(dialect=make_engine("postgresql://").dialect, compile_kwargs={"literal_binds": True})
    )


def _told(key: ForeignKey) -> str:
    return f"{key.parent.table.name}.{key.parent.name} has no {key.target_fullname}"


def _without_parent(key: ForeignKey) -> ColumnElement[bool]:
    parent = key.column.table.alias("parent")
    child = key.parent
    orphan = select(literal(1)).select_from(child.table).where(child.is_not(None))
    return exists(orphan.where(~exists().where(parent.c[key.column.name] == child).correlate(child.table)))
