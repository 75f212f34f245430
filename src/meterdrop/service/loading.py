"""What does a worker's process do? It puts the house together that it is told, and serves it."""

import os
import sys
from collections.abc import Callable
from functools import partial

import structlog

from meterdrop.bootstrap import House
from meterdrop.dispatch.child import ChildSide, stdout_for_answers
from meterdrop.dispatch.limits import Limits, be_first_to_go
from meterdrop.logs import to_stderr
from meterdrop.model.feed import Target
from meterdrop.service import hello
from meterdrop.tables import name_columns_plainly

log = structlog.get_logger()


def _rehearse(house: House) -> None:
    """Judges one line as if it had come: what is imported and started at first use is there from now on."""
    feed = next((one for one in house.catalog.feeds.values() if one.target is Target.READINGS), None)
    if feed is None:
        return
    path = house.home / "work" / f"rehearsal-{os.getpid()}.csv"
    path.write_text(";".join(column.name for column in feed.columns) + "\n" + "1;" * len(feed.columns) + "\n")
    try:
        house.try_profile("", path)
    except Exception:
        # Not worth stopping for: what is wrong will show on a delivery, which has attempts to count.
        log.exception("worker.not-rehearsed")
    finally:
        path.unlink(missing_ok=True)


def ready() -> Callable[[], None] | None:
    """What serves, with all there that it takes; None if the pipeline is gone already."""
    to_stderr(verbose=True)
    be_first_to_go()
    answers, orders = stdout_for_answers(), sys.stdin.buffer
    first = orders.readline()
    if not first:
        return None
    name_columns_plainly()
    house = hello.read(first)
    _rehearse(house)
    limits = Limits(
        seconds=house.settings.delivery_seconds,
        megabytes=house.settings.delivery_mb,
        remembers=house.settings.worker_memory_mb,
    )
    child = ChildSide(orders=orders, answers=answers, limits=limits)
    return partial(_serve, child, house)


def _serve(child: ChildSide, house: House) -> None:
    child.serve(house.drain, between=house.drain.make_good)
    house.database.close()
    os._exit(0)  # at once: the thread that hears orders may be waiting for another one
