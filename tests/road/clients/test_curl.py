"""Does curl get what it expects? libssh2 before 1.11 needs `legacy_macs`."""

import json
import subprocess
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.road.clients.conftest import Seen
from tests.road.clients.rig import HOST, PARTNER, Road, run

pytestmark = pytest.mark.road


def curl(key: Path, port: int, path: str, *words: str) -> "subprocess.CompletedProcess[str]":
    """One transfer; the path is written as an address wants it."""
    return run(
        "curl", "-sS", "--insecure", "--key", str(key), "--pubkey", f"{key}.pub", "-u", f"{PARTNER}:", *words,
        f"sftp://{HOST}:{port}/{quote(path)}",
    )  # fmt: skip


@pytest.mark.table("clients", client="curl", does="-T --ftp-create-dirs, list, get of the receipt")
def test_curl_uploads_into_new_folders_and_fetches_the_receipt(
    road: Road, seen: Seen, tmp_path: Path
) -> None:
    file = road.file(tmp_path, "odečty říjen curl.csv")
    path = f"incoming/curl/2026/{file.name}"

    done = curl(road.key, road.up.port, path, "--ftp-create-dirs", "-T", str(file))

    assert done.returncode == 0, done.stderr
    result = road.arrived(path, file.read_bytes())
    listed = curl(road.key, road.up.port, "incoming/curl/2026/")
    assert f" {file.stat().st_size} " in listed.stdout
    assert file.name in listed.stdout
    got = curl(road.key, road.up.port, f"receipts/{road.receipt(result)}")
    assert json.loads(got.stdout) == result
    seen(done.returncode, result)


@pytest.mark.table("clients", client="curl", does="-C - after a cut")
def test_curl_resumes_a_cut_upload(road: Road, seen: Seen, tmp_path: Path) -> None:
    file = road.file(tmp_path, "resumed-curl.csv", large=True)
    road.cut("incoming/resumed-curl.csv", file.read_bytes())

    done = curl(road.key, road.up.port, "incoming/resumed-curl.csv", "-C", "-", "-T", str(file))

    assert done.returncode == 0, done.stderr
    result = road.arrived("incoming/resumed-curl.csv", file.read_bytes())
    assert result["upload"] == road.audit("upload.lost", "incoming/resumed-curl.csv")[0]["upload"]
    seen(done.returncode, result)


@pytest.mark.table("clients", client="curl", does="-Q rename from .part; -Q symlink refused")
def test_curl_renames_after_the_upload(road: Road, seen: Seen, tmp_path: Path) -> None:
    file = road.file(tmp_path, "renamed-curl.csv")

    done = curl(
        road.key, road.up.port, "incoming/renamed-curl.csv.part", "-T", str(file),
        "-Q", "-rename /incoming/renamed-curl.csv.part /incoming/renamed-curl.csv",
    )  # fmt: skip
    refused = curl(road.key, road.up.port, "incoming/", "-Q", "symlink /incoming/a /incoming/link")

    assert done.returncode == 0, done.stderr
    assert (refused.returncode, "symlink command failed" in refused.stderr) == (21, True)
    assert road.hand_overs("incoming/renamed-curl.csv.part") == 0
    seen(done.returncode, road.arrived("incoming/renamed-curl.csv", file.read_bytes()))


@pytest.mark.table("clients", client="curl", does="-T from a pipe, over an earlier file")
def test_curl_sends_what_it_is_given(road: Road, seen: Seen, tmp_path: Path) -> None:
    first, second = (road.file(tmp_path, name) for name in ("first", "second"))

    for file in (first, second):
        with file.open("rb") as stream:
            done = subprocess.run(
                ["curl", "-sS", "--insecure", "--key", str(road.key), "--pubkey", f"{road.key}.pub", "-u",
                 f"{PARTNER}:", "-T", "-", f"sftp://{HOST}:{road.up.port}/incoming/piped.csv"],
                stdin=stream, capture_output=True, timeout=60, check=False,
            )  # fmt: skip
        assert done.returncode == 0, done.stderr

    seen(0, road.arrived("incoming/piped.csv", second.read_bytes(), times=2), 2)
