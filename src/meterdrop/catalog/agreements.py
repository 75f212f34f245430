"""What did we agree with one partner about one feed? The feed with the partner's habits laid over it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Final

from meterdrop.catalog.dated import Dated, in_force, rules_over
from meterdrop.catalog.forms import form_of
from meterdrop.catalog.partner_file import Habits
from meterdrop.catalog.rules import RULES
from meterdrop.catalog.strictly import Problems, shaped
from meterdrop.model.feed import Agreement, Column, Feed
from meterdrop.model.spelling import fold, heading_key

RULES_VERSION: Final = 3
"""Raise it when the code that casts or judges changes what it decides: it is part of every fingerprint."""

_key = lru_cache(maxsize=4096)(heading_key)
_folded = lru_cache(maxsize=4096)(fold)
"""The same words of feeds come up for every partner; they are our own, so they may be kept."""

_NOT_JUDGING: Final = frozenset({"partner", "language", "fingerprint", "file_names", "folders"})


def tolerant(feed: Dated[Feed]) -> Dated[Agreement]:
    """The agreement with a partner we know nothing of, not even the name: whatever FEEDS calls unambiguous."""
    return Dated(
        sealed(Agreement(partner="", feed=feed.first)),
        tuple((day, sealed(Agreement(partner="", feed=each, valid_from=day))) for day, each in feed.later),
    )


def agreed(
    feed: Dated[Feed], habits: Dated[Habits], *, partner: str, kind: str, language: str
) -> Dated[Agreement]:
    """The feed as this partner sends it, with a version from each day on which either changes.

    On every day the partner's own words win over the feed's, whichever of them was said later.
    """
    days = sorted({*feed.days, *habits.days})
    named = habits.first.valid_from  # names the first version, which also judges what came before that day

    def version(day: date | None) -> Agreement:
        return laid_over(
            feed.first if day is None else feed.on(day),
            habits.first if day is None else habits.on(day),
            partner=partner,
            kind=kind,
            language=language,
            valid_from=day or (named if not days or named is None or named < days[0] else None),
        )

    return Dated(version(None), tuple((day, version(day)) for day in days))


def laid_over(
    feed: Feed, habits: Habits, *, partner: str, kind: str, language: str, valid_from: date | None
) -> Agreement:
    """One version of both. The habits must have been checked (`problems_of_partner`)."""
    hold = habits.hold_above
    own = replace(
        feed,
        columns=tuple(_column(column, habits=habits) for column in feed.columns),
        hold_above_share=feed.hold_above_share if hold is None else hold.share,
        hold_above_lines=feed.hold_above_lines if hold is None else hold.lines,
        form=form_of(habits, over=feed.form, in_order=habits.columns_in_order),
        rules=in_force(rules_over(feed.rules, habits.rules)),
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
            valid_from=valid_from,
        )
    )


def check_rules(feed: Dated[Feed], habits: Dated[Habits], *, file: Path, problems: Problems) -> None:
    """Whether the feed's rules with this partner's laid over them make sense, on every day."""
    told: set[str] = set()
    for day in (None, *sorted({*feed.days, *habits.days})):
        of_feed = feed.first if day is None else feed.on(day)
        of_partner = habits.first if day is None else habits.on(day)
        found = Problems()
        shaped(
            in_force(rules_over(of_feed.rules, of_partner.rules)),
            shape=RULES[of_feed.target],
            file=file,
            key=f"feeds.{of_feed.name}.rules",
            problems=found,
        )
        new = [problem for problem in found.told if problem not in told]
        told.update(new)
        problems.told.extend(problem if day is None else f"{problem} (from {day} on)" for problem in new)


def sealed(agreement: Agreement) -> Agreement:
    """The agreement with the fingerprint of everything in it that judges a line."""
    judging = {key: value for key, value in vars(agreement).items() if key not in _NOT_JUDGING}
    text = json.dumps(
        {"rules_version": RULES_VERSION, **judging}, sort_keys=True, ensure_ascii=False, default=_plain
    )
    return replace(agreement, fingerprint=hashlib.sha256(text.encode()).hexdigest())


def _plain(value: object) -> object:
    """What JSON knows no word for; the words of our own by their fields, uncopied, for there are many."""
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    return str(value)


def _column(column: Column, *, habits: Habits) -> Column:
    """The partner's headings and words win over the feed's own, also where these mean another column."""
    taken = {
        _key(heading)
        for name, headings in habits.aliases.items()
        for heading in headings
        if name != column.name
    } | {_key(heading) for heading in habits.ignored}
    aliases = (*column.aliases, *habits.aliases.get(column.name, ()))
    mine = habits.words.get(column.name, {})
    said = {_folded(word) for word in mine}
    return replace(
        column,
        aliases=tuple(dict.fromkeys(alias for alias in aliases if _key(alias) not in taken)),
        words={**_without(column.words, said), **mine},
    )


def _without(words: Mapping[str, str], said: set[str]) -> dict[str, str]:
    return {word: ours for word, ours in words.items() if _folded(word) not in said}
