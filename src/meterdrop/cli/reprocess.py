"""`reprocess`, for cron: what may have changed is tried again."""

from dataclasses import asdict
from datetime import UTC, datetime, time
from typing import Annotated

import typer
from rich.progress import Progress

from meterdrop.bootstrap import House
from meterdrop.cli import said
from meterdrop.cli.words import (
    DryRun,
    FeedOption,
    Json,
    PartnerOption,
    code_of,
    day,
    feed_of,
    house_of,
    partner_of,
)
from meterdrop.usecases.reprocess import Reprocessed, Selection


def reprocess(
    context: typer.Context,
    partner: PartnerOption = None,
    feed: FeedOption = None,
    code: Annotated[str | None, typer.Option(help="Only lines with this finding.")] = None,
    delivery: Annotated[str | None, typer.Option(help="Only this delivery.")] = None,
    since: Annotated[str | None, typer.Option(help="Only deliveries received from this day on.")] = None,
    dry_run: DryRun = False,
    json_: Json = False,
) -> None:
    """Tries again what may have changed (register, rules, profile); never twice at once (exit 3)."""
    house = house_of(context)
    first_day = day(since)
    selection = Selection(
        partner=partner_of(house, partner),
        feed=feed_of(house, feed),
        code=code_of(code),
        delivery=None if delivery is None else house.show_delivery(delivery).delivery.id,
        since=None if first_day is None else datetime.combine(first_day, time(), UTC),
    )
    done = _run(house, selection, dry_run=dry_run)
    if json_:
        said.as_json(
            {
                "dry_run": done.dry_run,
                "accepted": done.accepted,
                "still_failing": done.still,
                "deliveries": [asdict(one) for one in done.deliveries],
            }
        )
    else:
        would = "would accept" if dry_run else "accepted"
        said.say(
            f"{would} {done.accepted} quarantined line(s) of {len(done.deliveries)} deliveries; "
            f"{done.still} still fail"
        )
    raise typer.Exit(said.NEEDS_A_PERSON if done.still else said.DONE)


def _run(house: House, selection: Selection, *, dry_run: bool) -> Reprocessed:
    with Progress(console=said.errors, transient=True) as bar:
        task = bar.add_task("deliveries", total=None)
        done = house.reprocess(
            selection,
            dry_run=dry_run,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    house.send_receipts()
    return done


def add_to(app: typer.Typer) -> None:
    """Adds this command."""
    app.command()(reprocess)
