"""Run the door alone: `python -m sftp_server --home DIR`."""

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path

from sftp_server.audit import warn
from sftp_server.refusals import StopAtStart
from sftp_server.server import Door
from sftp_server.settings import Settings, read_settings


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sftp_server", description="Meterdrop's SFTP door.")
    parser.add_argument("--home", required=True, help="the folder made by `meterdrop init`")
    parser.add_argument("--host", help="address to listen on (default: all)")
    parser.add_argument("--port", type=int, help="port to listen on; 0 takes a free one (default: 2222)")
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


async def _run(settings: Settings, *, stop_with_stdin: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    door = Door(settings)
    await door.start()
    if stop_with_stdin:
        threading.Thread(target=_watch_stdin, args=(stop, loop), daemon=True).start()
    print(json.dumps({"event": "ready", "sftp_port": door.port}), flush=True)
    await stop.wait()
    await door.stop()


def main() -> int:
    """0 after a clean stop, 2 when the door cannot start as it is set up."""
    chosen = _arguments()
    logging.basicConfig(level=logging.WARNING, handlers=[_JsonLines()])
    try:
        settings = read_settings(
            Path(chosen.home).absolute(),
            host=chosen.host,
            port=chosen.port,
            crash_at=os.environ.get("METERDROP_CRASH_AT"),
        )
        asyncio.run(_run(settings, stop_with_stdin=chosen.stop_with_stdin))
    except StopAtStart as error:
        print(
            json.dumps({"level": "error", "event": "door.not-started", "reason": str(error)}), file=sys.stderr
        )
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
