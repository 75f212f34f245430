"""What does ssh-audit say of the door? No failure, one warning that we know, and new connections in measure."""

import asyncio
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from tests.integration.door.conftest import HouseMaker
from tests.integration.door.house import HOST, House
from tests.tables import NoteRow

KNOWN = {"curve25519-sha256", "curve25519-sha256@libssh.org"}
"""They stay beside the post-quantum exchange, because Debian 12's OpenSSH, PuTTY, rclone and curl know no other of ours."""
QUANTUM = "does not provide protection against post-quantum attacks"
KINDS = ("kex", "key", "enc", "mac")


def _program() -> str:
    found = shutil.which("ssh-audit", path=str(Path(sys.executable).parent)) or shutil.which("ssh-audit")
    if found is None:
        pytest.skip("ssh-audit is not installed")
    return found


def _audited(house: House) -> dict[str, Any]:  # Any: a document of another program
    done = subprocess.run(
        [_program(), "-j", "-p", str(house.port), HOST],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    assert "kex" in found, done.stdout
    return found


def _said(found: dict[str, Any], weight: str) -> dict[str, list[str]]:
    """What was said with this weight, by algorithm."""
    return {
        each["algorithm"]: each["notes"][weight]
        for kind in KINDS
        for each in found[kind]
        if weight in each["notes"]
    }


@pytest.mark.table("hostile input", what="ssh-audit")
def test_ssh_audit_finds_no_failure_and_no_warning_but_the_known_one(
    make_house: HouseMaker, note_row: NoteRow
) -> None:
    """Its rate test tries 38 connections in 1.5 seconds, and says so if it gets more than it thinks safe."""
    house = make_house(connections_per_second=10, ban_score=30)
    house.start()
    found = _audited(house)
    assert _said(found, "fail") == {}
    assert _said(found, "warn") == {name: [QUANTUM] for name in KNOWN}
    assert found["cves"] == []
    assert found["recommendations"] == {}
    assert [note for note in found["additional_notes"] if "throttling" in note or "DHEat" in note] == []
    assert "kex-strict-s-v00@openssh.com" in [each["algorithm"] for each in found["kex"]]
    assert found["kex"][0]["algorithm"] == "mlkem768x25519-sha256"
    assert house.audit("banned") == []
    note_row("hostile input", what="ssh-audit, its connection-rate test too", **{"how many": 1, "found": 0})


def test_ssh_audit_would_say_so_if_connections_came_without_measure(make_house: HouseMaker) -> None:
    house = make_house(connections_per_second=1000)
    house.start()
    assert [note for note in _audited(house)["additional_notes"] if "throttling" in note]


@pytest.mark.parametrize(
    ("known", "chosen"),
    [((), "mlkem768x25519-sha256"), (("curve25519-sha256",), "curve25519-sha256")],
)
def test_the_key_exchange_is_post_quantum_with_whoever_knows_one(
    standing_house: House, known: tuple[str, ...], chosen: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def connect() -> None:
        async with asyncssh.connect(
            HOST, standing_house.port, username="techem", client_keys=[str(standing_house.key_file("techem"))],
            known_hosts=None, config=None, agent_path=None, kex_algs=known,
        ):  # fmt: skip
            pass

    asyncssh.set_debug_level(2)
    try:
        with caplog.at_level("DEBUG", logger="asyncssh"):
            asyncio.run(connect())
    finally:
        asyncssh.set_debug_level(1)
    assert f"Key exchange alg: {chosen}" in caplog.text.replace("b'", "").replace("'", "")


def test_openssh_agrees_on_the_best_key_exchange_it_knows(standing_house: House) -> None:
    """9.2 knows no post-quantum one of ours; 9.9 and later do."""
    if shutil.which("sftp") is None:
        pytest.skip("OpenSSH's sftp is not installed")
    asked = subprocess.run(["ssh", "-Q", "kex"], capture_output=True, text=True, check=True).stdout.split()
    done = subprocess.run(
        ["sftp", "-o", "LogLevel=DEBUG1", *standing_house.ssh_options(), "-P", str(standing_house.port), "-b", "-", HOST],
        input="ls\n", capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    best = "mlkem768x25519-sha256" if "mlkem768x25519-sha256" in asked else "curve25519-sha256"
    assert done.returncode == 0, done.stderr
    assert f"kex: algorithm: {best}" in done.stderr
