"""Blocks come in their order, at most one of them before it is wanted, and what goes wrong comes in its turn."""

import threading
from collections.abc import Iterator

import pytest

from meterdrop.usecases.judging.one_ahead import one_ahead


@pytest.mark.parametrize("count", range(6))
def test_all_come_in_order(count: int) -> None:
    assert list(one_ahead(iter(range(count)))) == list(range(count))


def test_one_at_most_is_made_before_it_is_wanted() -> None:
    made: list[int] = []
    taken = one_ahead(making(made, count=9))
    for number in range(9):
        assert next(taken) == number
        assert len(made) <= number + 2
    assert next(taken, None) is None


@pytest.mark.parametrize("bad", [0, 1, 2, 5])
def test_what_goes_wrong_comes_after_all_before_it(bad: int) -> None:
    taken = one_ahead(making([], count=9, bad=bad))
    assert [next(taken) for _ in range(bad)] == list(range(bad))
    with pytest.raises(ValueError, match="no block"):
        next(taken)
    assert not threads()


def test_who_wants_no_more_leaves_no_thread() -> None:
    made: list[int] = []
    taken = one_ahead(making(made, count=9))
    assert [next(taken) for _ in range(4)] == [0, 1, 2, 3]
    assert threads()
    del taken
    assert not threads()
    assert len(made) <= 5


def test_few_blocks_need_no_thread() -> None:
    taken = one_ahead(iter(range(2)))
    assert (next(taken), next(taken)) == (0, 1)
    assert not threads()


def making(made: list[int], *, count: int, bad: int | None = None) -> Iterator[int]:
    for number in range(count):
        if number == bad:
            raise ValueError("no block")
        made.append(number)
        yield number


def threads() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name.startswith("one-ahead")]
