"""Commands that report: one delivery's quarantine, and one day's digest."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, Final

import typer
from rich.progress import track

from meterdrop.bootstrap import House, now
from meterdrop.cli import said
from meterdrop.cli.words import Json, PartnerOption, day, house_of, partner_of
from meterdrop.model.delivery import PRAGUE
from meterdrop.model.errors import OperatorMistake
from meterdrop.model.reported import ReportedLine
from meterdrop.report.page_words import WORDS, line_state
from meterdrop.report.receipt import told

if TYPE_CHECKING:
    from meterdrop.report.digest import Digest
    from meterdrop.report.quarantine_report import QuarantineReport

Language = Annotated[str | None, typer.Option("--language", help="cs or en; the partner's when left out.")]
Output = Annotated[
    Path | None, typer.Option("--output", help="A file; stdout when left out. Its ending may say the format.")
]

_LINES_OF_A_TABLE: Final = 20
_DELIVERY_FORMS: Final = ("json", "csv", "html")


def delivery(
    context: typer.Context,
    id: Annotated[str, typer.Argument(metavar="ID", help="Number or upload id.")],
    format_: Annotated[
        str | None, typer.Option("--format", help="json, csv or html; a table when left out.")
    ] = None,
    language: Language = None,
    output: Output = None,
    json_: Json = False,
) -> None:
    """What is wrong with one delivery, line by line, and what became of each line."""
    form = _form(format_, among=_DELIVERY_FORMS, output=output, json_=json_)
    house = house_of(context)
    with house.reports.of_delivery(id, language=_language(language)) as report:
        if form is None:
            _tell(report)
            return
        with _out(output) as out:
            counted = replace(report, lines=_with_progress(report, output=output))
            for piece in _written(counted, form=form):
                out.write(piece.encode("utf-8"))


def digest(
    context: typer.Context,
    day_: Annotated[
        str | None,
        typer.Option("--day", help="YYYY-MM-DD, today or yesterday (Prague); today when left out."),
    ] = None,
    partner: PartnerOption = None,
    format_: Annotated[
        str | None, typer.Option("--format", help="text, json or html; text when left out.")
    ] = None,
    language: Language = None,
    output: Output = None,
    json_: Json = False,
) -> None:
    """What came on one day and what became of it, partner by partner; for a daily mail."""
    form = _form(format_, among=("text", "json", "html"), output=output, json_=json_)
    house = house_of(context)
    made = house.make_digest(
        _day(day_),
        partner=partner_of(house, partner),
        language=_language(language) or _language_of(house, partner),
    )
    with _out(output) as out:
        for piece in _pieces(made, form=form):
            out.write(piece.encode("utf-8"))


def _written(report: "QuarantineReport", *, form: str) -> Iterable[str]:
    from meterdrop.report import quarantine_csv, quarantine_page, quarantine_report

    match form:
        case "json":
            return quarantine_report.as_json(report)
        case "csv":
            return quarantine_csv.as_csv(report)
        case _:
            return quarantine_page.as_page(report)


def _pieces(made: "Digest", *, form: str | None) -> Iterable[str]:
    from meterdrop.report import digest as digests

    match form:
        case "json":
            return [digests.as_json(made)]
        case "html":
            return digests.as_page(made)
        case _:
            return [digests.as_text(made)]


def _tell(report: "QuarantineReport") -> None:
    """Tables for a person at a terminal: what was found, and the first lines."""
    from meterdrop.report.quarantine_page import kinds

    words = WORDS[report.language]
    rows = [
        (kind.count, kind.code, kind.message, kind.fix)
        for kind in kinds(_counts(report), language=report.language)
    ]
    title = f"{words['title']}: {report.head['file']} ({report.head['delivery']})"
    said.table(title, tuple(words[name] for name in ("count", "code", "reason", "fix")), rows)
    lines = []
    for line in islice(report.lines, _LINES_OF_A_TABLE):
        found = [told(one, language=report.language) for one in line.every_finding]
        lines.append(
            (
                line.line,
                line_state(line.state, language=report.language),
                report.writing.text(line.raw),
                " ".join(str(one["message"]) for one in found),
            )
        )
    if lines:
        headings = tuple(words[name] for name in ("line", "state", "text", "reason"))
        said.table(words["of_lines"], headings, lines)
    every = sum(report.states.values())
    if every > len(lines):
        said.say(words["shown"].format(shown=len(lines), all=every) + " --format csv")


def _counts(report: "QuarantineReport") -> dict[str, int]:
    counts = report.head["findings_by_code"]
    return counts if isinstance(counts, dict) else {}


def _with_progress(report: "QuarantineReport", *, output: Path | None) -> Iterable[ReportedLine]:
    """A bar on stderr while a file is written, if a person looks on."""
    if output is None or not said.errors.is_terminal:
        return report.lines
    total = sum(report.states.values())
    return track(report.lines, total=total, description=output.name, console=said.errors, transient=True)


def _form(given: str | None, *, among: tuple[str, ...], output: Path | None, json_: bool) -> str | None:
    """The format asked for: by its name, by `--json`, or by the ending of the file it goes to."""
    form = given or ("json" if json_ else None)
    if form is None and output is not None:
        form = {".txt": "text", ".htm": "html"}.get(output.suffix, output.suffix.removeprefix("."))
    if form is not None and form not in among:
        raise OperatorMistake(f"{form!r} is no format: --format {' or '.join(among)}")
    if json_ and form != "json":
        raise OperatorMistake(f"--json and --format {form} are two formats: choose one")
    return form


def _language(text: str | None) -> str | None:
    if text is not None and text not in WORDS:
        raise OperatorMistake(f"{text!r} is no language of ours: {' or '.join(WORDS)}")
    return text


def _language_of(house: House, partner: str | None) -> str:
    """The partner's; Czech for all partners together."""
    return "cs" if partner is None else house.language_of(partner)


def _day(text: str | None) -> date | None:
    if text in ("today", "yesterday"):
        return now().astimezone(PRAGUE).date() - timedelta(days=text == "yesterday")
    return day(text)


@contextmanager
def _out(output: Path | None) -> Iterator[BinaryIO]:
    """Where the bytes go. A file appears when it is whole, so that nobody takes half a report for one."""
    if output is None:
        try:
            sys.stdout.flush()
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        except BrokenPipeError as gone:  # whoever read has seen enough
            raise typer.Exit(said.DONE) from gone
        return
    if output.exists() and not output.is_file():  # a pipe or a device
        with output.open("wb") as stream:
            yield stream
        return
    part = output.with_name(f".{output.name}.part")
    try:
        with part.open("wb") as stream:
            yield stream
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)


def add_to(app: typer.Typer) -> None:
    """Adds these commands."""
    report = typer.Typer(help="Reports: one delivery's quarantine, one day's digest.", no_args_is_help=True)
    report.command("delivery")(delivery)
    report.command("digest")(digest)
    app.add_typer(report, name="report")
