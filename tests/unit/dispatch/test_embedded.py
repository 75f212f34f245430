"""No wake is lost, and no partner is drained by two threads."""

import random
import threading
import time
from collections import Counter

import pytest

from meterdrop.dispatch.embedded import EmbeddedDispatch


class Deliveries:
    """Partners' queues, drained as the use case does it: until there is nothing left."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.waiting: Counter[str] = Counter()
        self.loaded: Counter[str] = Counter()
        self.at_it: Counter[str] = Counter()
        self.doubled = False

    def arrive(self, partner: str) -> None:
        with self.lock:
            self.waiting[partner] += 1

    def drain(self, partner: str) -> None:
        with self.lock:
            self.at_it[partner] += 1
            self.doubled |= self.at_it[partner] > 1
        while self._load(partner):
            time.sleep(random.random() / 2000)  # noqa: S311 - only to mix the threads
        with self.lock:
            self.at_it[partner] -= 1

    def _load(self, partner: str) -> bool:
        with self.lock:
            if not self.waiting[partner]:
                return False
            self.waiting[partner] -= 1
            self.loaded[partner] += 1
            return True


@pytest.mark.parametrize("workers", [1, 2, 8])
def test_every_wake_is_heard_and_a_partner_is_drained_by_one_thread(workers: int) -> None:
    deliveries = Deliveries()
    dispatch = EmbeddedDispatch(drain=deliveries.drain, workers=workers)
    dispatch.run_workers()
    partners = ["a", "b", "c"]

    def bring(seed: int) -> None:
        order = random.Random(seed)  # noqa: S311 - a repeatable order
        for _ in range(150):
            partner = order.choice(partners)
            deliveries.arrive(partner)
            dispatch.wake(partner)

    bringers = [threading.Thread(target=bring, args=(seed,)) for seed in range(4)]
    for one in bringers:
        one.start()
    for one in bringers:
        one.join(30)
    until = time.monotonic() + 30
    while sum(deliveries.loaded.values()) < 600 and time.monotonic() < until:
        time.sleep(0.01)

    assert sum(deliveries.loaded.values()) == 600
    assert not deliveries.doubled
    assert dispatch.stop(wait=10)


def test_partner_woken_while_drained_is_drained_once_more() -> None:
    """What came after the drain had looked for the last time must not wait for the next sweep."""
    drained: list[str] = []
    inside, go_on = threading.Event(), threading.Event()

    def drain(partner: str) -> None:
        drained.append(partner)
        inside.set()
        assert go_on.wait(10)

    dispatch = EmbeddedDispatch(drain=drain, workers=2)
    dispatch.run_workers()
    dispatch.wake("techem")
    assert inside.wait(10)
    for _ in range(5):
        dispatch.wake("techem")
    assert dispatch.status().draining == ("techem",)
    go_on.set()
    until = time.monotonic() + 10
    while len(drained) < 2 and time.monotonic() < until:
        time.sleep(0.01)
    assert dispatch.stop(wait=10)
    assert drained == ["techem", "techem"], "five wakes are one more drain"


def test_partner_woken_many_times_waits_once() -> None:
    dispatch = EmbeddedDispatch(drain=lambda _: None, workers=1)
    for _ in range(3):
        dispatch.wake("techem")
    dispatch.wake("ista")
    assert dispatch.status().waiting == ("ista", "techem")


def test_slow_partner_does_not_keep_others_waiting() -> None:
    go_on, done = threading.Event(), threading.Event()

    def drain(partner: str) -> None:
        if partner == "slow":
            assert go_on.wait(10)
        else:
            done.set()

    dispatch = EmbeddedDispatch(drain=drain, workers=2)
    dispatch.run_workers()
    dispatch.wake("slow")
    dispatch.wake("quick")
    assert done.wait(10)
    go_on.set()
    assert dispatch.stop(wait=10)


def test_stop_tells_whether_all_finished_in_time() -> None:
    inside, go_on = threading.Event(), threading.Event()

    def drain(_partner: str) -> None:
        inside.set()
        assert go_on.wait(10)

    dispatch = EmbeddedDispatch(drain=drain, workers=1)
    dispatch.run_workers()
    dispatch.wake("techem")
    assert inside.wait(10)
    assert not dispatch.stop(wait=0.05)
    go_on.set()
    assert dispatch.stop(wait=10)
