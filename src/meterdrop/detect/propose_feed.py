"""Which feed may a sample be, if its headings are not all known? The one whose columns it fills best."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from meterdrop.detect.feed import looks_like_data
from meterdrop.detect.headings import Header
from meterdrop.detect.propose import Statement, counted, guess, sure
from meterdrop.detect.propose_columns import Guessed
from meterdrop.model.codes import Code
from meterdrop.model.errors import CannotRead
from meterdrop.model.feed import Feed

_LEAST_SHARE: Final = 0.5
"""So many of the mandatory columns must be told, as when a file comes."""


@dataclass(frozen=True)
class Candidate:
    """A sample read as if it were this feed: its header, the guessed columns by place, and what is missing."""

    feed: Feed
    header: Header
    guesses: dict[int, Guessed]
    missing: tuple[str, ...]

    @property
    def known(self) -> int:
        """How many headings are known."""
        return len(self.header.recognised)

    @property
    def share(self) -> float:
        """Which part of the mandatory columns is known or guessed?"""
        wanted = len(self.feed.mandatory)
        return (wanted - len(self.missing)) / wanted if wanted else self.known / len(self.feed.columns)


def tell_feed(candidates: Sequence[Candidate]) -> tuple[Candidate, Statement]:
    """The feed this sample most likely is.

    CannotRead: `file.no-header`, `file.unknown-feed` (the feeds that fit alike in `value`).
    """
    most = max((candidate.known for candidate in candidates), default=0)
    if most == 0 and any(looks_like_data(candidate.header.headings) for candidate in candidates):
        raise CannotRead(Code.FILE_NO_HEADER)
    likely = [candidate for candidate in candidates if candidate.share >= _LEAST_SHARE]
    whole = [candidate for candidate in likely if candidate.share == 1 and not _leans(candidate)]
    if len(whole) == 1:
        return whole[0], sure(
            whole[0].feed.name, "all its mandatory headings are there, and of no other feed"
        )
    ranked = whole or likely
    best = max((_rank(candidate) for candidate in ranked), default=None)
    nearest = [candidate for candidate in ranked if _rank(candidate) == best]
    if len(nearest) != 1:
        raise CannotRead(
            Code.FILE_UNKNOWN_FEED, value=", ".join(sorted(each.feed.name for each in nearest)) or None
        )
    return nearest[0], guess(nearest[0].feed.name, _why(nearest[0]))


def _leans(candidate: Candidate) -> bool:
    """Is a mandatory column only guessed?"""
    return any(guessed.column in candidate.feed.mandatory for guessed in candidate.guesses.values())


def _rank(candidate: Candidate) -> tuple[int, float]:
    """A heading that only one feed knows says more than what cells look like."""
    return candidate.known, candidate.share


def _why(candidate: Candidate) -> str:
    wanted = len(candidate.feed.mandatory)
    if not candidate.missing and not candidate.known:
        return f"no heading known, but all {wanted} mandatory columns could be told by their cells"
    if not candidate.missing:
        return (
            f"{counted(candidate.known, 'heading')} known, and all {wanted} mandatory columns could be told"
        )
    return f"{wanted - len(candidate.missing)} of {wanted} mandatory columns could be told, most of all feeds"
