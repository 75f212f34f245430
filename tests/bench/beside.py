"""How long do other loaders take for the same file, and what do they leave out? Those that are installed; nothing is asserted.

python -m tests.bench.beside [--lines 1000000] [--tools PYTHON] [--only NAME]...

The file has a reading a line, and of every hundredth line the value is no number. `--tools` is the Python of the environment in
which duckdb, dlt[postgres] and frictionless are installed; pgloader is looked for in the path.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg
from sqlalchemy import make_url

from tests.bench import files, tools
from tests.bench.running import DATABASES, homes
from tests.homes import Homes

_BAD_EVERY: Final = 100
_WAIT: Final = 3600.0
_SCRIPTS: Final = Path(tools.__file__).parent


class NotHere(Exception):
    """Why a tool can't be run."""


@dataclass(frozen=True)
class Took:
    """Seconds, rows that were loaded (or found good), and lines that were refused."""

    seconds: float
    rows: int
    rejected: int


@dataclass(frozen=True)
class Place:
    """What a loader is given: the register and the file, a folder, databases, and the Python of the other tools."""

    register: Path
    file: Path
    folder: Path
    homes: Homes
    python: str


@dataclass(frozen=True)
class Loader:
    """One that is compared, and what it does not do of what we do."""

    name: str
    run: Callable[[Place], Took]
    leaves_out: str = ""


def ours(place: Place) -> Took:
    """Meterdrop in a process of its own, from the file to its receipt; the register is there before."""
    home = place.homes.make(place.folder / f"home-{place.homes.on_postgresql}")
    one = [sys.executable, "-m", "tests.bench.load_file", str(home), str(place.register), str(place.file)]
    return _said(subprocess.run(one, stdout=subprocess.PIPE, text=True, check=True, timeout=_WAIT).stdout)


def with_duckdb(place: Place) -> Took:
    """Into a file of DuckDB."""
    return _tool(place, "duckdb", str(place.file), str(place.folder))


def with_dlt(place: Place) -> Took:
    """Into PostgreSQL."""
    url = make_url(_database(place)).set(drivername="postgresql", password="nobody")
    return _tool(place, "dlt", str(place.file), str(place.folder), url.render_as_string(hide_password=False))


def with_frictionless(place: Place) -> Took:
    """Into nothing."""
    return _tool(place, "frictionless", str(place.file), str(place.folder))


def with_pgloader(place: Place) -> Took:
    """Into a typed table of PostgreSQL with our key."""
    program = shutil.which("pgloader")
    if program is None:
        raise NotHere("pgloader is not in the path")
    url = make_url(_database(place))
    words = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(words, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE beside (serial text, value numeric(18,6), unit text, day date, PRIMARY KEY (serial, day))"
        )
        script = place.folder / "reading.load"
        script.write_text(_PGLOADER.format(file=place.file, url=words), encoding="ascii")
        begun = time.perf_counter()
        subprocess.run(
            [program, "--root-dir", str(place.folder / "pgloader"), str(script)],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_WAIT,
        )
        seconds = time.perf_counter() - begun
        found = connection.execute("SELECT count(*) FROM beside").fetchone()
    rows = 0 if found is None else int(found[0])
    lines = sum(1 for _ in place.file.open("rb")) - 1
    return Took(seconds=seconds, rows=rows, rejected=lines - rows)


_PGLOADER: Final = """LOAD CSV FROM '{file}' (serial, value, unit, day)
  INTO {url} TARGET TABLE beside (serial, value numeric using (substitute (code-char 46) (code-char 44) value), unit, day)
  WITH skip header = 1, fields terminated by ';', batch rows = 1000;
"""

LOADERS: Final = (
    Loader("meterdrop", ours),
    Loader(
        "DuckDB read_csv",
        with_duckdb,
        "receipts, rules, register, earlier readings, quarantine for review, lines of broken quotes, restart, duplicates by hash",
    ),
    Loader(
        "dlt (arrow)",
        with_dlt,
        "every check: a bad number is loaded as text; line numbers, rules, register, receipts, one transaction with what is told",
    ),
    Loader(
        "Frictionless validate",
        with_frictionless,
        "loading at all: exact decimals stored, register, earlier readings, quarantine, receipts, restart",
    ),
    Loader(
        "pgloader",
        with_pgloader,
        "line numbers of rejects, reasons a partner understands, rules, register, receipts, one transaction (commits by batch), restart",
    ),
)


def _database(place: Place) -> str:
    """A new database; its tables are another's."""
    url = place.homes.database()
    if url is None:
        raise NotHere("it loads into PostgreSQL, and there is none in this run")
    return url


def _tool(place: Place, name: str, *words: str) -> Took:
    asked = subprocess.run(
        [place.python, "-c", f"import {name}"], capture_output=True, text=True, check=False, timeout=_WAIT
    )
    if asked.returncode:
        raise NotHere(f"{place.python} can't import {name}")
    script = _SCRIPTS / f"with_{name}.py"
    done = subprocess.run(
        [place.python, str(script), *words], stdout=subprocess.PIPE, text=True, check=True, timeout=_WAIT
    )
    return _said(done.stdout.splitlines()[-1])


def _said(told: str) -> Took:
    return Took(**json.loads(told))


def place_of(folder: Path, *, lines: int, made: Homes, python: str, name: str) -> Place:
    """The files, made once, and a folder of its own for each loader."""
    register, file = folder / "register.csv", folder / "readings.csv"
    if not file.exists():
        files.register(register, lines=lines)
        files.readings(file, lines=lines, kind=files.ONE_IN_A_HUNDRED)
    own = folder / name.replace(" ", "-")
    own.mkdir()
    return Place(register=register, file=file, folder=own, homes=made, python=python)


def told(name: str, took: Took, first: Took) -> str:
    """One line; the ratio is theirs to ours: over 1 they take longer."""
    return (
        f"{name:<32}{took.seconds:8.2f}{took.seconds / first.seconds:10.2f}{took.rows:12,}{took.rejected:10,}"
    )


def compare(folder: Path, *, lines: int, python: str, only: Sequence[str], database: str) -> None:
    """Each loader once, the first is ours; prints as it goes."""
    first: Took | None = None
    with homes(folder, database=database) as made:
        for loader in LOADERS:
            if first is not None and only and not any(word in loader.name for word in only):
                continue
            place = place_of(folder, lines=lines, made=made, python=python, name=loader.name)
            try:
                took = loader.run(place)
            except NotHere as why:
                print(f"{loader.name:<32}  left out: {why}", flush=True)
                continue
            made.forget()
            shutil.rmtree(place.folder)
            first = first or took
            print(told(f"{loader.name}", took, first), flush=True)
            if loader.leaves_out:
                print(f"    leaves out: {loader.leaves_out}", flush=True)


def main() -> None:
    """Nothing is asserted."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--lines", type=int, default=1_000_000)
    words.add_argument(
        "--tools", default=sys.executable, help="the Python in whose environment the tools are"
    )
    words.add_argument("--only", action="append", default=[], help="names that hold this")
    words.add_argument("--database", choices=DATABASES, default=DATABASES[1])
    told_words = words.parse_args()
    print(f"{'':<32}{'s':>8}{'to ours':>10}{'rows':>12}{'refused':>10}")
    with tempfile.TemporaryDirectory(prefix="meterdrop-bench-") as folder:
        compare(
            Path(folder),
            lines=told_words.lines,
            python=told_words.tools,
            only=told_words.only,
            database=told_words.database,
        )


if __name__ == "__main__":
    main()
