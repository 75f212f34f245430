"""Who gets in at a door as it comes, without `legacy_macs`? All but curl with a library before 1.11."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncssh
import pytest

from tests.integration.door.house import HOST, House
from tests.road.clients.rig import PARTNER, run
from tests.road.clients.test_c_libraries import libssh2_session
from tests.road.clients.test_curl import curl
from tests.road.clients.versions import libssh2, require
from tests.tables import NoteRow

pytestmark = pytest.mark.road

_PHP = """require 'phpseclib3/autoload.php';
$sftp = new phpseclib3\\Net\\SFTP('127.0.0.1', (int) $argv[1]);
$sftp->login($argv[2], phpseclib3\\Crypt\\PublicKeyLoader::load(file_get_contents($argv[3]))) || exit(1);
print(implode("\\n", $sftp->nlist('/')));"""

Look = Callable[[House, Path], "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A door, and nothing behind it."""
    made = House(home=tmp_path_factory.mktemp("as-it-comes") / "home")
    made.furnish()
    made.write_account(PARTNER)
    made.start()
    yield made
    made.clear_away()


def _sftp(house: House, folder: Path) -> "subprocess.CompletedProcess[str]":
    return house.openssh_sftp("ls", partner=PARTNER)


def _psftp(house: House, folder: Path) -> "subprocess.CompletedProcess[str]":
    key, batch = folder / "key.ppk", folder / "batch"
    batch.write_text("ls\n")
    run(
        "puttygen",
        str(house.key_file(PARTNER)),
        "-O",
        "private",
        "-o",
        str(key),
        "--new-passphrase",
        "/dev/null",
    )
    file = house.home / "hostkeys" / "ssh_host_ed25519_key"
    fingerprint = asyncssh.read_private_key(str(file)).get_fingerprint()
    return run(
        "psftp", "-batch", "-i", str(key), "-P", str(house.port), "-hostkey", fingerprint, "-b", str(batch),
        f"{PARTNER}@{HOST}", folder=folder,
    )  # fmt: skip


def _rclone(house: House, folder: Path) -> "subprocess.CompletedProcess[str]":
    (folder / "rclone.conf").touch()
    remote = f":sftp,host={HOST},port={house.port},user={PARTNER},key_file={house.key_file(PARTNER)}:/"
    return run("rclone", "--config", str(folder / "rclone.conf"), "lsf", remote)


def _phpseclib(house: House, folder: Path) -> "subprocess.CompletedProcess[str]":
    return run("php", "-r", _PHP, str(house.port), PARTNER, str(house.key_file(PARTNER)))


@pytest.mark.parametrize(
    ("client", "look"),
    [("OpenSSH sftp", _sftp), ("psftp", _psftp), ("rclone", _rclone), ("phpseclib", _phpseclib)],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_client_gets_in_at_a_door_as_it_comes(house: House, tmp_path: Path, client: str, look: Look) -> None:
    require(client)

    done = look(house, tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "receipts" in done.stdout


@pytest.mark.table("clients", client="curl", does="at a door without legacy_macs")
def test_curl_gets_in_only_if_its_library_is_new(house: House, note_row: NoteRow) -> None:
    version = require("curl")

    done = curl(house.key_file(PARTNER), house.port, "/")

    note_row(
        "clients", client="curl", version=version, does="at a door without legacy_macs", exit=done.returncode
    )
    assert (done.returncode == 0) is (libssh2() >= (1, 11)), done.stderr


def test_libssh2_gets_in_since_version_1_11(house: House) -> None:
    utils = pytest.importorskip("ssh2.utils", reason="libssh2 (ssh2-python) is not installed on this machine")
    assert tuple(map(int, utils.version().split(b".")[:2])) >= (1, 11)

    session = libssh2_session(house.key_file(PARTNER), house.port)
    listed = [name for _, name, _ in session.sftp_init().opendir("/").readdir()]
    session.disconnect()

    assert sorted(listed) == [b".", b"..", b"incoming", b"receipts"]
