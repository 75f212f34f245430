"""Homes for the tests, each with a database of its own, on SQLite and on PostgreSQL.

A test that takes `homes`, or a fixture that does, runs on both; `--only-database` leaves one, as does the mark `only_on`.
The mark `by_night` leaves one of them to `make nightly`: for long tests whose point is not the database, of some or of
all parameters. `by_day` takes one test out of it whose whole module has that mark.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import text

from meterdrop.bootstrap import House, make_home
from meterdrop.settings import DATABASE_URL, read_settings
from meterdrop.store import migrate
from meterdrop.store.columns import plain
from meterdrop.store.engine import make_engine, reading_from, writing
from tests import postgres
from tests.orphans import orphans
from tests.postgres import Server

SQLITE: Final = "sqlite"
POSTGRESQL: Final = "postgresql"
SQLITE_FILE: Final = "meterdrop.db"
"""The database in a home that names no other."""
NIGHTLY: Final = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
"""Whether all is tried that there is; by day long tests leave some of it out."""


class Homes:
    """Makes, copies and forgets homes together with their databases."""

    def __init__(self, place: Path, *, server: Server | None) -> None:
        self._place = place
        self._server = server
        self._kept: dict[str, Path] = {}
        self._made: list[str] = []
        self._empty: str | None = None

    @property
    def on_postgresql(self) -> bool:
        """Whether their databases are on a server."""
        return self._server is not None

    def database(self) -> str | None:
        """The URL of a new database of today's shape; None: the home's own file."""
        if self._server is None:
            return None
        if self._empty is None:
            self._empty = self._server.database()
            engine = make_engine(self._empty)
            migrate.upgrade(engine)
            engine.dispose()
        return self._noted(self._server.database(like=self._empty))

    def empty(self, place: Path) -> str:
        """The URL of a database with nothing in it, not even tables."""
        if self._server is None:
            return f"sqlite:///{place / 'empty.db'}"
        return self._noted(self._server.database())

    def make(self, home: Path) -> Path:
        """A new home, with nothing in it."""
        if self._server is None and not (home / SQLITE_FILE).exists():
            home.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self._empty_file(), home / SQLITE_FILE)
        make_home(home, database=self.database())
        return home

    def _empty_file(self) -> Path:
        """A database of today's shape that is a file: to copy one takes less than to bring it there step by step."""
        made = self._place / ".empty" / SQLITE_FILE
        if not made.exists():
            make_home(made.parent, database=None)
        return made

    def copy(self, home: Path, to: Path) -> Path:
        """A home like another one, which nobody has open."""
        shutil.copytree(home, to)
        if self._server is not None:
            url = (home / DATABASE_URL).read_text(encoding="utf-8").strip()
            (to / DATABASE_URL).write_text(
                self._noted(self._server.database(like=url)) + "\n", encoding="utf-8"
            )
        return to

    def kept(self, name: str, make: Callable[[Path], None]) -> Path:
        """A home for many tests to copy, made when it is first asked for; `make` must leave it closed."""
        if name not in self._kept:
            before = len(self._made)
            home = self._place / name / "home"
            home.parent.mkdir(parents=True)
            make(home)
            del self._made[before:]
            self._kept[name] = home
        return self._kept[name]

    def forget(self) -> None:
        """Drops the databases made since the last time, but for those of kept homes."""
        while self._made and self._server is not None:
            url = self._made.pop()
            found = orphans(url)
            self._server.drop(url)
            assert not found, found

    def _noted(self, url: str) -> str:
        self._made.append(url)
        return url


def named_rows(home: Path, query: str, *values: object) -> list[dict[str, Any]]:
    """What a query with a `?` for each value finds in the database of a home, as SQLite tells it: days as text, flags as 0 and 1."""
    named = {f"v{number}": value for number, value in enumerate(values)}
    pieces = query.split("?")
    marked = pieces[0] + "".join(f":v{number}{piece}" for number, piece in enumerate(pieces[1:]))
    engine = make_engine(read_settings(home).database_url)
    try:
        with reading_from(engine) as store:
            found = store.execute(text(marked), named).mappings().all()
    finally:
        engine.dispose()
    return [{name: _alike(cell) for name, cell in row.items()} for row in found]


def rows(home: Path, query: str, *values: object) -> list[tuple[Any, ...]]:
    """The same without the names."""
    return [tuple(row.values()) for row in named_rows(home, query, *values)]


def _alike(cell: object) -> object:
    """A cell as SQLite would tell it."""
    match cell:
        case bool():
            return int(cell)
        case date():
            return cell.isoformat()
        case Decimal():
            return plain(cell)
        case memoryview():
            return bytes(cell)
    return cell


def change(home: Path, statement: str) -> None:
    """Changes what is stored, behind the back of the house."""
    engine = make_engine(read_settings(home).database_url)
    with writing(engine) as store:
        store.execute(text(statement))
    engine.dispose()


def house_in(home: Path) -> House:
    """A look into a home."""
    return House(settings=read_settings(home))


def pytest_addoption(parser: pytest.Parser) -> None:
    """One database only, for a quick look."""
    parser.addoption(
        "--only-database", choices=[SQLITE, POSTGRESQL], help="run the tests of both on one of them"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test that comes to a database runs on each."""
    if "homes" in metafunc.fixturenames:
        asked = metafunc.config.getoption("only_database")
        mark = metafunc.definition.get_closest_marker("only_on")
        wanted = [SQLITE, POSTGRESQL] if mark is None else [mark.args[0]]
        metafunc.parametrize("homes", [one for one in wanted if asked in (None, one)], indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """By day without what is left to the night; a database that is asked for gets all."""
    if NIGHTLY or config.getoption("only_database") is not None:
        return
    late = [item for item in items if _waits_for_night(item)]
    config.hook.pytest_deselected(items=late)
    items[:] = [item for item in items if not _waits_for_night(item)]


def _waits_for_night(item: pytest.Item) -> bool:
    late = item.get_closest_marker("by_night")
    if late is None or item.get_closest_marker("only_on") or not isinstance(item, pytest.Function):
        return False
    by_day = item.get_closest_marker("by_day")
    chosen = item.callspec.params.get("homes") if hasattr(item, "callspec") else None
    return chosen == late.args[0] and (by_day is None or by_day.args != late.args)


@pytest.fixture(scope="session")
def _sqlite_homes(tmp_path_factory: pytest.TempPathFactory) -> Homes:
    return Homes(tmp_path_factory.mktemp("homes"), server=None)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A server for all tests of this process."""
    with postgres.any_server() as server:
        yield server


@pytest.fixture(scope="session")
def _postgresql_homes(tmp_path_factory: pytest.TempPathFactory, postgresql: Server) -> Homes:
    return Homes(tmp_path_factory.mktemp("homes"), server=postgresql)


@pytest.fixture
def homes(request: pytest.FixtureRequest) -> Iterator[Homes]:
    """Where this test's homes come from."""
    made: Homes = request.getfixturevalue(f"_{request.param}_homes")
    yield made
    made.forget()
