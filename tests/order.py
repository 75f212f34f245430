"""In which order do the tests run? Those of whole roads first, dealt out to the workers of xdist.

xdist gives each worker an equal share of the collected tests, one after another, and a worker that has finished takes over half
of what another still has before it. Long tests at the end of a share leave one worker with them while the others rest.
"""

from collections.abc import Sequence
from typing import TypeVar

import pytest

T = TypeVar("T")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the tests of roads where each worker begins; every worker must come to the same order."""
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    roads = [item for item in items if item.get_closest_marker("road")]
    others = [item for item in items if not item.get_closest_marker("road")]
    items[:] = roads_first(roads, others, workers=workers)


def roads_first(roads: Sequence[T], others: Sequence[T], *, workers: int) -> list[T]:
    """The shares, one after another, of xdist's own sizes, each with its part of the roads at its head."""
    dealt: list[T] = []
    left = list(others)
    waiting = len(roads) + len(others)
    for worker in range(workers):
        head = roads[worker::workers]
        share = waiting // (workers - worker)
        waiting -= share
        rest = max(0, share - len(head)) if worker < workers - 1 else len(left)
        dealt += [*head, *left[:rest]]
        del left[:rest]
    return dealt
