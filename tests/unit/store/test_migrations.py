"""The migrations lead to the very schema that the code knows, and back."""

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, inspect

from meterdrop.model.errors import StopAtStart
from meterdrop.store import migrate
from meterdrop.store.engine import make_engine, writing
from meterdrop.store.schema import metadata


def test_migrations_and_schema_are_the_same(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_migrations_make_every_check_and_index_condition_of_the_schema(
    engine: Engine, tmp_path: Path
) -> None:
    """`compare_metadata` looks at neither."""
    made = make_engine(f"sqlite:///{tmp_path / 'made.db'}")
    with writing(made) as store:
        metadata.create_all(store)
    for name in metadata.tables:
        assert checks(engine, name) == checks(made, name)
        assert conditions(engine, name) == conditions(made, name)
    assert any("physical = header" in told for told in checks(engine, "delivery"))
    made.dispose()


def checks(engine: Engine, table: str) -> set[str]:
    return {
        f"{one['name']}: {' '.join(one['sqltext'].split())}"
        for one in inspect(engine).get_check_constraints(table)
    }


def conditions(engine: Engine, table: str) -> set[str]:
    return {
        f"{one['name']}: {one.get('dialect_options', {}).get('sqlite_where')}"
        for one in inspect(engine).get_indexes(table)
    }


def test_down_to_nothing_and_up_again(engine: Engine) -> None:
    command.downgrade(migrate._config(engine), "base")
    assert set(inspect(engine).get_table_names()) <= {"alembic_version"}
    assert not migrate.is_current(engine)
    migrate.upgrade(engine)
    assert migrate.is_current(engine)
    assert set(metadata.tables) <= set(inspect(engine).get_table_names())


def test_upgrade_may_be_repeated(engine: Engine) -> None:
    migrate.upgrade(engine)
    assert migrate.is_current(engine)


def test_asking_whether_a_database_is_current_makes_none(tmp_path: Path) -> None:
    path = tmp_path / "meterdrop.db"
    assert not migrate.is_current(make_engine(f"sqlite:///{path}"))
    assert not path.exists()


def test_file_that_is_no_database_stops_at_start(tmp_path: Path) -> None:
    path = tmp_path / "meterdrop.db"
    path.write_bytes(b"a letter, not a database " * 100)
    with pytest.raises(StopAtStart, match="is damaged or is none"):
        migrate.is_current(make_engine(f"sqlite:///{path}"))
