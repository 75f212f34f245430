"""What happened on this day, partner by partner? The digest as JSON, as text for a mail, and as a page."""

import json
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Final

from meterdrop.model.delivery import LineCounts
from meterdrop.model.reported import PartnerDay
from meterdrop.report.for_people import visible
from meterdrop.report.page import moment, number, render
from meterdrop.report.page_words import WORDS, act, delivery_state
from meterdrop.report.quarantine_page import bar, kinds
from meterdrop.report.quarantine_report import utc

MOST_DELIVERIES: Final = 20
"""Text and page name so many deliveries of a partner; JSON names them all."""

_WIDTH: Final = 100


@dataclass(frozen=True)
class Digest:
    """A day in Prague, and what came of it for each partner; `made_at` says how far the day had come."""

    day: date
    made_at: datetime
    language: str
    partners: tuple[PartnerDay, ...]


def as_json(digest: Digest) -> str:
    """One document."""
    document = {
        "digest": 1,
        "day": digest.day.isoformat(),
        "made_at": utc(digest.made_at),
        "language": digest.language,
        "partners": [_document(one, language=digest.language) for one in digest.partners],
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def as_text(digest: Digest) -> str:
    """Text for a terminal or a mail; partners of whom there is nothing to tell are named at the end."""
    words = WORDS[digest.language]
    told = [one for one in digest.partners if has_news(one)]
    made = moment(digest.made_at, language=digest.language)
    text = [f"{words['digest']} {digest.day.isoformat()} ({words['made_at']} {made})", ""]
    for one in told:
        text += [*_paragraph(one, language=digest.language), ""]
    if quiet := [one.partner for one in digest.partners if not has_news(one)]:
        text += _wrapped(f"{words['quiet']}: {', '.join(quiet)}", indent=0)
    if not digest.partners:
        text.append(words["nobody"])
    return "\n".join(text).rstrip() + "\n"


def as_page(digest: Digest) -> Iterator[str]:
    """The page in pieces."""
    yield from render(
        "digest.html.jinja",
        language=digest.language,
        script=None,
        content={
            "day": digest.day.isoformat(),
            "made_at": digest.made_at,
            "partners": [one for one in digest.partners if has_news(one)],
            "quiet": [one.partner for one in digest.partners if not has_news(one)],
            "most": MOST_DELIVERIES,
            "bar": lambda lines: bar(lines.as_dict()),
            "kinds": lambda counts: kinds(counts, language=digest.language),
            "act": lambda what: act(what, language=digest.language),
        },
    )


def has_news(one: PartnerDay) -> bool:
    """Whether there is anything to tell of this partner."""
    return bool(one.deliveries or one.corrections or one.acts or one.open_lines or one.silent)


def _document(one: PartnerDay, *, language: str) -> dict[str, object]:
    return {
        "partner": one.partner,
        "name": one.name,
        "deliveries": len(one.deliveries),
        "by_verdict": dict(one.by_state),
        "lines": one.lines.as_dict(),
        "findings_by_code": dict(one.findings_by_code),
        "findings": [
            _finding(code, language=language, counts=one.findings_by_code) for code in one.findings_by_code
        ],
        "corrections": one.corrections,
        "acts": dict(one.acts),
        "open_lines": one.open_lines,
        "oldest_open": None
        if one.oldest_open is None
        else {**asdict(one.oldest_open), "since": utc(one.oldest_open.since)},
        "last_received": None if one.last_received is None else utc(one.last_received),
        "silent": one.silent,
        "list": [asdict(each) for each in one.deliveries],
    }


def _finding(code: str, *, language: str, counts: Mapping[str, int]) -> dict[str, object]:
    (kind,) = kinds({code: counts[code]}, language=language)
    return {
        "code": code,
        "severity": kind.severity,
        "count": kind.count,
        "message": kind.message,
        "fix": kind.fix,
    }


def _paragraph(one: PartnerDay, *, language: str) -> Iterator[str]:
    words = WORDS[language]
    yield f"{visible(one.name)} ({one.partner})"
    yield from _deliveries(one, language=language)
    if one.findings_by_code:
        yield f"  {words['findings_of_day']}:"
    for kind in kinds(one.findings_by_code, language=language):
        yield from _wrapped(
            f"{number(kind.count, language=language)} × {kind.code}: {kind.message}", indent=4
        )
    if one.corrections:
        yield f"  {words['corrections']}: {number(one.corrections, language=language)}"
    if one.acts:
        done = (
            f"{act(what, language=language)} {number(count, language=language)}"
            for what, count in one.acts.items()
        )
        yield from _wrapped(f"{words['acts']}: {', '.join(done)}", indent=2)
    if one.open_lines:
        yield from _wrapped(_waiting(one, language=language), indent=2)
    if one.silent and one.last_received is not None:
        yield f"  {words['silent']}: {words['last_received']} {moment(one.last_received, language=language)}"


def _deliveries(one: PartnerDay, *, language: str) -> Iterator[str]:
    words = WORDS[language]
    if not one.deliveries:
        yield f"  {words['deliveries']}: {words['nothing']}"
        return
    states = (f"{delivery_state(state, language=language)} {count}" for state, count in one.by_state.items())
    yield f"  {words['deliveries']}: {len(one.deliveries)} ({', '.join(states)})"
    for each in one.deliveries[:MOST_DELIVERIES]:
        yield f"    {each.delivery}  {visible(each.file)}: {delivery_state(each.state, language=language)}"
    if len(one.deliveries) > MOST_DELIVERIES:
        yield f"    {words['more']}"
    yield f"  {words['lines']}: {_kinds_of_lines(one.lines, language=language)}"


def _kinds_of_lines(lines: LineCounts, *, language: str) -> str:
    words = WORDS[language]
    counts = lines.as_dict()
    physical = number(counts.pop("physical"), language=language)
    parts = (f"{words[name]} {number(count, language=language)}" for name, count in counts.items() if count)
    return f"{physical} ({', '.join(parts)})"


def _waiting(one: PartnerDay, *, language: str) -> str:
    words = WORDS[language]
    waiting = f"{words['waiting']}: {number(one.open_lines, language=language)}"
    if one.oldest_open is None:
        return waiting
    oldest = words["oldest"].format(
        line=number(one.oldest_open.line, language=language),
        file=visible(one.oldest_open.file),
        delivery=one.oldest_open.delivery,
        since=moment(one.oldest_open.since, language=language),
    )
    return f"{waiting}; {oldest}"


def _wrapped(text: str, *, indent: int) -> list[str]:
    return textwrap.wrap(
        text,
        width=_WIDTH,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + 2),
        break_long_words=False,
        break_on_hyphens=False,
    )
