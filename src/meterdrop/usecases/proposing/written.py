"""How is a proposal written as a partner's YAML? Each line says how sure it is, and why."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from meterdrop.detect.propose import Statement, counted
from meterdrop.usecases.proposing.proposal import FeedProposal, HeadingProposal, Proposal, WordProposal

_LONGEST: Final = 60
"""Of a heading or word in a comment so much is shown."""

_PLAIN: Final = re.compile(r"[a-z][a-z0-9_-]*")
_NOT_PLAIN: Final = frozenset({"true", "false", "null"})


def written(proposal: Proposal) -> str:
    """The profile in the format of schemas/README.md; what must be filled in stands in comments."""
    return "\n".join(_lines(proposal)) + "\n"


def _lines(proposal: Proposal) -> Iterator[str]:
    yield "# A proposal from sample files. Look through it, fill in what is left open, and save it in Meterdrop's home as"
    yield f"# schemas/partners/{proposal.partner.value}.yaml; then: meterdrop check, and meterdrop profile try"
    for unread in proposal.unreadable:
        yield f"# not read: {_shown(unread.file)}: {unread.code}: {_plain(unread.words)} {_plain(unread.fix)}"
    yield from _line("partner", proposal.partner)
    yield from _line("name", proposal.name)
    yield from _line("kind", proposal.kind)
    yield from _line("group", proposal.group)
    yield "feeds:" if proposal.feeds else "# feeds: no sample told any; while none is named, all are expected"
    for feed in proposal.feeds:
        yield f"  {feed.feed.value}:  # {feed.feed.certainty}: {_plain(feed.feed.reason)}"
        yield from (f"    {line}" for line in _feed_lines(feed))


def _feed_lines(feed: FeedProposal) -> Iterator[str]:
    yield f"# samples: {', '.join(_shown(name) for name in feed.files)}"
    yield from _line("file_names", feed.file_names)
    if feed.columns_in_order is not None and feed.file_names.value is None:
        yield "# folders: []  # to fill in: files without header are told by their name or folder only"
    yield from _line("encoding", feed.encoding)
    yield from _line("separator", feed.separator)
    yield from _line("header", feed.header)
    yield from _line("columns_in_order", feed.columns_in_order)
    yield from _line("preamble", feed.preamble)
    if feed.footer is not None:
        words, why = feed.footer.value, f"# {feed.footer.certainty}: {_plain(feed.footer.reason)}"
        yield f"footer: {{starts_with: {_value(words or ())}}}  {why}"
    yield from _headings(feed)
    yield from _words(feed)
    for unit in feed.heading_units:
        yield f"# unit in a heading: {unit.value}  # {unit.certainty}: {_plain(unit.reason)}"
    if feed.decimal_mark is not None:
        mark = feed.decimal_mark
        yield f"# decimal mark: {mark.value or 'not met'}  # {mark.certainty}: {_plain(mark.reason)}"
    yield from _line("date_forms", feed.date_forms)
    yield from _line("date_means", feed.date_means)
    yield from _line("value_kind", feed.value_kind)
    yield from _line("radio_is_name", feed.radio_is_name)
    for refused in feed.refused:
        yield f"# refused as it stands: {counted(refused.cells, 'cell')} under {_shown(refused.heading)}: {refused.code}"


def _headings(feed: FeedProposal) -> Iterator[str]:
    for each in feed.headings:
        if each.known:
            yield f"# {_shown(each.heading)} is {each.column}  # {each.certainty}: {_plain(each.reason)}"
    guessed = [each for each in feed.headings if each.column is not None and not each.known]
    yield from _aliases(feed, guessed)
    ignored = [each for each in feed.headings if each.ignored]
    if ignored:
        yield "ignored:"
        yield from (f"  - {_quoted(each.heading)}  {_why(each)}" for each in ignored)
        yield (
            f"  # or an alias of one of: {', '.join(feed.absent)}" if feed.absent else "  # no column is left"
        )
    if feed.headings_left_out:
        yield f"# and {feed.headings_left_out} more unknown headings"


def _aliases(feed: FeedProposal, guessed: Sequence[HeadingProposal]) -> Iterator[str]:
    open_ = [each for each in feed.headings if each.column is None and not each.ignored]
    by_column: dict[str, list[HeadingProposal]] = {}
    for each in guessed:
        by_column.setdefault(str(each.column), []).append(each)
    if by_column:
        yield "aliases:"
    elif feed.missing:
        yield "# aliases:"
    for column, headings in by_column.items():
        told = ", ".join(_quoted(each.heading) for each in headings)
        yield f"  {column}: [{told}]  {_why(headings[0])}"
    for name in feed.missing:
        yield f'#   {name}: ["?"]  # to fill in: the heading that is {name}; without it every file is refused'
    for each in open_:
        yield f"#   {_shown(each.heading)}  {_why(each)}"


def _words(feed: FeedProposal) -> Iterator[str]:
    by_column: dict[str, list[WordProposal]] = {}
    for word in feed.words:
        by_column.setdefault(word.column, []).append(word)
    any_told = any(word.means is not None for word in feed.words)
    if by_column:
        yield "words:" if any_told else "# words:"
    for column, words in by_column.items():
        told = any(word.means is not None for word in words)
        yield f"  {column}:" if told else f"#   {column}:"
        for word in words:
            cells = counted(word.cells, "cell")
            if word.means is None:
                yield f"#     {_shown(word.word)}: ?  # to fill in ({cells}): {_plain(word.reason)}"
            else:
                yield f"    {_quoted(word.word)}: {_quoted(word.means)}  # guess ({cells}): {_plain(word.reason)}"
    if feed.words_left_out:
        yield f"# and {feed.words_left_out} more unknown words"


def _line(key: str, statement: Statement | None) -> Iterator[str]:
    if statement is None:
        return
    why = f"# {statement.certainty}: {_plain(statement.reason)}"
    yield f"# {key}:  {why}" if statement.value is None else f"{key}: {_value(statement.value)}  {why}"


def _why(each: HeadingProposal) -> str:
    return f"# {each.certainty}: {_plain(each.reason)}"


def _value(value: str | int | bool | tuple[str, ...]) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return value if _PLAIN.fullmatch(value) and value not in _NOT_PLAIN else _quoted(value)
    return f"[{', '.join(_value(each) for each in value)}]"


def _shown(text: str) -> str:
    """A text in quotes for a comment, shortened."""
    return _quoted(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…")


def _quoted(text: str) -> str:
    """A YAML text in double quotes; what can't be printed is escaped."""
    return f'"{"".join(_escaped(letter) for letter in text)}"'


def _escaped(letter: str) -> str:
    if letter in '"\\':
        return f"\\{letter}"
    if letter.isprintable():
        return letter
    return f"\\U{ord(letter):08x}"


def _plain(text: str) -> str:
    """A sentence on one line."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
