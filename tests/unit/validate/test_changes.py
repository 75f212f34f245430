"""A snapshot beside what we know: which rows stand, which do not, and what the register becomes."""

from tests.unit.validate.snapshots import Row, added, said, service, services, snapshot

NEW = "2026-02-01"
"""The day of a snapshot after the one that told what we know."""
OLD = "2025-12-01"
"""And of one before it."""


def test_first_snapshot_is_taken_whole() -> None:
    found = snapshot(Row("1"), Row("2", at="B"))
    assert services(found) == [service("1", "2020-01-01"), service("2", "2020-01-01", at="B")]
    assert added(found) == [2, 3]
    assert len(found.wrong) == len(found.duplicates) == 0


def test_identical_row_is_a_duplicate() -> None:
    """The first stays; nothing is ambiguous."""
    found = snapshot(Row("1"), Row("1"), Row("2", at="B"))
    assert found.duplicates.tolist() == [3]
    assert added(found) == [2, 4]


def test_same_snapshot_again_changes_nothing() -> None:
    found = snapshot(Row("1", seen=NEW), known=[Row("1")])
    assert added(found) == []
    assert not found.facts_changed.any()
    assert found.duplicates.tolist() == []


def test_two_rows_of_one_number_and_first_day_are_ambiguous_both() -> None:
    """Spelled as they may be; another partner's is another meter."""
    found = snapshot(Row("007"), Row("7", at="B"), Row("8", at="C"), Row("7", owner="ista"))
    assert said(found.wrong) == [
        (2, "device.ambiguous-serial", "7 B 2020-01-01"),
        (3, "device.ambiguous-serial", "007 A 2020-01-01"),
    ]
    assert added(found) == [4, 5]


def test_one_number_at_two_places_without_an_end_is_ambiguous_in_one_file() -> None:
    """The snapshot says that both are in service."""
    found = snapshot(Row("7"), Row("7", since="2024-01-01", at="B"))
    assert [code for _, code, _ in said(found.wrong)] == ["device.ambiguous-serial"] * 2


def test_meter_that_moved_on_is_not_ambiguous() -> None:
    """Its services follow one another."""
    found = snapshot(Row("7", until="2024-01-01"), Row("7", since="2024-01-01", at="B"))
    assert len(found.wrong) == 0


def test_later_device_at_a_place_ends_the_former() -> None:
    """An exchange, said by nothing but the dates; a place has no case."""
    found = snapshot(Row("1", at="a"), Row("2", since="2024-01-01"))
    assert services(found) == [service("1", "2020-01-01", "2024-01-01", "a"), service("2", "2024-01-01")]


def test_later_device_in_a_later_snapshot_ends_the_one_we_know() -> None:
    found = snapshot(Row("2", since="2024-01-01", seen=NEW), known=[Row("1")])
    assert services(found) == [service("1", "2020-01-01", "2024-01-01"), service("2", "2024-01-01")]


def test_end_that_the_register_stated_is_kept_at_an_exchange() -> None:
    found = snapshot(Row("2", since="2024-01-01", seen=NEW), known=[Row("1", until="2023-06-30")])
    assert services(found)[0] == service("1", "2020-01-01", "2023-06-30")


def test_device_said_to_serve_on_after_the_next_began_overlaps() -> None:
    """In the file, and against what we know; on the day of the exchange it does not."""
    found = snapshot(Row("1", until="2024-01-02"), Row("2", since="2024-01-01"))
    assert [(line, code) for line, code, _ in said(found.wrong)] == [
        (2, "device.overlap"),
        (3, "device.overlap"),
    ]
    found = snapshot(Row("2", since="2024-01-01", seen=NEW), known=[Row("1", until="2024-01-02")])
    assert said(found.wrong) == [(2, "device.overlap", "1 A 2020-01-01")]
    assert services(found) == [service("1", "2020-01-01", "2024-01-02")]
    found = snapshot(Row("2", since="2024-01-01", seen=NEW), known=[Row("1", until="2024-01-01")])
    assert len(found.wrong) == 0


def test_two_devices_at_one_place_from_the_same_day_overlap() -> None:
    """In one file both are wrong; beside what we know the new one is."""
    assert len(snapshot(Row("1"), Row("2")).wrong) == 2
    found = snapshot(Row("2", seen=NEW), known=[Row("1")])
    assert said(found.wrong) == [(2, "device.overlap", "1 A 2020-01-01")]


def test_device_that_says_whom_it_replaces_ends_it_outright() -> None:
    """From the same day, and at another place, too; not if it names itself."""
    found = snapshot(Row("2", replaces="01", seen=NEW), known=[Row("1")])
    assert services(found) == [service("1", "2020-01-01", "2020-01-01"), service("2", "2020-01-01")]
    found = snapshot(Row("2", since="2024-01-01", at="B", replaces="1", seen=NEW), known=[Row("1")])
    assert services(found)[0] == service("1", "2020-01-01", "2024-01-01")
    assert len(snapshot(Row("1"), Row("2", replaces="2")).wrong) == 2


def test_device_that_was_replaced_before_it_was_known_ends_all_the_same() -> None:
    """An older snapshot tells of it later."""
    known = [Row("2", since="2024-01-01", at="B", replaces="1")]
    found = snapshot(Row("1", seen=OLD), known=known)
    assert services(found)[0] == service("1", "2020-01-01", "2024-01-01")


def test_older_snapshot_takes_nothing_from_the_newer_one() -> None:
    """What it says otherwise is told; what it says the same is only counted."""
    known = [Row("1", maker="new"), Row("2", at="B")]
    found = snapshot(Row("1", maker="old", seen=OLD), Row("2", at="B", seen=OLD), known=known)
    assert found.duplicates.tolist() == [2, 3]
    assert said(found.older) == [(2, "device.older-snapshot", "2026-01-01")]
    assert not found.facts_changed.any()


def test_older_snapshot_adds_a_device_that_was_unknown() -> None:
    """It ends where the one that we know begins."""
    found = snapshot(Row("1", seen=OLD), known=[Row("2", since="2024-01-01")])
    assert services(found) == [service("1", "2020-01-01", "2024-01-01"), service("2", "2024-01-01")]


def test_later_snapshot_without_the_meter_that_came_last_contradicts_it() -> None:
    """It says that the first one is still in service: who is right, nobody knows."""
    known = [Row("1", ends="2024-01-01", seen=OLD), Row("2", since="2024-01-01")]
    found = snapshot(Row("1", seen=NEW), known=known)
    assert said(found.wrong) == [(2, "device.overlap", "2 A 2024-01-01")]
    assert len(snapshot(Row("1", seen=NEW), Row("2", since="2024-01-01", seen=NEW), known=known).wrong) == 0
    bad_line = Row("2", since="2024-01-01", seen=NEW)
    assert len(snapshot(Row("1", seen=NEW), known=known, also_named=[bad_line]).wrong) == 0


def test_number_spelled_otherwise_at_its_place_is_the_same_device() -> None:
    """A spreadsheet has eaten the zeros."""
    found = snapshot(Row("10206", seen=NEW), known=[Row("00010206")])
    assert services(found) == [service("10206", "2020-01-01")]
    assert found.facts_changed.any()


def test_number_spelled_otherwise_at_another_place_is_ambiguous() -> None:
    """It may be another meter. Not if the one we know is gone."""
    for since in ("2020-01-01", "2024-01-01"):
        found = snapshot(Row("10206", since=since, at="B", seen=NEW), known=[Row("00010206")])
        assert said(found.wrong) == [(2, "device.ambiguous-serial", "00010206 A 2020-01-01")]
    gone = Row("00010206", until="2024-01-01")
    found = snapshot(Row("10206", since="2024-01-01", at="B", seen=NEW), known=[gone])
    assert len(found.wrong) == 0


def test_same_number_and_first_day_elsewhere_is_the_same_service_told_otherwise() -> None:
    found = snapshot(Row("1", at="B", seen=NEW), known=[Row("1")])
    assert services(found) == [service("1", "2020-01-01", at="B")]
    assert added(found) == []


def test_same_number_elsewhere_from_a_later_day_was_put_up_again() -> None:
    """The former service ends on that day."""
    found = snapshot(Row("1", since="2024-01-01", at="B", seen=NEW), known=[Row("1")])
    assert services(found) == [service("1", "2020-01-01", "2024-01-01"), service("1", "2024-01-01", at="B")]


def test_same_number_elsewhere_from_an_earlier_day_is_ambiguous() -> None:
    """The newer snapshot says it serves there still, the older one knew it here since."""
    found = snapshot(Row("1", at="B", seen=NEW), known=[Row("1", since="2024-01-01")])
    assert said(found.wrong) == [(2, "device.ambiguous-serial", "1 A 2024-01-01")]


def test_first_day_corrected_at_the_same_place_stays_the_same_device() -> None:
    """Earlier or later, as long as its days meet the ones we know."""
    for since in ("2019-01-01", "2021-01-01"):
        found = snapshot(Row("1", since=since, seen=NEW), known=[Row("1")])
        assert services(found) == [service("1", since)]
        assert added(found) == []


def test_meter_that_comes_back_to_its_place_serves_twice() -> None:
    """After its end, or after the one that stood there meanwhile."""
    found = snapshot(Row("1", since="2024-01-01", seen=NEW), known=[Row("1", until="2022-01-01")])
    assert services(found) == [service("1", "2020-01-01", "2022-01-01"), service("1", "2024-01-01")]
    known = [Row("1", ends="2022-01-01"), Row("2", since="2022-01-01")]
    found = snapshot(Row("1", since="2024-01-01", seen=NEW), known=known)
    assert services(found)[2] == service("2", "2022-01-01", "2024-01-01")
    assert services(found)[1] == service("1", "2024-01-01")


def test_row_that_covers_two_services_of_its_number_at_the_place_is_ambiguous() -> None:
    """Nobody knows which of them it corrects."""
    known = [Row("1", until="2021-01-01"), Row("1", since="2022-01-01")]
    found = snapshot(Row("1", since="2019-01-01", seen=NEW), known=known)
    assert [code for _, code, _ in said(found.wrong)] == ["device.ambiguous-serial"]


def test_device_told_in_error_is_taken_back_by_a_service_of_no_day() -> None:
    """It ends no other one any more."""
    known = [Row("1", ends="2024-01-01"), Row("2", since="2024-01-01")]
    found = snapshot(
        Row("1", seen=NEW), Row("2", since="2024-01-01", until="2024-01-01", seen=NEW), known=known
    )
    assert services(found) == [service("1", "2020-01-01"), service("2", "2024-01-01", "2024-01-01")]


def test_end_that_is_taken_back_is_open_again() -> None:
    """The file has the column, and an empty cell in it."""
    found = snapshot(Row("1", seen=NEW), known=[Row("1", until="2024-01-01")])
    assert services(found) == [service("1", "2020-01-01")]


def test_column_that_the_file_lacks_says_nothing() -> None:
    """Neither the end nor the maker is forgotten."""
    known = [Row("1", until="2024-01-01", maker="Maddalena")]
    columns = frozenset({"serial", "location", "installed_from"})
    found = snapshot(Row("1", seen=NEW), known=known, columns=columns)
    assert services(found) == [service("1", "2020-01-01", "2024-01-01")]
    assert not found.facts_changed.any()


def test_two_meters_that_change_places_may_do_so_in_one_file() -> None:
    known = [Row("1"), Row("2", at="B")]
    found = snapshot(Row("1", at="B", seen=NEW), Row("2", seen=NEW), known=known)
    assert len(found.wrong) == 0
    assert services(found) == [service("1", "2020-01-01", at="B"), service("2", "2020-01-01")]


def test_meter_whose_new_place_is_taken_leaves_no_room_at_its_old_one() -> None:
    """The row that moved it is set aside, so it is still there; then the row that took its place is, too."""
    known = [Row("1"), Row("3", at="B")]
    found = snapshot(Row("1", at="B", seen=NEW), Row("2", seen=NEW), Row("3", at="B", seen=NEW), known=known)
    assert [line for line, _, _ in said(found.wrong)] == [2, 3, 4]
    assert services(found) == [service("1", "2020-01-01"), service("3", "2020-01-01", at="B")]


def test_of_two_snapshots_of_one_day_the_one_that_came_last_counts() -> None:
    found = snapshot(Row("1", maker="b"), known=[Row("1", maker="a")])
    assert found.facts_changed.any()


def test_line_judged_again_later_does_not_undo_what_came_after_it() -> None:
    """Its snapshot is of the same day, but another delivery told of the device since."""
    found = snapshot(Row("1", maker="b"), known=[Row("1", maker="a")], came_with=4, seen_in=5)
    assert said(found.older) == [(2, "device.older-snapshot", "2026-01-01")]
    found = snapshot(Row("1", maker="b"), known=[Row("1", maker="a")], came_with=5, seen_in=5)
    assert found.facts_changed.any()


def test_no_rows_say_nothing() -> None:
    """All of them were bad by themselves."""
    found = snapshot(known=[Row("1")])
    assert services(found) == [service("1", "2020-01-01")]
    assert len(found.wrong) == len(found.duplicates) == 0
