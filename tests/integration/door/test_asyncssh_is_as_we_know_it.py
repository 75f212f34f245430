"""Does asyncssh still work the way protocol.py leans on? An upgrade that changes it must fail here."""

import inspect

import asyncssh
from asyncssh import auth, channel, connection, sftp
from asyncssh.packet import SSHPacketHandler
from asyncssh.stream import SSHServerStreamSession

from sftp_server.sftp.operations import DoorSFTP
from sftp_server.sftp.protocol import DoorHandler, DoorSession
from sftp_server.visitors.channel import DoorChannel

FORBIDDEN = (
    "symlink",
    "link",
    "readlink",
    "lock",
    "unlock",
    "copy_data",
    "ranges",
    "statvfs",
    "fstatvfs",
    "openssh_link",
)


def test_the_version_is_one_we_have_read() -> None:
    assert asyncssh.__version__.startswith("2.24.")


def test_packets_are_answered_through_the_handlers_table() -> None:
    source = inspect.getsource(sftp.SFTPServerHandler._process_packet)
    assert "self._packet_handlers.get(" in source
    assert "self._return_types.get(" in source
    assert "await handler(self, packet)" in source


def test_answers_to_global_requests_go_through_a_table_that_a_connection_may_replace() -> None:
    assert "self._packet_handlers[pkttype](self, pkttype" in inspect.getsource(
        SSHPacketHandler.process_packet
    )
    source = inspect.getsource(asyncssh.SSHServerConnection._process_global_response)
    assert "if self._global_request_waiters:" in source
    assert "raise ProtocolError('Unexpected global response')" in source  # when this goes, stray.py may go


def test_handles_are_kept_where_a_close_takes_them_from() -> None:
    source = inspect.getsource(sftp.SFTPServerHandler._process_close)
    assert "self._file_handles.pop(handle, None)" in source
    assert "self._dir_handles.pop(handle, None)" in source
    assert "self._server.close(file_obj)" in inspect.getsource(sftp.SFTPServerHandler._cleanup)


def test_every_packet_that_asyncssh_knows_is_ours_or_left_out_on_purpose() -> None:
    ours = {handler.__name__ for handler in DoorHandler._packet_handlers.values() if handler}
    theirs = {handler.__name__ for handler in sftp.SFTPServerHandler._packet_handlers.values() if handler}
    assert theirs - ours == {f"_process_{name}" for name in FORBIDDEN}


def test_no_file_operation_of_asyncssh_itself_is_left() -> None:
    """Whatever opens, changes or lists files in the parent class is overridden, or cannot be reached."""
    harmless = {
        "convert_attrs",
        "format_longname",
        "__init__",
        "_to_sftpname",
        "map_path",
        "reverse_map_path",
    }
    harmless |= {"open56", *FORBIDDEN, "statvfs", "fstatvfs"}
    theirs = {name for name, member in vars(sftp.SFTPServer).items() if inspect.isfunction(member)}
    assert theirs - harmless - set(vars(DoorSFTP)) == set()


def test_the_session_class_still_has_what_ours_overrides() -> None:
    for name in (
        "subsystem_requested",
        "session_started",
        "signal_received",
        "break_received",
        "terminal_size_changed",
    ):
        assert name in vars(DoorSession)
        assert hasattr(SSHServerStreamSession, name)


def test_what_is_proven_goes_through_the_methods_that_we_wrap() -> None:
    """`LoginSteps` puts itself before these two; who is asked later must still ask there."""
    assert "await self._conn.validate_public_key(" in inspect.getsource(auth._ServerPublicKeyAuth._start)
    assert "await self._conn.send_userauth_success()" in inspect.getsource(auth.ServerAuth.send_success)
    assert "if self._conn.auth is self" in inspect.getsource(auth.ServerAuth.send_success)
    assert "partial_success: bool" in inspect.getsource(asyncssh.SSHServerConnection.send_userauth_failure)
    assert "self._next_service" in inspect.getsource(asyncssh.SSHServerConnection._process_service_request)


def test_a_new_try_breaks_off_the_one_before() -> None:
    """So what a check finds later, for another name perhaps, counts for nothing."""
    source = inspect.getsource(asyncssh.SSHServerConnection._process_userauth_request)
    assert "auth.cancel()" in source
    assert "if username != self._username" in source


def test_a_certificate_is_asked_about_by_its_authority() -> None:
    source = inspect.getsource(asyncssh.SSHServerConnection._validate_openssh_certificate)
    assert "self._owner.validate_ca_key(username, cert.signing_key)" in source
    assert "cert.validate(CERT_TYPE_USER, cert_user)" in source


def test_what_the_walls_against_floods_lean_on_is_still_there() -> None:
    """`flow.py`, `small_talk.py`, `channel.py`: asyncssh asks the connection, and would keep answers without limit."""
    receives = inspect.getsource(connection.SSHConnection._recv_packet)
    assert "handler: SSHPacketHandler = self" in receives
    assert "handler.process_packet(pkttype, seq, packet)" in receives
    assert "self._rekey_bytes_sent += " in inspect.getsource(connection.SSHConnection.send_packet)
    assert "self._rekey_bytes_sent = 0" in inspect.getsource(connection.SSHConnection._send_kexinit)
    assert "self._deferred_packets.append" in inspect.getsource(connection.SSHConnection.send_packet)
    assert "# Do nothing with this for now" in inspect.getsource(connection.SSHConnection.pause_writing)
    assert inspect.getsource(channel.SSHChannel._service_next_request).count("'_process_'") == 1
    overridden = {
        name for name in vars(DoorChannel) if name.startswith("_process_") or name == "_accept_data"
    }
    assert {name for name in overridden if not hasattr(channel.SSHServerChannel, name)} == set()
    assert "_recv_paused: Union[bool, str] = 'starting'" in inspect.getsource(channel.SSHChannel.__init__)
    ours = list(inspect.signature(channel.SSHServerChannel.__init__).parameters)
    assert ours[-2:] == ["window", "max_pktsize"]
