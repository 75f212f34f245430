"""Is this a name to take a file by? The door's law for names, kept where no door refuses them."""

import unicodedata
from typing import Final

MAX_NAME_BYTES: Final = 255
_TEMPORARY_ENDS: Final = (".filepart", ".part", ".partial", ".tmp", ".uploading")
_HIDDEN: Final = "."
_BIDI: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def is_temporary(path: str) -> bool:
    """Whether clients use such a name only while they upload."""
    lower = path.rpartition("/")[2].lower()
    return lower.endswith(_TEMPORARY_ENDS) or lower.startswith(_HIDDEN)


def why_not(path: str) -> str | None:
    """Why no file is taken by this path, or None."""
    for name in path.split("/"):
        try:
            size = len(name.encode())
        except UnicodeEncodeError:
            return "the name is not UTF-8"
        if size > MAX_NAME_BYTES:
            return f"the name is longer than {MAX_NAME_BYTES} bytes"
        if any(
            letter in _BIDI or unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in name
        ):
            return "the name holds a control character"
    return None
