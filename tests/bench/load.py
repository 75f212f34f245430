"""One file loaded in this process, into a home of its own; what it took is told as one line of JSON."""

import json
import tempfile
import time
from pathlib import Path

from meterdrop.bootstrap import House, make_home
from meterdrop.logs import to_stderr
from meterdrop.settings import read_settings
from tests.bench import files
from tests.bench.memory import held_mb
from tests.bench.stages import Clocks


def load_one(kind: str, *, lines: int) -> str:
    """Seconds, CPU seconds and the most memory (MB) by stage and in all, and the memory held before."""
    to_stderr(verbose=False)
    with tempfile.TemporaryDirectory(prefix="meterdrop-bench-") as place:
        home = Path(place) / "home"
        make_home(home, database=None)
        house = House(settings=read_settings(home), today_is=files.TODAY)
        house.partners.add("bench", name="Bench", group=2, keys=[], networks=[], who="bench")
        register, readings = Path(place) / "register.csv", Path(place) / "readings.csv"
        files.register(register, lines=lines)
        files.readings(readings, lines=lines, kind=kind)
        house.take_files([register], partner="bench", feed=None)
        before, clocks, start, worked = held_mb(), Clocks(), time.perf_counter(), time.process_time()
        with clocks.on_the_road():
            [done] = house.take_files([readings], partner="bench", feed=None)
        spent, worked = time.perf_counter() - start, time.process_time() - worked
        accepted = lines if kind == "good" else 0
        if done.lines.physical != lines + 1 or not done.lines.lawful() or done.lines.accepted != accepted:
            raise ValueError(f"lines were lost: {done.lines}")
        return json.dumps(
            {
                "wall": {**clocks.wall, "all": spent},
                "cpu": {**clocks.cpu, "all": worked},
                "peak": {**clocks.peak, "all": max(clocks.peak.values()), "before": before},
            }
        )
