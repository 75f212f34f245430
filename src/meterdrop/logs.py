"""How do we log? Events with ids and counts as JSON lines on stderr; never cell contents, keys or passwords."""

import logging
import sys
from typing import Final

import structlog
from structlog.tracebacks import ExceptionDictTransformer

log = structlog.get_logger()

_TALKATIVE: Final = {"procrastinate": logging.WARNING, "psycopg": logging.ERROR, "asyncio": logging.ERROR}
"""Libraries that log, and from which level on it is worth hearing."""


def to_stderr(*, verbose: bool) -> None:
    """Sets up logging for this process: events from `info`, or warnings only on a person's command line."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO if verbose else logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    for library, level in _TALKATIVE.items():
        logger = logging.getLogger(library)
        logger.handlers, logger.propagate = [_FromLibraries(level)], False


class _FromLibraries(logging.Handler):
    """What libraries have to say, as an event of ours: its first line, and neither arguments nor tracebacks."""

    def emit(self, record: logging.LogRecord) -> None:
        """One event."""
        said = record.getMessage().partition("\n")[0]
        if record.levelno >= logging.ERROR:
            log.error("library.says", library=record.name, says=said)
        else:
            log.warning("library.says", library=record.name, says=said)
