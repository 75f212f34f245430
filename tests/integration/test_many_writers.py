"""Fifty at once on one database file, of ten processes: everyone has a turn, and "database is locked" reaches nobody."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from meterdrop.bootstrap import House, make_home
from meterdrop.settings import read_settings

PROCESSES = ["short"] * 6 + ["long"] * 2 + ["read"] * 2
THREADS = 5
SECONDS = 6

AT_IT = """
import json, sys, threading, time
from pathlib import Path
from sqlalchemy import text
from meterdrop.bootstrap import House
from meterdrop.settings import read_settings

home, kind, threads, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
house = House(settings=read_settings(Path(home)))
before, done, failed = [], [], []
print("ready", flush=True)
sys.stdin.readline()
until = time.monotonic() + seconds

def work():
    mine = 0
    while time.monotonic() < until:
        try:
            if kind == "read":
                with house.database.reading() as store:
                    seen = store.execute(text("SELECT count(*) FROM written")).scalar_one()
                    time.sleep(0.01)
                    assert store.execute(text("SELECT count(*) FROM written")).scalar_one() == seen
            else:
                with house.database.reading() as store:
                    asked = store.execute(text("SELECT max(id) FROM written")).scalar_one()
                with house.database.writing(lasting=kind == "long") as store:
                    found = store.execute(text("SELECT max(id) FROM written")).scalar_one()
                    store.execute(text("INSERT INTO written (cell) VALUES (zeroblob(2000))"))
                    before.append(found - asked)
                    time.sleep(0.2 if kind == "long" else 0)
            mine += 1
        except Exception as error:
            failed.append(repr(error))
    done.append(mine)

working = [threading.Thread(target=work) for _ in range(threads)]
for one in working: one.start()
for one in working: one.join()
print(json.dumps({"kind": kind, "before": before, "done": done, "failed": failed}))
"""


@pytest.mark.road
def test_fifty_at_once_all_have_their_turn(tmp_path: Path) -> None:
    home = tmp_path / "home"
    make_home(home, database=None)
    house = House(settings=read_settings(home))
    with house.database.writing() as store:
        store.execute(text("CREATE TABLE written (id INTEGER PRIMARY KEY, cell BLOB)"))
        store.execute(text("INSERT INTO written (cell) VALUES (zeroblob(1))"))

    told = _all_at_it(home)

    assert [failed for one in told for failed in one["failed"]] == []
    turns = [times for one in told if one["kind"] != "read" for times in one["done"]]
    assert min(turns) >= 1
    assert max(most for one in told for most in one["before"]) <= 2 * len(turns), (
        "many wrote before one who had asked"
    )
    with house.database.reading() as store:
        assert store.execute(text("SELECT count(*) FROM written")).scalar_one() == 1 + sum(turns)
    house.database.close()


def _all_at_it(home: Path) -> list[dict[str, Any]]:
    started = [
        subprocess.Popen(
            [sys.executable, "-c", AT_IT, home, kind, str(THREADS), str(SECONDS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for kind in PROCESSES
    ]
    for one in started:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in started:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    return [json.loads(one.communicate(timeout=120)[0]) for one in started]
