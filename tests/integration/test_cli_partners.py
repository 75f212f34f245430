"""Commands about partners: accounts, keys, and what is refused."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tests.homes import POSTGRESQL, rows
from tests.integration.command_line import CommandLine

pytestmark = pytest.mark.by_night(POSTGRESQL)


def key_pair(meterdrop: CommandLine, name: str) -> tuple[Path, Path]:
    """A private key's file and its public one's."""
    key = Ed25519PrivateKey.generate()
    private = meterdrop.files / name
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    public = private.with_suffix(".pub")
    public.write_bytes(
        key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH) + f" {name}@x\n".encode()
    )
    return private, public


def account(meterdrop: CommandLine, partner: str) -> dict[str, Any]:
    return tomllib.loads((meterdrop.home / "accounts" / f"{partner}.toml").read_text(encoding="utf-8"))


def test_partner_added_has_an_account_a_tree_and_receipts(meterdrop: CommandLine) -> None:
    _, public = key_pair(meterdrop, "one")
    told = meterdrop.document(
        "partner", "add", "nova", "--name", "Nova s.r.o.", "--group", "2", "--key", str(public)
    )

    assert (told["id"], told["name"], told["group"], told["active"]) == ("nova", "Nova s.r.o.", 2, True)
    assert account(meterdrop, "nova")["keys"] == [public.read_text(encoding="utf-8").strip()]
    assert (meterdrop.home / "partners" / "nova" / "files" / "incoming").is_dir()
    assert (meterdrop.home / "partners" / "nova" / ".staging").is_dir()
    assert (meterdrop.home / "receipts" / "nova").is_dir()


def test_partner_with_a_profile_takes_name_and_group_from_it(meterdrop: CommandLine) -> None:
    told = meterdrop.document("partner", "add", "techem")
    assert (told["name"], told["group"]) == ("Techem", 2)
    assert told["keys"] == []


@pytest.mark.by_day(POSTGRESQL)
def test_partner_added_again_keeps_what_is_not_said_anew(meterdrop: CommandLine) -> None:
    _, one = key_pair(meterdrop, "one")
    _, two = key_pair(meterdrop, "two")
    first = ("--name", "Techem Brno", "--group", "1", "--key", str(one), "--from", "192.0.2.0/24")
    meterdrop.done("partner", "add", "techem", *first)
    meterdrop.done("partner", "disable", "techem")

    told = meterdrop.document("partner", "add", "techem", "--key", str(two))

    assert (told["name"], told["group"], told["active"]) == ("Techem Brno", 1, True)
    assert len(told["keys"]) == 2
    assert told["networks"] == ["192.0.2.0/24"]
    assert told["disabled"] is False


@pytest.mark.by_day(POSTGRESQL)
def test_list_names_every_partner_once(meterdrop: CommandLine) -> None:
    meterdrop.done("partner", "add", "nova")
    assert [one["id"] for one in meterdrop.document("partner", "list")] == ["anyone", "nova"]
    assert "nova" in meterdrop.done("partner", "list").out


def test_disabled_partner_is_disabled_at_the_door_too(meterdrop: CommandLine) -> None:
    told = meterdrop.document("partner", "disable", "anyone")
    assert (told["active"], told["disabled"]) == (False, True)
    assert account(meterdrop, "anyone")["disabled"] is True
    assert "disabled" in meterdrop.done("partner", "list").out


def test_what_the_door_keeps_in_an_account_outlives_our_changes(meterdrop: CommandLine) -> None:
    path = meterdrop.home / "accounts" / "anyone.toml"
    path.write_text(path.read_text(encoding="utf-8") + 'expires = "2027-01-01"\n', encoding="utf-8")
    _, public = key_pair(meterdrop, "one")
    meterdrop.done("partner", "key", "add", "anyone", str(public))
    assert account(meterdrop, "anyone")["expires"] == "2027-01-01"


def test_keys_are_added_once_and_removed_by_comment_or_file(meterdrop: CommandLine) -> None:
    _, one = key_pair(meterdrop, "one")
    _, two = key_pair(meterdrop, "two")
    meterdrop.done("partner", "key", "add", "anyone", str(one))
    meterdrop.done("partner", "key", "add", "anyone", str(one))
    both = meterdrop.document("partner", "key", "add", "anyone", str(two))
    assert [key.split()[2] for key in both["keys"]] == ["one@x", "two@x"]

    left = meterdrop.document("partner", "key", "remove", "anyone", "one@x")
    assert [key.split()[2] for key in left["keys"]] == ["two@x"]
    assert meterdrop.document("partner", "key", "remove", "anyone", str(two))["keys"] == []
    assert "has no key 'one@x'. It has: none" in meterdrop.refused(
        "partner", "key", "remove", "anyone", "one@x"
    )


def test_private_key_is_refused_and_never_shown(meterdrop: CommandLine) -> None:
    private, _ = key_pair(meterdrop, "one")
    said = meterdrop.refused("partner", "add", "nova", "--key", str(private))
    assert f"{private} is a private key: give the public one" in said
    assert private.read_text(encoding="utf-8").splitlines()[1] not in said
    assert [one["id"] for one in meterdrop.document("partner", "list")] == ["anyone"]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"ssh-ed25519",
        b"ssh-ed25519 not-base64!",
        b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5",
        b"ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAINvVb1K7nLjYsaJ8gbkBcjfNAG/UGApff81y4TA5IXqU kind-and-blob-differ",
        b"hello",
        b"\xff\xfe\x00",
        b"PuTTY-User-Key-File-3: ssh-ed25519",
    ],
)
def test_file_that_is_no_public_key_is_refused(meterdrop: CommandLine, text: bytes) -> None:
    path = meterdrop.files / "wrong.pub"
    path.write_bytes(text)
    assert str(path) in meterdrop.refused("partner", "key", "add", "anyone", str(path))
    assert account(meterdrop, "anyone")["keys"] == []


def test_missing_key_file_is_told(meterdrop: CommandLine) -> None:
    assert "nowhere.pub: can't be read as a public key" in meterdrop.refused(
        "partner", "add", "nova", "--key", str(meterdrop.files / "nowhere.pub")
    )


@pytest.mark.parametrize("id", ["Nova", "../nova", "no va", "", "-", "x" * 64])
def test_id_that_could_be_no_folder_is_refused(meterdrop: CommandLine, id: str) -> None:
    assert "can't be a partner's id" in meterdrop.refused("partner", "add", "--", id)


def test_network_that_is_none_is_refused(meterdrop: CommandLine) -> None:
    assert "'10.0.0.0/64' is not a network" in meterdrop.refused(
        "partner", "add", "nova", "--from", "10.0.0.0/64"
    )


@pytest.mark.parametrize(
    "words",
    [
        ("partner", "disable", "nobody"),
        ("partner", "key", "remove", "nobody", "x"),
        ("deliveries", "--partner", "nobody"),
        ("readings", "export", "--partner", "nobody"),
        ("devices", "export", "--partner", "nobody"),
        ("records", "export", "--feed", "service_visits", "--partner", "nobody"),
        ("quarantine", "list", "--partner", "nobody"),
        ("quarantine", "export", "--partner", "nobody"),
        ("reprocess", "--partner", "nobody"),
    ],
    ids=" ".join,
)
def test_unknown_partner_is_told_by_every_command(meterdrop: CommandLine, words: tuple[str, ...]) -> None:
    said = meterdrop.refused(*words)
    assert "there is no partner 'nobody': see `meterdrop partner list`" in said


def test_damaged_account_file_is_told_with_its_path(meterdrop: CommandLine) -> None:
    (meterdrop.home / "accounts" / "anyone.toml").write_text("keys = [", encoding="utf-8")
    assert "accounts/anyone.toml can't be read" in meterdrop.refused("partner", "list")


@pytest.mark.by_day(POSTGRESQL)
def test_acts_on_partners_are_in_the_audit(meterdrop: CommandLine) -> None:
    _, public = key_pair(meterdrop, "one")
    meterdrop.done("partner", "add", "nova")
    meterdrop.done("partner", "key", "add", "nova", str(public))
    meterdrop.done("partner", "key", "remove", "nova", "one@x")
    meterdrop.done("partner", "disable", "nova")
    told = rows(meterdrop.home, "select what, who from event where partner = 'nova' order by id")
    assert [what for what, _ in told] == [
        "partner.added",
        "partner.key-added",
        "partner.key-removed",
        "partner.disabled",
    ]
    assert all(who.startswith("cli:") for _, who in told)
