"""How is the house put together? The only place that builds things from settings.

What only some commands need is imported where it is built: a process that loads no files starts in half the time.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from meterdrop.bootstrap.home import now
from meterdrop.bootstrap.rules import newcomer, rules_of
from meterdrop.bootstrap.schemas import schema_folders
from meterdrop.bootstrap.watching import receipts_folder, told_in, watch_folders
from meterdrop.catalog import Catalog, read_catalog
from meterdrop.dispatch.locks import Locks
from meterdrop.model.delivery import PRAGUE, Delivery
from meterdrop.model.errors import StopAtStart
from meterdrop.model.feed import Agreement
from meterdrop.receive.originals import Originals
from meterdrop.settings import Settings, read_settings
from meterdrop.store.database import Database
from meterdrop.store.room import Room
from meterdrop.usecases.checkpoint import Checkpoint, kill_at, walk_on
from meterdrop.usecases.logins import Logins
from meterdrop.usecases.partners import Partners
from meterdrop.usecases.receive_upload import ReceiveUploads
from meterdrop.usecases.rehearsal import rehearse
from meterdrop.usecases.send_receipts import SendReceipts
from meterdrop.usecases.status import LookAround

if TYPE_CHECKING:
    from meterdrop.usecases.digest import MakeDigest
    from meterdrop.usecases.drain import Drain
    from meterdrop.usecases.export import Export
    from meterdrop.usecases.ingest import Ingest
    from meterdrop.usecases.judging.memory import Memory
    from meterdrop.usecases.judging.rules import Rules
    from meterdrop.usecases.publish import Publisher
    from meterdrop.usecases.recheck import Recheck
    from meterdrop.usecases.rejudge import Rejudge
    from meterdrop.usecases.release import Decide
    from meterdrop.usecases.reports import Reports
    from meterdrop.usecases.reprocess import Reprocess
    from meterdrop.usecases.review import Review
    from meterdrop.usecases.show_delivery import ShowDelivery
    from meterdrop.usecases.take_files import TakeFiles
    from meterdrop.usecases.try_profile import TryProfile
    from meterdrop.usecases.watch import WatchFolders


@dataclass(frozen=True)
class House:
    """Everything that one home's commands and service need, built when asked for."""

    settings: Settings
    today_is: date | None = None
    """For tests: the day it is in Prague."""
    schemas: Catalog | None = None
    """The schemas, if they were read already."""
    worker: int | None = None
    """In a worker's process: how many were started before it in its place."""
    rehearsed: Database | None = None
    """In a rehearsal: the database to use in place of the settings' one."""

    def for_worker(self, number: int) -> "House":
        """This house for a worker's process, with the settings and schemas that were read here."""
        return replace(self, schemas=self.catalog, worker=number)

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
        return Originals(where=self.settings.originals_at)

    @cached_property
    def locks(self) -> Locks:
        """Locks between processes."""
        return Locks(self.home / "locks")

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

    def rules_for(self, agreement: Agreement, today: date) -> "Rules":
        """The rules of an agreement's target, with the facts of now."""
        return rules_of(agreement, database=self.database, today=today, memory=self.memory)

    def rules_to_try(self, agreement: Agreement, today: date) -> "Rules":
        """The same for a partner that may not have been added yet."""
        sender = newcomer(agreement, catalog=self.catalog)
        return rules_of(agreement, database=self.database, today=today, memory=self.memory, newcomer=sender)

    @cached_property
    def memory(self) -> "Memory":
        """What is remembered of partners between deliveries."""
        from meterdrop.usecases.judging.memory import Memory

        return Memory(most=self.settings.worker_memory_mb * 1024 * 1024)

    @cached_property
    def publisher(self) -> "Publisher":
        """Writes outcomes down."""
        from meterdrop.usecases.publish import Publisher

        return Publisher(
            database=self.database,
            originals=self.originals,
            work=self.home / "work",
            room=self.room,
            clock=now,
            at=self.at,
        )

    @cached_property
    def room(self) -> Room:
        """What must stay free on the disks."""
        return Room(folders=self.settings.written_to, floor=self.settings.free_disk_mb * 1024 * 1024)

    @cached_property
    def receive(self) -> ReceiveUploads:
        """Takes what the door hands over."""
        return ReceiveUploads(
            database=self.database,
            originals=self.originals,
            aside=self.home / "landing-aside",
            clock=now,
            language_of=self.language_of,
            at=self.at,
        )

    @cached_property
    def ingest(self) -> "Ingest":
        """Loads one delivery."""
        from meterdrop.usecases.ingest import Ingest

        return Ingest(
            database=self.database,
            originals=self.originals,
            publisher=self.publisher,
            agreements_of=self.agreements_of,
            agreement_of=self.agreement_of,
            rules_for=self.rules_for,
            clock=now,
            day_of=self.day_of,
            max_attempts=self.settings.max_attempts,
            at=self.at,
        )

    @cached_property
    def send_receipts(self) -> SendReceipts:
        """Empties the outbox."""
        return SendReceipts(
            database=self.database,
            originals=self.originals,
            folder_of=partial(receipts_folder, self.settings),
            clock=now,
            locks=self.locks,
            at=self.at,
        )

    @cached_property
    def watch_folders(self) -> "WatchFolders | None":
        """Takes what another SFTP server puts into partners' folders; None if there is no such server."""
        return watch_folders(self.settings, database=self.database, room=self.room, at=self.at, clock=now)

    @cached_property
    def drain(self) -> "Drain":
        """Loads a partner's deliveries."""
        from meterdrop.usecases.drain import Drain

        return Drain(
            database=self.database, locks=self.locks, ingest=self.ingest, send_receipts=self.send_receipts
        )

    @cached_property
    def take_files(self) -> "TakeFiles":
        """`meterdrop ingest`."""
        from meterdrop.usecases.take_files import TakeFiles

        return TakeFiles(
            database=self.database,
            originals=self.originals,
            receive=self.receive,
            drain=self.drain,
            work=self.home / "work",
            clock=now,
        )

    @cached_property
    def rejudge(self) -> "Rejudge":
        """Judges quarantined lines again."""
        from meterdrop.usecases.rejudge import Rejudge

        return Rejudge(
            database=self.database,
            publisher=self.publisher,
            agreement_of=self.agreement_of,
            rules_for=self.rules_for,
            clock=now,
            day_of=self.day_of,
        )

    @cached_property
    def reprocess(self) -> "Reprocess":
        """`meterdrop reprocess`."""
        from meterdrop.usecases.reprocess import Reprocess

        return Reprocess(
            database=self.database,
            locks=self.locks,
            rejudge=self.rejudge,
            recheck=self.recheck,
            agreement_of=self.agreement_of,
            rehearsal=self.rehearsal,
        )

    @contextmanager
    def rehearsal(self) -> "Iterator[Reprocess | None]":
        """A reprocess of which nothing stays; None where that can't be."""
        folder = self.home / "work" / "rehearsal"
        with rehearse(self.database, folder=folder, room=self.room) as there:
            if there is None:
                yield None
                return
            settings = self.settings.model_copy(update={"home": there.folder, "originals": None})
            yield replace(self, settings=settings, schemas=self.catalog, rehearsed=there.database).reprocess

    @cached_property
    def recheck(self) -> "Recheck":
        """`meterdrop reprocess --recheck`."""
        from meterdrop.usecases.recheck import Recheck

        return Recheck(
            database=self.database,
            originals=self.originals,
            publisher=self.publisher,
            agreement_of=self.agreement_of,
            rules_for=self.rules_for,
            day_of=self.day_of,
        )

    @cached_property
    def review(self) -> "Review":
        """`meterdrop quarantine …`."""
        from meterdrop.usecases.review import Review

        return Review(
            database=self.database,
            publisher=self.publisher,
            rejudge=self.rejudge,
            locks=self.locks,
            agreement_of=self.agreement_of,
            language_of=self.language_of,
            clock=now,
        )

    @cached_property
    def decide(self) -> "Decide":
        """`meterdrop delivery release`, `refuse` and `retry`."""
        from meterdrop.usecases.release import Decide

        return Decide(
            database=self.database,
            locks=self.locks,
            ingest=self.ingest,
            publisher=self.publisher,
            language_of=self.language_of,
            clock=now,
        )

    @cached_property
    def partners(self) -> Partners:
        """`meterdrop partner …`."""
        return Partners(database=self.database, home=self.home, clock=now)

    @cached_property
    def logins(self) -> Logins:
        """How partners may log in."""
        return Logins(database=self.database, partners=self.partners, home=self.home, clock=now)

    @cached_property
    def look_around(self) -> LookAround:
        """`meterdrop status`."""
        return LookAround(
            database=self.database,
            landing=self.home / "landing",
            aside=self.receive.aside,
            watched=told_in(self.home),
            room=self.room,
            silent_after=timedelta(days=self.settings.silent_days),
            clock=now,
        )

    @cached_property
    def show_delivery(self) -> "ShowDelivery":
        """`meterdrop deliveries`, `delivery show`."""
        from meterdrop.usecases.show_delivery import ShowDelivery

        return ShowDelivery(database=self.database, language_of=self.language_of)

    @cached_property
    def reports(self) -> "Reports":
        """`meterdrop report delivery`."""
        from meterdrop.usecases.reports import Reports

        return Reports(
            database=self.database, language_of=self.language_of, agreement_of=self.agreement_of, clock=now
        )

    @cached_property
    def make_digest(self) -> "MakeDigest":
        """`meterdrop report digest`."""
        from meterdrop.usecases.digest import MakeDigest

        silent_after = timedelta(days=self.settings.silent_days)
        return MakeDigest(database=self.database, silent_after=silent_after, clock=now)

    @cached_property
    def export(self) -> "Export":
        """`meterdrop … export`."""
        from meterdrop.usecases.export import Export

        return Export(database=self.database)

    @cached_property
    def try_profile(self) -> "TryProfile":
        """`meterdrop profile try`."""
        from meterdrop.usecases.try_profile import TryProfile

        return TryProfile(
            work=self.home / "work",
            agreements_of=self.agreements_of,
            rules_for=self.rules_to_try,
            today=self.today,
        )


def house(home: Path, *, watch: Path | None = None) -> House:
    """The house of a home; `StopAtStart` if its settings are bad. `watch` wins over the settings' own."""
    settings = read_settings(home)
    if watch is not None:
        settings = settings.model_copy(update={"watch": watch.absolute()})
    return House(settings=settings)
