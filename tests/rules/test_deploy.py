"""Do the units of deploy/ keep the wall? Whose each folder is, who may write it, and which programs they start."""

import re
import subprocess
import sys
from collections.abc import Sequence
from typing import Final

import pytest

from meterdrop.usecases.init import FOLDERS
from tests.rules.page import ROOT

DEPLOY: Final = ROOT / "deploy"
HOME: Final = "/var/lib/meterdrop"
SHARED: Final = {"accounts", "ban-requests", "bans", "landing", "partners", "receipts"}
DOOR: Final = "meterdrop-door.service"
PIPELINE: Final = ("meterdrop-pipeline.service", "meterdrop-reprocess.service")
WRITES: Final = {
    DOOR: {"partners", "landing", "audit", "bans", "ban-requests"},
    PIPELINE[0]: {"landing", "landing-aside", "receipts", "database", "originals", "work", "locks"},
    PIPELINE[1]: {"landing", "landing-aside", "receipts", "database", "originals", "work", "locks"},
}
HIDDEN: Final = {
    DOOR: {"database", "database.url", "originals", "work", "locks", "landing-aside"},
    PIPELINE[0]: {"hostkeys", "partners", "audit", "bans", "ban-requests"},
    PIPELINE[1]: {"hostkeys", "partners", "audit", "bans", "ban-requests"},
}
each_unit = pytest.mark.parametrize("unit", [DOOR, *PIPELINE])


def _values(unit: str, name: str) -> list[str]:
    """All words of a setting of a unit, in order."""
    text = (DEPLOY / unit).read_text(encoding="utf-8")
    return [word for line in re.findall(rf"^{name}=(.*)$", text, re.MULTILINE) for word in line.split()]


def _closed(unit: str, name: str) -> set[str]:
    return {word.removeprefix("-").removeprefix(f"{HOME}/") for word in _values(unit, name)}


def _owners() -> dict[str, tuple[str, str, str]]:
    """Mode, user and group by folder of the home."""
    text = (DEPLOY / "meterdrop.tmpfiles.conf").read_text(encoding="utf-8")
    found = re.findall(rf"^d +{HOME}/(\S+) +(\d+) +(\S+) +(\S+)$", text, re.MULTILINE)
    return {folder: (mode, user, group) for folder, mode, user, group in found}


@each_unit
def test_a_unit_can_write_exactly_what_the_wall_allows(unit: str) -> None:
    """Each folder has one answer: written, read only or hidden."""
    ours = {folder for folder in _owners() if not folder.startswith("schemas")}
    left_open = ours - _closed(unit, "ReadOnlyPaths") - _closed(unit, "InaccessiblePaths")

    assert _values(unit, "ProtectSystem") == ["strict"]
    assert _values(unit, "ReadWritePaths") == [HOME], "one mount: links and renames do not cross mounts"
    assert left_open == WRITES[unit]
    assert _closed(unit, "InaccessiblePaths") == HIDDEN[unit]


@each_unit
def test_a_unit_runs_as_its_own_user_without_privileges(unit: str) -> None:
    user = "meterdrop-door" if unit == DOOR else "meterdrop"
    users = (DEPLOY / "meterdrop.sysusers.conf").read_text(encoding="utf-8")

    assert _values(unit, "User") == [user]
    assert _values(unit, "SupplementaryGroups") == ["meterdrop-share"]
    assert _values(unit, "UMask") == ["0007"]
    assert _values(unit, "NoNewPrivileges") == ["yes"]
    assert _values(unit, "CapabilityBoundingSet") == []
    assert re.search(rf"^m {user} +meterdrop-share$", users, re.MULTILINE)


def test_every_folder_of_a_home_has_an_owner() -> None:
    assert set(FOLDERS) - set(_owners()) == set()


def test_only_where_both_meet_can_both_go() -> None:
    """Folders of the shared group pass it on to what is made inside; the others are their user's alone."""
    for folder, (mode, user, group) in _owners().items():
        if folder in SHARED:
            assert (group, mode[0]) == ("meterdrop-share", "2"), folder
        elif not folder.startswith("schemas"):
            assert user == group, folder
            assert mode in ("0700", "0750"), folder


@pytest.mark.parametrize(
    ("module", "words", "known"),
    [
        ("sftp_server", ["--help"], ["--home"]),
        ("meterdrop", ["--help"], ["--home", "--verbose"]),
        ("meterdrop", ["pipeline", "--help"], []),
        ("meterdrop", ["reprocess", "--help"], []),
    ],
)
def test_the_programs_that_units_start_know_these_words(
    module: str, words: Sequence[str], known: Sequence[str]
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", module, *words], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert [word for word in known if word not in done.stdout] == []


def test_units_start_the_door_the_pipeline_and_reprocess() -> None:
    programs = "/opt/meterdrop/.venv/bin"

    assert _values(DOOR, "ExecStart") == [f"{programs}/python", "-m", "sftp_server", "--home", HOME]
    assert _values(PIPELINE[0], "ExecStart") == [f"{programs}/meterdrop", "--home", HOME, "pipeline"]
    assert _values(PIPELINE[1], "ExecStart")[-1] == "reprocess"
