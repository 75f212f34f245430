"""Workers on several machines: deliveries are loaded in order, whoever is killed, and whatever happens to the database."""

import json
import shutil
import signal
from pathlib import Path

import pytest

from tests.homes import POSTGRESQL, Homes, rows
from tests.postgres import cluster
from tests.road.pipeline_rig import READINGS_HEADER, Rig, stop, wait_for

pytestmark = [pytest.mark.road, pytest.mark.only_on(POSTGRESQL)]

SERIALS = [f"{10_000 + number}" for number in range(20)]
LINES = 150_000


@pytest.fixture
def rig(homes: Homes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rig:
    made = Rig(tmp_path / "home", homes=homes)
    made.register(SERIALS)
    monkeypatch.setenv("METERDROP_DISPATCH", "scaled")
    return made


def _file(day: str = "2026-10-31") -> bytes:
    lines = [f"{serial};{100 + number},5;m3;{day}" for number, serial in enumerate(SERIALS)]
    return ("\n".join([READINGS_HEADER, *lines, "10000;many;m3;2026-10-30"]) + "\n").encode()


def _slow(lines: int = LINES) -> bytes:
    rows = (f"10000;{number % 28 + 1},5;m3;2026-10-{number % 28 + 1:02d}" for number in range(lines))
    return ("\n".join([READINGS_HEADER, *rows]) + "\n").encode()


def _state(rig: Rig, upload: str) -> str | None:
    found = rows(rig.home, "SELECT state FROM delivery WHERE upload = ?", upload)
    return found[0][0] if found else None


def test_a_worker_loads_what_the_service_takes_in_and_the_service_writes_the_receipts(rig: Rig) -> None:
    running = rig.pipeline()
    upload = rig.hand_over(_file())
    wait_for(lambda: _state(rig, upload) or None, what="the delivery")
    told = json.loads(rig.command("status", "--json").stdout)
    assert told["workers"] == []
    assert any("start `meterdrop worker`" in problem for problem in told["problems"])

    worker = rig.worker()
    assert worker.stdout is not None
    assert json.loads(worker.stdout.readline())["event"] == "ready"

    assert rig.result(upload)["verdict"] == "partly_accepted"
    told = json.loads(rig.command("status", "--json").stdout)
    assert [(one["pid"], one["concurrency"]) for one in told["workers"]] == [(worker.pid, 1)]
    assert told["problems"] == []
    assert stop(worker) == 0
    assert json.loads(rig.command("status", "--json").stdout)["workers"] == []
    assert stop(running) == 0


def test_what_a_killed_worker_was_at_another_one_finishes(rig: Rig) -> None:
    running, first = rig.pipeline(), rig.worker()
    upload = rig.hand_over(_slow())
    wait_for(lambda: _state(rig, upload) == "loading" or None, what="a delivery that is being loaded")
    second = rig.worker()

    first.kill()
    first.wait()

    assert rig.result(upload, seconds=60)["verdict"] == "accepted"
    assert rows(rig.home, "SELECT attempts FROM delivery WHERE upload = ?", upload) == [(2,)]
    assert [stop(one) for one in (second, running)] == [0, 0]


def test_a_stopped_worker_finishes_what_it_is_at_and_leaves_the_rest_to_others(rig: Rig) -> None:
    running, first = rig.pipeline(), rig.worker()
    uploads = [rig.hand_over(_slow(), name=f"incoming/{number}.csv") for number in range(2)]
    wait_for(lambda: _state(rig, uploads[0]) == "loading" or None, what="a delivery that is being loaded")

    assert stop(first) == 0
    assert [_state(rig, upload) for upload in uploads] == ["accepted", "received"]
    second = rig.worker()

    assert rig.result(uploads[1])["verdict"] == "duplicate"
    assert rows(rig.home, "SELECT attempts FROM delivery WHERE upload = ?", uploads[0]) == [(1,)]
    assert [stop(one) for one in (second, running)] == [0, 0]


def test_one_partners_files_are_loaded_in_order_by_whoever_is_free(rig: Rig) -> None:
    running, workers = rig.pipeline(), [rig.worker(concurrency=2), rig.worker()]
    days = [f"2026-{month:02d}-{day:02d}" for month in (9, 10) for day in range(1, 16)]
    uploads = [rig.hand_over(_file(day), name=f"incoming/{day}.csv") for day in days]

    for upload in uploads:
        assert rig.result(upload)["verdict"] == "partly_accepted"

    settled = rows(
        rig.home, "SELECT upload, attempts FROM delivery WHERE upload IS NOT NULL ORDER BY finished_at, id"
    )
    assert [one for one in settled if one[0] in uploads] == [(upload, 1) for upload in uploads]
    assert [stop(one) for one in (*workers, running)] == [0, 0, 0]


def test_as_many_large_files_as_there_are_places_do_not_hold_up_a_small_one(rig: Rig) -> None:
    partners = ["second", "third"]
    for partner in partners:
        rig.add_partner(partner)
        rig.register(SERIALS, partner=partner)
    running, worker = rig.pipeline(), rig.worker(concurrency=2)
    large = [rig.hand_over(_slow(4 * LINES), partner=partner) for partner in (rig.partner, "second")]
    wait_for(
        lambda: "loading" in [_state(rig, one) for one in large] or None,
        what="a delivery that is being loaded",
    )

    small = rig.hand_over(_file(), partner="third")

    assert rig.result(small, partner="third")["verdict"] == "partly_accepted"
    assert sorted(str(_state(rig, one)) for one in large) == ["loading", "received"]
    assert [
        rig.result(one, partner=who, seconds=120)["verdict"]
        for one, who in zip(large, (rig.partner, "second"), strict=True)
    ] == ["accepted"] * 2
    assert [stop(one) for one in (worker, running)] == [0, 0]


def test_partner_that_somebody_else_is_at_does_not_hold_up_others(rig: Rig) -> None:
    """A `meterdrop reprocess`, say, or a worker that is frozen."""
    rig.add_partner("other")
    rig.register(SERIALS, partner="other")
    running, worker, house = rig.pipeline(), rig.worker(), rig.house()
    with house.locks.hold(f"partner-{rig.partner}", wait=5):
        held_up = rig.hand_over(_file())
        wait_for(lambda: _state(rig, held_up), what="the delivery")
        other = rig.hand_over(_file(), partner="other")

        assert rig.result(other, partner="other", seconds=30)["verdict"] == "partly_accepted"
        assert _state(rig, held_up) == "received"
    house.database.close()

    assert rig.result(held_up)["verdict"] == "partly_accepted"
    assert rows(rig.home, "SELECT attempts FROM delivery WHERE upload = ?", held_up) == [(1,)]
    assert [stop(one) for one in (worker, running)] == [0, 0]


def test_the_service_and_its_workers_outlive_a_restart_of_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with cluster() as own:
        server = own.start()
        rig = Rig(tmp_path / "home", homes=Homes(tmp_path / "homes", server=server))
        rig.register(SERIALS)
        monkeypatch.setenv("METERDROP_DISPATCH", "scaled")
        running, worker = rig.pipeline(METERDROP_SWEEP_SECONDS="2"), rig.worker()
        loading = rig.hand_over(_slow())
        wait_for(lambda: _state(rig, loading) == "loading" or None, what="a delivery that is being loaded")

        own.stop(signal.SIGQUIT)
        while_away = rig.hand_over(_file())
        wait_for(lambda: rig.logged("queue.away") or None, what="a word about the database")
        own.start()

        assert rig.result(while_away, seconds=120)["verdict"] == "partly_accepted"
        assert rig.result(loading, seconds=120)["verdict"] == "accepted"
        assert (worker.poll(), running.poll()) == (None, None)
        assert [stop(one) for one in (worker, running)] == [0, 0]


def test_a_worker_that_finds_no_originals_does_not_start(rig: Rig, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(rig.home, elsewhere)
    shutil.rmtree(elsewhere / "originals")

    worker = rig.worker(home=elsewhere)

    assert worker.wait(60) == 2
    assert b"lacks the original that came last" in (rig.home / "work" / "pipeline.log").read_bytes()


def test_check_warns_of_originals_that_only_one_machine_has(rig: Rig, tmp_path: Path) -> None:
    [warning] = json.loads(rig.command("check", "--json").stdout)["warnings"]
    assert "workers on other machines do not find them" in warning
    assert b"warning: dispatch" in rig.command("check").stderr + rig.command("check").stdout

    shared = rig.command("check", "--json", METERDROP_ORIGINALS=str(tmp_path))
    assert (shared.returncode, json.loads(shared.stdout)["warnings"]) == (0, [])


def test_a_worker_of_a_home_that_loads_by_itself_is_told_what_to_set(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METERDROP_DISPATCH", "embedded")

    told = rig.command("worker")

    assert (told.returncode, b'dispatch = "scaled"' in told.stderr) == (2, True)
