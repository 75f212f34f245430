"""Which column is each heading of the samples, and which headings can be ignored?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from meterdrop.detect.headings import unit_taken_out
from meterdrop.detect.propose import Certainty, Statement
from meterdrop.detect.propose_columns import Seen, guess_columns, missing_columns
from meterdrop.detect.propose_feed import Candidate, tell_feed
from meterdrop.model.codes import Code
from meterdrop.model.errors import CannotRead
from meterdrop.model.feed import Feed, Type
from meterdrop.model.spelling import heading_key
from meterdrop.usecases.proposing.looks import look, whose_words
from meterdrop.usecases.proposing.proposal import HeadingProposal
from meterdrop.usecases.proposing.sample import Sample

MOST_HEADINGS: Final = 50
"""So many unknown headings of a feed are told."""

_MOST_LOOKED_AT: Final = 100
"""Of so many unknown headings the cells are looked at."""


@dataclass(frozen=True)
class Told:
    """A sample whose feed is told. `columns` names our column by place; None: not known, or told twice."""

    sample: Sample
    candidate: Candidate
    feed: Statement
    columns: tuple[str | None, ...]
    twice: frozenset[int]
    """Places of headings that mean a column another heading of the file means better."""


def tell(sample: Sample, *, feeds: Mapping[str, Feed]) -> Told:
    """The sample's feed and columns.

    CannotRead: `file.no-header`, `file.unknown-feed`, `file.duplicate-column` (the same heading twice).
    """
    seen = _looks(sample)
    candidate, feed = tell_feed([_candidate(sample, feed=each, seen=seen) for each in feeds.values()])
    own = len(candidate.header.headings) - candidate.header.rejects_cells
    columns = [
        candidate.guesses[place].column if place in candidate.guesses else column
        for place, column in enumerate(candidate.header.columns[:own])
    ]
    twice = _told_twice(columns, headings=candidate.header.headings)
    for place in twice:
        columns[place] = None
    return Told(sample=sample, candidate=candidate, feed=feed, columns=tuple(columns), twice=frozenset(twice))


def heading_proposals(samples: Sequence[Told]) -> tuple[tuple[HeadingProposal, ...], int]:
    """What each heading of a feed's samples is, and how many unknown ones are not told.

    An unknown heading is ignored, unless a mandatory column is missing: it may be that one.
    """
    found: dict[str, HeadingProposal] = {}
    incomplete = any(told.candidate.missing for told in samples)
    for told in samples:
        for place, column in enumerate(told.columns):
            heading = told.candidate.header.headings[place]
            if heading.strip():
                proposal = _proposal(told, place=place, column=column, incomplete=incomplete)
                found.setdefault(heading_key(heading) or heading, proposal)
    known = [proposal for proposal in found.values() if proposal.column is not None]
    unknown = [proposal for proposal in found.values() if proposal.column is None]
    return (*known, *unknown[:MOST_HEADINGS]), max(0, len(unknown) - MOST_HEADINGS)


def units_in_headings(told: Told) -> Iterator[tuple[str, str]]:
    """Heading and unit of those headings of our columns that name one."""
    for heading, column in zip(told.candidate.header.headings, told.columns, strict=False):
        unit = unit_taken_out(heading)[1]
        if column is not None and unit is not None:
            yield heading, unit


def _looks(sample: Sample) -> list[Seen]:
    """What the cells look like under headings that some feed does not know."""
    headers = list(sample.headers.values())
    looks: list[Seen] = []
    looked_at = 0
    for place, heading in enumerate(headers[0].headings):
        unknown = bool(heading) and any(header.columns[place] is None for header in headers)
        looked_at += unknown
        bare = unit_taken_out(heading)[0]
        worth = unknown and looked_at <= _MOST_LOOKED_AT
        looks.append(look(bare, sample.cells[place]) if worth else Seen(bare))
    return looks


def _candidate(sample: Sample, *, feed: Feed, seen: Sequence[Seen]) -> Candidate:
    header = sample.headers[feed.name]
    own = len(header.headings) - header.rejects_cells
    columns = header.columns[:own]
    mine = [
        replace(each, words=whose_words(cells, feed=feed)) if column is None and each.filled else each
        for column, each, cells in zip(columns, seen, sample.cells, strict=False)
    ]
    with_unit = any(unit_taken_out(heading)[1] for heading in header.headings[:own])
    given = frozenset(column.name for column in feed.columns if with_unit and column.type is Type.UNIT)
    guesses = guess_columns(feed, columns=columns, seen=mine, given=given)
    return Candidate(
        feed=feed,
        header=header,
        guesses=guesses,
        missing=missing_columns(feed, columns, guesses, given),
    )


def _told_twice(columns: Sequence[str | None], *, headings: Sequence[str]) -> list[int]:
    """Of headings that mean one column our own name counts, else the first; the others' places."""
    by_column: dict[str, list[int]] = {}
    for place, column in enumerate(columns):
        if column is not None:
            by_column.setdefault(column, []).append(place)
    others: list[int] = []
    for column, places in by_column.items():
        keys = [heading_key(headings[place]) for place in places]
        if len(set(keys)) < len(keys):
            same = ", ".join(headings[place] for place in places)
            raise CannotRead(Code.FILE_DUPLICATE_COLUMN, column=column, value=same)
        kept = keys.index(heading_key(column)) if heading_key(column) in keys else 0
        others += [place for number, place in enumerate(places) if number != kept]
    return others


def _proposal(told: Told, *, place: int, column: str | None, incomplete: bool) -> HeadingProposal:
    heading = told.candidate.header.headings[place]
    if column is None:
        return _unknown(heading, twice=place in told.twice, incomplete=incomplete)
    guessed = told.candidate.guesses.get(place)
    if guessed is not None:
        bare = unit_taken_out(heading)[0]
        return _heading(bare, column=column, certainty=Certainty.GUESS, reason=guessed.reason)
    return _heading(heading, column=column, known=True, reason="the feed knows the heading")


def _unknown(heading: str, *, twice: bool, incomplete: bool) -> HeadingProposal:
    usable = bool(heading_key(heading)) and heading.isprintable()
    guessed = Certainty.GUESS
    if twice:
        return _heading(
            heading, ignored=usable, certainty=guessed, reason="another heading means the same column"
        )
    if incomplete or not usable:
        return _heading(heading, certainty=guessed, reason="unknown; name the column it is, or ignore it")
    return _heading(
        heading, ignored=True, certainty=guessed, reason="unknown, and no mandatory column is missing"
    )


def _heading(
    heading: str,
    *,
    column: str | None = None,
    known: bool = False,
    ignored: bool = False,
    certainty: Certainty = Certainty.SURE,
    reason: str,
) -> HeadingProposal:
    return HeadingProposal(
        heading=heading, column=column, known=known, ignored=ignored, certainty=certainty, reason=reason
    )
