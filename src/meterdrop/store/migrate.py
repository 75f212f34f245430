"""Is the database at today's shape? Alembic migrations, run from the package."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Engine

from meterdrop.model.errors import StopAtStart
from meterdrop.store.engine import answering, is_missing


def _config(engine: Engine) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.attributes["engine"] = engine
    return config


def upgrade(engine: Engine) -> None:
    """Brings the database to today's shape; safe to repeat. `StopAtStart` if it is of a later version than we are."""
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
    newest = ScriptDirectory.from_config(_config(engine)).get_current_head()
    with answering(engine), engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() == newest
