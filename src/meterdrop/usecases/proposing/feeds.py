"""What do the samples of one feed say together?"""

from collections.abc import Iterator, Mapping, Sequence

from meterdrop.detect.propose import Certainty, Statement, agreed, counted, guess, sure
from meterdrop.detect.propose_names import propose_file_names
from meterdrop.detect.propose_value_kind import propose_value_kind
from meterdrop.model.feed import Feed, Target, Type
from meterdrop.parse.cells import READING_DAY, READING_VALUE
from meterdrop.parse.cells_cast import matches
from meterdrop.usecases.proposing.columns import Told, heading_proposals, units_in_headings
from meterdrop.usecases.proposing.days import (
    TOLERATED,
    propose_date_forms,
    propose_date_means,
    sentinels_of,
)
from meterdrop.usecases.proposing.forms import propose_header, propose_order, propose_preamble
from meterdrop.usecases.proposing.looks import CASTERS, day_failures, failures
from meterdrop.usecases.proposing.proposal import FeedProposal, HeadingProposal, Refused
from meterdrop.usecases.proposing.radio import SERIAL, propose_radio_is_name
from meterdrop.usecases.proposing.sample import Cells, joined
from meterdrop.usecases.proposing.words import propose_words

_UNREAD = frozenset({Type.TEXT, Type.UNIT, Type.CHOICE, Type.CHOICES, Type.FLAG})
"""Types of column that refuse nothing, or whose refused words are told as words."""


def cells_by_column(samples: Sequence[Told]) -> dict[str, Cells]:
    """All cells of each column that a heading was told for."""
    parts: dict[str, list[Cells]] = {}
    for told in samples:
        for column, cells in zip(told.columns, told.sample.cells, strict=False):
            if column is not None:
                parts.setdefault(column, []).append(cells)
    return {column: joined(cells) for column, cells in parts.items()}


def propose_feed(
    samples: Sequence[Told], *, others: Sequence[str], register: Mapping[str, Cells]
) -> FeedProposal:
    """One feed's part of the profile. `others` are the names of the other feeds' samples; `register` has the cells
    of the register's samples by column, if there are any.
    """
    feed = samples[0].candidate.feed
    names = tuple(told.sample.file for told in samples)
    cells = cells_by_column(samples)
    headed = [told for told in samples if told.sample.headed]
    headings, more_headings = heading_proposals(headed)
    words, more_words = propose_words(feed, cells)
    missing = tuple(dict.fromkeys(name for told in samples for name in told.candidate.missing))
    days = {name: each for name, each in cells.items() if _is(feed, name, Type.DAY)}
    forms = propose_date_forms(days, sentinels=sentinels_of(feed)) if days else None
    return FeedProposal(
        feed=next((told.feed for told in samples if told.feed.certainty is Certainty.GUESS), samples[0].feed),
        files=names,
        file_names=propose_file_names(names, others=others),
        encoding=agreed([told.sample.encoding for told in samples], what="encoding"),
        separator=agreed([told.sample.separator for told in samples], what="separator"),
        header=propose_header(samples),
        columns_in_order=propose_order(samples),
        preamble=propose_preamble(samples),
        footer=next((told.sample.footer for told in samples if told.sample.footer is not None), None),
        headings=headings,
        headings_left_out=more_headings,
        missing=missing if headed else (),
        absent=tuple(each.name for each in feed.columns if each.name not in {*cells, *missing}),
        heading_units=tuple(
            sure(unit, f"the heading {heading} names it")
            for heading, unit in dict.fromkeys(pair for told in samples for pair in units_in_headings(told))
        ),
        words=words,
        words_left_out=more_words,
        decimal_mark=_decimal_mark(feed, cells),
        date_forms=forms,
        date_means=_date_means(feed, cells, forms=_forms(forms)),
        value_kind=_value_kind(feed, headings),
        radio_is_name=propose_radio_is_name(
            feed, cells, heading=_heading_of(SERIAL, headings), register=register
        ),
        refused=tuple(_refused(feed, cells, headings=headings, forms=_forms(forms))),
    )


def _is(feed: Feed, name: str, kind: Type) -> bool:
    column = feed.column(name)
    return column.type is kind and not column.kept_in_original


def _forms(statement: Statement | None) -> tuple[str, ...]:
    """The forms the proposed profile would read."""
    told = None if statement is None else statement.value
    return told if isinstance(told, tuple) else TOLERATED


def _date_means(feed: Feed, cells: Mapping[str, Cells], *, forms: tuple[str, ...]) -> Statement | None:
    if feed.target is not Target.READINGS or READING_DAY not in cells:
        return None
    return propose_date_means(cells[READING_DAY], forms=forms, sentinels=sentinels_of(feed))


def _value_kind(feed: Feed, headings: Sequence[HeadingProposal]) -> Statement | None:
    if feed.target is not Target.READINGS:
        return None
    return propose_value_kind(each.heading for each in headings if each.column == READING_VALUE)


def _decimal_mark(feed: Feed, cells: Mapping[str, Cells]) -> Statement | None:
    """Which mark stands last before decimals? A lone one always is the decimal mark (FEEDS)."""
    numbers = [each for name, each in cells.items() if _is(feed, name, Type.DECIMAL)]
    if not numbers:
        return None
    commas, points = (
        sum(each.how_many(matches(each.text, f"-?[0-9][^a-zA-Z]*{mark}[0-9]+")) for each in numbers)
        for mark in ("[,]", "[.]")
    )
    if commas and points:
        return sure("comma and point", f"{commas} numbers have a comma, {points} a point; both are read")
    if commas or points:
        return sure(
            "comma" if commas else "point", f"met in {counted(commas or points, 'number')}, the other in none"
        )
    return guess(None, "only whole numbers were met")


def _heading_of(column: str, headings: Sequence[HeadingProposal]) -> str:
    return next((each.heading for each in headings if each.column == column), column)


def _refused(
    feed: Feed,
    cells: Mapping[str, Cells],
    *,
    headings: Sequence[HeadingProposal],
    forms: tuple[str, ...],
) -> Iterator[Refused]:
    for column in feed.columns:
        if column.name not in cells or column.type in _UNREAD or column.kept_in_original:
            continue
        each = cells[column.name]
        failed = (
            failures(each, column=column)
            if column.type in CASTERS
            else day_failures(each, column=column, forms=forms, sentinels=sentinels_of(feed))
        )
        for code, mask in failed.items():
            yield Refused(
                heading=_heading_of(column.name, headings), code=code.value, cells=each.how_many(mask)
            )
