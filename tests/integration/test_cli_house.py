"""Commands about the house: init, check, status, and what is said when something is wrong with it."""

import json
import os
import sqlite3
import stat
import time
from pathlib import Path

import pytest

from meterdrop.cli import main
from tests.homes import change
from tests.integration.command_line import CommandLine

COMMANDS = (
    ("status",),
    ("deliveries",),
    ("partner", "list"),
    ("quarantine", "list"),
    ("readings", "export"),
    ("devices", "export"),
    ("records", "export", "--feed", "service_visits"),
    ("reprocess",),
)


def test_init_makes_a_home_and_may_be_repeated(bare: CommandLine) -> None:
    first = bare.document("init")
    key = (bare.home / "hostkeys" / "ssh_host_ed25519_key").read_bytes()
    second = bare.document("init")

    assert {"landing", "originals", "host key", "database"} <= set(first["made"])
    assert second == {"home": str(bare.home), "made": []}
    assert (bare.home / "hostkeys" / "ssh_host_ed25519_key").read_bytes() == key
    assert "all was there already" in bare.done("init").out


def test_host_key_is_for_its_owner_only(bare: CommandLine) -> None:
    bare.done("init")
    mode = (bare.home / "hostkeys" / "ssh_host_ed25519_key").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_home_is_taken_from_the_environment_when_none_is_named(
    bare: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METERDROP_HOME", str(bare.home))
    monkeypatch.setattr("sys.argv", ["meterdrop", "init"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code in (0, None)
    assert (bare.home / "meterdrop.db").is_file()


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_command_in_a_home_that_was_never_made_says_to_init_it(
    bare: CommandLine, words: tuple[str, ...]
) -> None:
    said = bare.refused(*words)
    assert "run `meterdrop --home" in said
    assert str(bare.home) in said
    assert not bare.home.exists(), "asking must not make anything"


@pytest.mark.only_on("sqlite")
def test_lost_database_is_told_and_not_made_anew_in_silence(meterdrop: CommandLine) -> None:
    for path in meterdrop.home.glob("meterdrop.db*"):
        path.unlink()
    assert "init" in meterdrop.refused("status")
    assert not (meterdrop.home / "meterdrop.db").exists()


@pytest.mark.only_on("sqlite")
def test_damaged_database_is_told_without_a_traceback(meterdrop: CommandLine) -> None:
    for path in meterdrop.home.glob("meterdrop.db*"):
        path.unlink()
    (meterdrop.home / "meterdrop.db").write_bytes(b"no database at all " * 500)
    assert "meterdrop.db is damaged or is none" in meterdrop.refused("status")


def test_database_of_a_later_version_is_refused(meterdrop: CommandLine) -> None:
    change(meterdrop.home, "update alembic_version set version_num = '9999'")
    assert "older than its database" in meterdrop.refused("init")


@pytest.mark.only_on("sqlite")
def test_busy_database_means_try_again(meterdrop: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("meterdrop.store.engine._BUSY_MS", 50)
    holder = sqlite3.connect(meterdrop.home / "meterdrop.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    said = meterdrop.refused("partner", "add", "new", code=3)
    holder.close()
    assert "try again later" in said
    assert "locked" in said
    meterdrop.done("partner", "add", "new")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+nodriver://reader:s3cret@db.example/meterdrop",
        "reader:s3cret@db.example",
        "postgresql://reader:s3cret@db.example:s3cret/meterdrop",
        "nosuch://reader:s3cret@db.example/meterdrop",
    ],
)
def test_bad_database_url_is_refused_without_its_password(bare: CommandLine, url: str) -> None:
    said = bare.refused("init", "--database", url)
    assert "database URL" in said
    assert "s3cret" not in said
    assert not bare.home.exists(), "nothing is made for a URL that is no good"


def test_database_url_is_kept_for_its_owner_only(bare: CommandLine, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    first = bare.document("init", "--database", url)
    again = bare.document("init", "--database", url)
    kept = bare.home / "database.url"
    assert "database.url" in first["made"]
    assert again["made"] == []
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert kept.read_text(encoding="utf-8").strip() == url
    assert (tmp_path / "elsewhere.db").is_file()
    assert not (bare.home / "meterdrop.db").exists()


def test_home_that_is_a_file_is_told(bare: CommandLine) -> None:
    bare.home.write_text("not a folder", encoding="utf-8")
    assert str(bare.home) in bare.refused("init")


def test_check_finds_nothing_in_a_fresh_home(meterdrop: CommandLine) -> None:
    assert meterdrop.document("check")["problems"] == []
    assert "are well" in meterdrop.done("check").out
    assert meterdrop.document("check", "techem")["problems"] == []


def test_check_tells_every_problem_at_once(meterdrop: CommandLine) -> None:
    (meterdrop.home / "meterdrop.toml").write_text("workers = 0\nsweeps = 3\n", encoding="utf-8")
    meterdrop.write("../home/schemas/feeds/broken.yaml", ["feed: [unclosed"])
    meterdrop.write("../home/schemas/partners/nova.yaml", ["partner: nova", "nmae: Nova"])

    problems = meterdrop.document("check", code=2)["problems"]
    told = " ".join(problems)
    assert "workers" in told
    assert "sweeps" in told
    assert "broken.yaml" in told
    assert "nova.yaml" in told
    assert meterdrop.refused("check").count("problem:") == len(problems)


def test_bad_settings_file_is_told_by_every_command(meterdrop: CommandLine) -> None:
    (meterdrop.home / "meterdrop.toml").write_text("workers = = 3\n", encoding="utf-8")
    said = meterdrop.refused("status")
    assert "meterdrop.toml" in said
    assert "line 1" in said


def test_bad_schema_of_the_site_is_told_by_commands_that_need_it(meterdrop: CommandLine) -> None:
    path = meterdrop.write(
        "../home/schemas/feeds/broken.yaml", ["feed: broken", "target: recrods", "columns: {}"]
    )
    assert path.name in meterdrop.refused(
        "ingest", "--partner", "anyone", str(meterdrop.write("a.csv", ["x"]))
    )
    assert meterdrop.document("partner", "list")[0]["id"] == "anyone", "what needs no schema goes on"


def test_check_of_a_partner_without_a_profile_says_so(meterdrop: CommandLine) -> None:
    assert "no profile" in meterdrop.refused("check", "nobody")


def test_status_of_a_fresh_home_is_well(meterdrop: CommandLine) -> None:
    told = meterdrop.document("status")
    assert told["problems"] == []
    assert told["oldest_unfinished"] is None
    assert "oldest unfinished delivery" in meterdrop.done("status").out


def test_status_counts_what_came(meterdrop: CommandLine) -> None:
    meterdrop.register("10001")
    meterdrop.ingest("r.csv", "10001;1;m3;2026-10-31", "10001;many;m3;2026-10-30", code=1)
    told = meterdrop.document("status")
    assert told["deliveries"] == {"accepted": 1, "partly_accepted": 1}
    assert told["quarantine"] == {"open": 1}
    assert told["devices"] == 1
    assert told["receipts_waiting"] == 0


def test_status_ends_with_one_when_a_delivery_is_held(meterdrop: CommandLine) -> None:
    meterdrop.register("10001")
    meterdrop.ingest("r.csv", *["10001;many;m3;2026-10-31"] * 30, code=1)
    told = meterdrop.document("status", code=1)
    assert "deliveries --state held" in told["problems"][0]


def test_upload_that_nobody_takes_in_is_unfinished_work(meterdrop: CommandLine) -> None:
    """The pipeline does not run, so only the doorstep knows of the upload."""
    folder = meterdrop.home / "landing" / "01M85NE16NB7Q7S2VSG3XJ82BT"
    folder.mkdir()
    (folder / "ticket.json").write_text("{}", encoding="utf-8")
    before = time.time() - 3600

    os.utime(folder, (before, before))
    told = meterdrop.document("status", code=1)
    assert told["oldest_unfinished"].endswith("Z")
    assert "is `meterdrop up` running?" in told["problems"][0]


def test_upload_put_aside_is_a_problem(meterdrop: CommandLine) -> None:
    (meterdrop.home / "landing-aside" / "01M85NE16NB7Q7S2VSG3XJ82BT").mkdir(parents=True)
    assert "landing-aside" in meterdrop.document("status", code=1)["problems"][0]


@pytest.mark.parametrize(
    "words",
    [
        ("pull",),
        ("pull", "--partner", "techem", "--from", "2026-10-01"),
        ("operator", "add", "jana", "--role", "reviewer"),
    ],
    ids=" ".join,
)
def test_command_of_a_later_version_says_so(bare: CommandLine, words: tuple[str, ...]) -> None:
    assert "comes with a later version" in bare.refused(*words)


def test_unknown_command_is_wrong_use(bare: CommandLine) -> None:
    assert "No such command" in bare.refused("fetch")


def test_help_names_every_command_of_the_contract(bare: CommandLine) -> None:
    out = bare.done("--help").out
    wanted = (
        "init partner up ingest reprocess pull quarantine deliveries delivery readings devices records status check "
        "profile worker operator demo"
    )
    assert [command for command in wanted.split() if f"\n  {command} " not in out] == []


def test_logs_go_to_stderr_as_json(meterdrop: CommandLine) -> None:
    path = meterdrop.write("nothing.csv", ["SerialNum;Value;Unit;Date"])
    answer = meterdrop.done("--verbose", "ingest", "--partner", "anyone", str(path), "--json", code=1)
    json.loads(answer.out)
    events = [json.loads(line)["event"] for line in answer.err.splitlines() if line.startswith("{")]
    assert {"delivery.received", "delivery.settled"} <= set(events)
