"""Originals in a bucket: the whole road goes there and back, and what is wrong with it is told with a next step, without keys."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import obstore
import pytest
import structlog

from meterdrop.bootstrap import check_originals
from meterdrop.receive.bucket import Bucket, Keys, Place
from meterdrop.settings import CREDENTIALS, read_settings
from tests.homes import Homes
from tests.integration.command_line import READINGS_HEADER, CommandLine
from tests.s3 import KEYS, Moto, Wire

SECRETS = (KEYS.id, KEYS.secret)


def written(home: Path, keys: Keys) -> Path:
    """The file of a home's keys."""
    home.mkdir(exist_ok=True)
    file = home / CREDENTIALS
    file.touch(mode=0o600)
    file.write_text(
        f"[default]\naws_access_key_id = {keys.id}\naws_secret_access_key={keys.secret}\n", encoding="utf-8"
    )
    return file


def settle_in(home: CommandLine, place: Place) -> None:
    """The settings of a home whose originals go there."""
    home.monkeypatch.setenv("METERDROP_ORIGINALS", f"s3://{place.bucket}/{place.prefix}")
    home.monkeypatch.setenv("METERDROP_ORIGINALS_ENDPOINT", str(place.endpoint))
    home.monkeypatch.setenv("METERDROP_ORIGINALS_REGION", str(place.region))
    home.monkeypatch.setenv("METERDROP_ORIGINALS_HTTP", "true")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        home.monkeypatch.delenv(name, raising=False)
    written(home.home, KEYS)


@pytest.fixture
def away(bare: CommandLine, place: Place) -> CommandLine:
    """A home that isn't there yet; its originals are to go into a bucket."""
    settle_in(bare, place)
    return bare


@pytest.fixture
def road(meterdrop: CommandLine, place: Place) -> CommandLine:
    """A home with a partner and two meters; its originals are in a bucket."""
    settle_in(meterdrop, place)
    meterdrop.register("1001", "1002")
    return meterdrop


def kept(bucket: Bucket) -> set[str]:
    """The hashes of what is there."""
    return {one["path"].rpartition("/")[2] for block in obstore.list(bucket.store) for one in block}


def test_the_whole_road_goes_to_the_bucket_and_back(road: CommandLine, bucket: Bucket) -> None:
    """Bad lines make a rejects file; the meter that is registered later is found; what is judged again is read from there."""
    rows = ["1001;5;m3;2026-11-01", "9;5;m3;2026-11-01", "1002;x;m3;2026-11-01", "1001;4;m3;2025-01-31"]
    first = road.ingest("readings.csv", *rows, code=1)
    [rejects] = (road.home / "receipts" / "anyone").glob("*.rejects.csv")

    assert first["verdict"] == "partly_accepted"
    there = kept(bucket)
    assert first["sha256"] in there
    assert hashlib.sha256(rejects.read_bytes()).hexdigest() in there
    assert [one for one in (road.home / "originals").rglob("*") if one.is_file()] == []

    road.register("9", name="second.csv")
    road.done("reprocess")
    assert accepted(road, first) == 3
    assert road.ingest("readings.csv", *rows)["verdict"] == "duplicate"

    road.write(
        "../home/schemas/partners/anyone.yaml",
        [
            "partner: anyone",
            "name: Anyone",
            "group: 2",
            "feeds:",
            "  devices: {}",
            "  readings: {rules: {years_back: 1}}",
        ],
    )
    for dry in ([], ["--dry-run"]):
        told = road.document("reprocess", "--recheck", "30", *dry, code=1)
        assert (told["newly_rejected"], told["not_rechecked"]) == (1, 0), (
            "a line too old for the rules of now"
        )


def accepted(road: CommandLine, receipt: dict[str, Any]) -> int:
    """How many lines of a delivery are accepted by now."""
    lines: dict[str, int] = road.document("delivery", "show", receipt["delivery"])["receipt"]["lines"]
    return lines["accepted"]


def test_held_delivery_is_released_from_the_bucket(road: CommandLine) -> None:
    road.write(
        "../home/schemas/partners/anyone.yaml",
        [
            "partner: anyone",
            "name: Anyone",
            "group: 2",
            "feeds:",
            "  readings: {hold_above: {share: 0.5, lines: 20}}",
        ],
    )
    bad = [f"1001;x;m3;2026-10-{day}" for day in range(10, 31)]
    held = road.ingest("held.csv", "1001;5;m3;2026-11-01", *bad, code=1)
    assert held["verdict"] == "held"

    road.done("delivery", "release", held["delivery"], "--reason", "they are gone", code=1)

    assert accepted(road, held) == 1


def test_store_that_is_away_loses_nothing(road: CommandLine, place: Place, wire: Wire) -> None:
    settle_in(road, replace(place, endpoint=wire.url))
    wire.break_when(lambda _wire: True)
    path = road.write("readings.csv", [READINGS_HEADER, "1001;5;m3;2026-11-01"])

    told = road.refused("ingest", "--partner", "anyone", str(path), code=3)
    assert "try again later" in told
    assert "the connection broke" in told
    assert "the connection broke" in " ".join(road.document("status", code=1)["problems"])
    wire.mend()

    road.done("ingest", "--partner", "anyone", str(path))
    assert road.document("status")["problems"] == []
    assert not list((road.home / "work").glob("given-*"))


def test_init_and_check_write_to_the_bucket_and_read_it_back(away: CommandLine, bucket: Bucket) -> None:
    away.done("init")
    away.done("check")
    assert kept(bucket) == {"meterdrop-check"}


@pytest.mark.parametrize("command", ["init", "check"])
def test_keys_that_do_not_open_it_are_told_without_telling_them(
    command: str, away: CommandLine, s3: Moto
) -> None:
    with s3.asking_for_keys():
        told = away.refused(command)
    assert "does not know the access key" in told
    assert not [secret for secret in SECRETS if secret in told]
    assert not (away.home / "landing").exists(), "nothing was made"


def test_missing_bucket_is_told_before_the_service_starts(road: CommandLine) -> None:
    road.monkeypatch.setenv("METERDROP_ORIGINALS", "s3://not-there")
    for words in (["pipeline"], ["up", "--sftp-port", "0"]):
        assert "there is no such bucket" in road.refused(*words)


def test_check_says_that_the_store_is_away(away: CommandLine, wire: Wire, place: Place) -> None:
    settle_in(away, replace(place, endpoint=wire.url))
    wire.break_when(lambda _wire: True)
    assert "the connection broke" in away.refused("check")
    assert "the connection broke" in away.refused("init", code=3)


def test_start_does_not_wait_for_a_store_that_never_answers(
    away: CommandLine, wire: Wire, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle_in(away, replace(place, endpoint=wire.url))
    monkeypatch.setattr("meterdrop.bootstrap.originals._QUICK_SECONDS", 0.2)
    wire.hold()

    with structlog.testing.capture_logs() as logged:
        check_originals(read_settings(away.home))

    assert [one["event"] for one in logged] == ["originals.away"]
    assert "did not answer in time" in logged[0]["why"]


def test_keys_come_from_the_environment_too(away: CommandLine) -> None:
    (away.home / CREDENTIALS).unlink()
    assert "there are no credentials" in away.refused("check")
    for ours, theirs in (("METERDROP_ORIGINALS_", "AWS_"), ("AWS_", "METERDROP_ORIGINALS_")):
        away.monkeypatch.setenv(f"{ours}ACCESS_KEY_ID", KEYS.id)
        away.monkeypatch.setenv(f"{ours}SECRET_ACCESS_KEY", KEYS.secret)
        away.monkeypatch.delenv(f"{theirs}ACCESS_KEY_ID", raising=False)
        away.monkeypatch.delenv(f"{theirs}SECRET_ACCESS_KEY", raising=False)
        away.done("check")


def test_half_of_the_keys_of_aws_is_told(away: CommandLine) -> None:
    (away.home / CREDENTIALS).unlink()
    away.monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEYS.id)
    told = away.refused("check")
    assert "is there half of a key" in told
    assert KEYS.id not in told


def test_half_of_the_keys_is_none(away: CommandLine) -> None:
    away.monkeypatch.setenv("METERDROP_ORIGINALS_SECRET_ACCESS_KEY", KEYS.secret)
    told = away.refused("check")
    assert "set both, or neither" in told
    assert KEYS.secret not in told


@pytest.mark.parametrize("mode", [0o644, 0o620, 0o604])
def test_file_of_keys_that_is_for_everybody_is_refused(mode: int, away: CommandLine) -> None:
    (away.home / CREDENTIALS).chmod(mode)
    told = away.refused("check")
    assert f"chmod 600 {away.home / CREDENTIALS}" in told


@pytest.mark.parametrize(
    "content", ["", f"aws_access_key_id = {KEYS.id}\n", f"[default]\naws_secret_access_key = {KEYS.secret}\n"]
)
def test_file_of_keys_that_is_none_is_refused_without_its_words(content: str, away: CommandLine) -> None:
    (away.home / CREDENTIALS).write_text(content, encoding="utf-8")
    told = away.refused("check")
    assert "must have a section [default]" in told
    assert not [secret for secret in SECRETS if secret in told]


def test_file_of_keys_that_is_named_must_be_there(away: CommandLine) -> None:
    away.monkeypatch.setenv("METERDROP_ORIGINALS_CREDENTIALS", "/nowhere/keys")
    assert "/nowhere/keys can't be read" in away.refused("check")


def test_keys_are_refused_in_meterdrop_toml(away: CommandLine) -> None:
    (away.home / "meterdrop.toml").write_text(
        f'originals_secret_access_key = "{KEYS.secret}"\n', encoding="utf-8"
    )
    told = away.refused("check")
    assert "no keys in this file" in told
    assert CREDENTIALS in told
    assert KEYS.secret not in told


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("originals", "gs://bucket"),
        ("originals", "s3://"),
        ("originals", "originals"),
        ("originals", "s3://bucket/../other"),
        ("originals", "s3://bucket/a folder"),
        ("originals_endpoint", "s3.example.com"),
        ("originals_endpoint", f"https://{KEYS.id}:{KEYS.secret}@s3.example.com"),
        ("originals_endpoint", "https://s3.example.com/bucket"),
        ("originals_endpoint", "https://s3.example.com:port"),
        ("originals_endpoint", "https://s3.example.com:99999"),
        ("originals_endpoint", "https://[::1"),
        ("originals_region", "eu central 1"),
    ],
)
def test_place_that_is_none_is_refused(name: str, value: str, bare: CommandLine) -> None:
    bare.home.mkdir()
    (bare.home / "meterdrop.toml").write_text(f'{name} = "{value}"\n', encoding="utf-8")
    told = bare.refused("check")
    assert f"meterdrop.toml: {name}: " in told
    assert KEYS.secret not in told


def test_authority_that_cannot_be_read_is_told(away: CommandLine) -> None:
    away.monkeypatch.setenv("METERDROP_ORIGINALS_AUTHORITIES", "/nowhere/ca.pem")
    assert "originals_authorities: /nowhere/ca.pem can't be read" in away.refused("check")


def test_authority_that_is_none_is_told(away: CommandLine) -> None:
    away.monkeypatch.setenv("METERDROP_ORIGINALS_AUTHORITIES", str(away.write("ca.pem", ["no certificate"])))
    assert "ca.pem holds no certificates (PEM)" in away.refused("check")


@pytest.mark.parametrize("secret", ["", "with space", "with\nline", "sésame"])
def test_key_that_can_be_none_is_told(secret: str, away: CommandLine) -> None:
    away.monkeypatch.setenv("METERDROP_ORIGINALS_ACCESS_KEY_ID", KEYS.id)
    away.monkeypatch.setenv("METERDROP_ORIGINALS_SECRET_ACCESS_KEY", secret)
    told = away.refused("check")
    assert "a key is empty, or holds letters that no key has" in told
    assert not secret or secret not in told


def test_originals_can_be_in_another_folder(meterdrop: CommandLine, homes: Homes, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    meterdrop.monkeypatch.setenv("METERDROP_ORIGINALS", str(elsewhere))
    meterdrop.register("1001")
    assert [one.name for one in elsewhere.rglob("*") if one.is_file()]
