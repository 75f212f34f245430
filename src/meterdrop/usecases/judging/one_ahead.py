"""The next block of a large file is read, cast and checked by itself while the one before is judged."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Final, TypeVar

Item = TypeVar("Item")

_BY_ITSELF: Final = 2
"""So many blocks need no thread: most files have no more."""


def one_ahead(items: Iterator[Item]) -> Iterator[Item]:
    """The same items, each made by a thread while the one before is used; what making one raises is raised in its turn."""
    alone = 0
    for item in islice(items, _BY_ITSELF):
        alone += 1
        yield item
        del item  # or it would be held while the next one is made
    if alone < _BY_ITSELF:
        return
    with ThreadPoolExecutor(1, thread_name_prefix="one-ahead") as thread:
        waiting = thread.submit(_next, items)
        while made := waiting.result():
            waiting = thread.submit(_next, items)
            yield made.pop()


def _next(items: Iterator[Item]) -> list[Item]:
    """The next item in a list, from which it can be taken; an empty one at the end."""
    return list(islice(items, 1))
