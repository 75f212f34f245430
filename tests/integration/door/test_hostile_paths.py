"""Does no path lead out of a partner's folder, whatever it is made of, and whoever plants and swaps links meanwhile?"""

import hashlib
import os
import shutil
import struct
import threading
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.door.house import House
from tests.integration.door.raw_sftp import Raw, raw_session, text
from tests.tables import NoteRow

NIGHT = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
SECRET = b"SECRET of somebody else"
OPEN, CLOSE, READ, WRITE, LSTAT, SETSTAT, OPENDIR, READDIR = 3, 4, 5, 6, 7, 9, 11, 12
REMOVE, MKDIR, RMDIR, REALPATH, STAT, RENAME, READLINK, SYMLINK, EXTENDED = (
    13,
    14,
    15,
    16,
    17,
    18,
    19,
    20,
    200,
)
PERMISSION_DENIED = 3
ATTACKERS = ("attacker-1", "attacker-2", "attacker-3")
"""The audit writes each partner's refusals sparingly: those who look at every line take turns."""
LINKS = ("up", "root", "other", "secret", "relative", "staging", "loop", "nowhere")


def plant(house: House) -> None:
    """Secrets outside, and links to them in the partner's own folders, behind the door's back."""
    outside = house.home.parent / "outside"
    places = {
        "secret": outside / "secret", "other": house.visible("", partner="ista"), "up": Path(".."), "root": Path("/"),
        "relative": Path("../../../../../outside/secret"), "staging": Path("../../.staging"), "loop": Path("loop"),
        "nowhere": Path("nothing-here"),
    }  # fmt: skip
    outside.mkdir()
    (outside / "secret").write_bytes(SECRET)
    house.visible("incoming/b.csv", partner="ista").write_bytes(SECRET)
    (house.home / "partners" / "techem" / ".staging" / "x.part").write_bytes(SECRET)
    for partner in ("techem", *ATTACKERS):
        receipts = house.home / "receipts" / partner
        receipts.mkdir(parents=True, exist_ok=True)
        for folder in (
            house.visible("", partner=partner),
            house.visible("incoming", partner=partner),
            receipts,
        ):
            for name, target in places.items():
                (folder / name).symlink_to(target)


def world(house: House) -> dict[str, tuple[int, int, str]]:
    """Everything there is but what this partner may change: inode, mode and content."""
    ours = [
        house.visible(""),
        house.home / "landing",
        house.home / "audit",
        house.home / "partners" / "techem" / ".staging",
    ]
    found = {}
    for folder, folders, files in os.walk(house.home.parent):
        folders[:] = [name for name in folders if Path(folder, name) not in ours]
        for name in [*folders, *files]:
            path = Path(folder, name)
            status = path.lstat()
            if path.name.endswith(".stderr"):
                continue
            content = str(path.readlink()) if path.is_symlink() else ""
            if path.is_file() and not path.is_symlink():
                content = hashlib.sha256(path.read_bytes()).hexdigest()
            found[str(path)] = (status.st_ino, status.st_mode, content)
    return found


@pytest.fixture(scope="module")
def watched(standing_house: House) -> Iterator[House]:
    """A house with traps; in the end nothing outside the partner's folder may be other than before."""
    for partner in ATTACKERS:
        standing_house.write_account(partner)
    time.sleep(1.2)  # the door reads accounts every second
    for partner in ("techem", "ista", *ATTACKERS):
        with standing_house.sftp(partner) as sftp:
            sftp.listdir("/incoming")
    plant(standing_house)
    before = world(standing_house)
    yield standing_house
    assert world(standing_house) == before
    assert standing_house.running().poll() is None
    assert standing_house.warnings() == []
    for file in (standing_house.home / "landing").rglob("content"):
        assert SECRET not in file.read_bytes()


def check(house: House, answer: bytes) -> bytes:
    """No answer may tell of what lies outside, of where the home is, or of our source."""
    for told in (SECRET, str(house.home).encode(), b"Traceback", b"sftp_server", b"/tmp/", b"Errno"):
        assert told not in answer
    return answer


_LETTERS = [
    chr(number) for number in (*range(32), 127, 0x85, 0xA0, 0x200B, 0x2028, 0x202E, 0x2066, 0xFEFF, 0xFFFD)
]
_PIECES = [
    b"..", b".", b"", b"...", b"....", b"incoming", b"receipts", b".staging", b"files", b"partners", b"ista", b"techem", b"etc",
    b"passwd", b"b.csv", b"x.part", b"a.csv", b"a.csv.part", b"%2e%2e", b"..%2f", b"..\\..\\", b"\\\\?\\C:", b"C:", b"~", b"~root", b"-rf", b"*",
    b"$HOME", b"`id`", b"\xc0\xae\xc0\xae", b"\xe0\x80\xae", b"\xf0\x80\x80\xae", b"\xc0\xaf", b"\xed\xa0\x80", b"\xff\xfe", b"\xf4\x90\x80\x80",
    b"a" * 255, b"a" * 256, b"n" * 4096, "ž".encode() * 127, "ž".encode() * 128, unicodedata.normalize("NFC", "é").encode(),
    unicodedata.normalize("NFD", "é").encode(), "ﬁ".encode(), "․․".encode(), "／".encode(),
    *(link.encode() for link in LINKS), *(b"x" + letter.encode() for letter in _LETTERS), *(letter.encode() for letter in _LETTERS),
]  # fmt: skip
_STEPS = st.one_of(st.sampled_from(_PIECES), st.sampled_from(_PIECES), st.binary(max_size=12))
_PATHS = st.one_of(
    st.lists(_STEPS, max_size=7).map(b"/".join),
    st.lists(_STEPS, max_size=5).map(lambda steps: b"/incoming/" + b"/".join(steps)),
    st.lists(_STEPS, max_size=5).map(lambda steps: b"//" + b"//".join(steps) + b"/"),
    st.sampled_from(
        [b"/" * 4096, b"a/" * 2048, b"../" * 1000 + b"etc/passwd", b"/incoming/" + b"d/" * 300, b""]
    ),
)


def _read_all(raw: Raw, path: bytes, flags: int) -> bytes:
    """Open, write or read, and close; all that was answered."""
    said = raw.ask(OPEN, text(path) + struct.pack(">II", flags, 0))
    if said[0] != 102:
        return said
    handle = text(said[5:])
    if flags & 2:
        said += raw.ask(WRITE, handle + struct.pack(">Q", 0) + text(b"written by the attacker"))
    said += raw.ask(READ, handle + struct.pack(">QI", 0, 1000))
    return said + raw.ask(CLOSE, handle)


def _list_all(raw: Raw, path: bytes) -> bytes:
    said = raw.ask(OPENDIR, text(path))
    if said[0] != 102:
        return said
    handle = text(said[5:])
    return said + raw.ask(READDIR, handle) + raw.ask(CLOSE, handle)


Act = Callable[[Raw, bytes, bytes], bytes]
ACTS: dict[str, Act] = {
    "read": lambda raw, path, _: _read_all(raw, path, 1),
    "write": lambda raw, path, _: _read_all(raw, path, 0x1B),
    "append": lambda raw, path, _: _read_all(raw, path, 0x0E),
    "write without making": lambda raw, path, _: _read_all(raw, path, 0x03),
    "list": lambda raw, path, _: _list_all(raw, path),
    "stat": lambda raw, path, _: raw.ask(STAT, text(path)),
    "lstat": lambda raw, path, _: raw.ask(LSTAT, text(path)),
    "realpath": lambda raw, path, _: raw.ask(REALPATH, text(path)),
    "mkdir": lambda raw, path, _: raw.ask(MKDIR, text(path) + struct.pack(">II", 4, 0o6777)),
    "rmdir": lambda raw, path, _: raw.ask(RMDIR, text(path)),
    "remove": lambda raw, path, _: raw.ask(REMOVE, text(path)),
    "cut": lambda raw, path, _: raw.ask(SETSTAT, text(path) + struct.pack(">IQ", 1, 3)),
    "chmod": lambda raw, path, _: raw.ask(SETSTAT, text(path) + struct.pack(">II", 4, 0o4777)),
    "chown": lambda raw, path, _: raw.ask(SETSTAT, text(path) + struct.pack(">III", 2, 0, 0)),
    "touch": lambda raw, path, _: raw.ask(SETSTAT, text(path) + struct.pack(">III", 8, 1, 1)),
    "rename": lambda raw, path, other: raw.ask(RENAME, text(path) + text(other)),
    "posix-rename": lambda raw, path, other: raw.ask(EXTENDED, text(b"posix-rename@openssh.com") + text(path) + text(other)),
    "readlink": lambda raw, path, _: raw.ask(READLINK, text(path)),
    "symlink": lambda raw, path, other: raw.ask(SYMLINK, text(path) + text(other)),
    "hardlink": lambda raw, path, other: raw.ask(EXTENDED, text(b"hardlink@openssh.com") + text(path) + text(other)),
}  # fmt: skip


LOOKED_AT = sorted(set(ACTS) - {"readlink", "symlink", "hardlink", "realpath"})


@pytest.mark.parametrize("act", LOOKED_AT)
def test_each_way_out_is_refused_and_in_the_audit(watched: House, act: str, note_row: NoteRow) -> None:
    """Another partner's files, `.staging`, the home and whatever links lead to: each try leaves a line with who tried what."""
    targets = [
        b"/incoming/../../../ista/files/incoming/b.csv", b"/../ista/files/b.csv", b"/.staging/x.part", b"../.staging",
        b"/../../../accounts/ista.toml", b"/incoming/secret", b"/incoming/other/b.csv", b"/incoming/root/etc/passwd", b"/up/.staging/x.part",
        b"/receipts/secret", b"/incoming/a\0b", b"/incoming/\xc0\xae\xc0\xae/x",
    ]  # fmt: skip
    if act in ("rename", "posix-rename", "remove", "mkdir", "rmdir"):
        targets.remove(
            b"/incoming/secret"
        )  # the link itself is a name of the partner's own: it may go, or is in the way
    partner = ATTACKERS[LOOKED_AT.index(act) % len(ATTACKERS)]
    before = len(_refused(watched, partner))
    with raw_session(watched, partner) as raw:
        for target in targets:
            answer = check(watched, ACTS[act](raw, target, b"/incoming/stolen.csv"))
            assert answer[:1] == b"\x65", (target, answer)
            assert struct.unpack(">I", answer[1:5]) == (PERMISSION_DENIED,), (target, answer)
    told = _refused(watched, partner)[before:]
    assert len(told) == len(targets)
    note_row(
        "hostile input",
        what=f"ways out by {act}, refused and audited",
        **{"how many": len(targets), "found": 0},
    )


def _refused(house: House, partner: str) -> list[dict[str, object]]:
    return [line for line in house.audit("refused") if line["partner"] == partner]


@contextmanager
def swapped(house: House) -> Iterator[list[int]]:
    """Somebody who turns a folder and a file into links outwards, and back, all the time; how often so far."""
    outside = house.home.parent / "outside"
    folder, file = house.visible("incoming/swap"), house.visible("incoming/swap.csv")
    done = threading.Event()
    times = [0]

    def swap() -> None:
        while not done.is_set():
            times[0] += 1
            for name, target in ((folder, outside), (file, outside / "secret")):
                with suppress(OSError):
                    if name.is_symlink():
                        name.unlink()
                        name.mkdir() if name is folder else name.write_bytes(b"mine")
                    elif name.is_dir():
                        shutil.rmtree(name)
                        name.symlink_to(target)
                    else:
                        name.unlink(missing_ok=True)
                        name.symlink_to(target)

    thread = threading.Thread(target=swap, daemon=True)
    thread.start()
    try:
        yield times
    finally:
        done.set()
        thread.join(timeout=10)


def test_links_swapped_in_while_packets_run_lead_nowhere(watched: House, note_row: NoteRow) -> None:
    paths = (b"/incoming/swap/secret", b"/incoming/swap", b"/incoming/swap.csv", b"/incoming/swap/new.csv")
    tried = 0
    acts = [act for name, act in ACTS.items() if name not in ("readlink", "symlink", "hardlink", "realpath")]
    end = time.monotonic() + (60 if NIGHT else 1.5)
    with swapped(watched) as times, raw_session(watched) as raw:
        while time.monotonic() < end:
            for path in paths:
                for act in acts:
                    tried += 1
                    check(watched, act(raw, path, b"/incoming/swap/sent-out.csv"))
                    check(watched, act(raw, b"/incoming/taken.csv", path))
    assert times[0] > 20
    note_row(
        "hostile input",
        what="acts while folders and files are swapped with links",
        **{"how many": 2 * tried, "found": 0, "swaps": times[0]},
    )


def test_no_path_and_no_act_leads_out(watched: House, note_row: NoteRow) -> None:
    tried = 0
    with raw_session(watched) as raw:

        @settings(
            max_examples=4000 if NIGHT else 60,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        )
        @given(st.lists(st.tuples(st.sampled_from(sorted(ACTS)), _PATHS, _PATHS), min_size=1, max_size=8))
        def try_them(tries: list[tuple[str, bytes, bytes]]) -> None:
            nonlocal tried
            for act, path, other in tries:
                tried += 1
                check(watched, ACTS[act](raw, path, other))

        try_them()
    note_row("hostile input", what="acts on hostile paths", **{"how many": tried, "found": 0})
