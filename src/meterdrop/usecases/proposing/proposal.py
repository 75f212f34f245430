"""What is proposed: the profile of one partner, feed by feed, and the samples nobody could read."""

from dataclasses import dataclass

from meterdrop.detect.propose import Certainty, Statement


@dataclass(frozen=True)
class HeadingProposal:
    """What one heading is. `column` is None for one that is ignored or left open for a person."""

    heading: str
    column: str | None
    known: bool
    """The feed knows the heading: the profile need not name it."""
    ignored: bool
    certainty: Certainty
    reason: str


@dataclass(frozen=True)
class WordProposal:
    """A word the column does not know: what it may mean, or None for a person to fill in."""

    column: str
    word: str
    means: str | None
    cells: int
    reason: str


@dataclass(frozen=True)
class Refused:
    """Cells under one heading that would be refused as the proposal stands, by code."""

    heading: str
    code: str
    cells: int


@dataclass(frozen=True)
class FeedProposal:
    """One feed as this partner seems to send it."""

    feed: Statement
    files: tuple[str, ...]
    file_names: Statement
    encoding: Statement
    separator: Statement
    header: Statement | None
    """Where the header stands, or that there is none; None: where it is looked for anyway."""
    columns_in_order: Statement | None
    """Of files without header."""
    preamble: Statement | None
    footer: Statement | None
    headings: tuple[HeadingProposal, ...]
    headings_left_out: int
    """Unknown headings beyond those told."""
    missing: tuple[str, ...]
    """Mandatory columns no heading was told for."""
    absent: tuple[str, ...]
    """Other columns of the feed that no heading is."""
    heading_units: tuple[Statement, ...]
    """Units written into headings."""
    words: tuple[WordProposal, ...]
    words_left_out: int
    decimal_mark: Statement | None
    date_forms: Statement | None
    date_means: Statement | None
    value_kind: Statement | None
    """None: nothing speaks against states of a register."""
    radio_is_name: Statement | None
    refused: tuple[Refused, ...]

    @property
    def order_is_told(self) -> bool:
        """Is it known which columns a file without header has? True for one with a header."""
        return self.columns_in_order is None or self.columns_in_order.value is not None


@dataclass(frozen=True)
class Unreadable:
    """A sample nobody could read: a finding code, what it means and what to do next; its headings, if it has some."""

    file: str
    headings: tuple[str, ...]
    code: str
    words: str
    fix: str


@dataclass(frozen=True)
class Proposal:
    """A partner's profile for a person to look through, and the samples that told nothing."""

    partner: Statement
    name: Statement
    kind: Statement
    group: Statement
    feeds: tuple[FeedProposal, ...]
    unreadable: tuple[Unreadable, ...]

    @property
    def is_whole(self) -> bool:
        """Could every sample be read, and every mandatory column be told?"""
        complete = all(not feed.missing and feed.order_is_told for feed in self.feeds)
        return bool(self.feeds) and not self.unreadable and complete
