"""What may stand in `schemas/feeds/<feed>.yaml`, and the Feed that comes of it."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from meterdrop.catalog import checks
from meterdrop.catalog.dated import Dated, in_force, problems_of_days, rules_over
from meterdrop.catalog.forms import FormWords, form_of, problem_of_heading, problems_of_form
from meterdrop.catalog.rules import RULES
from meterdrop.catalog.strictly import Problems, Strict, read, shaped
from meterdrop.catalog.targets import NEEDED
from meterdrop.catalog.vocabulary import problems_of_words, vocabulary, words_of
from meterdrop.model.codes import Code, severity_of
from meterdrop.model.feed import Check, Column, Feed, Target, Type
from meterdrop.model.form import Form
from meterdrop.model.spelling import heading_key

NAME: Final = re.compile(r"[a-z][a-z0-9_]*")

_BESIDE: Final = {
    Type.SERIAL: ("_key",),
    Type.DECIMAL: ("_sent",),
    Type.DAY: ("_sent",),
    Type.UNIT: ("_canonical", "_factor", "_dimension", "_given"),
}
"""The columns that casting puts beside a column of this type."""


class HoldAbove(Strict):
    """More bad lines than this share and than this number hold the delivery."""

    share: Annotated[float, Field(ge=0, le=1)] = 0.2
    lines: Annotated[int, Field(ge=0)] = 20


class CheckWords(BaseModel):
    """A check by its pandera name; its other keys are its arguments (judged by `checks`)."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)

    check: str
    code: Annotated[Code | None, Field(strict=False)] = None

    @property
    def given(self) -> dict[str, object]:
        """The arguments as written."""
        return dict(self.model_extra or {})


class ColumnWords(Strict):
    """One column as written."""

    type: Annotated[Type, Field(strict=False)]
    mandatory: bool = False
    filled: bool = False
    aliases: list[str] = Field(default_factory=list)
    max_length: Annotated[int, Field(ge=1, le=65536)] = 255
    choices: list[str] = Field(default_factory=list)
    words: dict[str, str] = Field(default_factory=dict)
    word_code: Annotated[Code, Field(strict=False)] = Code.CELL_NOT_ALLOWED
    default: str | None = None
    kept_in_original: bool = False
    checks: list[CheckWords] = Field(default_factory=list)


class FeedChange(Strict):
    """What is different from a day on. `hold_above` is replaced as a whole, `rules` as of `rules_over`."""

    valid_from: date
    hold_above: HoldAbove | None = None
    rules: dict[str, object] = Field(default_factory=dict)


class FeedFile(FormWords):
    """The whole file."""

    feed: str
    target: Annotated[Target, Field(strict=False)]
    note: str = ""
    hold_above: HoldAbove = HoldAbove()
    columns: Annotated[dict[str, ColumnWords], Field(min_length=1, max_length=500)]
    rules: dict[str, object] = Field(default_factory=dict)
    changes: list[FeedChange] = Field(default_factory=list)


def read_feed(file: Path, *, problems: Problems) -> Dated[Feed] | None:
    """The file's feed with its versions, or None with every problem told."""
    written = read(file, shape=FeedFile, problems=problems)
    if written is None:
        return None
    before = len(problems.told)
    for key, problem in (*_of_file(written, name=file.stem), *_of_columns(written)):
        problems.tell(file=file, key=key, problem=problem)
    rules = shaped(written.rules, shape=RULES[written.target], file=file, key="rules", problems=problems)
    if rules is None or len(problems.told) > before:
        return None
    first = Feed(
        name=written.feed,
        target=written.target,
        columns=tuple(_column(name, words) for name, words in written.columns.items()),
        hold_above_share=written.hold_above.share,
        hold_above_lines=written.hold_above.lines,
        form=form_of(written, over=Form()),
        rules=rules.model_dump(),
    )
    later = _later(written, first=first, file=file, problems=problems)
    return None if len(problems.told) > before else Dated(first, later)


def _later(
    written: FeedFile, *, first: Feed, file: Path, problems: Problems
) -> tuple[tuple[date, Feed], ...]:
    """The versions after the first, each laid over the one before; their problems are told."""
    for place, problem in problems_of_days([change.valid_from for change in written.changes]):
        problems.tell(file=file, key=f"changes.{place}.valid_from", problem=problem)
    versions: list[tuple[date, Feed]] = []
    now = first
    for place, change in enumerate(written.changes):
        key = f"changes.{place}"
        if change.model_fields_set <= {"valid_from"}:
            problems.tell(file=file, key=key, problem="changes nothing: say rules or hold_above")
        rules = shaped(
            in_force(rules_over(now.rules, change.rules)),
            shape=RULES[first.target],
            file=file,
            key=f"{key}.rules",
            problems=problems,
        )
        if rules is not None:
            hold = change.hold_above
            now = replace(
                now,
                hold_above_share=now.hold_above_share if hold is None else hold.share,
                hold_above_lines=now.hold_above_lines if hold is None else hold.lines,
                rules=rules.model_dump(),
            )
        versions.append((change.valid_from, now))
    return tuple(versions)


def _of_file(written: FeedFile, *, name: str) -> Iterator[tuple[str, str]]:
    if not NAME.fullmatch(written.feed):
        yield "feed", f"{written.feed!r} must be small letters, digits and _"
    if written.feed != name:
        yield "feed", f"{written.feed!r} must be the file's name, {name!r}"
    yield from problems_of_form(written, over=Form())
    for column, kind in NEEDED[written.target].items():
        words = written.columns.get(column)
        if words is None:
            yield "columns", f"a feed of target {written.target.value} needs the column {column}"
        elif words.type is not kind or words.kept_in_original:
            yield f"columns.{column}.type", f"must be {kind.value} in a feed of target {written.target.value}"


def _of_columns(written: FeedFile) -> Iterator[tuple[str, str]]:
    headings: dict[str, str] = {}
    for name, column in written.columns.items():
        for heading in (name, *column.aliases):
            other = headings.setdefault(heading_key(heading), name)
            if other != name:
                yield f"columns.{name}.aliases", f"{heading!r} is a heading of {other} too"
            if not heading_key(heading):
                yield f"columns.{name}.aliases", f"{heading!r} has neither letter nor digit"
            problem = problem_of_heading(heading)
            if problem is not None:
                yield f"columns.{name}.aliases", problem
        for key, problem in (*_of_column(name, column), *_of_checks(column)):
            yield f"columns.{name}.{key}".rstrip("."), problem
    typed = Counter(made for name, column in written.columns.items() for made in _made(name, column))
    for made, times in typed.items():
        if times > 1 or made == "line":
            yield f"columns.{made}", "is a name that Meterdrop uses itself; choose another"


def _made(name: str, column: ColumnWords) -> tuple[str, ...]:
    return (name, *(f"{name}{tail}" for tail in _BESIDE.get(column.type, ())))


def _of_column(name: str, column: ColumnWords) -> Iterator[tuple[str, str]]:
    if not name.strip() or name.startswith("_"):
        yield "", "a column's name is not empty and does not begin with _"
    if column.kept_in_original and (column.filled or column.checks or column.words or column.default):
        yield "kept_in_original", "its cells are not read: no filled, checks, words or default"
    if bool(column.choices) != (column.type in (Type.CHOICE, Type.CHOICES)):
        yield "choices", "are for columns of type choice and choices, which need them"
    allowed = vocabulary(column.type, choices=column.choices)
    yield from problems_of_words(column.words, kind=column.type, allowed=allowed)
    if column.default is not None and (column.type is Type.SERIAL or column.default not in allowed):
        yield (
            "default",
            f"{column.default!r} is none of {', '.join(allowed) or 'this type’s words: it has none'}",
        )
    if column.word_code is not Code.CELL_NOT_ALLOWED and column.type not in (
        Type.CHOICE,
        Type.CHOICES,
        Type.FLAG,
    ):
        yield "word_code", "is for columns of type choice, choices and flag"


def _of_checks(column: ColumnWords) -> Iterator[tuple[str, str]]:
    for number, check in enumerate(column.checks):
        for problem in checks.problems_of(check.check, kind=column.type, given=check.given):
            yield f"checks.{number}", problem


def _column(name: str, column: ColumnWords) -> Column:
    return Column(
        name=name,
        type=column.type,
        mandatory=column.mandatory,
        filled=column.filled,
        aliases=tuple(column.aliases),
        max_length=column.max_length,
        words=words_of(column.words, kind=column.type, choices=column.choices),
        word_code=column.word_code,
        default=column.default,
        checks=tuple(_check(check, kind=column.type) for check in column.checks),
        kept_in_original=column.kept_in_original,
    )


def _check(check: CheckWords, *, kind: Type) -> Check:
    code = check.code or checks.default_code(kind)
    return Check(
        name=check.check,
        arguments=checks.arguments_of(check.check, kind=kind, given=check.given),
        code=code,
        severity=severity_of(code),
    )
