"""Road tests stand at the head of every worker's share."""

from hypothesis import given
from hypothesis import strategies as st

from tests.order import roads_first


@given(roads=st.integers(0, 40), others=st.integers(0, 400), workers=st.integers(1, 8))
def test_every_test_is_dealt_once_and_roads_begin_each_share(roads: int, others: int, workers: int) -> None:
    first, then = [f"road {one}" for one in range(roads)], [f"other {one}" for one in range(others)]

    dealt = roads_first(first, then, workers=workers)

    assert sorted(dealt) == sorted([*first, *then])
    begin = 0
    for worker in range(workers):
        share = (len(dealt) - begin) // (workers - worker)
        head = [one for one in dealt[begin : begin + share] if one.startswith("road")]
        if roads * workers <= others:
            assert dealt[begin : begin + len(head)] == head == first[worker::workers]
        begin += share
