"""Run a program behind the walls that a systemd unit asks for, as far as a process can build them for itself.

`python sandbox.py UNIT PROGRAM…`: no new privileges, users and network of its own, the unit's system-call filter, address families
and limits, no memory that is writable and executable. The filter is expanded by `systemd-analyze` and loaded by libseccomp, both of
which systemd itself uses.
Ends with 77 and a reason where this machine cannot do that.
"""

import ctypes
import errno
import os
import resource
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

CANNOT = 77
_ALLOW = 0x7FFF0000
_EPERM = 0x00050000 | errno.EPERM
_SET_NO_NEW_PRIVS = 38
_SET_MDWE = 65
_MDWE_REFUSE_EXEC_GAIN = 1
_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000
_IS_EQUAL = 4
_ALWAYS = {"execve", "exit", "exit_group", "rt_sigreturn"}


def values(unit: Path, name: str) -> list[list[str]]:
    """The words of each line of a setting."""
    lines = unit.read_text(encoding="utf-8").splitlines()
    return [line.split("=", 1)[1].split() for line in lines if line.startswith(f"{name}=")]


def expanded(group: str) -> set[str]:
    """The system calls of a group, as this machine's systemd knows it."""
    if not group.startswith("@"):
        return {group}
    told = subprocess.run(
        ["systemd-analyze", "syscall-filter", group], capture_output=True, text=True, check=True
    )
    words = [line.strip() for line in told.stdout.splitlines()[1:]]
    return {call for word in words if word and word[0] != "#" for call in expanded(word)}


def allowed(unit: Path) -> set[str]:
    """The allow list, less what later lines take away."""
    calls = expanded("@default") | _ALWAYS
    for words in values(unit, "SystemCallFilter"):
        takes_away = words[0].startswith("~")
        named = {call for word in words for call in expanded(word.removeprefix("~"))}
        calls = calls - named if takes_away else calls | named
    return calls


def _cannot(reason: str) -> NoReturn:
    print(reason, file=sys.stderr)
    sys.exit(CANNOT)


class _Compare(ctypes.Structure):
    _fields_ = (
        ("argument", ctypes.c_uint), ("how", ctypes.c_int), ("one", ctypes.c_uint64), ("other", ctypes.c_uint64),
    )  # fmt: skip


def _load_filter(calls: set[str], families: list[str]) -> None:
    try:
        library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    except OSError:
        _cannot("libseccomp is not installed")
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(_EPERM)))
    for call in sorted(calls - {"socket"}):
        number = library.seccomp_syscall_resolve_name(call.encode())
        if number >= 0:
            library.seccomp_rule_add(context, ctypes.c_uint32(_ALLOW), number, 0)
    of_socket = library.seccomp_syscall_resolve_name(b"socket")
    for family in families:
        equal = (_Compare * 1)(_Compare(0, _IS_EQUAL, int(getattr(socket, family)), 0))
        library.seccomp_rule_add_array(context, ctypes.c_uint32(_ALLOW), of_socket, 1, equal)
    if library.seccomp_load(context) != 0:
        _cannot("this kernel loads no system-call filter")


def _go_apart(library: ctypes.CDLL) -> None:
    """Users and network of our own: PrivateUsers=, PrivateNetwork=."""
    user, group = os.getuid(), os.getgid()
    if library.unshare(_NEW_USER | _NEW_NETWORK) != 0:
        _cannot("this machine gives nobody a network of its own")
    for name, told in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        Path(f"/proc/self/{name}").write_text(told, encoding="ascii")


def _build(unit: Path) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if values(unit, "PrivateUsers") == values(unit, "PrivateNetwork") == [["yes"]]:
        _go_apart(library)
    if library.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        _cannot("no_new_privs cannot be set")
    for name, limit in (("LimitNOFILE", resource.RLIMIT_NOFILE), ("LimitCORE", resource.RLIMIT_CORE)):
        for (number,) in values(unit, name):
            most = resource.getrlimit(limit)[1]
            wanted = int(number) if most == resource.RLIM_INFINITY else min(int(number), most)
            resource.setrlimit(limit, (wanted, wanted))
    calls = allowed(unit)
    if values(unit, "MemoryDenyWriteExecute") == [["yes"]]:
        library.prctl(_SET_MDWE, _MDWE_REFUSE_EXEC_GAIN, 0, 0, 0)  # Linux 6.3; older ones cannot
    _load_filter(
        calls, families=[word for words in values(unit, "RestrictAddressFamilies") for word in words]
    )


def main() -> NoReturn:
    """Build the walls, and become the program."""
    if shutil.which("systemd-analyze") is None:
        _cannot("systemd-analyze is not installed")
    _build(Path(sys.argv[1]))
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 - a program, as it is


if __name__ == "__main__":
    main()
