"""Whatever states deliveries are in: what goes is what the law says, told before, once, and nothing that is open."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Table, delete, insert, select, update

from meterdrop.bootstrap import House
from meterdrop.model.delivery import State
from meterdrop.store.schema import delivery, event, original, outbox
from tests.homes import NIGHTLY, Homes
from tests.integration.retention_rig import Rig

DELIVERIES = 6
PERIODS: dict[str, Any] = {
    "retention_originals_days": 30,
    "retention_receipts_days": 20,
    "retention_audit_days": 25,
}
SETTLED = (State.ACCEPTED, State.DUPLICATE, State.REFUSED, State.PARTLY_ACCEPTED, State.INCOMPLETE)


@dataclass(frozen=True)
class Turned:
    """How things stand with a delivery."""

    state: State
    waiting: int
    returned: int
    finished_ago: int
    written_ago: int | None
    """Days since its receipt was written; None: it waits."""


turned = st.builds(
    Turned,
    state=st.sampled_from([*State, *SETTLED, *SETTLED]),
    waiting=st.sampled_from([0, 0, 0, 1]),
    returned=st.sampled_from([0, 0, 0, 1]),
    finished_ago=st.sampled_from([0, 19, 21, 29, 31, 60, 60, 60]),
    written_ago=st.sampled_from([None, 0, 19, 21, 60, 60, 60, 60]),
)
"""Mostly done with long ago, so that each single thing that keeps one open is seen to do so."""


@dataclass(frozen=True)
class Six:
    """A home with six deliveries, and the rows of the tables that retention empties, to be put back each time."""

    rig: Rig
    house: House
    rows: Mapping[Table, Sequence[Any]]  # Any: rows of any table

    def turn(self, deliveries: Sequence[Turned], *, now: datetime) -> None:
        """As if things stood so with them."""
        with self.house.database.writing() as store:
            for table, rows in self.rows.items():
                store.execute(delete(table))
                store.execute(insert(table), [dict(row._mapping) for row in rows])
            store.execute(
                update(original).values(forgotten_at=None, erased_at=None, stored_at=now - timedelta(days=99))
            )
            for key, one in enumerate(deliveries, start=1):
                finished = now - timedelta(days=one.finished_ago, minutes=5)
                store.execute(
                    update(delivery)
                    .where(delivery.c.id == key)
                    .values(
                        state=one.state,
                        waiting=one.waiting,
                        returned=one.returned,
                        finished_at=finished,
                        feed=None,
                    )
                )
                ago = one.written_ago
                written = None if ago is None else now - timedelta(days=ago, minutes=5)
                store.execute(update(outbox).where(outbox.c.delivery == key).values(written_at=written))

    def users(self) -> dict[str, set[int]]:
        """Which deliveries each kept file belongs to, as original or as rejects file."""
        with self.house.database.reading() as store:
            found = [*store.execute(select(delivery.c.sha256, delivery.c.id))]
        found += [(row.blob, row.delivery) for row in self.rows[outbox] if row.blob is not None]
        return {sha256: {key for other, key in found if other == sha256} for sha256, _ in found}

    def left(self) -> tuple[set[str], set[int], int]:
        """Hashes of kept files, deliveries with receipts, and how many old events there are."""
        with self.house.database.reading() as store:
            kept = select(original.c.sha256).where(original.c.forgotten_at.is_(None))
            old = select(event.c.id).where(event.c.what.not_like("retention.%"))
            return (
                set(store.execute(kept).scalars()),
                set(store.execute(select(outbox.c.delivery)).scalars()),
                len(store.execute(old).all()),
            )


@pytest.fixture
def six(homes: Homes, furnished_home: Path, tmp_path: Path) -> Six:
    """The first two deliveries have the same bytes, and each of the last two has a rejects file."""
    rig = Rig(homes.copy(furnished_home, tmp_path / "home"))
    rig.register("1")
    rig.register("1")
    for line in ("1;6;m3;2026-10-02", "1;7;m3;2026-10-03"):
        rig.take(line)
    for value in (8, 9):
        rig.take("2;x;m3;2026-10-04", f"1;{value};m3;2026-10-0{value}")
    house = rig.house()
    with house.database.reading() as store:
        rows = {table: store.execute(select(table)).all() for table in (outbox, event)}
    return Six(rig, house, rows)


def is_open(one: Turned, *, days: int) -> bool:
    """The law, delivery by delivery."""
    by_partner = one.returned > 0 and one.state is not State.REFUSED
    waits = one.state not in SETTLED or one.waiting > 0 or by_partner or one.written_ago is None
    return waits or one.finished_ago < days


@given(st.lists(turned, min_size=DELIVERIES, max_size=DELIVERIES))
@settings(max_examples=300 if NIGHTLY else 12)
def test_what_goes_is_what_the_law_says_and_what_was_told(six: Six, deliveries: list[Turned]) -> None:
    six.turn(deliveries, now=datetime.now(UTC))
    todo = six.rig.retention(**PERIODS)

    foreseen = todo.foreseen()
    done = todo(who="test")

    assert done == foreseen
    assert [one.count for one in (*todo.foreseen(), *todo(who="test"))] == [0] * 6
    opened = {
        days: {key for key, one in enumerate(deliveries, start=1) if is_open(one, days=days)}
        for days in (PERIODS["retention_originals_days"], PERIODS["retention_receipts_days"])
    }
    late = {key for key, one in enumerate(deliveries, start=1) if (one.written_ago or 0) < 20}
    originals, receipts, old_events = six.left()
    # An incomplete upload has no bytes to be kept. These have, so that its state keeps nothing.
    assert originals == {sha256 for sha256, of in six.users().items() if of & opened[30]}
    assert receipts == opened[20] | late
    assert len(six.rows[event]) - old_events == done[-1].count == 0, "they are of today"
