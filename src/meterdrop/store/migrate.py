"""Is the database at today's shape? Alembic migrations, run from the package.

Alembic is imported for an upgrade only: every command and worker asks whether there is need of one, which takes a glance.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Engine, inspect, select
from sqlalchemy.sql import column, table

from meterdrop.model.errors import StopAtStart
from meterdrop.store.engine import answering, is_missing

if TYPE_CHECKING:
    from alembic.config import Config

_MIGRATIONS: Final = Path(__file__).with_name("migrations")
_SHAPE: Final = table("alembic_version", column("version_num"))
"""Where Alembic notes the last step taken."""


def _config(engine: Engine) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["engine"] = engine
    return config


def upgrade(engine: Engine) -> None:
    """Brings the database to today's shape; safe to repeat. `StopAtStart` if it is of a later version than we are."""
    from alembic import command
    from alembic.util import CommandError

    try:
        with answering(engine):
            command.upgrade(_config(engine), "head")
    except CommandError as error:
        raise StopAtStart(
            [f"this meterdrop is older than its database ({error}): install the newer one"]
        ) from error


def is_current(engine: Engine) -> bool:
    """Whether the database is there and has today's shape."""
    if is_missing(engine):
        return False
    with answering(engine), engine.connect() as connection:
        if not inspect(connection).has_table(_SHAPE.name):
            return False
        return connection.execute(select(_SHAPE.c.version_num)).scalar_one_or_none() == newest()


def newest() -> str:
    """The last step there is: the names of the files begin with their numbers."""
    return max(step.name.partition("_")[0] for step in (_MIGRATIONS / "versions").glob("[0-9]*.py"))
