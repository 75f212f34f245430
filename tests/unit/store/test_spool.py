"""Frames put into the spool come back as they were, and by line whatever the blocks were cut into."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from meterdrop.store.spool import HELD, Spool, part
from meterdrop.tables import LINE, RAW, TEXT


def frame(lines: list[int], mark: str) -> pd.DataFrame:
    told = [f"{mark}{number}" for number in range(len(lines))]
    return pd.DataFrame({"line": pd.Series(lines, dtype=LINE), "told": pd.Series(told, dtype=TEXT)})


def rows(found: pd.DataFrame | None) -> list[tuple[int, str]]:
    return [] if found is None else list(zip(found["line"].tolist(), found["told"].tolist(), strict=True))


@settings(max_examples=100)
@given(
    streams=st.lists(
        st.lists(st.integers(min_value=1, max_value=40), max_size=25).map(sorted), min_size=1, max_size=3
    ),
    size=st.integers(min_value=1, max_value=7),
    ends=st.lists(st.integers(min_value=0, max_value=45), max_size=12).map(sorted),
    held=st.sampled_from([0, 200, HELD]),
)
def test_streams_read_up_to_one_line_after_another_are_all_rows_by_line(
    streams: list[list[int]], size: int, ends: list[int], held: int
) -> None:
    whole = [frame(lines, mark="abc"[number]) for number, lines in enumerate(streams)]
    ends = [*ends, 50]
    with TemporaryDirectory() as folder:
        spool = Spool(Path(folder) / "spool", held=held)
        for number, one in enumerate(whole):
            for start in range(0, len(one), size):
                spool.add(f"s{number}", one.iloc[start : start + size].reset_index(drop=True))
        reader = spool.in_line_order(*[f"s{number}" for number in range(len(whole))])
        parts = [rows(reader.upto(end)) for end in ends]
        spool.close()

    together = pd.concat(whole, ignore_index=True).sort_values("line", kind="stable", ignore_index=True)
    assert [row for read in parts for row in read] == rows(together)
    for read, first, last in zip(parts, [0, *ends], ends, strict=False):
        assert all(first < line <= last or line <= last for line, _ in read)
        assert all(line > first for line, _ in read)


def test_frames_come_back_in_the_order_added_with_their_types(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", held=0)
    raw = pd.Series(
        pd.arrays.ArrowExtensionArray(pa.array([b"\xff\x00", None], pa.large_binary())), dtype=RAW
    )
    first = pd.DataFrame({"line": pd.Series([2, 1], dtype=LINE), "raw": raw})
    spool.add("good", first)
    spool.add("good", first.iloc[1:].reset_index(drop=True))
    spool.add("good", first.iloc[:0])

    one, two = spool.blocks("good")

    pd.testing.assert_frame_equal(one, first)
    pd.testing.assert_frame_equal(two, first.iloc[1:].reset_index(drop=True))
    assert spool.count("good") == 3
    assert [len(block) for block in spool.blocks("good")] == [2, 1], "it can be read again"
    spool.close()


def test_what_one_name_has_not_is_null_where_several_are_read(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", held=0)
    spool.add("lines", frame([2, 4], mark="a"))
    spool.add("aside", frame([3], mark="b")[["line"]])
    found = spool.in_line_order("lines", "aside").upto(9)
    assert found is not None
    assert found["told"].dtype == TEXT
    assert found["line"].tolist() == [2, 3, 4]
    assert found["told"].isna().tolist() == [False, True, False]
    spool.close()


def test_name_that_nobody_added_to_is_empty(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", held=0)
    assert list(spool.blocks("good")) == []
    assert spool.count("good") == 0
    assert spool.in_line_order("good", "aside").upto(10) is None


def test_spool_of_a_process_that_died_is_cleared_and_a_closed_one_is_gone(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    folder.mkdir()
    (folder / "good").write_bytes(b"half a stream")
    spool = Spool(folder, held=0)
    assert list(folder.iterdir()) == []
    spool.add("good", frame([1], mark="a"))
    spool.close()
    assert not folder.exists()


def test_parts_of_a_name_are_read_together_with_it_by_line(tmp_path: Path) -> None:
    """A name that only begins in the same way is another one."""
    spool = Spool(tmp_path / "spool", held=0)
    spool.add("told", frame([1, 9], mark="t"))
    spool.add(part("told", 10), frame([2, 8], mark="b"))
    spool.add(part("told", 2), frame([3], mark="a"))
    spool.add("told-aside", frame([4], mark="x"))
    assert spool.parts("told") == [part("told", 2), part("told", 10)]
    assert spool.parts("tol") == []
    found = rows(spool.in_line_order("told").upto(9))
    assert [line for line, _ in found] == [1, 2, 3, 8, 9]
    assert spool.parts("nobody") == []


def test_frame_is_kept_in_portions_and_read_in_as_many_rows_as_wanted(tmp_path: Path) -> None:
    """A name that is read beside many others must not take much memory."""
    spool = Spool(tmp_path / "spool", held=0)
    spool.add("told", frame(list(range(10)), mark="t"), portion=4)
    assert [len(block) for block in spool.blocks("told")] == [4, 4, 2]
    assert [len(block) for block in spool.blocks("told", together=5)] == [8, 2]
    assert [list(block.columns) for block in spool.blocks("told", columns=["line"], together=99)] == [
        ["line"]
    ]
    assert rows(next(spool.blocks("told", together=99))) == rows(frame(list(range(10)), mark="t"))


def test_forgotten_name_is_gone_and_a_finished_one_can_be_read(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", held=0)
    for name in ("a", "b"):
        spool.add(name, frame([1], mark=name))
    spool.finish("a", "b", "nobody")
    spool.forget("a")
    spool.forget("nobody")
    assert [path.name for path in (tmp_path / "spool").iterdir()] == ["b"]
    assert spool.count("a") == 0
    assert list(spool.blocks("a")) == []
    assert len(list(spool.blocks("b"))) == 1
    spool.close()


def test_small_file_leaves_no_files_and_a_larger_one_brings_all_of_it_to_the_disk(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", held=1000)
    first = frame([1, 2], mark="a")
    spool.add("a", first)
    spool.add(part("a", 1), first)
    assert list((tmp_path / "spool").iterdir()) == []
    assert [rows(block) for block in spool.blocks("a")] == [rows(first)]
    assert spool.parts("a") == [part("a", 1)]

    spool.add("b", frame(list(range(100)), mark="b"))
    spool.finish("a", "b")

    assert {path.name for path in (tmp_path / "spool").iterdir()} == {"a", part("a", 1), "b"}
    assert [rows(block) for block in spool.blocks("a")] == [rows(first)]
    assert len(next(spool.blocks("b"))) == 100
    spool.close()


def test_forgotten_name_is_forgotten_in_memory_too(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    spool.add("a", frame([1], mark="a"))
    spool.forget("a")
    assert (spool.count("a"), list(spool.blocks("a")), spool.parts("a")) == (0, [], [])
    spool.close()


def test_what_repeats_itself_takes_little_of_the_disk(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", held=0)
    code = pd.Series(["reading.device-not-in-register"] * 50_000, dtype=TEXT)

    spool.add("findings", pd.DataFrame({"line": pd.Series(range(50_000), dtype=LINE), "code": code}))
    spool.finish("findings")

    assert (tmp_path / "spool" / "findings").stat().st_size < 500_000  # 2.2 MB as they are
    [back] = spool.blocks("findings")
    assert back["code"].tolist() == code.tolist()


def test_two_who_are_at_the_same_delivery_do_not_meet(tmp_path: Path) -> None:
    """One lost its lock with a restart of the database and goes on, the other one took over."""
    lost = Spool(tmp_path / "delivery-7", held=0)
    lost.add("good", frame([1, 2], mark="a"))
    took_over = Spool(tmp_path / "delivery-7", held=0)
    took_over.add("good", frame([1, 2, 3], mark="b"))
    lost.add("late", frame([4], mark="a"))

    assert [rows(block) for block in lost.blocks("good")] == [[(1, "a0"), (2, "a1")]]
    lost.close()
    assert [rows(block) for block in took_over.blocks("good")] == [[(1, "b0"), (2, "b1"), (3, "b2")]]
    assert not list(took_over.blocks("late"))
    took_over.close()
    assert not list(tmp_path.iterdir())


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / "delivery-7").mkdir()
    (tmp_path / "delivery-7" / "good").write_bytes(b"half a file")

    spool = Spool(tmp_path / "delivery-7", held=0)

    assert not list((tmp_path / "delivery-7").iterdir())
    spool.close()
    spool.close()
    assert not list(tmp_path.iterdir())
