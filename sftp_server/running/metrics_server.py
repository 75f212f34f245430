"""Who may ask for the numbers, and how? Anybody on this machine, by HTTP, one after another, in a thread of its own."""

import ipaddress
import socket
import threading
from socketserver import BaseServer
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, disable_created_metrics, make_wsgi_app

from sftp_server.refusals import StopAtStart

_PATIENCE = 2.0
"""Seconds for one asker to say what it wants; who is slower keeps only other askers waiting, never the door."""


class _Handler(WSGIRequestHandler):
    timeout = _PATIENCE

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: what is asked is in nobody's interest."""


class _Server(WSGIServer):
    def __init__(self, sock: socket.socket) -> None:
        # Past TCPServer's own: it would make a socket, which the door's sandbox allows nobody.
        BaseServer.__init__(self, sock.getsockname()[:2], _Handler)
        self.socket = sock
        self.server_name, self.server_port = sock.getsockname()[:2]
        self.setup_environ()

    def handle_error(self, request: object, client_address: object) -> None:
        """An asker that went away is none of ours."""


def listen_on(host: str, port: int) -> socket.socket:
    """A socket on a loopback address; raises `StopAtStart` where there can be none."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError as error:
        raise StopAtStart(f"metrics_host: {error}. Say 127.0.0.1 or ::1.") from error
    _check_loopback(host)
    try:
        return socket.create_server(
            (host, port), family=socket.AF_INET6 if address.version == 6 else socket.AF_INET
        )
    except (OSError, OverflowError) as error:
        raise StopAtStart(f"cannot listen on {host} port {port} for metrics: {error}") from error


def _check_loopback(host: str) -> None:
    if not ipaddress.ip_address(host).is_loopback:
        raise StopAtStart(f"metrics are for this machine only, not for {host}. Say 127.0.0.1 or ::1.")


class MetricsServer:
    """Answers on a listening socket of a loopback address; raises `StopAtStart` for any other."""

    def __init__(self, registry: CollectorRegistry, *, sock: socket.socket) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # prometheus_client leaves this one without types
        _check_loopback(sock.getsockname()[0])
        self._server = _Server(sock)
        self._server.set_app(make_wsgi_app(registry))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._server.server_port

    def stop(self) -> None:
        """No more answers; an asker that dawdles is not waited for."""
        threading.Thread(target=self._server.shutdown, daemon=True).start()
        self._thread.join(0.5)
        self._server.server_close()
