"""`reprocess`, for cron: what may have changed is tried again."""

from dataclasses import asdict
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import Progress

from meterdrop.bootstrap import House, now
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
from meterdrop.model.delivery import PRAGUE, delivery_number

if TYPE_CHECKING:
    from meterdrop.usecases.reprocess import Reprocessed, Selection


def reprocess(
    context: typer.Context,
    partner: PartnerOption = None,
    feed: FeedOption = None,
    code: Annotated[str | None, typer.Option(help="Only lines with this finding.")] = None,
    delivery: Annotated[str | None, typer.Option(help="Only this delivery.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Only deliveries received from this day (in Prague) on.")
    ] = None,
    recheck: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="DAYS",
            help="Also judge the accepted lines of the last so many days by rules that changed since; they are told, "
            "never touched.",
        ),
    ] = None,
    dry_run: DryRun = False,
    json_: Json = False,
) -> None:
    """Tries again what may have changed (register, readings, rules, profile); never twice at once (exit 3)."""
    from meterdrop.usecases.reprocess import Selection

    house = house_of(context)
    first_day = day(since)
    selection = Selection(
        partner=partner_of(house, partner),
        feed=feed_of(house, feed),
        code=code_of(code),
        delivery=None if delivery is None else house.show_delivery.found(delivery).id,
        since=None if first_day is None else datetime.combine(first_day, time(), PRAGUE),
    )
    recheck_since = None if recheck is None else now() - timedelta(days=recheck)
    done = _run(house, selection, dry_run=dry_run, recheck_since=recheck_since)
    if json_:
        said.as_json(
            {
                "dry_run": done.dry_run,
                "first_pass_only": done.first_pass_only,
                "accepted": done.accepted,
                "still_failing": done.still,
                "newly_rejected": done.newly_rejected,
                "not_rechecked": done.left_out,
                "without_original": done.without_original,
                "deliveries": [asdict(one) for one in done.deliveries],
                "rechecked": [asdict(one) for one in done.rechecked],
            }
        )
    else:
        _say(done, rechecked=recheck is not None)
    raise typer.Exit(said.NEEDS_A_PERSON if done.still or done.newly_rejected else said.DONE)


def _say(done: "Reprocessed", *, rechecked: bool) -> None:
    counts = f"{'would accept' if done.dry_run else 'accepted'} {done.accepted}, still fail {done.still}"
    if rechecked:
        counts += f", newly reject {done.newly_rejected}"
    said.say(f"{counts}: lines of {len(done.deliveries) + len(done.rechecked)} deliveries")
    if done.first_pass_only:
        said.say(
            "That is the first pass: there was no room for a copy of the database to try it on. "
            "Lines that are accepted may help others."
        )
    if done.left_out:
        said.say(
            f"{done.left_out} line(s) that a reviewer corrected were not judged: the files don't tell them"
        )
    if done.without_original:
        said.say(
            f"{done.without_original} deliveries were not judged: their originals are no longer kept "
            "(retention_originals_days). `delivery show ID` says since when"
        )
    if not done.newly_rejected:
        return
    said.table(
        "Accepted lines that today's rules would set aside (nothing was changed)",
        ["delivery", "partner", "accepted", "now wrong", "because"],
        [
            (
                delivery_number(one.delivery),
                one.partner,
                one.accepted,
                one.rejected,
                ", ".join(f"{code} {count}" for code, count in one.by_code.items()),
            )
            for one in done.rechecked
            if one.rejected
        ],
    )
    said.say("`--json` names the lines. Mend the rules, or ask the partner for a correction.")


def _run(
    house: House, selection: "Selection", *, dry_run: bool, recheck_since: datetime | None
) -> "Reprocessed":
    with Progress(console=said.errors, transient=True) as bar:
        task = bar.add_task("deliveries", total=None)
        done = house.reprocess(
            selection,
            dry_run=dry_run,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
            recheck_since=recheck_since,
        )
    house.deliver_receipts()
    return done


def add_to(app: typer.Typer) -> None:
    """Adds this command."""
    app.command()(reprocess)
