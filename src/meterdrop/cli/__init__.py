"""The operator's commands: read words, call one use case, print, exit code."""

import os
import sys
from collections.abc import Callable
from functools import cache

from meterdrop.model.errors import MeterdropError
from meterdrop.starting import coming_up


def main() -> None:
    """The program `meterdrop`. No traceback reaches a user: an error says what, where and what next."""
    try:
        _run()
    except MeterdropError as error:
        sys.exit(_explained(error))
    except BrokenPipeError:
        # The reader of our output (head, less) has gone: nothing is left to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        # A file or folder that was named can't be read or written: the person at the keyboard can mend that.
        sys.exit(_explained(error))
    except KeyboardInterrupt:
        sys.exit(130)


def _run() -> None:
    """Runs the command, and says the last of it while we can still hear that nobody listens."""
    try:
        _command()(prog_name="meterdrop")
    finally:
        sys.stdout.flush()


@cache
def _command() -> Callable[..., object]:
    """All commands, put together once."""
    with coming_up():
        from typer.main import get_command

        from meterdrop.cli.app import app

        return get_command(app)


def _explained(error: MeterdropError | OSError) -> int:
    """What a person is told of an error, and the exit code."""
    from meterdrop.cli.said import explained

    return explained(error)
