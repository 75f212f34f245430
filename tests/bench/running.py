"""A house that runs for a bench: `meterdrop up` as processes, partners whose meters are registered, SFTP clients."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from typing import Final

import asyncssh

from meterdrop.bootstrap import House
from meterdrop.settings import read_settings
from tests.homes import POSTGRESQL, SQLITE, Homes
from tests.postgres import GIVEN, any_server, cluster
from tests.road.up_rig import Up

DATABASES: Final = (SQLITE, POSTGRESQL)
TODAY: Final = date(2026, 11, 24)
FIRST_DAY: Final = date(2024, 1, 2)
"""Each file tells of the day after that of the one before."""
_FIRST_SERIAL: Final = 10_000_000


@contextmanager
def homes(place: Path, *, database: str) -> Iterator[Homes]:
    """Where homes come from: their own SQLite, or a server of PostgreSQL that syncs as one in earnest does.

    `TEST_DATABASE_URL` names one that runs already.
    """
    if database == SQLITE:
        yield Homes(place, server=None)
    elif GIVEN in os.environ:
        with any_server() as server:
            yield Homes(place, server=server)
    else:
        with cluster(settings={}) as made:
            yield Homes(place, server=made.start())


class Running:
    """A home with partners; `up` runs it."""

    def __init__(self, home: Path, *, homes: Homes) -> None:
        home.parent.mkdir(parents=True, exist_ok=True)
        self.up = Up(home, homes=homes)
        self.home = home
        self._keys: dict[str, Path] = {}
        self.days = (FIRST_DAY + timedelta(days=number) for number in count())

    def add_partner(self, partner: str, *, meters: int) -> None:
        """A partner with a key, and so many cold-water meters of theirs in the register."""
        self._keys[partner] = self.up.add_partner(partner)
        path = self.home / "work" / "register.csv"
        with path.open("w", encoding="utf-8", newline="") as stream:
            stream.writelines(_register(meters))
        house = self.house()
        [done] = house.take_files([path], partner=partner, feed=None)
        house.database.close()
        path.unlink()
        if done.lines.accepted != meters:
            raise ValueError(f"the register of {partner} was not taken: {done.lines}")

    def house(self) -> House:
        """A fresh look at the home."""
        return House(settings=read_settings(self.home))

    @contextmanager
    def running(self, *, workers: int) -> Iterator[int]:
        """Runs it with so many workers; the process id of `meterdrop up`."""
        with self.up.running(METERDROP_WORKERS=str(workers), METERDROP_TODAY=str(TODAY)) as process:
            yield process.pid

    @contextmanager
    def scaled(self, *, workers: int) -> Iterator[list[int]]:
        """Runs it with so many `meterdrop worker`, each for two partners at a time; the process ids of `up` and of theirs."""
        scaled = {"METERDROP_DISPATCH": "scaled", "METERDROP_TODAY": str(TODAY)}
        command = [sys.executable, "-m", "meterdrop", "--home", str(self.home), "worker"]
        with self.up.running(**scaled) as process:
            started = [
                subprocess.Popen(
                    command, env={**os.environ, **scaled}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
                )
                for _ in range(workers)
            ]
            try:
                for worker in started:
                    if worker.stdout is None or not worker.stdout.readline():
                        raise OSError("a worker did not start")
                yield [process.pid, *(worker.pid for worker in started)]
            finally:
                for worker in started:
                    worker.terminate()
                for worker in started:
                    worker.wait(60)

    @asynccontextmanager
    async def client(self, partner: str) -> AsyncIterator[asyncssh.SFTPClient]:
        """A partner's SFTP session."""
        async with (
            asyncssh.connect(
                "127.0.0.1", self.up.port, username=partner, client_keys=[str(self._keys[partner])],
                known_hosts=None, config=None, agent_path=None,
            ) as connection,
            connection.start_sftp_client() as client,
        ):  # fmt: skip
            yield client


def serials(count: int, *, first: int = 0) -> Sequence[int]:
    """The numbers of a partner's meters."""
    return range(_FIRST_SERIAL + first, _FIRST_SERIAL + first + count)


def _register(meters: int) -> Iterator[str]:
    yield "Date;Location;TypeUnit;Room;Media;SerialNumber;RadioNumber;Seq;DateFrom;Correction\n"
    for number in serials(meters):
        yield f"2026-01-01;A{number};m3;hall;CW;{number};-;1;2024-01-01;1\n"


def readings(meters: Sequence[int], *, day: date, bad_every: int | None = None) -> bytes:
    """A reading of each of these meters on this day; of every so-many-th the value is no number."""
    lines = ["SerialNum;Value;Unit;Date"]
    grown = (day - date(2024, 1, 1)).days
    for place, number in enumerate(meters):
        bad = bad_every is not None and place % bad_every == bad_every - 1
        lines.append(f"{number};{'x' if bad else ''}{100 + number % 900 + grown},5;m3;{day}")
    return ("\n".join(lines) + "\n").encode()
