"""Names are judged in watched folders as they are at the door: no code is shared, so tests hold them together."""

import pytest

from meterdrop.receive import final_names
from sftp_server.files import names
from sftp_server.refusals import Refused

NAMES = [
    "a.csv", "účet č. 3.csv", "a.csv.part", "A.FILEPART", "b.partial", "c.tmp", "d.uploading", ".in.e.csv", "in.e.csv", ".x.csv.Ab12Cd", ".f.csv.Ab12Cd",
    "part", "a.part.csv", "tab\there", "line\nbreak", "nul\0", "\u202egnp.csv", "\u2028", "\x7f", "half \ud800", "\udcff",
    "x" * 255, "x" * 256, "č" * 127, "č" * 128, " ", "a b", "-rf", "'; drop table", "\u200b", "\ufeff",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_watched_folders_take_the_names_that_the_door_takes(name: str) -> None:
    try:
        names.check_name(name)
    except Refused:
        taken = False
    else:
        taken = True
    assert (final_names.why_not(f"incoming/{name}") is None) == taken


@pytest.mark.parametrize("name", [name for name in NAMES if "\ud800" not in name], ids=ascii)
def test_watched_folders_wait_for_the_names_that_the_door_waits_for(name: str) -> None:
    path = names.VirtualPath(("incoming", name))
    assert final_names.is_temporary(f"incoming/{name}") == names.is_temporary(path)
