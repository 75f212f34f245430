"""The reviewer's commands: list, show, fix, accept, dismiss, return, export."""

import csv
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from meterdrop.bootstrap import House
from meterdrop.cli import said
from meterdrop.cli.words import Json, PartnerOption, Reason, code_of, house_of, key_of, partner_of
from meterdrop.model.errors import OperatorMistake
from meterdrop.report.receipt import told
from meterdrop.usecases.export import harmless
from meterdrop.usecases.rejudge import Rejudged
from meterdrop.usecases.review import ReviewedLine

Id = Annotated[str, typer.Argument(metavar="ID", help="The line's number, from `quarantine list`.")]
State = Annotated[
    str, typer.Option(help="open, corrected, accepted, dismissed, superseded, returned or all.")
]
Code = Annotated[str | None, typer.Option(help="Only lines with this finding.")]
DeliveryOption = Annotated[str | None, typer.Option("--delivery", help="Only this delivery.")]
_STATES = ("open", "corrected", "accepted", "dismissed", "superseded", "returned")


def list_(
    context: typer.Context,
    partner: PartnerOption = None,
    delivery: DeliveryOption = None,
    state: State = "open",
    code: Code = None,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1)] = 200,
    json_: Json = False,
) -> None:
    """Quarantined lines, by delivery and line."""
    house = house_of(context)
    lines = _chosen(house, partner=partner, delivery=delivery, state=state, code=code, limit=limit)
    if json_:
        said.as_json([_document(one, house) for one in lines])
        return
    rows = [
        (
            one.line.id,
            one.line.partner,
            one.delivery.file,
            one.line.line,
            one.line.state,
            ", ".join(finding.code.value for finding in one.findings),
            _shown(one.line.raw),
        )
        for one in lines
    ]
    said.table("Quarantine", ("id", "partner", "file", "line", "state", "why", "the line"), rows)


def show(context: typer.Context, id: Id, json_: Json = False) -> None:
    """One line: its cells, every finding, and what became of it."""
    house = house_of(context)
    one = house.review.shown(key_of(id))
    document = _document(one, house)
    if json_:
        said.as_json(document)
        return
    title = f"Line {one.line.line} of {one.delivery.file} ({one.delivery.number}, {one.line.partner}): {one.line.state}"
    said.table(title, ("heading", "cell"), list(one.cells.items()))
    language = house.language_of(one.line.partner)
    findings = [told(finding, language=language) for finding in one.findings]
    said.table(
        "Findings",
        ("code", "column", "value", "what", "what to do"),
        [(one["code"], one["column"], one["value"], one["message"], one["fix"]) for one in findings],
    )
    if one.line.resolved_by:
        said.say(f"{one.line.state} by {one.line.resolved_by}: {one.line.reason or ''}")


def fix(
    context: typer.Context,
    id: Id,
    reason: Reason,
    cell: Annotated[list[str], typer.Option("--set", help="HEADING=new cell; repeatable.")],
    json_: Json = False,
) -> None:
    """New cells for a line; judged by all rules, stored if nothing fails any more."""
    cells = dict(_pair(one) for one in cell)
    house = house_of(context)
    outcome = house.review.fix(key_of(id), cells=cells, who=said.who(), reason=_given(reason))
    _tell_judged(house, key_of(id), outcome, json_=json_)


def accept(context: typer.Context, id: Id, reason: Reason, json_: Json = False) -> None:
    """Accepts a line in spite of a soft rule."""
    house = house_of(context)
    outcome = house.review.accept(key_of(id), who=said.who(), reason=_given(reason))
    _tell_judged(house, key_of(id), outcome, json_=json_)


def dismiss(context: typer.Context, id: Id, reason: Reason, json_: Json = False) -> None:
    """Closes a line that is not wanted."""
    house = house_of(context)
    house.review.dismiss(key_of(id), who=said.who(), reason=_given(reason))
    _tell(house, key_of(id), json_=json_)


def give_back(context: typer.Context, id: Id, reason: Reason, json_: Json = False) -> None:
    """Leaves a line to the partner to correct and send again."""
    house = house_of(context)
    house.review.give_back(key_of(id), who=said.who(), reason=_given(reason))
    _tell(house, key_of(id), json_=json_)


def export(
    context: typer.Context,
    partner: PartnerOption = None,
    delivery: DeliveryOption = None,
    state: State = "open",
    code: Code = None,
    output: Annotated[Path | None, typer.Option(help="A file; stdout when left out.")] = None,
    json_: Json = False,
) -> None:
    """Quarantined lines as CSV for people: cells that a spreadsheet would run are made harmless."""
    house = house_of(context)
    lines = _chosen(house, partner=partner, delivery=delivery, state=state, code=code, limit=None)
    if json_:
        said.as_json([_document(one, house) for one in lines])
        return
    if output is None:
        _write(house, lines, sys.stdout)
        return
    with output.open("w", encoding="utf-8", newline="") as stream:
        _write(house, lines, stream)
    said.say(f"{len(lines)} line(s) written to {output}")


def _write(house: House, lines: Sequence[ReviewedLine], out: object) -> None:
    writer = csv.writer(out)  # type: ignore[arg-type]  # any text stream will do
    writer.writerow(["id", "delivery", "file", "partner", "line", "state", "codes", "messages", "text"])
    for one in lines:
        language = house.language_of(one.line.partner)
        words = [str(told(finding, language=language)["message"]) for finding in one.findings]
        cells = [
            str(one.line.id),
            one.delivery.number,
            one.delivery.file,
            one.line.partner,
            str(one.line.line),
            one.line.state,
            " | ".join(finding.code.value for finding in one.findings),
            " | ".join(words),
            _shown(one.line.raw),
        ]
        writer.writerow([harmless(cell) for cell in cells])


def _chosen(
    house: House,
    *,
    partner: str | None,
    delivery: str | None,
    state: str,
    code: str | None,
    limit: int | None,
) -> list[ReviewedLine]:
    if state != "all" and state not in _STATES:
        raise OperatorMistake(f"{state!r} is no state of a line. States: {', '.join(_STATES)}, all")
    return list(
        house.review.listed(
            partner=partner_of(house, partner),
            delivery=None if delivery is None else house.show_delivery(delivery).delivery.id,
            state=None if state == "all" else state,
            code=code_of(code),
            limit=limit,
        )
    )


def _document(one: ReviewedLine, house: House) -> dict[str, object]:
    language = house.language_of(one.line.partner)
    return {
        "id": one.line.id,
        "delivery": one.delivery.number,
        "file": one.delivery.file,
        "partner": one.line.partner,
        "feed": one.line.feed,
        "line": one.line.line,
        "state": one.line.state,
        "raw": _shown(one.line.raw),
        "cells": dict(one.cells),
        "findings": [told(finding, language=language) for finding in one.findings],
        "resolved_at": one.line.resolved_at,
        "resolved_by": one.line.resolved_by,
        "reason": one.line.reason,
        "reading": None
        if one.line.reading_device is None
        else {"device": one.line.reading_device, "date": one.line.reading_day},
    }


def _shown(raw: bytes) -> str:
    return raw[:2000].decode("utf-8", errors="backslashreplace")


def _pair(text: str) -> tuple[str, str]:
    heading, equals, cell = text.partition("=")
    if not equals or not heading:
        raise OperatorMistake(f"{text!r}: write --set HEADING=CELL, for example --set Stav=39,13")
    return heading, cell


def _given(reason: str) -> str:
    if not reason.strip():
        raise OperatorMistake("give a reason: --reason 'read on site by our technician'")
    return reason.strip()


def _tell(house: House, key: int, *, json_: bool) -> None:
    house.send_receipts()
    one = house.review.shown(key)
    if json_:
        said.as_json({"outcome": one.line.state, "line": _document(one, house)})
    else:
        said.say(f"line {key} is {one.line.state}")


def _tell_judged(house: House, key: int, outcome: Rejudged, *, json_: bool) -> None:
    if not outcome.still:
        _tell(house, key, json_=json_)
        return
    one = house.review.shown(key)
    words = [told(finding, language=house.language_of(one.line.partner)) for finding in outcome.findings]
    if json_:
        said.as_json({"outcome": "still-failing", "line": _document(one, house), "findings": words})
    else:
        said.say(f"line {key} still fails and stays in quarantine; nothing was stored:")
        for finding in words:
            said.say(f"  {finding['code']}: {finding['message']} {finding['fix']}")
    raise typer.Exit(said.NEEDS_A_PERSON)


def add_to(app: typer.Typer) -> None:
    """Adds these commands."""
    quarantine = typer.Typer(help="Lines set aside, and the reviewer's acts.", no_args_is_help=True)
    quarantine.command("list")(list_)
    quarantine.command("show")(show)
    quarantine.command("fix")(fix)
    quarantine.command("accept")(accept)
    quarantine.command("dismiss")(dismiss)
    quarantine.command("return")(give_back)
    quarantine.command("export")(export)
    app.add_typer(quarantine, name="quarantine")
