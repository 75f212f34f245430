"""Who may ask for the numbers, and how? Anybody on this machine, by HTTP, one after another, in a thread of its own."""

import ipaddress
import socket
import threading
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
    def server_bind(self) -> None:
        """Without asking anybody for the machine's name."""
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = self.socket.getsockname()[:2]
        self.setup_environ()

    def handle_error(self, request: object, client_address: object) -> None:
        """An asker that went away is none of ours."""


class _Server6(_Server):
    address_family = socket.AF_INET6


class MetricsServer:
    """Listens on a loopback address only; raises `StopAtStart` where it cannot."""

    def __init__(self, registry: CollectorRegistry, *, host: str, port: int) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # prometheus_client leaves this one without types
        try:
            address = ipaddress.ip_address(host)
        except ValueError as error:
            raise StopAtStart(f"metrics_host: {error}. Say 127.0.0.1 or ::1.") from error
        if not address.is_loopback:
            raise StopAtStart(
                f"metrics_host is {host}: metrics are for this machine only. Say 127.0.0.1 or ::1."
            )
        try:
            self._server = (_Server6 if address.version == 6 else _Server)((host, port), _Handler)
        except (OSError, OverflowError) as error:
            raise StopAtStart(f"cannot listen on {host} port {port} for metrics: {error}") from error
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
