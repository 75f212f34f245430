"""Does the door say what is missing when it cannot start?"""

import json
import subprocess
import sys
from pathlib import Path

import paramiko
import pytest

from tests.integration.door.conftest import HouseMaker
from tests.integration.door.house import ROOT, House


def start(home: Path) -> "subprocess.CompletedProcess[str]":
    """Start a door that is going to fail."""
    return subprocess.run(
        [sys.executable, "-m", "sftp_server", "--home", str(home), "--port", "0"],
        cwd=ROOT, capture_output=True, text=True, timeout=30, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def reason(done: "subprocess.CompletedProcess[str]") -> str:
    """What it said; one JSON line, no traceback."""
    assert done.returncode == 2
    assert done.stdout == ""
    return str(json.loads(done.stderr)["reason"])


def test_a_missing_home_says_how_to_make_one(tmp_path: Path) -> None:
    assert "init" in reason(start(tmp_path / "nowhere"))


def test_a_missing_host_key_says_how_to_make_one(tmp_path: Path) -> None:
    assert "host key" in reason(start(tmp_path))


def test_a_host_key_that_others_can_read_is_refused(make_house: HouseMaker) -> None:
    house = make_house()
    (house.home / "hostkeys" / "ssh_host_ed25519_key").chmod(0o644)
    assert "chmod 600" in reason(start(house.home))


@pytest.mark.parametrize(
    "line", ["drian = 5", 'drain = "5"', "drain = -1", "drain = true", "= 5", 'home = "/"']
)
def test_a_mistake_in_door_toml_is_named(make_house: HouseMaker, line: str) -> None:
    house = make_house()
    (house.home / "door.toml").write_text(line)
    assert "door.toml" in reason(start(house.home))


def test_a_port_in_use_is_named(make_house: HouseMaker) -> None:
    house, another = make_house(), make_house()
    house.start()
    (another.home / "door.toml").write_text(f"port = {house.port}")
    done = subprocess.run(
        [sys.executable, "-m", "sftp_server", "--home", str(another.home), "--host", "127.0.0.1"],
        cwd=ROOT, capture_output=True, text=True, timeout=30, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert str(house.port) in reason(done)


def test_a_second_door_over_the_same_home_is_refused(make_house: HouseMaker) -> None:
    """It would cut the parts that the first one writes."""
    house = make_house(wait_for_home=0)
    house.start()
    assert f"(process {house.running().pid}) works in this home" in reason(start(house.home))


def test_a_descriptor_that_is_no_listening_socket_is_told(make_house: HouseMaker) -> None:
    house = make_house()
    done = subprocess.run(
        [sys.executable, "-m", "sftp_server", "--home", str(house.home), "--listen-fd", "0"],
        cwd=ROOT, capture_output=True, text=True, timeout=30, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert "descriptor 0 is not a socket" in reason(done)


def test_the_door_imports_nothing_of_the_pipeline(make_house: HouseMaker) -> None:
    code = "import sftp_server.__main__, sys; print([m for m in sys.modules if m.split('.')[0] in set('meterdrop sqlalchemy pandas pyarrow pandera pydantic watchdog paramiko'.split())])"  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["files", ".staging"])
def test_a_spoilt_partner_folder_is_told_and_shuts_out_nobody_else(house: House, name: str) -> None:
    house.stop()
    place = house.home / "partners" / "techem" / name
    place.mkdir(parents=True, exist_ok=True)
    place.rename(house.home / "elsewhere")
    place.symlink_to(house.home / "elsewhere")
    house.clear_away()
    house.start()
    with house.transport() as transport, pytest.raises(paramiko.ChannelException):
        transport.open_session()
    with house.sftp("ista") as sftp:
        assert sftp.listdir("/") == ["incoming", "receipts"]
    assert {(line["event"], line["partner"]) for line in house.warnings()} == {
        ("partner.folder-unusable", "techem")
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-t", "rsa", "-b", "2048", "-N", ""], "3072"),
        (["-t", "ecdsa", "-N", ""], "too weak"),
        (["-t", "ed25519", "-N", "a password"], "cannot be used"),
    ],
)
def test_a_host_key_that_is_weak_or_locked_is_refused(
    make_house: HouseMaker, words: list[str], said: str
) -> None:
    house = make_house()
    file = house.home / "hostkeys" / "ssh_host_other_key"
    subprocess.run(["ssh-keygen", "-q", "-f", str(file), *words], check=True)
    told = reason(start(house.home))
    assert said in told
    assert str(file) in told
