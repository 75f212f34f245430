"""`init --database postgresql://…` makes the database, too; or says what whoever may has to do."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from meterdrop.bootstrap import make_home
from meterdrop.model.errors import StopAtStart, TryAgain
from meterdrop.store.database import Database
from tests.homes import rows
from tests.postgres import Server


@pytest.fixture
def missing(postgresql: Server) -> Iterator[str]:
    """The URL of a database that is not there, with a name that has to be quoted."""
    url = postgresql.url.set(database='Byty "Praha" – měřidla').render_as_string(hide_password=False)
    yield url
    postgresql.drop(url)


@pytest.fixture
def modest(postgresql: Server) -> Iterator[str]:
    """A user who may log in and nothing else."""
    postgresql.execute("CREATE ROLE modest LOGIN PASSWORD 'a secret'")
    yield "modest"
    postgresql.execute("DROP ROLE modest")


def test_a_missing_database_is_made_with_everything_in_it(tmp_path: Path, missing: str) -> None:
    assert "database" in make_home(tmp_path / "home", database=missing)

    assert rows(tmp_path / "home", "SELECT count(*) FROM partner") == [(0,)]
    assert rows(tmp_path / "home", "SHOW server_encoding") == [("UTF8",)]
    assert make_home(tmp_path / "home", database=missing) == []


def test_home_whose_settings_ask_for_workers_already_gets_its_server(tmp_path: Path, missing: str) -> None:
    """As on a second machine, where the settings are laid first."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "meterdrop.toml").write_text('dispatch = "scaled"\n', encoding="utf-8")

    assert "database" in make_home(tmp_path / "home", database=missing)


def test_who_may_not_make_it_is_told_what_the_owner_has_to_do(
    tmp_path: Path, postgresql: Server, modest: str
) -> None:
    url = postgresql.url.set(username=modest, password="a secret", database="not_there")

    with pytest.raises(StopAtStart, match=r"createdb .*--owner=modest not_there") as told:
        make_home(tmp_path / "home", database=url.render_as_string(hide_password=False))

    assert "a secret" not in str(told.value)


def test_a_database_that_lacks_letters_is_refused(tmp_path: Path, missing: str, postgresql: Server) -> None:
    name = str(make_url(missing).database).replace('"', '""')
    postgresql.execute(
        f"CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'"
    )

    with pytest.raises(StopAtStart, match="holds text in LATIN1"):
        make_home(tmp_path / "home", database=missing)


def test_a_server_that_is_away_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(TryAgain, match="did not answer"):
        make_home(tmp_path / "home", database="postgresql://meterdrop@127.0.0.1:9/meterdrop")


def test_other_libraries_reach_it_by_its_address(tmp_path: Path, missing: str) -> None:
    make_home(tmp_path / "home", database=missing)

    with psycopg.connect(Database(missing).address()) as connection:
        assert connection.execute("SELECT count(*) FROM procrastinate_jobs").fetchone() == (0,)
