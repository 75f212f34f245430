"""Is there a database to put tables in, and is it one that we can work with?"""

from typing import Final

from sqlalchemy import Engine, exists, select, text
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError
from sqlalchemy.sql import column, table

from meterdrop.model.errors import StopAtStart
from meterdrop.store.engine import answering, make_engine

OLDEST: Final = 14
"""The oldest PostgreSQL that everything was tried on."""
_ALWAYS_THERE: Final = "postgres"
_DATABASES: Final = table("pg_database", column("datname"))


def found(engine: Engine) -> None:
    """Makes the database if its server has none of that name; SQLite makes its file by itself.

    `StopAtStart` if we may not make it, or the server is too old, or the database can't hold every letter. `TryAgain` if the
    server is away.
    """
    if engine.dialect.name != "postgresql":
        return
    try:
        with engine.connect():
            pass
    except OperationalError as error:
        if not _made(engine):
            with answering(engine):
                raise error from None
    _check(engine)


def _made(engine: Engine) -> bool:
    """Whether it was missing and is there now; False if that is not what is wrong."""
    name = str(engine.url.database or "")
    server = make_engine(engine.url.set(database=_ALWAYS_THERE).render_as_string(hide_password=False))
    try:
        with server.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if connection.execute(select(exists().where(_DATABASES.c.datname == name))).scalar_one():
                return False
            quoted = engine.dialect.identifier_preparer.quote_identifier(name)
            connection.execute(text(f"CREATE DATABASE {quoted} TEMPLATE template0 ENCODING 'UTF8'"))
            return True
    except ProgrammingError as error:
        user = engine.url.username
        raise StopAtStart(
            [
                f"there is no database {name!r} on that server, and {user!r} may not make it: let its owner run "
                f"`createdb --template=template0 --encoding=UTF8 --owner={user} {name}`, then run `meterdrop init` again"
            ]
        ) from error
    except DBAPIError:
        return False
    finally:
        server.dispose()


def _check(engine: Engine) -> None:
    with answering(engine), engine.connect() as connection:
        version = connection.execute(text("SHOW server_version_num")).scalar_one()
        encoding = connection.execute(text("SHOW server_encoding")).scalar_one()
    problems = []
    if int(version) // 10_000 < OLDEST:
        problems.append(f"the server is PostgreSQL {int(version) // 10_000}: {OLDEST} or later is needed")
    if encoding != "UTF8":
        problems.append(
            f"the database holds text in {encoding}, which lacks letters that files have: make one with "
            "`createdb --template=template0 --encoding=UTF8`"
        )
    if problems:
        raise StopAtStart(problems)
