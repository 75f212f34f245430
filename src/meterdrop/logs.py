"""How do we log? Events with ids and counts as JSON lines on stderr; never cell contents, keys or passwords."""

import logging
import sys

import structlog
from structlog.tracebacks import ExceptionDictTransformer


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
