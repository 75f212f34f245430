"""No wake is lost, and no partner is drained by two threads."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection

import pytest

from meterdrop.dispatch.children import LARGE_NEXT
from meterdrop.dispatch.embedded import EmbeddedDispatch


class Worker:
    """A worker that is always warm; `drain` is what it does, and `large` are partners whose next delivery is a large one."""

    def __init__(self, drain: Callable[[str], None], *, large: Collection[str] = ()) -> None:
        self.act = drain
        self.large = large

    def drain(self, partner: str, *, only_small: bool) -> str | None:
        if only_small and partner in self.large:
            return LARGE_NEXT
        self.act(partner)
        return None

    def warm(self) -> None:
        pass


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
    dispatch = EmbeddedDispatch(workers=[Worker(deliveries.drain)] * workers)
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

    dispatch = EmbeddedDispatch(workers=[Worker(drain)] * 2)
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
    dispatch = EmbeddedDispatch(workers=[Worker(lambda _: None)])
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

    dispatch = EmbeddedDispatch(workers=[Worker(drain)] * 2)
    dispatch.run_workers()
    dispatch.wake("slow")
    dispatch.wake("quick")
    assert done.wait(10)
    go_on.set()
    assert dispatch.stop(wait=10)


@pytest.mark.parametrize("workers", [2, 3])
def test_one_worker_is_never_at_a_large_delivery(workers: int) -> None:
    go_on, small = threading.Event(), threading.Semaphore(0)
    drained: list[str] = []

    def drain(partner: str) -> None:
        drained.append(partner)
        if partner.startswith("large"):
            assert go_on.wait(10)
        else:
            small.release()

    large = [f"large-{number}" for number in range(4)]
    dispatch = EmbeddedDispatch(workers=[Worker(drain, large=large)] * workers)
    dispatch.run_workers()
    for partner in (*large, "small"):
        dispatch.wake(partner)
    assert small.acquire(timeout=10)
    for _ in range(2):
        dispatch.wake(large[-1])
    until = time.monotonic() + 10
    while len(dispatch.status().draining) < workers - 1 and time.monotonic() < until:
        time.sleep(0.01)
    assert len(dispatch.status().draining) == workers - 1
    dispatch.wake("small")
    assert small.acquire(timeout=10)
    go_on.set()
    until = time.monotonic() + 10
    while len(drained) < 6 and time.monotonic() < until:
        time.sleep(0.01)
    assert dispatch.stop(wait=10)
    assert sorted(drained) == [*large, "small", "small"]


def test_a_worker_that_is_alone_loads_large_ones_too() -> None:
    drained = threading.Event()
    dispatch = EmbeddedDispatch(workers=[Worker(lambda _: drained.set(), large=["techem"])])
    dispatch.run_workers()
    dispatch.wake("techem")
    assert drained.wait(10)
    assert dispatch.stop(wait=10)


def test_stop_tells_whether_all_finished_in_time() -> None:
    inside, go_on = threading.Event(), threading.Event()

    def drain(_partner: str) -> None:
        inside.set()
        assert go_on.wait(10)

    dispatch = EmbeddedDispatch(workers=[Worker(drain)])
    dispatch.run_workers()
    dispatch.wake("techem")
    assert inside.wait(10)
    assert not dispatch.stop(wait=0.05)
    go_on.set()
    assert dispatch.stop(wait=10)


def test_partner_is_given_only_to_a_worker_that_is_warm() -> None:
    """One who starts anew for seconds must not hold up a partner that another could drain at once."""
    go_on, drained = threading.Event(), threading.Event()

    class Cold(Worker):
        def warm(self) -> None:
            assert go_on.wait(10)

    cold: list[str] = []
    dispatch = EmbeddedDispatch(workers=[Cold(cold.append), Worker(lambda _: drained.set())])
    dispatch.run_workers()
    assert dispatch.is_warm(wait=10)
    dispatch.wake("techem")
    assert drained.wait(10)
    go_on.set()
    assert dispatch.stop(wait=10)
    assert cold == []


def test_dispatch_without_a_warm_worker_says_so() -> None:
    go_on = threading.Event()

    class Cold(Worker):
        def warm(self) -> None:
            assert go_on.wait(10)

    dispatch = EmbeddedDispatch(workers=[Cold(lambda _: None)])
    dispatch.run_workers()
    assert not dispatch.is_warm(wait=0.05)
    go_on.set()
    assert dispatch.is_warm(wait=10)
    assert dispatch.stop(wait=10)


def test_partner_goes_to_the_worker_that_had_it_last_if_that_one_is_free() -> None:
    """Whichever is quicker to take it: the other one would have to learn all of its meters anew."""
    had: dict[str, set[int]] = {}
    done = threading.Semaphore(0)

    def worker(number: int) -> Worker:
        def drain(partner: str) -> None:
            had.setdefault(partner, set()).add(number)
            done.release()

        return Worker(drain)

    dispatch = EmbeddedDispatch(workers=[worker(number) for number in range(4)])
    dispatch.run_workers()
    for turn in range(120):
        dispatch.wake(f"partner-{turn % 12}")
        assert done.acquire(timeout=10)
        wait_until(lambda: dispatch.status().draining == ())
    assert dispatch.stop(wait=10)
    assert {partner: len(workers) for partner, workers in had.items()} == dict.fromkeys(had, 1)
    assert len(had) == 12


def test_partner_does_not_wait_for_the_worker_that_had_it_last() -> None:
    go_on, done = threading.Event(), threading.Semaphore(0)
    had: list[tuple[str, int]] = []

    def worker(number: int) -> Worker:
        def drain(partner: str) -> None:
            had.append((partner, number))
            done.release()
            assert partner != "slow" or go_on.wait(10)

        return Worker(drain)

    dispatch = EmbeddedDispatch(workers=[worker(0), worker(1)])
    dispatch.run_workers()
    dispatch.wake("quick")
    assert done.acquire(timeout=10)
    wait_until(lambda: dispatch.status().draining == ())
    [(_, first)] = had
    dispatch._had_by["slow"] = first
    dispatch.wake("slow")
    assert done.acquire(timeout=10)
    dispatch.wake("quick")
    assert done.acquire(timeout=10), "it waited for the one that is busy"
    go_on.set()
    assert dispatch.stop(wait=10)
    assert had[1:] == [("slow", first), ("quick", 1 - first)]


@pytest.mark.parametrize("_turn", range(40))
def test_two_partners_of_one_worker_are_drained_by_two(_turn: int) -> None:
    """As soon as their worker has taken the one, the other is anybody's."""
    inside, go_on = threading.Semaphore(0), threading.Event()

    def drain(_partner: str) -> None:
        inside.release()
        assert go_on.wait(10)

    dispatch = EmbeddedDispatch(workers=[Worker(drain)] * 2)
    dispatch._had_by.update(a=0, b=0)
    dispatch.run_workers()
    wait_until(lambda: dispatch._free == {0, 1})
    dispatch.wake("a")
    dispatch.wake("b")
    assert inside.acquire(timeout=10)
    assert inside.acquire(timeout=2), "one of them waits beside a free worker"
    go_on.set()
    assert dispatch.stop(wait=10)


def wait_until(true: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not true():
        assert time.monotonic() < until
        time.sleep(0.001)
