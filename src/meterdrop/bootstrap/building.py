"""How is the house put together? The only place that builds things from settings.

What only some commands need is imported where it is built: a process that loads no files starts in half the time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from meterdrop.bootstrap.ground import Ground
from meterdrop.bootstrap.home import now
from meterdrop.bootstrap.looking import look_around, ring
from meterdrop.bootstrap.rules import newcomer, rules_of
from meterdrop.bootstrap.watching import receipts_folder, watch_folders
from meterdrop.model.feed import Agreement
from meterdrop.settings import read_settings
from meterdrop.usecases.logins import Logins
from meterdrop.usecases.partners import Partners
from meterdrop.usecases.receive_upload import ReceiveUploads
from meterdrop.usecases.rehearsal import rehearse
from meterdrop.usecases.send_receipts import SendReceipts
from meterdrop.usecases.status import LookAround

if TYPE_CHECKING:
    from meterdrop.dispatch.scaled import Ring
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


_SCALED_WAIT: Final = 2.0


@dataclass(frozen=True)
class House(Ground):
    """Everything that one home's commands and service need, built when asked for."""

    def for_worker(self, number: int) -> "House":
        """This house for a worker's process, with the settings and schemas that were read here."""
        return replace(self, schemas=self.catalog, worker=number)

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
        """Empties the outbox, next to the door."""
        return SendReceipts(
            database=self.database,
            originals=self.originals,
            folder_of=partial(receipts_folder, self.settings),
            clock=now,
            locks=self.locks,
            at=self.at,
        )

    @property
    def deliver_receipts(self) -> "SendReceipts | Ring":
        """Empties the outbox, or asks the service next to the door to do it."""
        return ring(self.jobs, database=self.database) if self.is_scaled else self.send_receipts

    @cached_property
    def watch_folders(self) -> "WatchFolders | None":
        """Takes what another SFTP server puts into partners' folders; None if there is no such server."""
        return watch_folders(self.settings, database=self.database, room=self.room, at=self.at, clock=now)

    @cached_property
    def drain(self) -> "Drain":
        """Loads a partner's deliveries."""
        from meterdrop.usecases.drain import Drain

        drain = Drain(
            database=self.database, locks=self.locks, ingest=self.ingest, send_receipts=self.deliver_receipts
        )
        # There the queue tries again soon: other partners are not to wait for one whom somebody else is at.
        return replace(drain, wait=_SCALED_WAIT) if self.is_scaled and self.worker is not None else drain

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
            settings = self.settings.model_copy(
                update={"home": there.folder, "originals": None, "dispatch": "embedded"}
            )
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
        return look_around(self.settings, database=self.database, aside=self.receive.aside, room=self.room)

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
