"""Commands that write out what is stored: readings, devices, records."""

import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Annotated, TextIO

import typer

from meterdrop.cli import said
from meterdrop.cli.words import FromDay, Json, PartnerOption, ToDay, day, house_of, partner_of
from meterdrop.model.errors import OperatorMistake
from meterdrop.model.feed import Target

Output = Annotated[Path | None, typer.Option(help="A file; stdout when left out.")]


def readings(
    context: typer.Context,
    partner: PartnerOption = None,
    from_: FromDay = None,
    to: ToDay = None,
    format_: Annotated[str, typer.Option("--format", help="csv or parquet.")] = "csv",
    output: Output = None,
    json_: Json = False,
) -> None:
    """Current readings; `value` exactly as sent but with a decimal point."""
    from meterdrop.usecases.export import as_text

    house = house_of(context)
    partner_of(house, partner)
    start, end = day(from_), day(to)
    if json_:
        rows = house.export.readings(partner=partner, start=start, end=end)
        said.as_json([{**row, "canonical_value": as_text(row["canonical_value"])} for row in rows])
    elif format_ == "parquet":
        if output is None:
            raise OperatorMistake("Parquet needs a file: --output readings.parquet")
        house.export.readings_parquet(output, partner=partner, start=start, end=end)
    elif format_ == "csv":
        with _out(output) as out:
            house.export.readings_csv(out, partner=partner, start=start, end=end)
    else:
        raise OperatorMistake(f"{format_!r} is no format: csv or parquet")


def devices(
    context: typer.Context, partner: PartnerOption = None, output: Output = None, json_: Json = False
) -> None:
    """The register."""
    from meterdrop.usecases.export import DEVICE_COLUMNS, as_text, write_csv

    house = house_of(context)
    rows = house.export.devices(partner=partner_of(house, partner))
    if json_:
        said.as_json(
            [
                {name: as_text(cell) if cell is not None else None for name, cell in row.items()}
                for row in rows
            ]
        )
        return
    with _out(output) as out:
        write_csv(out, columns=DEVICE_COLUMNS, rows=rows)


def records(
    context: typer.Context,
    feed: Annotated[str, typer.Option(help="Which feed.")],
    partner: PartnerOption = None,
    output: Output = None,
    json_: Json = False,
) -> None:
    """Rows of a feed that has no table of its own."""
    from meterdrop.usecases.export import write_csv

    house = house_of(context)
    shape = house.agreement_of("", feed, house.today()).feed
    if shape.target is not Target.RECORDS:
        raise OperatorMistake(f"{feed} has a table of its own: `meterdrop {shape.target.value} export`")
    columns = [column.name for column in shape.columns if not column.kept_in_original]
    rows = house.export.records(feed=feed, partner=partner_of(house, partner))
    if json_:
        said.as_json(list(rows))
        return
    with _out(output) as out:
        write_csv(out, columns=["partner", "delivery", "line", *columns], rows=rows)


def _out(output: Path | None) -> AbstractContextManager[TextIO]:
    return nullcontext(sys.stdout) if output is None else output.open("w", encoding="utf-8", newline="")


def add_to(app: typer.Typer) -> None:
    """Adds these commands."""
    for name, command in (("readings", readings), ("devices", devices), ("records", records)):
        group = typer.Typer(help=f"Stored {name}.", no_args_is_help=True)
        group.callback()(_nothing)
        group.command("export")(command)
        app.add_typer(group, name=name)


def _nothing() -> None:
    """A group with one command stays a group."""
