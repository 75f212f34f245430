"""Why could a sample not be read, and what may the operator do? Partners get other words in their receipts."""

from collections.abc import Mapping, Sequence
from typing import Final

from meterdrop.model.codes import Code
from meterdrop.model.errors import CannotRead
from meterdrop.model.feed import Feed
from meterdrop.usecases.proposing.proposal import Unreadable

_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    Code.FILE_EMPTY: ("it holds nothing to look at", "Take a sample with at least some lines of data."),
    Code.FILE_BINARY: (
        "it is no text, but a spreadsheet, an archive or a picture",
        "Ask the partner for CSV; in Excel: Save As, CSV UTF-8.",
    ),
    Code.FILE_ENCODING: (
        "its encoding can't be told",
        "Ask the partner for UTF-8, or for UTF-16 with a byte order mark.",
    ),
    Code.FILE_NO_HEADER: (
        "no line of it looks like headings (one over 64 KiB never does), and its cells do not tell what they are",
        "If the partner sends no headings, say `header: none` and `columns_in_order` by hand (schemas/README.md).",
    ),
    Code.FILE_DUPLICATE_COLUMN: (
        "two headings are the same",
        "Ask the partner which of them counts; such files are refused.",
    ),
}
_MOST_HEADINGS: Final = 20
_LONGEST: Final = 40


def unreadable_sample(
    file: str, problem: CannotRead, *, headings: Sequence[str], feeds: Mapping[str, Feed]
) -> Unreadable:
    """The sample with its reason in an operator's words; `headings` as far as there are some."""
    code = problem.code
    if code == Code.FILE_UNKNOWN_FEED and not headings and problem.value is None:
        code = Code.FILE_NO_HEADER
    words, fix = _WORDS.get(code) or _of_no_feed(problem, headings=headings, feeds=feeds)
    if problem.code == Code.FILE_DUPLICATE_COLUMN:
        words = f"{words}: {problem.value}"
    return Unreadable(file=file, headings=tuple(headings), code=str(code), words=f"{words}.", fix=fix)


def _of_no_feed(
    problem: CannotRead, *, headings: Sequence[str], feeds: Mapping[str, Feed]
) -> tuple[str, str]:
    wanted = "; ".join(
        f"{name} ({', '.join(feed.mandatory)})" for name, feed in feeds.items() if feed.mandatory
    )
    fix = f"The feeds must have: {wanted}. Write the aliases by hand, or a feed of your own (schemas/README.md)."
    if problem.value is not None:
        return f"it fits several feeds alike: {problem.value}", fix
    shown = ", ".join(
        heading if len(heading) <= _LONGEST else f"{heading[:_LONGEST]}…"
        for heading in headings[:_MOST_HEADINGS]
    )
    more = len(headings) - _MOST_HEADINGS
    return (
        f"too few of its headings are known to any feed: {shown}" + (f" and {more} more" if more > 0 else ""),
        fix,
    )
