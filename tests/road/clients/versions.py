"""Which clients are there, and of which version? Asked from the client itself."""

import functools
import re
import shutil
from importlib import metadata

import asyncssh
import paramiko
import pytest

from tests.road.clients.rig import run

_PHPSECLIB = """@include 'phpseclib3/autoload.php';
$told = new ReflectionMethod('phpseclib3\\Net\\SSH2', 'generate_identifier');
$told->setAccessible(true);
print($told->invoke(new phpseclib3\\Net\\SSH2('nowhere')));"""
_ASKED = {
    "OpenSSH sftp": ("sftp", ["ssh", "-V"], r"OpenSSH_(\S+)"),
    "OpenSSH scp": ("scp", ["ssh", "-V"], r"OpenSSH_(\S+)"),
    "psftp": ("psftp", ["psftp", "-V"], r"Release (\S+)"),
    "lftp": ("lftp", ["lftp", "--version"], r"Version (\S+)"),
    "curl": ("curl", ["curl", "--version"], r"curl (\S+)"),
    "rclone": ("rclone", ["rclone", "version"], r"rclone v(\S+)"),
    "sshfs": ("sshfs", ["sshfs", "--version"], r"SSHFS version (\S+)"),
    "rsync over sshfs": ("rsync", ["rsync", "--version"], r"version (\S+)"),
    "Net::SFTP::Foreign": (
        "perl", ["perl", "-MNet::SFTP::Foreign", "-e", "print qq(v$Net::SFTP::Foreign::VERSION)"], r"v(\S+)",
    ),
    "phpseclib": ("php", ["php", "-r", _PHPSECLIB], r"phpseclib_(\S+)"),
}  # fmt: skip
_LIBRARIES = {"paramiko": paramiko.__version__, "asyncssh": asyncssh.__version__}
_WHEELS = {"libssh2 (ssh2-python)": "ssh2-python", "libssh (ssh-python)": "ssh-python"}
"""Not in our lock, for they are not built for every machine; tried where somebody installed them."""


@functools.cache
def version_of(client: str) -> str | None:
    """Its version; None where it is not installed."""
    if client in _LIBRARIES:
        return _LIBRARIES[client]
    if client in _WHEELS:
        try:
            return metadata.version(_WHEELS[client])
        except metadata.PackageNotFoundError:
            return None
    program, question, pattern = _ASKED[client]
    if shutil.which(program) is None:
        return None
    done = run(*question)
    found = re.search(pattern, done.stdout + done.stderr)
    return found[1].rstrip(",") if found else None


def libssh2() -> tuple[int, ...]:
    """The version of the library that lets curl speak SFTP; empty where curl does not."""
    told = run("curl", "--version").stdout if shutil.which("curl") else ""
    found = re.search(r"libssh2/(\d+)\.(\d+)", told)
    return (int(found[1]), int(found[2])) if found and " sftp" in told else ()


def require(client: str) -> str:
    """The version of a client, or a skip that names it."""
    version = version_of(client)
    if version is None:
        pytest.skip(f"the SFTP client {client} is not installed on this machine")
    if client == "curl":
        if not libssh2():
            pytest.skip("the curl of this machine does not speak SFTP")
        return f"{version}, libssh2 {'.'.join(map(str, libssh2()))}"
    return version
