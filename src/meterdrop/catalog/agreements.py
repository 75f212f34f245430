"""What did we agree with one partner about one feed? The feed with the partner's habits laid over it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

from meterdrop.catalog.partner_file import Habits
from meterdrop.catalog.rules import RULES
from meterdrop.catalog.strictly import Problems, shaped
from meterdrop.model.feed import Agreement, Column, Feed
from meterdrop.model.spelling import fold, heading_key

RULES_VERSION: Final = 1
"""Raise it when the code that casts or judges changes what it decides: it is part of every fingerprint."""

_NOT_JUDGING: Final = frozenset({"partner", "language", "fingerprint", "file_names", "folders"})


def tolerant(feed: Feed, *, partner: str, language: str) -> Agreement:
    """The agreement with a partner we know nothing of: whatever FEEDS calls unambiguous."""
    return sealed(Agreement(partner=partner, feed=feed, language=language))


def laid_over(feed: Feed, habits: Habits, *, partner: str, kind: str, language: str) -> Agreement:
    """The feed as this partner sends it. The habits must have been checked (`problems_of_partner`)."""
    hold = habits.hold_above
    own = replace(
        feed,
        columns=tuple(_column(column, habits=habits) for column in feed.columns),
        hold_above_share=feed.hold_above_share if hold is None else hold.share,
        hold_above_lines=feed.hold_above_lines if hold is None else hold.lines,
        rules={**feed.rules, **habits.rules},
    )
    return sealed(
        Agreement(
            partner=partner,
            feed=own,
            language=language,
            kind=kind,
            file_names=tuple(habits.file_names),
            folders=tuple(habits.folders),
            encoding=habits.encoding,
            separator="\t" if habits.separator == "tab" else habits.separator,
            date_forms=tuple(habits.date_forms),
            date_means=habits.date_means,
            value_kind=habits.value_kind,
            radio_is_name=habits.radio_is_name,
            ignored=tuple(habits.ignored),
            max_bytes=habits.limits.bytes,
            max_lines=habits.limits.lines,
            valid_from=habits.valid_from,
        )
    )


def check_rules(feed: Feed, habits: Habits, *, file: Path, problems: Problems) -> None:
    """Whether the feed's rules with this partner's laid over them make sense."""
    shaped(
        {**feed.rules, **habits.rules},
        shape=RULES[feed.target],
        file=file,
        key=f"feeds.{feed.name}.rules",
        problems=problems,
    )


def sealed(agreement: Agreement) -> Agreement:
    """The agreement with the fingerprint of everything in it that judges a line."""
    judging = {key: value for key, value in asdict(agreement).items() if key not in _NOT_JUDGING}
    text = json.dumps(
        {"rules_version": RULES_VERSION, **judging}, sort_keys=True, ensure_ascii=False, default=str
    )
    return replace(agreement, fingerprint=hashlib.sha256(text.encode()).hexdigest())


def _column(column: Column, *, habits: Habits) -> Column:
    """The partner's headings and words win over the feed's own, also where these mean another column."""
    taken = {
        heading_key(heading)
        for name, headings in habits.aliases.items()
        for heading in headings
        if name != column.name
    } | {heading_key(heading) for heading in habits.ignored}
    aliases = (*column.aliases, *habits.aliases.get(column.name, ()))
    mine = habits.words.get(column.name, {})
    said = {fold(word) for word in mine}
    return replace(
        column,
        aliases=tuple(dict.fromkeys(alias for alias in aliases if heading_key(alias) not in taken)),
        words={**_without(column.words, said), **mine},
    )


def _without(words: Mapping[str, str], said: set[str]) -> dict[str, str]:
    return {word: ours for word, ours in words.items() if fold(word) not in said}
