"""The bench of memory loads its files and sees what each step holds."""

from contextlib import ExitStack
from pathlib import Path

from tests.bench import growth


def test_each_step_has_its_peak_where_originals_are_in_a_bucket(tmp_path: Path) -> None:
    with ExitStack() as opened:
        peaks = growth.measure(tmp_path, growth.bad(50), settings=growth.in_bucket(opened))
    assert set(peaks) == set(growth.STEPS)
    assert peaks["loaded"] > peaks["before"] > 0
    assert len(growth.row("50 bad lines, bucket", peaks).split()) == 4 + len(growth.STEPS)


def test_padded_lines_come_to_so_many_megabytes() -> None:
    assert 0.99 < sum(map(len, growth.padded(1))) / 1_000_000 < 1.01
