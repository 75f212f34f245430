"""The clients partners resume uploads with: each goes on with /incoming/NAME from a local file, in its own way."""

import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import paramiko
import pytest

from tests.integration.door.house import HOST, House

Resume = Callable[[House, Path, str], bool]
"""Resume the upload of a local file under a remote name; whether the client says that all went well."""


def run(*command: str, text: str = "") -> bool:
    """Run a client to its end."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode == 0


def openssh_reput(house: House, file: Path, name: str) -> bool:
    """`reput` looks at the remote size, opens for APPEND, and refuses by itself if there is nothing left to send."""
    return house.openssh_sftp(f"reput {file} {name}").returncode == 0


def lftp_put_c(house: House, file: Path, name: str) -> bool:
    """`put -c` looks at the remote size and goes on there, without APPEND."""
    ssh = " ".join(["ssh", "-a", "-x", *house.ssh_options()])
    script = (
        f"set sftp:connect-program '{ssh}'; set net:max-retries 1; set net:timeout 10; set cmd:fail-exit yes; "
        f"open -u techem, -p {house.port} sftp://{HOST}; put -c {file} -o {name}; exit"
    )
    return run("lftp", "-c", script)


def curl_continue(house: House, file: Path, name: str) -> bool:
    """`-C -` looks at the remote size and goes on there, without APPEND."""
    key = house.key_file("techem")
    return run("curl", "-sS", "--insecure", "--key", str(key), "--pubkey", f"{key}.pub", "-u", "techem:", "-C", "-",
               "-T", str(file), f"sftp://{HOST}:{house.port}{name}")  # fmt: skip


def psftp_reput(house: House, file: Path, name: str) -> bool:
    """`reput` opens, looks at the size of what is open, and goes on there."""
    return psftp(house, f"reput {file} {name}")


def psftp(house: House, command: str) -> bool:
    """One command of PuTTY's psftp."""
    key = house.home.parent / "key.ppk"
    if not key.exists():
        made = ["puttygen", str(house.key_file("techem")), "-O", "private", "-o", str(key)]
        assert run(*made, "--new-passphrase", "/dev/null")
    host_key = house.home / "hostkeys" / "ssh_host_ed25519_key"
    found = subprocess.run(["ssh-keygen", "-lf", str(host_key)], capture_output=True, text=True, check=True)
    return run("env", f"HOME={house.home.parent}", "psftp", "-batch", "-i", str(key), "-P", str(house.port), "-hostkey",
               found.stdout.split()[1], "-b", "/dev/stdin", f"techem@{HOST}", text=f"{command}\n")  # fmt: skip


def paramiko_append(house: House, file: Path, name: str) -> bool:
    """A script: look at the size, open for APPEND, send the rest."""
    with house.sftp() as sftp, file.open("rb") as local:
        came = sftp.stat(name).st_size
        local.seek(came or 0)
        with sftp.open(name, "ab") as handle:
            handle.write(local.read())
    return True


def as_winscp(house: House, file: Path, name: str) -> bool:
    """As WinSCP's "Resume" does: open for WRITE alone, write from the listed size on, close."""
    with house.sftp() as sftp, file.open("rb") as local:
        came = sftp.stat(name).st_size or 0
        local.seek(came)
        with sftp.open(name, "r+b") as handle:
            handle.seek(came)
            handle.write(local.read())
    return True


RESUMERS: Final[Mapping[str, Resume]] = {
    "sftp reput": openssh_reput,
    "lftp put -c": lftp_put_c,
    "curl -C -": curl_continue,
    "psftp reput": psftp_reput,
    "paramiko append": paramiko_append,
    "as WinSCP": as_winscp,
}


def needs(client: str) -> None:
    """Skip, and say so, where the client of a resumer is not installed."""
    program = client.split()[0]
    if program in ("paramiko", "as"):
        return
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    if program == "curl" and " sftp" not in subprocess.run(["curl", "--version"], capture_output=True, text=True, check=True).stdout:  # fmt: skip
        pytest.skip("no curl that speaks SFTP is installed")


def begin_and_lose(house: House, content: bytes, name: str, *, partner: str = "techem") -> None:
    """Send some bytes of a file and lose the connection."""
    with house.transport(partner) as transport:
        sftp = paramiko.SFTPClient.from_transport(transport)
        assert sftp is not None
        handle = sftp.open(name, "wb")  # named, for paramiko closes what nobody holds
        handle.write(content)
        sftp.stat(name)
        transport.sock.close()


def slow_client(house: House, client: str, file: Path, name: str, *more: str) -> "subprocess.Popen[str]":
    """A real client that sends 400 KB/s."""
    options = house.ssh_options()
    ssh = " ".join(["ssh", "-a", "-x", *options])
    commands = {
        "sftp": ["sftp", "-q", "-l", "3200", *more, *options, "-P", str(house.port), "-b", "-", HOST],
        "scp": ["scp", "-q", "-s", "-l", "3200", *options, "-P", str(house.port), str(file), f"{HOST}:{name}"],
        "lftp": [
            "lftp", "-c", f"set sftp:connect-program '{ssh}'; set net:limit-rate 400000; set net:max-retries 1; "
            f"open -u techem, -p {house.port} sftp://{HOST}; put {file} -o {name}",
        ],
    }  # fmt: skip
    sending = subprocess.Popen(
        commands[client],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert sending.stdin is not None
    if client == "sftp":
        sending.stdin.write(f"put {file} {name}\n")
    sending.stdin.close()
    return sending
