"""Do we know which bytes of a file came, in whatever order they were written?"""

from hypothesis import given
from hypothesis import strategies as st

from sftp_server.uploads.ranges import Ranges

_WRITES = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 12)), max_size=25)


@given(_WRITES, st.integers(0, 80), st.integers(0, 80))
def test_ranges_agree_with_a_plain_set_of_bytes(writes: list[tuple[int, int]], cut: int, upto: int) -> None:
    ranges, came = Ranges(), set[int]()
    for start, length in writes:
        ranges.add(start, start + length)
        came |= set(range(start, start + length))
    ranges.cut(cut)
    came = {place for place in came if place < cut}
    missing = {place for low, high in ranges.gaps(upto) for place in range(low, high)}
    assert missing == set(range(upto)) - came
    assert ranges.end == max(came, default=-1) + 1
    assert ranges.prefix == next(place for place in range(200) if place not in came)


def test_bytes_in_order_make_one_piece() -> None:
    ranges = Ranges(upto=5)
    ranges.add(5, 9)
    assert (ranges.prefix, ranges.end, ranges.pieces) == (9, 9, 1)


def test_a_hole_is_seen_until_it_is_filled() -> None:
    ranges = Ranges()
    ranges.add(0, 4)
    ranges.add(8, 12)
    assert ranges.gaps(12) == [(4, 8)]
    ranges.add(3, 9)
    assert ranges.gaps(12) == []
    assert ranges.pieces == 1
