"""Frames are the same whatever their columns' names are kept as."""

import subprocess
import sys

_MAKE = (
    "from meterdrop.tables import findings_at, as_frame, as_table, join_findings, name_columns_plainly\n"
    "from meterdrop.model.codes import Code\n"
    "{}\n"
    "one = findings_at(line=[3, 1], code=Code.CELL_MISSING, column='Date')\n"
    "both = as_frame(as_table(join_findings([one, one])))\n"
    "print(both.to_dict('list'), list(both.dtypes), [*both.columns], both[['line', 'code']].shape)\n"
)


def _said(first: str) -> str:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", _MAKE.format(first)], capture_output=True, text=True, check=True
    ).stdout


def test_names_kept_plainly_change_no_frame_and_warn_of_nothing() -> None:
    assert _said("name_columns_plainly()") == _said("")
