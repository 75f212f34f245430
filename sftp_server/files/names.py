"""What does the partner mean by this path, and is it a name we take?"""

import errno
import unicodedata
from dataclasses import dataclass

from sftp_server.refusals import Refused

MAX_NAME_BYTES = 255
MAX_FOLDERS = 4
"""How many folders deep a partner may go below /incoming."""
INCOMING = "incoming"
RECEIPTS = "receipts"
STAGING = ".staging"
"""Our own folder beside the partner's files: out of reach, and whoever asks for it is told so and audited."""

_TEMPORARY_ENDS = (".filepart", ".part", ".partial", ".tmp", ".uploading")
_HIDDEN = "."
"""Hidden names are temporary as well: lftp (`.in.x`), rsync (`.x.Ab12Cd`), GNOME (`.giosave…`), rclone (`.….partial`); `._x` is no file."""
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the writing direction: they let a name look like another to the person reading it."""


@dataclass(frozen=True)
class VirtualPath:
    """A path as the partner sees it, below its own root; always clean."""

    parts: tuple[str, ...]

    @property
    def text(self) -> str:
        """Without a leading slash: `incoming/2026/readings.csv`; empty for the root."""
        return "/".join(self.parts)

    @property
    def name(self) -> str:
        """The last part; empty for the root."""
        return self.parts[-1] if self.parts else ""

    @property
    def parent(self) -> "VirtualPath":
        """The folder it lies in; the root is its own parent."""
        return VirtualPath(self.parts[:-1])

    @property
    def in_receipts(self) -> bool:
        """Whether it is /receipts or below."""
        return self.parts[:1] == (RECEIPTS,)

    @property
    def is_fixed(self) -> bool:
        """Whether it is one of the folders that are always there: `/`, `/incoming`, `/receipts`."""
        return self.parts in ((), (INCOMING,), (RECEIPTS,))

    def below(self, folder: "VirtualPath") -> bool:
        """Whether it lies somewhere inside `folder`."""
        depth = len(folder.parts)
        return len(self.parts) > depth and self.parts[:depth] == folder.parts


def check_name(name: str) -> None:
    """Refuse a single name that is not safe to keep or to show; `Refused` says why."""
    if name in ("", ".", ".."):
        raise Refused("'.' and '..' are not names; give the path from the root")
    if name == STAGING:
        raise Refused("there is no such place")
    if len(name.encode("utf-8", "surrogatepass")) > MAX_NAME_BYTES:
        raise Refused(f"the name is longer than {MAX_NAME_BYTES} bytes")
    for letter in name:
        if letter == "/" or letter in _BIDI or unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp"):
            raise Refused("the name holds a control character")


def parse_path(raw: bytes) -> VirtualPath:
    """The path of a request; doubled slashes and `.` fall away, `..` and unsafe names are refused."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("the name is not UTF-8") from None
    parts = tuple(part for part in text.split("/") if part not in ("", "."))
    if len(parts) > MAX_FOLDERS + 2:
        raise Refused(f"folders go {MAX_FOLDERS} deep")
    for part in parts:
        check_name(part)
    return VirtualPath(parts)


def canonical_path(raw: bytes) -> bytes:
    """What REALPATH answers: the path with `.` and `..` worked out, never above the root."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("the name is not UTF-8") from None
    parts: list[str] = []
    for part in text.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            check_name(part)
            parts.append(part)
    return b"/" + "/".join(parts).encode()


def expand_home(raw: bytes, *, partner: str) -> bytes:
    """`~` and `~partner` are the root; anybody else's home is not there."""
    if not raw.startswith(b"~"):
        return raw
    whose, _, rest = raw.removeprefix(b"~").partition(b"/")
    if whose not in (b"", partner.encode()):
        raise FileNotFoundError(errno.ENOENT, "no such home")
    return b"/" + rest


def check_place_for_file(path: VirtualPath) -> None:
    """Files may be put into the root, and into /incoming up to four folders deep."""
    if path.is_fixed:
        raise Refused("this is a folder of the house")
    if path.in_receipts:
        raise Refused("/receipts is read only")
    if len(path.parts) > 1 and path.parts[0] != INCOMING:
        raise Refused("uploads go to / or /incoming")
    if len(path.parts) > MAX_FOLDERS + 2:
        raise Refused(f"folders go {MAX_FOLDERS} deep")


def check_place_for_folder(path: VirtualPath) -> None:
    """Folders may be made inside /incoming, four deep."""
    if path.in_receipts:
        raise Refused("/receipts is read only")
    if path.parts[:1] != (INCOMING,):
        raise Refused("folders can be made inside /incoming only")
    if len(path.parts) > MAX_FOLDERS + 1:
        raise Refused(f"folders go {MAX_FOLDERS} deep")


def path_of(text: str) -> VirtualPath:
    """The path of a text that was clean before, from a journal say."""
    return VirtualPath(tuple(text.split("/")))


def is_temporary(path: VirtualPath) -> bool:
    """Whether clients use such a name only while they upload: its end hands nothing over, its rename does."""
    lower = path.name.lower()
    return lower.endswith(_TEMPORARY_ENDS) or lower.startswith(_HIDDEN)
