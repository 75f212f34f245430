"""DuckDB: `read_csv` with `store_rejects`, into a table of a DuckDB file."""

import json
import sys
import time
from importlib import import_module
from pathlib import Path

_READ = """
    INSERT INTO reading SELECT * FROM read_csv(?, delim = ';', header = true, auto_detect = false, decimal_separator = ',',
    columns = {'SerialNum': 'VARCHAR', 'Value': 'DECIMAL(18,6)', 'Unit': 'VARCHAR', 'Date': 'DATE'}, store_rejects = true,
    rejects_limit = 0)
"""


def main(file: str, into: str) -> None:
    """Loads the file."""
    duckdb = import_module("duckdb")
    connection = duckdb.connect(str(Path(into) / "readings.duckdb"))
    connection.execute(
        "CREATE TABLE reading (serial VARCHAR, value DECIMAL(18,6), unit VARCHAR, day DATE, PRIMARY KEY (serial, day))"
    )
    begun = time.perf_counter()
    connection.execute(_READ, [file])
    connection.execute("CHECKPOINT")
    seconds = time.perf_counter() - begun
    [rows] = connection.execute("SELECT count(*) FROM reading").fetchone()
    [rejected] = connection.execute("SELECT count(DISTINCT line) FROM reject_errors").fetchone()
    print(json.dumps({"seconds": seconds, "rows": rows, "rejected": rejected}))


if __name__ == "__main__":
    main(*sys.argv[1:])
