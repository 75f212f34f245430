"""Real clients that try to log in, each in its own way; what they were told."""

import asyncio
import ipaddress
import os
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

import asyncssh
import paramiko

from tests.integration.door.house import HOST, House

IN, OUT = "in", "out"


def openssh(
    house: House, partner: str, *, key: Path | None = None, certificate: Path | None = None,
    password: str | None = None, methods: str = "publickey",
) -> str:  # fmt: skip
    """Whether OpenSSH's sftp gets in and can list its folder."""
    askpass = house.home.parent / "askpass"
    askpass.write_text('#!/bin/sh\nprintf "%s\\n" "$TEST_PASSWORD"\n')
    askpass.chmod(0o700)
    shown = [] if key is None else ["-i", str(key)]
    shown += [] if certificate is None else ["-o", f"CertificateFile={certificate}"]
    done = subprocess.run(
        ["sftp", "-F", "/dev/null", "-P", str(house.port), "-o", f"User={partner}", "-o", "IdentitiesOnly=yes",
         "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
         "-o", f"BindAddress={house.from_address}", "-o", f"PreferredAuthentications={methods}", "-o", "NumberOfPasswordPrompts=1",
         *(["-o", "BatchMode=yes"] if password is None else []), *shown, HOST],
        input="ls /\nbye\n", capture_output=True, text=True, timeout=60, check=False,
        env=os.environ | {"SSH_ASKPASS": str(askpass), "SSH_ASKPASS_REQUIRE": "force", "TEST_PASSWORD": password or ""},
    )  # fmt: skip
    return IN if done.returncode == 0 and "incoming" in done.stdout else OUT


def asyncssh_client(
    house: House, partner: str, *, key: Path | None = None, certificate: Path | None = None,
    password: str | None = None, methods: str | None = None,
) -> str:  # fmt: skip
    """Whether asyncssh's client gets in."""
    shown: list[asyncssh.SSHKey | tuple[str, str]] = []
    if key is not None:  # a key that is read beforehand brings no certificate along that lies beside its file
        shown.append(
            asyncssh.read_private_key(str(key)) if certificate is None else (str(key), str(certificate))
        )
    return asyncssh_with(house, partner, asyncssh.load_keypairs(shown), password=password, methods=methods)


def asyncssh_with(
    house: House, partner: str, pairs: Sequence[asyncssh.SSHKeyPair], *, password: str | None = None,
    methods: str | None = None,
) -> str:  # fmt: skip
    """The same, with key pairs that may lie."""

    async def knock() -> None:
        async with (
            asyncssh.connect(
                HOST, house.port, username=partner, client_keys=pairs or None, password=password, known_hosts=None,
                config=None, agent_path=None, preferred_auth=methods or (), local_addr=(house.from_address, 0),
            ) as connection,
            connection.start_sftp_client() as sftp,
        ):  # fmt: skip
            await sftp.listdir("/")

    try:
        asyncio.run(knock())
    except (asyncssh.PermissionDenied, asyncssh.DisconnectError):
        return OUT
    return IN


def paramiko_client(
    house: House, partner: str, *, key: Path | None = None, certificate: Path | None = None,
    password: str | None = None, interactive: bool = False,
) -> str:  # fmt: skip
    """Whether paramiko gets in, key first, then password."""
    try:
        transport = knock(house)
    except (paramiko.SSHException, EOFError, OSError):
        return OUT
    try:
        if key is not None:
            shown = paramiko.PKey.from_path(str(key))
            if certificate is not None:
                shown.load_certificate(str(certificate))
            transport.auth_publickey(partner, shown)
        if password is not None and interactive:
            answer = password
            transport.auth_interactive(partner, lambda _title, _text, prompts: [answer for _ in prompts])
        elif password is not None:
            transport.auth_password(partner, password, fallback=False)
        return IN if transport.is_authenticated() else OUT
    except paramiko.SSHException:
        return OUT
    finally:
        transport.close()


def knock(house: House, kind: type[paramiko.Transport] = paramiko.Transport) -> paramiko.Transport:
    """A paramiko connection before its login."""
    transport = kind(
        socket.create_connection((HOST, house.port), timeout=10, source_address=(house.from_address, 0))
    )
    try:
        transport.start_client(timeout=10)
    except BaseException:
        transport.close()
        raise
    return transport


def another_address(house: House) -> None:
    """Clients come from somewhere else on this machine from now on."""
    last = ipaddress.ip_address(house.from_address)
    house.from_address = str(last + 1)


def by_name(house: House, client: str, partner: str, password: str) -> str:
    """Whether psftp or lftp gets in with a password and can list its folder."""
    host_key = asyncssh.read_private_key(str(house.home / "hostkeys" / "ssh_host_ed25519_key"))
    command = {
        "psftp": ["psftp", "-batch", "-P", str(house.port), "-hostkey", host_key.get_fingerprint(), "-l", partner,
                  "-pw", password, "-b", "/dev/stdin", HOST],
        "lftp": ["lftp", "-u", f"{partner},{password}", "-e", "set sftp:auto-confirm yes; set net:max-retries 1; ls; bye",
                 f"sftp://{HOST}:{house.port}"],
    }[client]  # fmt: skip
    done = subprocess.run(
        command, input="ls\nbye\n", capture_output=True, text=True, timeout=60, check=False,
        env=os.environ | {"HOME": str(house.home.parent)},
    )  # fmt: skip
    return IN if done.returncode == 0 and "incoming" in done.stdout else OUT
