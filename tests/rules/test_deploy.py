"""Do the units of deploy/ keep the wall? Whose each folder is, who may write it, and which programs they start."""

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from meterdrop.usecases.init import FOLDERS
from sftp_server.running.supervisor import METRICS
from sftp_server.settings import read_settings
from tests.rules.page import ROOT

DEPLOY: Final = ROOT / "deploy"
HOME: Final = "/var/lib/meterdrop"
SHARED: Final = {"accounts", "ban-requests", "bans", "landing", "partners", "receipts"}
DOOR: Final = "meterdrop-door.service"
PIPELINE: Final = ("meterdrop-pipeline.service", "meterdrop-reprocess.service")
WORKER: Final = "meterdrop-worker.service"
WRITES: Final = {
    WORKER: {"database", "originals", "work", "locks"},
    DOOR: {"partners", "landing", "audit", "bans", "ban-requests"},
    PIPELINE[0]: {"landing", "landing-aside", "receipts", "database", "originals", "work", "locks"},
    PIPELINE[1]: {"landing", "landing-aside", "receipts", "database", "originals", "work", "locks"},
}
HIDDEN: Final = {
    WORKER: {"hostkeys", "partners", "audit", "bans", "ban-requests", "landing", "landing-aside", "receipts"},
    DOOR: {
        "database",
        "database.url",
        "originals",
        "originals.credentials",
        "work",
        "locks",
        "landing-aside",
    },
    PIPELINE[0]: {"hostkeys", "partners", "audit", "bans", "ban-requests"},
    PIPELINE[1]: {"hostkeys", "partners", "audit", "bans", "ban-requests"},
}
each_unit = pytest.mark.parametrize("unit", [DOOR, *PIPELINE, WORKER])


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
        ("meterdrop", ["worker", "--help"], ["--concurrency"]),
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
    assert "worker" in _values(WORKER, "ExecStart")


SOCKETS: Final = ("meterdrop-door.socket", "meterdrop-metrics.socket")
EXPOSURE: Final = {DOOR: 0.5, PIPELINE[0]: 0.5, PIPELINE[1]: 0.5, WORKER: 1.5}
"""What `systemd-analyze security` may find at most, from 0 (safe) to 10; systemd 252 finds 0.4 and 0.3, and 1.2 of the worker, which goes out."""


def _analyze(*words: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    return subprocess.run(["systemd-analyze", *words], cwd=cwd, capture_output=True, text=True, check=False)


def test_systemd_has_nothing_to_say_against_the_units(tmp_path: Path) -> None:
    """Words it does not know, sockets without a service; the programs themselves are not installed here."""
    units = [file.name for suffix in ("service", "socket", "timer") for file in DEPLOY.glob(f"*.{suffix}")]
    for unit in units:
        text = (DEPLOY / unit).read_text(encoding="utf-8")
        (tmp_path / unit).write_text(
            re.sub(r"/opt/meterdrop/\.venv/bin/\w+", "/bin/true", text), encoding="utf-8"
        )

    done = _analyze("verify", *(f"./{unit}" for unit in sorted(units)), cwd=tmp_path)

    ours = [line for line in done.stderr.splitlines() if "meterdrop" in line]
    assert (done.returncode, ours) == (0, [])


@each_unit
def test_a_unit_exposes_next_to_nothing(unit: str) -> None:
    most = str(round(EXPOSURE[unit] * 10))

    done = _analyze("security", "--offline=true", f"--threshold={most}", f"./{unit}", cwd=DEPLOY)

    assert done.returncode == 0, done.stdout


def test_the_socket_is_where_the_door_would_listen_by_itself(tmp_path: Path) -> None:
    settings = read_settings(tmp_path, host=None, port=None, crash_at=None)

    assert _values(SOCKETS[0], "ListenStream") == [str(settings.port)]
    assert _values(SOCKETS[1], "ListenStream") == [f"{settings.metrics_host}:{settings.metrics_port}"]
    assert _values(SOCKETS[1], "FileDescriptorName") == [METRICS]
    assert _values(SOCKETS[1], "Service") == [DOOR]
    assert _values(DOOR, "Requires") == [SOCKETS[0]]


def test_systemd_gives_the_door_the_time_that_it_takes(tmp_path: Path) -> None:
    settings = read_settings(tmp_path, host=None, port=None, crash_at=None)

    assert _values(DOOR, "Type") == ["notify"]
    assert int(_values(DOOR, "TimeoutStopSec")[0]) >= settings.drain + 15
    assert int(_values(DOOR, "TimeoutStartSec")[0]) >= settings.wait_for_home + 60
    files = 20 * settings.handles_per_partner
    assert int(_values(DOOR, "LimitNOFILE")[0]) >= files + settings.connections_before_login


def test_the_operators_script_looks_at_the_doors_files_as_the_door(tmp_path: Path) -> None:
    """Nobody else may read host keys; all other commands are the pipeline's."""
    text = (DEPLOY / "meterdrop").read_text(encoding="utf-8")
    script = tmp_path / "meterdrop"
    script.write_text(text.replace("exec setpriv", "echo"), encoding="utf-8")

    def user_of(*words: str) -> str:
        told = subprocess.run(["sh", str(script), *words], capture_output=True, text=True, check=True)
        return told.stdout.split()[1]

    assert user_of("hostkey", "list") == "meterdrop-door"
    assert user_of("status") == user_of() == user_of("partner", "add", "hostkey") == "meterdrop"


def test_the_audit_is_rotated_without_asking_the_door(tmp_path: Path) -> None:
    text = (DEPLOY / "meterdrop.logrotate").read_text(encoding="utf-8")
    assert f"{HOME}/audit/door.jsonl {{" in text
    assert "create" not in text.replace("nocreate", "")
    if shutil.which("logrotate") is None:
        pytest.skip("logrotate is not installed")
    audit = tmp_path / "audit"
    audit.mkdir(mode=0o750)
    (audit / "door.jsonl").write_text('{"event": "login"}\n', encoding="utf-8")
    conf = tmp_path / "conf"
    conf.write_text(
        re.sub(r"\n +su .*", "", text.replace(f"{HOME}/audit", str(audit))).replace("{", "{\n    size 1"),
        encoding="utf-8",
    )
    conf.chmod(0o644)
    words = ["logrotate", "--force", "--state", str(tmp_path / "state"), str(conf)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, len(list(audit.glob("door.jsonl-*")))) == (0, 1), done.stderr
