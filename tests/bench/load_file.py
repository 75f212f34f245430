"""One file loaded into a home that is there, by a process that is warm; what it took is told as one line of JSON."""

import json
import sys
import time
from pathlib import Path

from meterdrop.bootstrap import House
from meterdrop.logs import to_stderr
from meterdrop.settings import read_settings
from tests.bench import files


def main(home: str, register: str, file: str) -> None:
    """The register is not timed, nor are imports: it brings them."""
    to_stderr(verbose=False)
    house = House(settings=read_settings(Path(home)), today_is=files.TODAY)
    house.partners.add("beside", name="Beside", group=2, keys=[], networks=[], who="bench")
    house.take_files([Path(register)], partner="beside", feed=None)
    begun = time.perf_counter()
    [done] = house.take_files([Path(file)], partner="beside", feed=None)
    seconds = time.perf_counter() - begun
    house.database.close()
    print(json.dumps({"seconds": seconds, "rows": done.lines.accepted, "rejected": done.lines.quarantined}))


if __name__ == "__main__":
    main(*sys.argv[1:])
