"""Do clients go from one host key to the next without a warning? With the real OpenSSH client and its known_hosts."""

import base64
import hashlib
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import asyncssh
import pytest

from meterdrop.usecases.hostkeys import HostKey, HostKeys
from tests.integration.door.conftest import HouseMaker
from tests.integration.door.house import HOST, House, wait_until

needs_openssh = pytest.mark.skipif(shutil.which("sftp") is None, reason="OpenSSH's sftp is not installed")


def make_key(house: House, name: str, *words: str) -> str:
    """A key in the folder of host keys, as `ssh-keygen` makes it; its public half."""
    file = house.home / "hostkeys" / name
    subprocess.run(["ssh-keygen", "-q", "-N", "", "-f", str(file), *words], check=True)
    return Path(f"{file}.pub").read_text().split()[1]


def key_of(key: HostKey) -> str:
    """The public key alone."""
    return key.public.split()[1]


def look(
    house: House, known_hosts: Path, *, algorithm: str | None = None
) -> "subprocess.CompletedProcess[str]":
    """Log in as a partner whose client asks nobody and trusts only known_hosts."""
    options = [
        "-F", "/dev/null", "-i", str(house.key_file("techem")), "-o", "User=techem", "-o", "IdentitiesOnly=yes",
        "-o", f"UserKnownHostsFile={known_hosts}", "-o", "GlobalKnownHostsFile=/dev/null", "-o", "BatchMode=yes",
        "-o", "UpdateHostKeys=yes", "-o", "StrictHostKeyChecking=yes", "-o", "HashKnownHosts=no",
    ]  # fmt: skip
    only = ["-o", f"HostKeyAlgorithms={algorithm}"] if algorithm else []
    return subprocess.run(
        ["sftp", *options, *only, "-P", str(house.port), "-b", "-", HOST],
        input="ls\n", capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip


def known(known_hosts: Path) -> set[str]:
    """The keys that a client knows."""
    return {line.split()[2] for line in known_hosts.read_text().splitlines()}


def trust(house: House, known_hosts: Path, keys: Sequence[str]) -> None:
    """What an operator told the partner beforehand."""
    known_hosts.write_text("".join(f"[{HOST}]:{house.port} ssh-ed25519 {key}\n" for key in keys))


def fingerprint(public: str) -> str:
    """`SHA256:…` of a public key."""
    digest = hashlib.sha256(base64.b64decode(public)).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def serving(house: House) -> list[str]:
    """The keys that the door changed over to, the one that serves first."""
    changes = house.audit("hostkeys.changed")
    return str(changes[-1]["keys"]).split() if changes else []


@needs_openssh
def test_a_client_follows_from_one_key_to_the_next_without_a_warning(
    make_house: HouseMaker, tmp_path: Path
) -> None:
    house = make_house(reload_every=0.05)
    keys = HostKeys(house.home / "hostkeys")
    house.start()
    first = key_of(keys.listed()[0])
    known_hosts = tmp_path / "known_hosts"
    trust(house, known_hosts, [first])

    second = key_of(keys.add("ed25519"))
    wait_until(lambda: serving(house) == [fingerprint(first), fingerprint(second)])
    done = look(house, known_hosts)
    assert (done.returncode, known(known_hosts)) == (0, {first, second}), done.stderr

    keys.promote()
    wait_until(lambda: serving(house) == [fingerprint(second), fingerprint(first)])
    of_somebody_who_was_away = tmp_path / "known_hosts_2"
    trust(house, of_somebody_who_was_away, [first])
    assert look(house, of_somebody_who_was_away).returncode != 0
    done = look(house, known_hosts)
    assert (done.returncode, done.stderr, known(known_hosts)) == (0, "", {first, second})

    keys.retire(fingerprint(first))
    wait_until(lambda: serving(house) == [fingerprint(second)])
    done = look(house, known_hosts)
    assert (done.returncode, done.stderr, known(known_hosts)) == (0, "", {second})


@needs_openssh
def test_an_rsa_key_serves_beside_the_ed25519_one_with_sha2_only(
    make_house: HouseMaker, tmp_path: Path
) -> None:
    house = make_house()
    rsa = make_key(house, "ssh_host_rsa_key", "-t", "rsa", "-b", "3072")
    house.start()
    known_hosts = tmp_path / "known_hosts"
    known_hosts.write_text(f"[{HOST}]:{house.port} ssh-rsa {rsa}\n")

    done = look(house, known_hosts, algorithm="rsa-sha2-512,ssh-ed25519")

    assert done.returncode == 0, done.stderr
    assert len(known(known_hosts)) == 2, "the ed25519 key was announced and proved"
    assert "no matching host key" in look(house, known_hosts, algorithm="ssh-rsa").stderr
    trust(house, known_hosts, [key for key in known(known_hosts) if key != rsa])
    assert look(house, known_hosts).returncode == 0
    assert rsa in known(known_hosts), "the RSA key was announced and proved over an ed25519 connection"


def test_with_an_unfit_key_in_its_folder_the_door_goes_on_with_those_it_has(make_house: HouseMaker) -> None:
    house = make_house(reload_every=0.05)
    house.start()

    make_key(house, "ssh_host_rsa_key", "-t", "rsa", "-b", "2048")

    wait_until(lambda: bool(house.warnings()))
    assert "3072" in house.warnings()[0]["reason"]
    with house.sftp() as sftp:
        assert sftp.listdir("/") == ["incoming", "receipts"]


def test_a_key_that_others_could_read_serves_once_its_mode_is_mended(make_house: HouseMaker) -> None:
    house = make_house(reload_every=0.05)
    house.start()
    made = house.home / "hostkeys" / "made"
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(str(made))
    made.chmod(0o644)
    made.rename(made.with_name("ssh_host_ed25519_key_next"))
    wait_until(lambda: bool(house.warnings()))
    assert "chmod 600" in house.warnings()[0]["reason"]

    made.with_name("ssh_host_ed25519_key_next").chmod(0o600)

    wait_until(lambda: bool(house.audit("hostkeys.changed")))
