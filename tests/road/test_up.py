"""`meterdrop up` keeps its two processes: raised again when they fall, gone when it is gone."""

import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from tests.homes import POSTGRESQL, Homes
from tests.road.pipeline_rig import wait_for
from tests.road.up_rig import Up, readings, register

pytestmark = [pytest.mark.road, pytest.mark.by_night(POSTGRESQL)]

SERIALS = ["90001", "90002"]


@pytest.fixture
def up(homes: Homes, tmp_path: Path) -> Up:
    return Up(tmp_path / "home", homes=homes)


def _children(pid: int) -> dict[int, str]:
    """The processes that `pid` started, with their command lines."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                parent = (entry / "stat").read_text().rsplit(")", 1)[1].split()[1]
                if int(parent) == pid:
                    found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    return found


def _alive(pid: int) -> bool:
    with suppress(OSError):
        return (Path("/proc") / str(pid) / "stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    return False


def test_door_killed_is_raised_again_and_who_comes_meanwhile_waits(up: Up) -> None:
    key = up.add_partner("gamma")
    (up.home / "door.toml").write_text("metrics = true\nmetrics_port = 0\n")
    with up.running() as process:
        assert up.told["metrics_port"] > 0
        [door] = _doors(process.pid)
        os.kill(door, signal.SIGKILL)
        wait_for(lambda: not _alive(door) or None, what="its end")
        with up.paramiko("gamma", key) as sftp:
            for name, content in (("register.csv", register(SERIALS)), ("readings.csv", readings(SERIALS))):
                with sftp.open(f"/incoming/{name}", "wb") as stream:
                    stream.write(content)
                assert up.result("gamma", name)["verdict"] == "accepted"


def _doors(pid: int) -> set[int]:
    return {child for child, words in _children(pid).items() if "sftp_server" in words}


def test_pipeline_killed_is_raised_again_and_finishes_what_came(up: Up) -> None:
    key = up.add_partner("delta")
    with up.running() as process, up.paramiko("delta", key) as sftp:
        with sftp.open("/incoming/register.csv", "wb") as stream:
            stream.write(register(SERIALS))
        up.result("delta", "register.csv")
        [pipeline] = set(_children(process.pid)) - _doors(process.pid)
        os.kill(pipeline, signal.SIGKILL)

        with sftp.open("/incoming/readings.csv", "wb") as stream:
            stream.write(readings(SERIALS))

        assert up.result("delta", "readings.csv")["lines"]["accepted"] == 2


def test_killed_up_takes_both_processes_along(up: Up) -> None:
    process = up.start()
    up.ready(process)
    children = _children(process.pid)
    assert len(children) == 2

    process.kill()
    process.wait()

    wait_for(lambda: True if not any(map(_alive, children)) else None, what="the end of both", seconds=20)


def test_second_up_on_the_same_home_is_told_to_wait(up: Up) -> None:
    with up.running():
        second = up.start()

        assert second.wait(60) == 3

    assert "another process is at it" in up.log()
