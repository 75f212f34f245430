"""Commands that show quarantined lines: list, show, export."""

import csv
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from meterdrop.bootstrap import House
from meterdrop.cli import said
from meterdrop.cli.review import ACTS
from meterdrop.cli.reviewed import document_of, shown
from meterdrop.cli.words import (
    CodeOption,
    DeliveryOption,
    Json,
    LineId,
    PartnerOption,
    code_of,
    delivery_of,
    house_of,
    key_of,
    partner_of,
)
from meterdrop.model.delivery import delivery_number
from meterdrop.model.errors import OperatorMistake
from meterdrop.model.finding import Finding
from meterdrop.model.line_state import LineState
from meterdrop.report.for_people import harmless
from meterdrop.report.receipt import told

if TYPE_CHECKING:
    from meterdrop.usecases.review import ReviewedLine

State = Annotated[
    str, typer.Option(help="open, corrected, accepted, dismissed, superseded, returned or all.")
]
_STATES = tuple(state.value for state in LineState)


def list_(
    context: typer.Context,
    partner: PartnerOption = None,
    delivery: DeliveryOption = None,
    state: State = "open",
    code: CodeOption = None,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1)] = 200,
    json_: Json = False,
) -> None:
    """Quarantined lines, by delivery and line."""
    house = house_of(context)
    lines = list(_chosen(house, partner=partner, delivery=delivery, state=state, code=code, limit=limit))
    if json_:
        said.as_json([document_of(one, house) for one in lines])
        return
    rows = [
        (
            one.line.id,
            one.line.partner,
            one.delivery.file,
            one.line.line,
            one.line.state,
            ", ".join(finding.code.value for finding in one.why),
            shown(one.line.raw),
        )
        for one in lines
    ]
    said.table("Quarantine", ("id", "partner", "file", "line", "state", "why", "the line"), rows)


def show(context: typer.Context, id: LineId, json_: Json = False) -> None:
    """One line: its cells, every finding, and what became of it."""
    house = house_of(context)
    one = house.review.shown(key_of(id))
    document = document_of(one, house)
    if json_:
        said.as_json(document)
        return
    title = f"Line {one.line.line} of {one.delivery.file} ({one.delivery.number}, {one.line.partner}): {one.line.state}"
    said.table(title, ("heading", "cell"), list(one.cells.items()))
    if one.found_before:
        _tell("It was set aside because of", one.found_before, house=house, partner=one.line.partner)
    if one.findings or not one.found_before:
        _tell("Findings", one.findings, house=house, partner=one.line.partner)
    if one.line.resolved_by:
        said.say(f"{one.line.state} by {one.line.resolved_by}: {one.line.reason or ''}")
    if one.line.successor_delivery is not None:
        number = delivery_number(one.line.successor_delivery)
        said.say(f"in its place: line {one.line.successor_line} of delivery {number}")


def _tell(title: str, found: Sequence[Finding], *, house: House, partner: str) -> None:
    rows = [told(finding, language=house.language_of(partner)) for finding in found]
    said.table(
        title,
        ("code", "column", "value", "what", "what to do"),
        [(one["code"], one["column"], one["value"], one["message"], one["fix"]) for one in rows],
    )


def export(
    context: typer.Context,
    partner: PartnerOption = None,
    delivery: DeliveryOption = None,
    state: State = "open",
    code: CodeOption = None,
    output: Annotated[Path | None, typer.Option(help="A file; stdout when left out.")] = None,
    json_: Json = False,
) -> None:
    """Quarantined lines as CSV for people: cells that a spreadsheet would run are made harmless."""
    house = house_of(context)
    lines = _chosen(house, partner=partner, delivery=delivery, state=state, code=code, limit=None)
    if json_:
        said.as_json([document_of(one, house) for one in lines])
        return
    if output is None:
        _write(house, lines, sys.stdout)
        return
    with output.open("w", encoding="utf-8", newline="") as stream:
        count = _write(house, lines, stream)
    said.say(f"{count:,} line(s) written to {output}")


def _write(house: House, lines: "Iterable[ReviewedLine]", out: object) -> int:
    """How many lines were written."""
    count = 0
    writer = csv.writer(out)  # type: ignore[arg-type]  # any text stream will do
    writer.writerow(["id", "delivery", "file", "partner", "line", "state", "codes", "messages", "text"])
    for one in lines:
        language = house.language_of(one.line.partner)
        words = [str(told(finding, language=language)["message"]) for finding in one.why]
        cells = [
            str(one.line.id),
            one.delivery.number,
            one.delivery.file,
            one.line.partner,
            str(one.line.line),
            one.line.state,
            " | ".join(finding.code.value for finding in one.why),
            " | ".join(words),
            shown(one.line.raw),
        ]
        writer.writerow([harmless(cell) for cell in cells])
        count += 1
    return count


def _chosen(
    house: House,
    *,
    partner: str | None,
    delivery: str | None,
    state: str,
    code: str | None,
    limit: int | None,
) -> "Iterator[ReviewedLine]":
    if state != "all" and state not in _STATES:
        raise OperatorMistake(f"{state!r} is no state of a line. States: {', '.join(_STATES)}, all")
    return house.review.listed(
        partner=partner_of(house, partner),
        delivery=delivery_of(house, delivery),
        state=None if state == "all" else state,
        code=code_of(code),
        limit=limit,
    )


def add_to(app: typer.Typer) -> None:
    """Adds these commands."""
    quarantine = typer.Typer(help="Lines set aside, and the reviewer's acts.", no_args_is_help=True)
    quarantine.command("list")(list_)
    quarantine.command("show")(show)
    quarantine.command("export")(export)
    for name, act in ACTS.items():
        quarantine.command(name)(act)
    app.add_typer(quarantine, name="quarantine")
