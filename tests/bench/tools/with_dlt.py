"""dlt: an Arrow table of texts, by COPY into PostgreSQL. It checks no cells, so a number stays a text."""

import json
import os
import sys
import time
from importlib import import_module
from pathlib import Path


def main(file: str, into: str, url: str) -> None:
    """Loads the file."""
    os.environ |= {"RUNTIME__DLTHUB_TELEMETRY": "false", "DLT_DATA_DIR": str(Path(into) / "dlt")}
    dlt, csv, arrow = import_module("dlt"), import_module("pyarrow.csv"), import_module("pyarrow")
    texts = dict.fromkeys(("SerialNum", "Value", "Unit", "Date"), arrow.string())
    pipeline = dlt.pipeline(
        "beside",
        destination=dlt.destinations.postgres(credentials=url),
        dataset_name="beside",
        pipelines_dir=str(Path(into) / "pipelines"),
    )
    begun = time.perf_counter()
    table = csv.read_csv(
        file,
        parse_options=csv.ParseOptions(delimiter=";"),
        convert_options=csv.ConvertOptions(column_types=texts),
    )
    pipeline.run(table, table_name="reading", loader_file_format="csv")
    seconds = time.perf_counter() - begun
    print(json.dumps({"seconds": seconds, "rows": table.num_rows, "rejected": 0}))


if __name__ == "__main__":
    main(*sys.argv[1:])
