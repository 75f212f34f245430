"""Which of a machine's processes drains a partner? The one that had it last, if it is free; else whoever is."""

import asyncio
import threading

from meterdrop.dispatch.children import WarmChild
from meterdrop.dispatch.tasks import Drains


class Child(WarmChild):
    """A child whose process is not started: it notes who it was told to drain, and waits for a word if that is `slow`."""

    def __init__(self) -> None:
        super().__init__(command=[], environment={}, hello=str, seconds=1)
        self.had: list[str] = []
        self.go_on = threading.Event()

    def warm(self) -> None:
        """Always."""

    def drain(self, partner: str, *, only_small: bool = False) -> str | None:
        """Nothing waits afterwards."""
        self.had.append(partner)
        assert partner != "slow" or self.go_on.wait(10)
        return None


def test_partner_goes_to_the_process_that_had_it_last() -> None:
    children = [Child() for _ in range(3)]
    drains = Drains(children)

    async def some() -> None:
        for turn in range(30):
            await drains._drained(f"partner-{turn % 5}", only_small=False)

    asyncio.run(some())
    assert sorted(one for child in children for one in set(child.had)) == [f"partner-{n}" for n in range(5)]


def test_partner_does_not_wait_for_the_process_that_had_it_last() -> None:
    children = [Child() for _ in range(2)]
    drains = Drains(children)

    async def some() -> None:
        await drains._drained("quick", only_small=False)
        [first] = [child for child in children if child.had]
        drains._had_by["slow"] = first
        slow = asyncio.create_task(drains._drained("slow", only_small=False))
        await asyncio.sleep(0.01)
        await asyncio.wait_for(drains._drained("quick", only_small=False), 5)
        first.go_on.set()
        await slow
        assert first.had == ["quick", "slow"]

    asyncio.run(some())
    assert sorted(child.had for child in children) == [["quick"], ["quick", "slow"]]
