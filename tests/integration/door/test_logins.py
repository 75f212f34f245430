"""Who gets in, how often, and for how long?"""

import asyncio
import io
import socket
import time
from pathlib import Path

import asyncssh
import paramiko
import pytest

from tests.integration.door.conftest import HouseMaker
from tests.integration.door.house import HOST, House, wait_until


def login(house: House, partner: str = "techem", *, key_of: str | None = None) -> None:
    """Log in and leave; raises what the client saw."""
    with house.transport(partner, key_of=key_of):
        pass


def test_another_partners_key_and_unknown_partners_are_refused(house: House) -> None:
    for partner, key in (("techem", "ista"), ("nobody", "ista"), ("../ista", "ista"), ("", "ista")):
        with pytest.raises(paramiko.AuthenticationException):
            login(house, partner, key_of=key)
    login(house, "ista")
    wait_until(lambda: [line["partner"] for line in house.audit("login")] == ["ista"])
    assert house.audit("login")[0]["key_comment"] == "ista at home"


def test_passwords_keyboard_interactive_and_none_do_not_exist(house: House) -> None:
    transport = paramiko.Transport((HOST, house.port))
    transport.start_client()
    with pytest.raises(paramiko.BadAuthenticationType) as refused:
        transport.auth_none("techem")
    assert refused.value.allowed_types == ["publickey"]
    with pytest.raises(paramiko.BadAuthenticationType):
        transport.auth_password("techem", "techem", fallback=True)
    transport.close()


def test_paramiko_may_try_several_keys_on_one_connection(house: House) -> None:
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())  # noqa: S507 - the key was made just now
    keys = [str(house.key_file(name)) for name in ("enbra", "ista", "techem")]
    client.connect(
        HOST,
        house.port,
        "techem",
        key_filename=keys,  # type: ignore[arg-type]  # the stubs forget that it may be a list
        allow_agent=False,
        look_for_keys=False,
    )
    client.close()
    wait_until(lambda: len(house.audit("login")) == 1)


def test_a_signature_by_the_wrong_key_is_refused(house: House) -> None:
    class Liar(paramiko.Ed25519Key):
        """Shows techem's public key and signs with another."""

        def asbytes(self) -> bytes:
            return paramiko.Ed25519Key.from_private_key_file(str(house.key_file("techem"))).asbytes()

    transport = paramiko.Transport((HOST, house.port))
    with pytest.raises(paramiko.AuthenticationException):
        transport.connect(username="techem", pkey=Liar.from_private_key_file(str(house.key_file("ista"))))
    transport.close()
    assert house.audit("login") == []


def test_new_and_changed_accounts_count_within_two_seconds(house: House) -> None:
    with pytest.raises(paramiko.AuthenticationException):
        login(house, "enbra")
    house.write_account("enbra")
    _wait_for_login(house, "enbra")
    house.write_account("enbra", keys=[])
    wait_until(lambda: not _can_log_in(house, "enbra"), seconds=2)


def _can_log_in(house: House, partner: str) -> bool:
    try:
        login(house, partner)
    except paramiko.AuthenticationException:
        return False
    return True


def _wait_for_login(house: House, partner: str) -> None:
    wait_until(lambda: _can_log_in(house, partner), seconds=2)


@pytest.mark.parametrize("how", ["disabled", "removed", "key taken away", "network changed"])
def test_a_running_session_ends_when_its_partner_may_not_come_any_more(house: House, how: str) -> None:
    with house.transport() as running, house.transport("ista") as other:
        if how == "removed":
            (house.home / "accounts" / "techem.toml").unlink()
        elif how == "key taken away":
            house.write_account("techem", keys=[])
        else:
            house.write_account(
                "techem", more="disabled = true" if how == "disabled" else 'networks = ["10.0.0.0/8"]'
            )
        wait_until(lambda: not running.is_active(), seconds=2.5)
        assert other.is_active()
    assert not _can_log_in(house, "techem")


def test_a_mistaken_account_file_closes_that_account_only_and_ends_no_session(house: House) -> None:
    with house.transport() as running:
        house.write_account("techem", more='network = ["10.0.0.0/8"]')
        wait_until(lambda: not _can_log_in(house, "techem"), seconds=2)
        assert running.is_active()
    assert _can_log_in(house, "ista")
    assert [(line["event"], "network" in line["reason"]) for line in house.warnings()] == [
        ("account.mistake", True)
    ]


def test_networks_keep_others_out(make_house: HouseMaker) -> None:
    house = make_house()
    house.write_account("techem", more='networks = ["10.0.0.0/8"]')
    house.write_account("ista", more='networks = ["10.0.0.0/8", "127.0.0.0/8"]')
    house.start()
    assert not _can_log_in(house, "techem")
    assert _can_log_in(house, "ista")


def test_the_sixth_wrong_key_ends_the_connection(house: House, tmp_path: Path) -> None:
    wrong = []
    for number in range(8):
        file = tmp_path / f"wrong{number}"
        asyncssh.generate_private_key("ssh-ed25519").write_private_key(str(file))
        wrong.append(file)

    async def knock() -> None:
        async with house.connect(keys=[*wrong, house.key_file("techem")]):
            pass

    with pytest.raises(asyncssh.DisconnectError):
        asyncio.run(knock())
    wait_until(lambda: len(house.audit("login.refused")) == 6)
    assert house.audit("login") == []


def test_a_guessing_address_is_banned_and_stays_so_after_a_restart(make_house: HouseMaker) -> None:
    house = make_house(ban_score=4, ban_time=3)
    house.start()
    for _ in range(2):
        assert not _can_log_in(house, "nobody")
    wait_until(lambda: bool(house.audit("banned")))
    with pytest.raises((paramiko.SSHException, EOFError, OSError)):
        login(house, "techem")
    house.stop()
    house.start()
    with pytest.raises((paramiko.SSHException, EOFError, OSError)):
        login(house, "techem")
    time.sleep(3)
    login(house, "techem")


def test_wrong_keys_before_the_right_one_never_ban_a_partner(make_house: HouseMaker, tmp_path: Path) -> None:
    house = make_house(ban_score=4)
    house.start()

    async def log_in_with_an_agent_full_of_keys() -> None:
        async with house.connect(keys=[house.key_file("ista"), house.key_file("techem")]):
            pass

    for _ in range(6):
        asyncio.run(log_in_with_an_agent_full_of_keys())
    wait_until(lambda: len(house.audit("logout")) == 6)
    assert len(house.audit("login")) == 6
    assert house.audit("banned") == []


def test_a_partner_has_only_so_many_connections(make_house: HouseMaker) -> None:
    house = make_house(connections_per_partner=2)
    house.start()
    with house.transport(), house.transport():
        with pytest.raises((paramiko.SSHException, EOFError)):
            login(house)
        login(house, "ista")
    wait_until(lambda: len(house.audit("logout")) == 3)
    login(house)


def test_a_partner_has_only_so_many_open_handles_over_all_its_sessions(make_house: HouseMaker) -> None:
    house = make_house(handles_per_partner=4)
    house.start()
    with house.sftp() as one, house.sftp() as two:
        opened = [one.open(f"/incoming/{number}.csv", "wb") for number in range(3)]
        opened.append(two.open("/incoming/3.csv", "wb"))
        with pytest.raises(OSError, match="may be open at once"):
            two.open("/incoming/4.csv", "wb")
        with pytest.raises(OSError, match="may be open at once"):
            two.listdir("/incoming")
        opened[0].close()
        two.listdir("/incoming")


def test_a_connection_has_only_so_many_sessions(make_house: HouseMaker) -> None:
    house = make_house(channels_per_connection=2)
    house.start()
    with house.transport() as transport:
        kept = [paramiko.SFTPClient.from_transport(transport) for _ in range(2)]
        with pytest.raises(paramiko.ChannelException):
            transport.open_session()
        assert all(kept)


def test_who_does_not_log_in_is_sent_away(make_house: HouseMaker) -> None:
    house = make_house(login_timeout=0.5)
    house.start()
    with socket.create_connection((HOST, house.port)) as silent:
        silent.settimeout(5)
        said = b""
        while got := silent.recv(4096):
            said += got
    assert said.startswith(b"SSH-2.0-")


def test_who_is_idle_is_sent_away(make_house: HouseMaker) -> None:
    house = make_house(idle_timeout=0.5)
    house.start()
    with house.sftp() as sftp:
        channel = sftp.get_channel()
        assert channel is not None
        wait_until(lambda: not channel.get_transport().is_active(), seconds=5)
    wait_until(lambda: [line["reason"] for line in house.audit("closed")] == ["idle"])


def test_too_many_connections_at_once_from_one_address_are_dropped(make_house: HouseMaker) -> None:
    house = make_house(connections_per_second=2)
    house.start()
    answered = 0
    for _ in range(8):
        with socket.create_connection((HOST, house.port)) as knocking:
            knocking.settimeout(5)
            try:
                answered += bool(knocking.recv(4))
            except ConnectionResetError:
                continue
    assert 4 <= answered <= 5


def test_only_so_many_wait_before_login(make_house: HouseMaker) -> None:
    house = make_house(connections_before_login=3)
    house.start()
    waiting = [socket.create_connection((HOST, house.port)) for _ in range(3)]
    for one in waiting:
        assert one.recv(4) == b"SSH-"
    with pytest.raises((paramiko.SSHException, EOFError, OSError)):
        login(house)
    for one in waiting:
        one.close()
    wait_until(lambda: _can_connect(house))


def _can_connect(house: House) -> bool:
    try:
        login(house)
    except (paramiko.SSHException, EOFError, OSError):
        return False
    return True


def test_old_algorithms_are_not_offered(house: House) -> None:
    for weak in ({"kex_algs": ["diffie-hellman-group14-sha256"]}, {"encryption_algs": ["aes128-cbc"]},
                 {"mac_algs": ["hmac-sha1"], "encryption_algs": ["aes128-ctr"]}, {"compression_algs": ["zlib"]}):  # fmt: skip

        async def connect(weak: dict[str, list[str]] = weak) -> None:
            key = str(house.key_file("techem"))
            async with asyncssh.connect(
                HOST, house.port, username="techem", client_keys=[key], known_hosts=None, config=None, **weak
            ):
                pass

        with pytest.raises(asyncssh.DisconnectError):
            asyncio.run(connect())


def test_the_audit_says_who_did_what(house: House) -> None:
    with house.sftp() as sftp:
        sftp.putfo(io.BytesIO(b"one\n"), "/incoming/a.csv")
        with pytest.raises(PermissionError):
            sftp.mkdir("/elsewhere")
    (upload,) = house.audit("upload.finished")
    (ticket,) = house.tickets()
    assert (upload["upload"], upload["partner"], upload["sha256"], upload["key"]) == (
        ticket["upload"], "techem", ticket["sha256"], ticket["key"],
    )  # fmt: skip
    (refused,) = house.audit("refused")
    assert (refused["operation"], refused["partner"]) == ("mkdir", "techem")
    wait_until(lambda: bool(house.audit("logout")))


def test_channels_without_a_session_count_too(make_house: HouseMaker) -> None:
    house = make_house(channels_per_connection=2)
    house.start()
    with house.transport() as transport:
        silent = [transport.open_session() for _ in range(2)]
        with pytest.raises(paramiko.ChannelException):
            transport.open_session()
        silent[0].close()
        wait_until(lambda: _can_open(transport))


def _can_open(transport: paramiko.Transport) -> bool:
    try:
        return transport.open_session() is not None
    except paramiko.ChannelException:
        return False


def test_one_address_cannot_take_all_the_places_before_login(make_house: HouseMaker) -> None:
    house = make_house(connections_before_login_per_address=2)
    house.start()
    waiting = [socket.create_connection((HOST, house.port)) for _ in range(2)]
    for one in waiting:
        assert one.recv(4) == b"SSH-"
    assert not _can_connect(house)
    with socket.create_connection((HOST, house.port), source_address=("127.0.0.9", 0)) as elsewhere:
        assert elsewhere.recv(4) == b"SSH-"
    for one in waiting:
        one.close()


def test_a_try_without_a_key_is_in_the_audit_and_counts(make_house: HouseMaker) -> None:
    house = make_house(ban_score=2)
    house.start()
    for _ in range(2):
        transport = paramiko.Transport((HOST, house.port))
        transport.start_client(timeout=5)
        with pytest.raises(paramiko.SSHException):
            transport.auth_password("techem", "guess")
        transport.close()
    wait_until(lambda: bool(house.audit("banned")))
    refused = house.audit("login.refused")
    assert [(line["user"], line["reason"]) for line in refused] == [("techem", "left without a login")] * 2
