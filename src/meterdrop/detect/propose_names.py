"""Which pattern do a partner's file names follow? What they have in common, with `*` for digits and the rest."""

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from itertools import takewhile
from typing import Final

from meterdrop.detect.propose import Statement, counted, guess

_DIGITS: Final = re.compile(r"[0-9]+(?:[-_. ]?[0-9]+)*")
_MONTH: Final = re.compile(
    "leden|ledna|únor|unor|února|unora|březen|brezen|března|brezna|duben|dubna|květen|kveten|května|kvetna"
    "|červenec|cervenec|července|cervence|červen|cerven|června|cervna|srpen|srpna|září|zari|říjen|rijen|října|rijna"
    "|listopadu|listopad|prosinec|prosince",
    re.IGNORECASE,
)
_SPECIAL: Final = re.compile(r"[\[\]?*/]|[^\S ]|^ +| +$")
_FEWEST_LETTERS: Final = 2
_FEWEST_COMMON: Final = 3
_MOST_PATTERNS: Final = 5


def propose_file_names(names: Sequence[str], *, others: Sequence[str]) -> Statement:
    """Patterns that fit all these names of one feed and none of `others`, the names of the other feeds' samples."""
    each = list(dict.fromkeys(_pattern(name) for name in names))
    shared = _shared(each)
    if shared is not None and _usable(shared, others=others):
        return guess((shared,), _whence(names))
    usable = [pattern for pattern in each if _usable(pattern, others=others)]
    if len(usable) < len(each) or len(usable) > _MOST_PATTERNS:
        return guess(None, "the names of the samples have too little in common to tell this feed from others")
    return guess(tuple(usable), _whence(names))


def common_start(texts: Sequence[str]) -> str:
    """The letters with which all these texts begin."""
    alike = takewhile(lambda letters: len(set(letters)) == 1, zip(*texts, strict=False))
    return "".join(letters[0] for letters in alike)


def _whence(names: Sequence[str]) -> str:
    return f"from the names of {counted(len(names), 'sample')}; digits, months and what differs are left open"


def _pattern(name: str) -> str:
    """`odecty-2026-10.csv` -> `odecty-*.csv`; signs that mean something in a pattern are left open as well."""
    stem, dot, ending = name.rpartition(".")
    if not dot:
        stem, ending = name, ""
    starred = _SPECIAL.sub("*", _MONTH.sub("*", _DIGITS.sub("*", stem)))
    return re.sub(r"\*+", "*", f"{starred}{dot}{_SPECIAL.sub('*', ending)}").casefold()


def _shared(patterns: Sequence[str]) -> str | None:
    """One pattern for all of them, if they begin with the same word."""
    if len(patterns) == 1:
        return patterns[0]
    start = common_start(patterns)
    rest = [pattern[len(start) :][::-1] for pattern in patterns]
    end = common_start(rest)[::-1]
    if _letters(start) < _FEWEST_COMMON:
        return None
    return re.sub(r"\*+", "*", f"{start}*{end}")


def _usable(pattern: str, *, others: Sequence[str]) -> bool:
    stem = pattern.rpartition(".")[0] or pattern
    return _letters(stem) >= _FEWEST_LETTERS and not any(
        fnmatchcase(other.casefold(), pattern) for other in others
    )


def _letters(text: str) -> int:
    return sum(letter.isalpha() for letter in text)
