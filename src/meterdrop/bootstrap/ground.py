"""What does a house stand on? Built from settings when it is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path

from meterdrop.bootstrap.originals import originals_of
from meterdrop.bootstrap.schemas import schema_folders
from meterdrop.catalog import Catalog, read_catalog
from meterdrop.dispatch.jobs import Jobs
from meterdrop.dispatch.locks import FileLocks, Locks
from meterdrop.model.delivery import PRAGUE, Delivery
from meterdrop.model.errors import StopAtStart
from meterdrop.model.feed import Agreement
from meterdrop.receive.originals import Originals
from meterdrop.settings import Settings
from meterdrop.store.database import Database
from meterdrop.store.room import Room
from meterdrop.usecases.checkpoint import Checkpoint, kill_at, walk_on


@dataclass(frozen=True)
class Ground:
    """What a house stands on: its settings, database, schemas, originals, locks, and what day it is."""

    settings: Settings
    today_is: date | None = None
    """For tests: the day it is in Prague."""
    schemas: Catalog | None = None
    """The schemas, if they were read already."""
    worker: int | None = None
    """In a worker's process: how many were started before it in its place."""
    rehearsed: Database | None = None
    """In a rehearsal: the database to use in place of the settings' one."""

    @property
    def home(self) -> Path:
        """The home folder."""
        return self.settings.home

    @cached_property
    def database(self) -> Database:
        """The database, at today's shape."""
        if self.rehearsed is not None:
            return self.rehearsed
        database = Database(self.settings.database_url)
        if not database.is_current():
            raise StopAtStart(
                [f"{self.home} has no database of this version yet: run `meterdrop --home {self.home} init`"]
            )
        return database

    @cached_property
    def catalog(self) -> Catalog:
        """The schemas."""
        return self.schemas or read_catalog(schema_folders(self.home))

    @cached_property
    def originals(self) -> Originals:
        """The bytes as they came."""
        return originals_of(self.settings)

    @property
    def is_scaled(self) -> bool:
        """Whether workers on any machine load deliveries."""
        return self.settings.dispatch == "scaled"

    @cached_property
    def locks(self) -> Locks:
        """Locks between processes, of all machines if there may be several."""
        return self.database.server_locks() if self.is_scaled else FileLocks(self.home / "locks")

    @cached_property
    def jobs(self) -> Jobs:
        """What is asked of processes on other machines."""
        return Jobs(lend=self.database.lent)

    @cached_property
    def at(self) -> Checkpoint:
        """Where a kill hits, in tests only."""
        crash = self.settings.crash_at
        return walk_on if crash is None else kill_at(crash, worker=self.worker)

    def today(self) -> date:
        """The day in Prague."""
        return self.today_is or self.settings.today or datetime.now(PRAGUE).date()

    def day_of(self, delivery: Delivery) -> date:
        """The day from which a delivery's dates are in the future or too old, whenever it is judged: when it came."""
        return self.today_is or self.settings.today or delivery.arrived_on

    def agreements_of(self, partner: str, day: date) -> Sequence[Agreement]:
        """What we expect from a partner in a delivery that comes on this day."""
        return self.catalog.agreements(partner, on=day)

    def agreement_of(self, partner: str, feed: str, day: date) -> Agreement:
        """One feed as this partner sends it on this day."""
        return self.catalog.agreement(partner, feed, on=day)

    def language_of(self, partner: str) -> str:
        """The language of a partner's receipts."""
        return next((agreement.language for agreement in self.agreements_of(partner, self.today())), "cs")

    @cached_property
    def room(self) -> Room:
        """What must stay free on the disks."""
        return Room(folders=self.settings.written_to, floor=self.settings.free_disk_mb * 1024 * 1024)
