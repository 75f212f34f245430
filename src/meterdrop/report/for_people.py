"""How is a partner's text shown to a person? All of it to be seen, and nothing of it run."""

import re
from typing import Final

_FORMULA: Final = re.compile(
    r"""((?:^|[;,|\t\r\n])["']*)(?=[=+\-@\t\r＝＋－＠])(?![+-]?[0-9]+(?:[.,][0-9]+)?(?:["';,|\t\r\n]|$))"""
)
"""The start of a cell that a spreadsheet takes for a formula, unless it is a number and nothing else."""

_PICTURES: Final = {**{code: chr(0x2400 + code) for code in range(0x20)}, 0x0A: "⏎", 0x7F: "␡"}
"""The sign that Unicode has for each control character."""

_SPACES: Final = frozenset(
    "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
)
"""Spaces of other widths are spaces."""


def harmless(cell: str) -> str:
    """A cell for people: what a spreadsheet would run as a formula gets a quote before it; numbers stay.

    That also goes for what stands behind a separator inside the cell: a spreadsheet set to another separator than
    ours cuts there (OWASP, CSV injection).
    """
    return _FORMULA.sub(r"\1'", cell)


def visible(text: str) -> str:
    """The text with everything in it to be seen: NUL is `␀`, a line end `⏎`, what turns the reading direction `⟨U+202E⟩`."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() or letter in _SPACES else _picture(letter) for letter in text
    )


def _picture(letter: str) -> str:
    return _PICTURES.get(ord(letter), f"⟨U+{ord(letter):04X}⟩")


def cut(text: str, *, longest: int) -> str:
    """At most so many characters; `…` says that there were more."""
    return text if len(text) <= longest else text[: longest - 1] + "…"
