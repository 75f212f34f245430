"""The migrations lead to the very schema that the code knows, and lose nothing."""

from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import version as version_of
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text

from meterdrop.model.errors import StopAtStart
from meterdrop.store import migrate
from meterdrop.store.engine import make_engine, writing
from meterdrop.store.schema import ON_SQLITE_ONLY, metadata
from tests.homes import POSTGRESQL, Homes


def test_migrations_and_schema_are_the_same(engine: Engine) -> None:
    with engine.connect() as connection:
        options = {"compare_server_default": True, "include_object": _is_everywhere}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []


def test_migrations_make_every_check_and_index_condition_of_the_schema(
    engine: Engine, homes: Homes, tmp_path: Path
) -> None:
    """`compare_metadata` looks at neither."""
    made = make_engine(homes.empty(tmp_path))
    with writing(made) as store:
        metadata.create_all(store)
    for name in metadata.tables:
        assert checks(engine, name) == checks(made, name)
        assert conditions(engine, name) == conditions(made, name)
    assert any("line_law" in told and "physical" in told for told in checks(engine, "delivery"))
    made.dispose()


def checks(engine: Engine, table: str) -> set[str]:
    return {
        f"{one['name']}: {' '.join(one['sqltext'].split())}"
        for one in inspect(engine).get_check_constraints(table)
    }


def conditions(engine: Engine, table: str) -> set[str]:
    return {
        f"{one['name']}: {_condition(one.get('dialect_options', {}))}"
        for one in inspect(engine).get_indexes(table)
    }


def _is_everywhere(thing: object, name: str | None, kind: str, reflected: bool, _other: object) -> bool:
    """PostgreSQL has a table for each month, those of Procrastinate, and no foreign keys of tables of millions of rows."""
    table = name if kind == "table" else getattr(getattr(thing, "table", None), "name", "")
    if reflected and str(table).startswith("procrastinate_"):
        return False
    if kind == "unique_constraint" and name == "uq_delivery_upload":
        return False  # with the partner on PostgreSQL
    if kind == "foreign_key_constraint" and not reflected:
        return thing not in ON_SQLITE_ONLY
    return not (kind == "table" and reflected and str(name).startswith("reading_20"))


def _condition(options: Mapping[str, object]) -> str:
    return str(options.get("sqlite_where", options.get("postgresql_where")))


def test_database_of_the_first_shape_keeps_its_rows_and_their_links(tmp_path: Path) -> None:
    """Two quarantined lines, one of them a reading by now, and findings of a line and of the file."""
    engine = make_engine(f"sqlite:///{tmp_path / 'old.db'}")
    command.upgrade(migrate._config(engine), "0001")
    with writing(engine) as store:
        for statement in FIRST_SHAPE.split(";"):
            store.exec_driver_sql(statement)
    migrate.upgrade(engine)
    with writing(engine) as store:
        lines = store.execute(
            text(
                "select quarantine.id, line, state, hex(raw), fingerprint from quarantine "
                "join rule_set on rule_set.id = rule_set order by line"
            )
        ).all()
        found = store.execute(text("select line, number, code from finding order by 1, 2")).all()
        link = store.execute(text("select quarantine, delta from reading")).one()
        waiting = store.execute(text("select waiting from delivery")).scalar_one()
        broken = store.execute(text("pragma foreign_key_check")).all()
    assert [tuple(line) for line in lines] == [
        (100_000_002, 2, "open", "FF", "r1"),
        (100_000_007, 7, "accepted", "00", "r2"),
    ]
    assert [tuple(one) for one in found] == [
        (0, 0, "file.extra-column"),
        (2, 0, "unit.unknown"),
        (2, 1, "date.too-old"),
    ]
    assert tuple(link) == (100_000_007, 0)
    assert waiting == 1
    assert broken == []
    engine.dispose()


FIRST_SHAPE = """
insert into partner (id, name, group_number, active, created_at) values ('p', 'P', 1, 1, '2026');
insert into delivery (id, upload, partner, path, file, bytes, sha256, received_at, state, physical, header,
  accepted, quarantined) values (1, 'U', 'p', 'f', 'f', 1, 'a', '2026', 'partly_accepted', 3, 1, 1, 1);
insert into quarantine (id, delivery, partner, feed, line, raw, state, rules)
  values (5, 1, 'p', 'readings', 2, x'ff', 'open', 'r1'), (6, 1, 'p', 'readings', 7, x'00', 'accepted', 'r2');
insert into finding (delivery, line, code, severity) values (1, 2, 'unit.unknown', 'error');
insert into finding (delivery, line, code, severity) values (1, 2, 'date.too-old', 'error');
insert into finding (delivery, line, code, severity) values (1, null, 'file.extra-column', 'info');
insert into device (id, partner, serial, serial_key, media, location, room, seq, correction, role, seen_on,
  delivery, line) values (1, 'p', '1', '1', 'CW', 'L', 'R', 1, '1', 'UNIT', '2026-01-01', 1, 1);
insert into reading (partner, device, day, value, canonical_value, canonical_unit, kind, estimated, serial,
  delivery, line, quarantine) values ('p', 1, '2026-01-01', '1', '1', 'm3', 'RADIO', 0, '1', 1, 7, 6)
"""


def test_database_of_the_second_shape_finds_days_by_their_time(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'second.db'}")
    command.upgrade(migrate._config(engine), "0002")
    assert not migrate.is_current(engine)
    migrate.upgrade(engine)
    found = {
        one["name"] for table in ("event", "reading_history") for one in inspect(engine).get_indexes(table)
    }
    assert {"ix_event_at", "ix_reading_history_superseded_at"} <= found
    engine.dispose()


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


def test_the_tables_of_the_queue_are_of_the_version_that_we_bring() -> None:
    """Another one needs a migration of ours that takes the steps between."""
    made = import_module("meterdrop.store.migrations.versions.0010_who_works").PROCRASTINATE

    assert version_of("procrastinate").rpartition(".")[0] == made


def test_the_newest_step_by_its_name_is_the_one_that_alembic_ends_at() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).with_name("migrations")))

    assert migrate.newest() == ScriptDirectory.from_config(config).get_current_head()


@pytest.mark.only_on(POSTGRESQL)
def test_every_key_of_a_partners_rows_has_the_partner_in_it(homes: Homes, tmp_path: Path) -> None:
    """So that tables can be spread by partner; those that are left belong to no partner, or are small and everywhere."""
    engine = make_engine(homes.empty(tmp_path))
    migrate.upgrade(engine)
    with engine.connect() as store:
        keys = store.execute(
            text(
                "SELECT c.relname, pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class c ON c.oid = indrelid "
                "WHERE indisunique AND c.relnamespace = 'public'::regnamespace AND c.relname NOT LIKE 'procrastinate%'"
            )
        ).all()
    engine.dispose()

    without = {table for table, key in keys if "partner" not in key.partition(" USING ")[2]}
    assert without == {
        "alembic_version",
        "delivery_wait",
        "event",
        "original",
        "partner",
        "rule_set",
        "worker",
    }
