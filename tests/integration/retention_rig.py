"""A home whose retention is set, at whatever moment it is."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ulid import ULID

from meterdrop.bootstrap import House, retention_of
from meterdrop.model.delivery import Delivery
from meterdrop.model.retention import Ended, Kept
from meterdrop.settings import read_settings
from meterdrop.usecases.retention.run import Retention
from tests.homes import rows

READINGS_HEADER = "SerialNum;Value;Unit;Date"
REGISTER_HEADER = "Date;Location;TypeUnit;Room;Media;SerialNumber;RadioNumber;Seq;DateFrom;Correction"


@dataclass(frozen=True)
class Rig:
    """One home of one partner, `anyone`."""

    home: Path

    def house(self, **settings: object) -> House:
        """A fresh look at the home, with these settings."""
        return House(settings=read_settings(self.home).model_copy(update=settings))

    def register(self, *serials: str) -> Delivery:
        """Registers water meters, each at a place of its own."""
        cells = [f"2024-01-01;A-{serial};m3;hall;CW;{serial};-;1;2024-01-01;1" for serial in serials]
        return self.take(*cells, header=REGISTER_HEADER)

    def take(self, *lines: str, header: str = READINGS_HEADER, house: House | None = None) -> Delivery:
        """Loads a file."""
        path = self.home / "work" / f"given-{ULID()}.csv"
        path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
        here = house or self.house()
        [done] = here.take_files([path], partner="anyone", feed=None)
        path.unlink()
        here.database.close()
        return done

    def retention(self, *, in_days: float = 0, **settings: object) -> Retention:
        """Retention as it would be so many days from now."""
        house = self.house(**settings)
        moment = datetime.now(UTC) + timedelta(days=in_days)
        return replace(retention_of(house), clock=lambda: moment)

    def run(self, *, in_days: float = 0, **settings: object) -> Mapping[Kept, Ended]:
        """Runs it; what went, which must be what a dry run right before told, and a second run must do nothing."""
        todo = self.retention(in_days=in_days, **settings)
        foreseen = todo.foreseen()
        done = todo(who="test")
        assert done == foreseen
        assert [one.count for one in (*todo.foreseen(), *todo(who="test"))] == [0] * (2 * len(done))
        return {one.what: one for one in done}

    def originals(self) -> set[str]:
        """The hashes of all files that are kept."""
        return {path.name for path in (self.home / "originals").rglob("*") if path.is_file()}

    def events(self, what: Kept) -> list[dict[str, object]]:
        """What the audit says of the end of one kind."""
        told = rows(
            self.home, "SELECT after FROM event WHERE what = ? ORDER BY id", f"retention.{what.value}"
        )
        return [json.loads(after) for (after,) in told]
