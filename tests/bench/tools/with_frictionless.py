"""Frictionless: `validate` against a schema; nothing is loaded."""

import json
import sys
import time
from importlib import import_module
from pathlib import Path

_MOST = 1_000_000


def main(file: str, into: str) -> None:
    """Validates the file."""
    frictionless = import_module("frictionless")
    fields = [
        {"name": "SerialNum", "type": "string", "constraints": {"required": True}},
        {"name": "Value", "type": "number", "decimalChar": ",", "constraints": {"required": True}},
        {"name": "Unit", "type": "string"},
        {"name": "Date", "type": "date", "constraints": {"required": True}},
    ]
    resource = frictionless.Resource(
        path=Path(file).name,
        basepath=str(Path(file).parent),
        schema=frictionless.Schema.from_descriptor({"fields": fields}),
        dialect=frictionless.Dialect(controls=[frictionless.formats.CsvControl(delimiter=";")]),
    )
    begun = time.perf_counter()
    report = resource.validate(limit_errors=_MOST)
    seconds = time.perf_counter() - begun
    rejected = {row for [row] in report.flatten(["rowNumber"])}
    rows = report.tasks[0].stats["rows"]
    print(json.dumps({"seconds": seconds, "rows": rows - len(rejected), "rejected": len(rejected)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
