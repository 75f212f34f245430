"""Commands about the door's host keys."""

import subprocess
from typing import Any

import pytest

from tests.homes import POSTGRESQL
from tests.integration.command_line import CommandLine

pytestmark = pytest.mark.by_night(POSTGRESQL)


def keys(meterdrop: CommandLine) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = meterdrop.document("hostkey", "list")
    return found


def states(meterdrop: CommandLine) -> dict[str, str]:
    """Which key is what, by fingerprint."""
    return {key["fingerprint"]: key["state"] for key in keys(meterdrop)}


@pytest.mark.by_day(POSTGRESQL)
def test_a_key_is_announced_then_serves_then_goes(meterdrop: CommandLine) -> None:
    (first,) = states(meterdrop)

    second = meterdrop.document("hostkey", "add")["fingerprint"]
    assert states(meterdrop) == {first: "serving", second: "next"}
    meterdrop.done("hostkey", "promote")
    assert states(meterdrop) == {second: "serving", first: "old"}
    meterdrop.done("hostkey", "promote", "--back")
    assert states(meterdrop) == {first: "serving", second: "next"}
    meterdrop.done("hostkey", "promote")
    assert "is removed" in meterdrop.done("hostkey", "retire", first).out
    assert states(meterdrop) == {second: "serving"}


def test_fingerprints_and_files_are_those_of_openssh(meterdrop: CommandLine) -> None:
    told = meterdrop.document("hostkey", "add", "--type", "rsa")

    assert (told["state"], told["bits"]) == ("serving", 3072)
    file = meterdrop.home / "hostkeys" / "ssh_host_rsa_key"
    assert file.stat().st_mode & 0o777 == 0o600
    for name in (file, file.with_name("ssh_host_rsa_key.pub")):
        shown = subprocess.run(["ssh-keygen", "-lf", str(name)], capture_output=True, text=True, check=True)
        assert told["fingerprint"] in shown.stdout


def test_public_halves_follow_their_keys(meterdrop: CommandLine) -> None:
    meterdrop.done("hostkey", "add")
    meterdrop.done("hostkey", "promote")

    folder = meterdrop.home / "hostkeys"
    by_name = {key["state"]: key["public"] for key in keys(meterdrop)}
    assert (folder / "ssh_host_ed25519_key.pub").read_text().strip() == by_name["serving"]
    assert (folder / "ssh_host_ed25519_key_old.pub").read_text().strip() == by_name["old"]
    assert not (folder / "ssh_host_ed25519_key_next.pub").exists()


def test_a_promotion_that_was_cut_short_can_be_done_again(meterdrop: CommandLine) -> None:
    """The serving name always has a key, so a door can start at any moment."""
    (first,) = states(meterdrop)
    second = meterdrop.document("hostkey", "add")["fingerprint"]
    folder = meterdrop.home / "hostkeys"
    (folder / "ssh_host_ed25519_key_old").hardlink_to(folder / "ssh_host_ed25519_key")

    meterdrop.done("hostkey", "promote")

    assert states(meterdrop) == {second: "serving", first: "old"}


@pytest.mark.parametrize(
    ("before", "words", "said"),
    [
        ([], ["promote"], "no next host key"),
        ([], ["promote", "--back"], "no old host key"),
        ([["add"]], ["add"], "is there already"),
        ([["add"], ["promote"], ["add"]], ["promote"], "an old ed25519 key still"),
        ([], ["retire", "SHA256:other"], "no host key has the fingerprint"),
        ([], ["retire", "FIRST"], "the only host key"),
        ([["add"]], ["retire", "FIRST"], "this key serves"),
        ([["add", "--type", "rsa"], ["add", "--type", "rsa"], ["add"]], ["promote"], "say which"),
    ],
)
def test_what_would_leave_clients_without_a_key_is_refused(
    meterdrop: CommandLine, before: list[list[str]], words: list[str], said: str
) -> None:
    (first,) = states(meterdrop)
    for step in before:
        meterdrop.done("hostkey", *step)
    known = states(meterdrop)

    refusal = meterdrop.refused("hostkey", *[first if word == "FIRST" else word for word in words])

    assert said in " ".join(refusal.split())
    assert states(meterdrop) == known


def test_rsa_keys_below_3072_bits_are_not_made(meterdrop: CommandLine) -> None:
    assert "3072" in meterdrop.refused("hostkey", "add", "--type", "rsa", "--bits", "2048")
