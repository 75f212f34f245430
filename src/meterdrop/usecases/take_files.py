"""Files named on a command line go the same road as uploads."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from ulid import ULID

from meterdrop.model.delivery import Delivery
from meterdrop.model.errors import OperatorMistake
from meterdrop.model.ticket import Outcome, Ticket
from meterdrop.receive.hashing import sha256_of
from meterdrop.receive.originals import Originals
from meterdrop.store import deliveries, partners
from meterdrop.store.database import Database
from meterdrop.usecases.drain import Drain
from meterdrop.usecases.receive_upload import ReceiveUploads

_CLIENT: Final = "command line"


@dataclass(frozen=True)
class TakeFiles:
    """Receives and loads local files, in the foreground."""

    database: Database
    originals: Originals
    receive: ReceiveUploads
    drain: Drain
    work: Path
    clock: Callable[[], datetime]

    def __call__(
        self, files: list[Path], *, partner: str, feed: str | None, path: str | None = None
    ) -> list[Delivery]:
        """The settled deliveries, in the order of the files; `path` is where they would have been uploaded to."""
        self._check(files, partner=partner)
        keys = [
            self._received(file, partner=partner, feed=feed, path=path or f"incoming/{file.name}")
            for file in files
        ]
        self.drain(partner)
        with self.database.reading() as store:
            return [deliveries.get(store, key) for key in keys]

    def _check(self, files: list[Path], *, partner: str) -> None:
        with self.database.reading() as store:
            known = partners.find(store, partner)
        if known is None:
            raise OperatorMistake(
                f"there is no partner {partner!r}: add it with `meterdrop partner add {partner}`"
            )
        missing = [str(path) for path in files if not path.is_file()]
        if missing:
            raise OperatorMistake(f"no such file: {', '.join(missing)}")
        unwritable = [ascii(file.name) for file in files if not _is_text(file.name)]
        if unwritable:
            raise OperatorMistake(f"no UTF-8: {', '.join(unwritable)}. Give the file another name")

    def _received(self, file: Path, *, partner: str, feed: str | None, path: str) -> int:
        self.work.mkdir(parents=True, exist_ok=True)
        copy = self.work / f"given-{ULID()}"
        try:
            shutil.copyfile(file, copy)
            sha256, size = sha256_of(copy), copy.stat().st_size
            self.originals.take(content=copy, sha256=sha256)
        finally:
            copy.unlink(missing_ok=True)
        now = self.clock()
        ticket = Ticket(
            upload=str(ULID()),
            partner=partner,
            name=path,
            outcome=Outcome.FINISHED,
            bytes=size,
            sha256=sha256,
            opened_at=now,
            finished_at=now,
            client=_CLIENT,
        )
        key = self.receive.record(ticket, feed=feed)
        if key is None:
            raise ValueError(f"a new upload id was taken already: {ticket.upload}")
        return key


def _is_text(name: str) -> bool:
    """Whether the name can be written into a receipt: file names may be any bytes."""
    return name.encode("utf-8", "replace").decode("utf-8") == name
