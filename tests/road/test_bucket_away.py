"""The store of originals goes away, or we are killed, in the middle of it: each file is there once in the end."""

import shutil
import signal
from pathlib import Path

import pytest

from meterdrop.receive.bucket import Place
from meterdrop.settings import DATABASE_URL
from tests.homes import POSTGRESQL, Homes
from tests.road.pipeline_rig import READINGS_HEADER, Rig, stop, wait_for
from tests.s3 import KEYS, Wire

LINES = [f"1000{number};{number},5;m3;2026-10-31" for number in range(5)]
BLANK = 300_000
"""So many blank lines: what a connection that breaks has not sent at once."""
FILE = ("\n".join([READINGS_HEADER, *LINES, "99999;1;m3;2026-10-31"]) + "\n" * BLANK).encode()
EXPECTED = [(f"1000{number}", "2026-10-31", f"{number}.5") for number in range(5)]


@pytest.fixture
def rig(homes: Homes, tmp_path: Path, place: Place, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> Rig:
    """Its originals are at the other end of the wire."""
    monkeypatch.setenv("METERDROP_ORIGINALS", f"s3://{place.bucket}")
    monkeypatch.setenv("METERDROP_ORIGINALS_ENDPOINT", wire.url)
    monkeypatch.setenv("METERDROP_ORIGINALS_HTTP", "true")
    monkeypatch.setenv("METERDROP_ORIGINALS_ACCESS_KEY_ID", KEYS.id)
    monkeypatch.setenv("METERDROP_ORIGINALS_SECRET_ACCESS_KEY", KEYS.secret)
    monkeypatch.setenv("METERDROP_SWEEP_SECONDS", "0.5")
    made = Rig(tmp_path / "home", homes=homes)
    made.register([serial for serial, _, _ in EXPECTED])
    return made


def all_is_there_once(rig: Rig, upload: str) -> None:
    receipt = rig.result(upload)
    assert receipt["verdict"] == "partly_accepted"
    assert receipt["lines"]["physical"] == len(LINES) + 1 + BLANK
    assert rig.stored() == EXPECTED
    wait_for(lambda: rig.receipts(f"{upload}.rejects.csv") or None, what="the rejects file")
    house = rig.house()
    assert house.show_delivery(upload).delivery.attempts == 1
    assert b"".join(house.originals.chunks(receipt["sha256"])) == FILE
    house.database.close()
    for secret in (KEYS.id, KEYS.secret):
        assert secret not in (rig.home / "work" / "pipeline.log").read_text(encoding="utf-8")


@pytest.mark.road
@pytest.mark.by_night(POSTGRESQL)
def test_store_that_goes_away_and_comes_back_loses_nothing(rig: Rig, wire: Wire) -> None:
    """First while a file is sent, then while a worker reads it; a delivery has used up no attempt by that."""
    running = rig.pipeline()
    assert running.stdout is not None
    running.stdout.readline()
    sent, received = wire.sent, wire.received

    wire.break_when(lambda wire: wire.sent > sent + BLANK // 2)
    upload = rig.hand_over(FILE)
    wait_for(lambda: rig.logged("receive.try-again") or None, what="a put that broke")
    wire.break_when(lambda wire: wire.received > received + BLANK // 2)
    wait_for(lambda: rig.logged("drain.try-again") or None, what="a worker whose reading broke")
    wire.mend()

    all_is_there_once(rig, upload)
    assert stop(running) == 0
    assert not rig.logged("worker.ended")


@pytest.mark.road
@pytest.mark.by_night(POSTGRESQL)
def test_kill_in_mid_upload_to_the_store_loses_and_doubles_nothing(rig: Rig, wire: Wire) -> None:
    killed = rig.pipeline()
    assert killed.stdout is not None
    killed.stdout.readline()
    sent = wire.sent
    wire.hold(after=sent + BLANK // 2)
    upload = rig.hand_over(FILE)
    wait_for(lambda: wire.sent > sent + BLANK // 2 or None, what="half of the file sent")

    killed.send_signal(signal.SIGKILL)
    killed.wait()
    wire.mend()
    again = rig.pipeline()

    all_is_there_once(rig, upload)
    assert stop(again) == 0


@pytest.mark.road
@pytest.mark.only_on(POSTGRESQL)
def test_worker_of_another_machine_reads_and_writes_the_bucket(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its home has the database's URL and nothing else of the first one."""
    monkeypatch.setenv("METERDROP_DISPATCH", "scaled")
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "work").mkdir(parents=True)
    shutil.copy(rig.home / DATABASE_URL, elsewhere / DATABASE_URL)
    running, worker = rig.pipeline(), rig.worker(home=elsewhere)

    all_is_there_once(rig, rig.hand_over(FILE))

    assert stop(worker) == 0
    assert stop(running) == 0
    assert not (elsewhere / "originals").exists()
