"""Bring your own server: OpenSSH's sshd with internal-sftp takes the files in, Meterdrop only watches its folders."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from meterdrop.bootstrap import House, make_home
from meterdrop.settings import read_settings
from tests.road.pipeline_rig import TODAY, stop, wait_for
from tests.road.sshd_rig import OtherServer, other_server
from tests.road.up_rig import client, readings, register
from tests.tables import NoteRow

pytestmark = pytest.mark.road

QUIET = 0.3
SERIALS = ["90001", "90002"]
CLIENT = {"client": "OpenSSH sshd (watch-only)"}


class WatchOnly:
    """A home that watches the other server's folders, `meterdrop up` running."""

    def __init__(self, server: OtherServer, home: Path) -> None:
        self.server, self.home = server, home
        self.first, self.second = server.partners
        make_home(home, database=None)
        house = House(settings=read_settings(home))
        for partner in server.partners:
            house.partners.add(partner, name=partner, group=2, keys=[], networks=[], who="test")
        house.database.close()
        (home / "meterdrop.toml").write_text(
            f'watch = "{server.folder}"\nwatch_quiet_seconds = {QUIET}\nwatch_receipts = true\n'
            "sweep_seconds = 1\nworkers = 1\n",
            encoding="utf-8",
        )

    def start(self) -> "subprocess.Popen[bytes]":
        """Starts it and waits until it is ready; what it said is in `ready`."""
        with (self.home / "work" / "up.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "meterdrop", "--home", str(self.home), "up", "--watch-only"],
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, "METERDROP_TODAY": TODAY},
            )
        assert process.stdout is not None
        self.ready: dict[str, Any] = json.loads(process.stdout.readline())
        return process

    def put(self, partner: str, content: bytes, name: str) -> "subprocess.CompletedProcess[str]":
        """One plain `put` of OpenSSH's client."""
        local = self.home / "work" / "given.csv"
        local.write_bytes(content)
        return self.server.sftp(partner, f"put {local} incoming/{name}")

    def receipts(self, partner: str, name: str, ending: str) -> list[dict[str, Any]]:
        """What lies in the partner's own folder, in order of arrival."""
        folder = self.server.folder / partner / "receipts"
        return [json.loads(path.read_bytes()) for path in sorted(folder.glob(f"{name}.*.{ending}"))]

    def result(self, partner: str, name: str, *, count: int = 1) -> dict[str, Any]:
        """The newest result, waited for; exactly `count` of them are there then."""
        found = wait_for(
            lambda: got if len(got := self.receipts(partner, name, "result.json")) >= count else None,
            what=f"result of {name}",
        )
        assert len(found) == count
        return found[-1]

    def status(self) -> dict[str, Any]:
        """What the operator is told."""
        done = subprocess.run(
            [sys.executable, "-m", "meterdrop", "--home", str(self.home), "status", "--json"],
            capture_output=True,
            check=False,
        )
        told: dict[str, Any] = json.loads(done.stdout)
        return told


@pytest.fixture(scope="module")
def server() -> Iterator[OtherServer]:
    client("sftp")
    with other_server() as running:
        yield running


@pytest.fixture(scope="module")
def house(server: OtherServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WatchOnly]:
    made = WatchOnly(server, tmp_path_factory.mktemp("watch-only") / "home")
    early = made.put(made.first, register(SERIALS), "there-before.csv")
    assert early.returncode == 0, early.stderr
    process = made.start()
    yield made
    assert stop(process) == 0


def test_no_door_is_started(house: WatchOnly) -> None:
    assert house.ready["sftp_port"] is None
    assert house.ready["watched"] == str(house.server.folder)


def test_file_that_was_there_before_the_start_is_taken(house: WatchOnly) -> None:
    assert house.result(house.first, "there-before.csv")["verdict"] == "accepted"


@pytest.mark.table("clients", **CLIENT)
def test_plain_put_is_taken_once_and_its_receipt_is_read_back_over_sshd(
    house: WatchOnly, note_row: NoteRow, tmp_path: Path
) -> None:
    house.result(house.first, "there-before.csv")
    content = readings(SERIALS)
    done = house.put(house.first, content, "plain.csv")
    assert done.returncode == 0, done.stderr
    result = house.result(house.first, "plain.csv")
    assert (result["verdict"], result["bytes"], result["path"]) == (
        "accepted",
        len(content),
        "incoming/plain.csv",
    )

    back = house.server.sftp(house.first, f"get receipts/plain.csv.*.result.json {tmp_path}/", "ls incoming")

    assert back.returncode == 0, back.stderr
    assert "incoming/plain.csv" in back.stdout
    [copy] = tmp_path.glob("*.result.json")
    assert json.loads(copy.read_bytes()) == result
    note_row(
        "clients",
        **CLIENT,
        does="put, receipt read back",
        exit=done.returncode,
        bytes=len(content),
        **{"hand-overs": 1},
        receipt=result["verdict"],
    )


def test_partner_cannot_write_its_receipts(house: WatchOnly) -> None:
    if not house.server.is_root:
        pytest.skip("without root partners and pipeline are one user")
    done = house.server.sftp(house.first, "mkdir receipts/mine")
    assert done.returncode != 0
    assert "Permission denied" in done.stderr


def test_each_partner_has_its_own_files_and_receipts(house: WatchOnly) -> None:
    house.put(house.second, register(["70001"]), "mine.csv")
    assert house.result(house.second, "mine.csv")["partner"] == house.second
    assert house.receipts(house.first, "mine.csv", "result.json") == []


def test_temporary_name_is_taken_when_it_is_renamed(house: WatchOnly) -> None:
    house.put(house.first, readings(SERIALS, day="2026-10-30"), "renamed.csv.part")
    time.sleep(4 * QUIET)
    assert house.receipts(house.first, "renamed.csv", "received.json") == []

    done = house.server.sftp(house.first, "rename incoming/renamed.csv.part incoming/renamed.csv")

    assert done.returncode == 0, done.stderr
    assert house.result(house.first, "renamed.csv")["path"] == "incoming/renamed.csv"


def test_upload_into_a_new_folder_is_found_and_overwriting_it_is_another_delivery(house: WatchOnly) -> None:
    house.server.sftp(house.first, "mkdir incoming/2026")
    for count, first in ((1, 5), (2, 6)):
        house.put(house.first, readings(SERIALS, day="2026-11-02", first=first), "2026/new.csv")
        assert house.result(house.first, "new.csv", count=count)["path"] == "incoming/2026/new.csv"


def test_upload_that_stalls_is_not_taken_as_long_as_its_session_lives(
    house: WatchOnly, note_row: NoteRow
) -> None:
    """The kernel says that sshd has it open. It stalls between two lines, where nothing else would tell."""
    content = readings(SERIALS, day="2026-11-03", first=7)
    cut = content.index(b"90002")
    with house.server.paramiko(house.first) as sftp:
        with sftp.open("incoming/slow.csv", "wb") as stream:
            stream.write(content[:cut])
            stream.flush()
            time.sleep(5 * QUIET)
            assert house.receipts(house.first, "slow.csv", "received.json") == []
            stream.write(content[cut:])
        result = house.result(house.first, "slow.csv")
    assert result["lines"]["physical"] == 3
    note_row(
        "interruptions",
        **{
            "what happened": "sshd, watch-only: upload stalls for five times as long as it should be still",
            "handed over": "no",
            "resumed by": "the same session",
            "in the end": result["verdict"],
        },
    )


def test_killed_client_between_two_lines_is_taken_as_a_part_and_the_whole_file_puts_it_right(
    house: WatchOnly, note_row: NoteRow
) -> None:
    """The honest limit of watching: nobody has the file open, its last line has an end, and half of it is missing."""
    content = readings(SERIALS, day="2026-11-04", first=8)
    cut = content.index(b"90002")
    with house.server.paramiko(house.first) as sftp:
        stream = sftp.open("incoming/cut.csv", "wb")
        stream.write(content[:cut])
        stream.flush()
    part = house.result(house.first, "cut.csv")
    assert part["lines"]["physical"] == 2

    house.put(house.first, content, "cut.csv")

    whole = house.result(house.first, "cut.csv", count=2)
    assert (whole["lines"]["accepted"], whole["lines"]["duplicate"]) == (1, 1)
    assert house.receipts(house.first, "cut.csv", "received.json")[1]["continues"] == part["upload"]
    note_row(
        "interruptions",
        **{
            "what happened": "sshd, watch-only: client gone between two lines",
            "handed over": "the part",
            "resumed by": "put of the whole",
            "in the end": f"{whole['verdict']}, known lines counted as duplicate",
        },
    )


def test_killed_openssh_client_within_a_line_is_waited_for_longer_and_can_go_on(
    house: WatchOnly, note_row: NoteRow
) -> None:
    """Killed while it sends slowly; the resumed upload is taken whole."""
    rows = [f"90001;{number},25;m3;2026-09-{number % 28 + 1:02}" for number in range(3000)]
    content = ("SerialNum;Value;Unit;Date\n" + "\n".join(rows)).encode()
    local = house.home / "work" / "killed.csv"
    local.write_bytes(content)
    there = house.server.folder / house.first / "incoming" / "killed.csv"
    sending = subprocess.Popen(
        house.server.command(house.first, "-l", "400", "-B", "1024", "-R", "1"),
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert sending.stdin is not None
    sending.stdin.write(f"put {local} incoming/killed.csv\n".encode())
    sending.stdin.close()
    wait_for(lambda: True if there.exists() and there.stat().st_size else None, what="first bytes")
    sending.send_signal(signal.SIGKILL)
    sending.wait()
    assert there.stat().st_size < len(content)

    done = house.server.sftp(house.first, f"reput {local} incoming/killed.csv")

    assert done.returncode == 0, done.stderr
    wait_for(
        lambda: (
            {len(content)}
            & {one["bytes"] for one in house.receipts(house.first, "killed.csv", "result.json")}
            or None
        ),
        what="the whole of it",
    )
    note_row(
        "interruptions",
        **{
            "what happened": "sshd, watch-only: sftp killed in the middle of a line",
            "handed over": "not for six times as long",
            "resumed by": "OpenSSH reput",
            "in the end": "whole",
        },
    )


def test_status_tells_what_waits_and_what_is_not_taken(house: WatchOnly) -> None:
    house.server.sftp(house.second, "symlink /etc/passwd incoming/link.csv")
    (house.server.folder / "stranger").mkdir(exist_ok=True)
    written = house.home / "work" / "watched.json"
    wait_for(lambda: True if "a link" in written.read_text() else None, what="the link to be seen")

    told = house.status()

    assert told["watched"]["partners"][house.second]["left_out"] == 1
    assert any("stranger" in problem for problem in told["problems"])
    assert any("incoming/link.csv: a link" in problem for problem in told["problems"])
