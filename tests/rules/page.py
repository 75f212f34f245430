"""What does a page show? Its fenced blocks, the commands in them, and whether an output is as shown."""

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
LEFT_OUT: Final = "…"
"""Alone on a line it stands for any lines, within a line for any text."""

_FENCE: Final = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_CHANGING: Final = (
    (re.compile(r"\b[0-9A-HJKMNP-TV-Z]{26}\b"), "<ULID>"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "<SHA256>"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| UTC)?"), "<TIME>"),
    (re.compile(r'(127\.0\.0\.1:|"sftp_port": )\d+'), r"\1<PORT>"),
    (re.compile(r"\d+ s in all"), "<SECONDS> s in all"),
)


@dataclass(frozen=True)
class Block:
    """A fenced block: what stands behind the opening fence, and the text."""

    info: str
    text: str


@dataclass(frozen=True)
class Step:
    """One command of a console block and the output shown below it."""

    command: str
    shown: str


def blocks(page: str) -> list[Block]:
    """All fenced blocks of a page, in order."""
    return [Block(info=found["info"].strip(), text=found["text"]) for found in _FENCE.finditer(page)]


def steps(block: Block) -> Iterator[Step]:
    """The commands of a console block: lines that begin with `$ `."""
    for piece in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, shown = piece.partition("\n")
        yield Step(command=command, shown=shown)


def difference(*, shown: str, actual: str) -> str:
    """Empty if the output is as shown; else both, side by side for a person."""
    wanted, real = _lines(shown), _lines(actual)
    pattern = "".join(_pattern(line) for line in wanted)
    if re.fullmatch(pattern, "".join(f"{line}\n" for line in real)):
        return ""
    return "\n".join(difflib.unified_diff(wanted, real, fromfile="shown", tofile="actual", lineterm="", n=1))


def _lines(text: str) -> list[str]:
    """The lines without trailing spaces, and with what is new at every run masked."""
    for changing, mask in _CHANGING:
        text = changing.sub(mask, text)
    return [line.rstrip() for line in text.splitlines()]


def _pattern(line: str) -> str:
    if line == LEFT_OUT:
        return r"(?:.*\n)*?"
    return ".*".join(re.escape(part) for part in line.split(LEFT_OUT)) + r"\n"
