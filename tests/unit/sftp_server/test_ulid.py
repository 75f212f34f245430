"""Are upload ids unique, sortable by time, and as the pipeline expects them?"""

from ulid import ULID

from sftp_server.ulid import is_ulid, new_ulid


def test_an_id_is_read_back_by_the_library_the_pipeline_uses() -> None:
    made = new_ulid(milliseconds=1_795_000_000_123, randomness=bytes(range(10)))
    read = ULID.from_str(made)
    assert read.milliseconds == 1_795_000_000_123
    assert bytes(read)[6:] == bytes(range(10))


def test_later_ids_sort_later_and_equal_times_differ() -> None:
    assert new_ulid(milliseconds=1) < new_ulid(milliseconds=2) < new_ulid(milliseconds=2**47)
    assert new_ulid(milliseconds=5) != new_ulid(milliseconds=5)


def test_only_ids_are_taken_for_ids() -> None:
    assert is_ulid(new_ulid(milliseconds=9))
    assert not is_ulid("../../../../etc/passwd-----")
    assert not is_ulid(new_ulid(milliseconds=9).lower())
