"""Run the door alone: `python -m sftp_server --home DIR`."""

import argparse
import asyncio
import json
import logging
import os
import resource
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path

from sftp_server.audit import warn
from sftp_server.refusals import StopAtStart
from sftp_server.running.supervisor import Sockets, Supervisor, listening_socket, passed_sockets
from sftp_server.server import Door
from sftp_server.settings import Settings, read_settings


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sftp_server", description="Meterdrop's SFTP door.")
    parser.add_argument("--home", required=True, help="the folder made by `meterdrop init`")
    parser.add_argument("--host", help="address to listen on (default: all)")
    parser.add_argument("--port", type=int, help="port to listen on; 0 takes a free one (default: 2222)")
    parser.add_argument(
        "--listen-fd",
        type=int,
        metavar="N",
        help="a listening socket that was passed on; not --host and --port",
    )
    parser.add_argument("--stop-with-stdin", action="store_true", help="stop when standard input ends")
    return parser.parse_args()


class _JsonLines(logging.Handler):
    """What libraries have to say, in the form of our own warnings."""

    def emit(self, record: logging.LogRecord) -> None:
        """One line, without a traceback."""
        kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else None
        warn("log", logger=record.name, text=record.getMessage(), kind=kind)


def _watch_stdin(stop: asyncio.Event, loop: asyncio.AbstractEventLoop) -> None:
    """A dead parent closes our standard input: stop then, as for SIGTERM."""
    with suppress(OSError):  # closed from the start: the same as ended
        while os.read(0, 4096):
            pass
    loop.call_soon_threadsafe(stop.set)


def _listen_on(chosen: argparse.Namespace) -> Sockets:
    """Sockets that were passed to us, by systemd or by whoever named one."""
    if chosen.listen_fd is not None:
        return Sockets(partners=[listening_socket(chosen.listen_fd)])
    return passed_sockets(os.environ, process=os.getpid())


async def _run(settings: Settings, *, sockets: Sockets, stop_with_stdin: bool) -> None:
    supervisor = Supervisor.of(os.environ)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    door = Door(settings)

    def on_signal() -> None:
        """Once: drain and stop. Twice: stop."""
        if stop.is_set():
            door.hurry()
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    if not await _start(door, sockets=sockets, stop=stop):
        return
    if stop_with_stdin:
        threading.Thread(target=_watch_stdin, args=(stop, loop), daemon=True).start()
    supervisor.tell("READY=1", f"STATUS=listening on port {door.port}")
    print(json.dumps({"event": "ready", "sftp_port": door.port} | _metrics_port(door)), flush=True)
    showing_life = asyncio.create_task(supervisor.show_life())
    await stop.wait()
    supervisor.tell("STOPPING=1", "STATUS=uploads in flight are finishing")
    await door.stop()
    showing_life.cancel()


def _metrics_port(door: Door) -> dict[str, int]:
    """Told only where there are metrics."""
    return {} if door.metrics_port is None else {"metrics_port": door.metrics_port}


async def _start(door: Door, *, sockets: Sockets, stop: asyncio.Event) -> bool:
    """Whether it started before it was to stop; another door over the same home may take its time to end."""
    starting = asyncio.create_task(door.start(sockets=sockets))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not starting.done():
        starting.cancel()
        with suppress(asyncio.CancelledError):
            await starting
        return False
    await starting
    return True


def _allow_many_files() -> None:
    """As many open files as we may: the usual 1,024 are few for connections and uploads together."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def main() -> int:
    """0 after a clean stop, 2 when the door cannot start as it is set up."""
    chosen = _arguments()
    _allow_many_files()
    logging.basicConfig(level=logging.WARNING, handlers=[_JsonLines()])
    try:
        settings = read_settings(
            Path(chosen.home).absolute(),
            host=chosen.host,
            port=chosen.port,
            crash_at=os.environ.get("METERDROP_CRASH_AT"),
        )
        asyncio.run(_run(settings, sockets=_listen_on(chosen), stop_with_stdin=chosen.stop_with_stdin))
    except StopAtStart as error:
        print(
            json.dumps({"level": "error", "event": "door.not-started", "reason": str(error)}), file=sys.stderr
        )
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
