"""Do the C libraries in other people's programs get what they expect? libssh2 (curl, PHP's ssh2) and libssh (KDE, VLC, …), from Python."""

import importlib
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.road.clients.conftest import Seen
from tests.road.clients.rig import HOST, PARTNER, Road

pytestmark = pytest.mark.road


def libssh2_session(key: Path, port: int) -> Any:  # noqa: ANN401 - the library has no types
    """A logged-in session of libssh2."""
    session = importlib.import_module("ssh2.session").Session()
    session.handshake(socket.create_connection((HOST, port)))
    session.userauth_publickey_fromfile(PARTNER, str(key), "", f"{key}.pub")
    return session


def libssh_session(key: Path, port: int) -> Any:  # noqa: ANN401 - the library has no types
    """A logged-in session of libssh."""
    options = importlib.import_module("ssh.options")
    session = importlib.import_module("ssh.session").Session()
    session.options_set(options.HOST, HOST)
    session.options_set(options.USER, PARTNER)
    session.options_set_port(port)
    session.connect()
    session.userauth_publickey(importlib.import_module("ssh.key").import_privkey_file(str(key)))
    return session


@pytest.mark.table(
    "clients", client="libssh2 (ssh2-python)", does="open, write, stat, rename from .part, unlink"
)
def test_libssh2_uploads_and_renames(road: Road, seen: Seen) -> None:
    content = road.content(large=True)
    words = importlib.import_module("ssh2.sftp")
    flags = words.LIBSSH2_FXF_WRITE | words.LIBSSH2_FXF_CREAT | words.LIBSSH2_FXF_TRUNC
    session = libssh2_session(road.key, road.up.port)
    sftp = session.sftp_init()

    with sftp.open("/incoming/libssh2.csv.part", flags, 0o644) as stream:
        stream.write(content)
    assert sftp.stat("/incoming/libssh2.csv.part").filesize == len(content)
    sftp.rename("/incoming/libssh2.csv.part", "/incoming/libssh2.csv")
    result = road.arrived("incoming/libssh2.csv", content)
    sftp.unlink("/incoming/libssh2.csv")
    session.disconnect()

    seen("no error", result)


@pytest.mark.table(
    "clients", client="libssh (ssh-python)", does="mkdir, open, write, rename from .tmp, rmdir"
)
def test_libssh_uploads_and_renames(road: Road, seen: Seen) -> None:
    content = road.content(large=True)
    session = libssh_session(road.key, road.up.port)
    sftp = session.sftp_new()
    sftp.init()

    sftp.mkdir("/incoming/libssh", 0o755)
    with sftp.open("/incoming/libssh/a.tmp", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644) as stream:
        for start in range(0, len(content), 30_000):
            stream.write(content[start : start + 30_000])
    sftp.rename("/incoming/libssh/a.tmp", "/incoming/libssh/libssh.csv")
    result = road.arrived("incoming/libssh/libssh.csv", content)
    sftp.unlink("/incoming/libssh/libssh.csv")
    sftp.rmdir("/incoming/libssh")
    session.disconnect()

    seen("no error", result)
