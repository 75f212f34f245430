"""A watched folder as another SFTP server fills it, and a clock that is turned by hand."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from meterdrop.bootstrap import House
from meterdrop.settings import read_settings
from meterdrop.store import deliveries
from meterdrop.usecases.watch import Looked, WatchFolders

QUIET = 10.0
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
CONTENT = b"SerialNum;Value;Unit;Date\n10001;1;m3;2026-10-31\n"
OTHER = b"SerialNum;Value;Unit;Date\n10001;2;m3;2026-10-31\n"


class Rig:
    """A home, a watched folder with the folder of one partner, and a clock that is turned by hand."""

    def __init__(self, home: Path, *, folder: Path, **settings: object) -> None:
        self.home, self.folder, self.settings = home, folder, settings
        self.incoming = folder / "anyone" / "incoming"
        self.incoming.mkdir(parents=True)
        self.seconds = 0.0
        self.house, self.watch = self.started()

    def started(self) -> tuple[House, WatchFolders]:
        """As after a start of the pipeline: nothing is known but what is on disk."""
        given = {"watch": self.folder, "watch_quiet_seconds": QUIET, **self.settings}
        house = House(settings=read_settings(self.home).model_copy(update=given))
        watch = house.watch_folders
        assert watch is not None
        watch.passed = lambda: self.seconds
        watch.begin()
        return house, watch

    def restart(self) -> None:
        """Another process."""
        self.house.database.close()
        self.house, self.watch = self.started()

    def turn_clock_by_itself(self) -> None:
        """From here on time passes."""
        self.watch.passed = time.monotonic

    def put(self, content: bytes = CONTENT, *, name: str = "readings.csv") -> Path:
        """As a server does that writes in place."""
        path = self.incoming / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as stream:
            stream.write(content)
        return path

    def look(self, partner: str = "anyone") -> Looked:
        """One look at an active partner's folder."""
        looked = self.watch.look(partner)
        assert looked is not None
        return looked

    def wait(self, times: float = 1) -> Looked:
        """Looks, lets time pass, looks again, and takes in what lies on the doorstep."""
        self.look()
        self.seconds += QUIET * times
        looked = self.look()
        self.take_in()
        return looked

    def take_in(self) -> None:
        """What the service does when its bell rings."""
        self.house.receive.take_all(self.home / "landing")
        self.house.send_receipts()

    def taken(self) -> list[tuple[str, bytes]]:
        """Path and bytes of every delivery, the oldest first."""
        with self.house.database.reading() as store:
            found = reversed(deliveries.listed(store))
        return [(one.path, b"".join(self.house.originals.chunks(one.sha256))) for one in found]

    def receipts(self, ending: str) -> list[dict[str, Any]]:
        """The partner's receipts of one kind."""
        paths = sorted((self.home / "receipts" / "anyone").glob(f"*.{ending}"))
        return [json.loads(path.read_bytes()) for path in paths]

    def why_not(self, looked: Looked) -> dict[str, str]:
        """What was left out, and why."""
        return {one.path: one.why for one in looked.folder.first_left_out}
