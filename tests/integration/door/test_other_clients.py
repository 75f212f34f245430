"""Do the clients partners use beside OpenSSH and paramiko get through? Each is skipped where it is missing."""

import asyncio
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.integration.door.conftest import HouseMaker
from tests.integration.door.house import HOST, House

CONTENT = b"Serial;Date;Value\n" + b"12345678;2026-11-01;12,5\n" * 9001


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file whose length is no multiple of anything."""
    made = tmp_path / "readings.csv"
    made.write_bytes(CONTENT)
    return made


def needs(client: str) -> pytest.MarkDecorator:
    """Skip, and say so, where a client is not installed."""
    return pytest.mark.skipif(shutil.which(client) is None, reason=f"{client} is not installed")


def run(*command: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a client to its end."""
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


def check_handed_over(house: House, name: str, times: int = 1) -> None:
    """The pipeline got exactly these bytes, so often."""
    assert [ticket["name"] for ticket in house.tickets()] == [name] * times
    assert all(house.content(ticket) == CONTENT for ticket in house.tickets())
    assert house.staging() == []


@needs("lftp")
@pytest.mark.parametrize("temporary", ["no", "yes"])
def test_lftp_puts_plainly_and_through_a_temporary_file(house: House, file: Path, temporary: str) -> None:
    ssh = " ".join(["ssh", "-a", "-x", *house.ssh_options()])
    script = (
        f"set sftp:connect-program '{ssh}'; set xfer:use-temp-file {temporary}; set net:max-retries 1; set net:timeout 10; "
        f"open -u techem, -p {house.port} sftp://{HOST}; put {file} -o incoming/readings.csv; exit"
    )
    done = run("lftp", "-c", script)
    assert done.returncode == 0, done.stderr
    check_handed_over(house, "incoming/readings.csv")


@needs("lftp")
def test_lftp_continues_a_part(house: House, file: Path) -> None:
    with house.sftp() as sftp:
        handle = sftp.open("/incoming/readings.csv", "wb")
        handle.write(CONTENT[:100_000])
        handle.flush()
        sftp.stat("/incoming/readings.csv")
        sftp.get_channel().get_transport().close()  # type: ignore[union-attr]  # both are there
    ssh = " ".join(["ssh", "-a", "-x", *house.ssh_options()])
    script = (
        f"set sftp:connect-program '{ssh}'; set net:max-retries 1; set net:timeout 10; "
        f"open -u techem, -p {house.port} sftp://{HOST}; put -c {file} -o incoming/readings.csv; exit"
    )
    done = run("lftp", "-c", script)
    assert done.returncode == 0, done.stderr
    check_handed_over(house, "incoming/readings.csv")


@needs("lftp")
def test_lftp_mirrors_a_folder_and_sends_nothing_the_second_time(house: House, file: Path) -> None:
    (file.parent / "out" / "2026").mkdir(parents=True)
    shutil.copy2(file, file.parent / "out" / "2026" / "readings.csv")
    ssh = " ".join(["ssh", "-a", "-x", *house.ssh_options()])
    script = (
        f"set sftp:connect-program '{ssh}'; set net:max-retries 1; set net:timeout 10; "
        f"open -u techem, -p {house.port} sftp://{HOST}; mirror -R {file.parent / 'out'} incoming; exit"
    )
    for _ in range(2):
        done = run("lftp", "-c", script)
        assert done.returncode == 0, done.stderr
    check_handed_over(house, "incoming/2026/readings.csv")


@needs("rclone")
def test_rclone_copies_checks_and_sends_nothing_the_second_time(house: House, file: Path) -> None:
    remote = f":sftp,host={HOST},port={house.port},user=techem,key_file={house.key_file('techem')},shell_type=none:"
    empty = str(file.parent / "rclone.conf")
    Path(empty).touch()
    for _ in range(2):
        done = run("rclone", "--config", empty, "copyto", str(file), f"{remote}/incoming/readings.csv")
        assert done.returncode == 0, done.stderr
    check_handed_over(house, "incoming/readings.csv")
    done = run("rclone", "--config", empty, "check", "--one-way", "--download", "--include", "/readings.csv",
               str(file.parent), f"{remote}/incoming")  # fmt: skip
    assert done.returncode == 0, done.stderr


@needs("psftp")
def test_psftp_puts_and_exits_with_0(house: House, file: Path) -> None:
    key = file.parent / "key.ppk"
    made = run(
        "puttygen",
        str(house.key_file("techem")),
        "-O",
        "private",
        "-o",
        str(key),
        "--new-passphrase",
        "/dev/null",
    )
    assert made.returncode == 0, made.stderr
    host_key = run("ssh-keygen", "-lf", str(house.home / "hostkeys" / "ssh_host_ed25519_key")).stdout.split()[
        1
    ]
    batch = file.parent / "batch"
    batch.write_text(f"put {file} /incoming/readings.csv\nls /incoming\n")
    done = run("psftp", "-batch", "-i", str(key), "-P", str(house.port), "-hostkey", host_key, "-b", str(batch),
               f"techem@{HOST}", HOME=str(file.parent))  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    check_handed_over(house, "incoming/readings.csv")


def curl_speaks_sftp() -> bool:
    """Whether there is a curl with SFTP in it."""
    return shutil.which("curl") is not None and " sftp" in run("curl", "--version").stdout


@pytest.mark.skipif(not curl_speaks_sftp(), reason="no curl that speaks SFTP is installed")
def test_curl_uploads_where_legacy_macs_are_allowed(make_house: HouseMaker, file: Path) -> None:
    house = make_house(legacy_macs=True)
    house.start()
    key = house.key_file("techem")
    done = run("curl", "-sS", "--insecure", "--key", str(key), "--pubkey", f"{key}.pub", "-u", "techem:", "-T", str(file),
               f"sftp://{HOST}:{house.port}/incoming/readings.csv")  # fmt: skip
    assert done.returncode == 0, done.stderr
    check_handed_over(house, "incoming/readings.csv")


def test_asyncssh_puts_in_parallel_blocks(house: House, file: Path) -> None:
    async def put() -> None:
        async with house.connect() as connection, connection.start_sftp_client() as sftp:
            await sftp.put(str(file), "/incoming/readings.csv", block_size=4096, max_requests=64)

    asyncio.run(put())
    check_handed_over(house, "incoming/readings.csv")


def test_asyncssh_appends_to_a_part(house: House) -> None:
    async def cut_and_append() -> None:
        async with house.connect() as connection, connection.start_sftp_client() as sftp:
            handle = await sftp.open("/incoming/readings.csv", "wb")
            await handle.write(CONTENT[:5000])
            connection.abort()
        async with (
            house.connect() as connection,
            connection.start_sftp_client() as sftp,
            sftp.open("/incoming/readings.csv", "ab") as handle,
        ):
            await handle.write(CONTENT[await sftp.getsize("/incoming/readings.csv") :])

    asyncio.run(cut_and_append())
    check_handed_over(house, "incoming/readings.csv")
