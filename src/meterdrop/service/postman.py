"""The thread that sends receipts: rung for, and never in the way of what the door hands over."""

from collections.abc import Callable
from typing import Final

import structlog

from meterdrop.model.errors import TryAgain
from meterdrop.service.on_call import OnCall

log = structlog.get_logger()

_COMES_HOME_IN: Final = 30.0


class Postman(OnCall):
    """Empties the outbox each time it is rung for; what is asked for while it is away is taken on the next round."""

    def __init__(self, send: Callable[[], object]) -> None:
        super().__init__(name="postman", comes_home_in=_COMES_HOME_IN)
        self._send = send

    def round(self) -> None:
        """Sends all that waits."""
        try:
            self._send()
        except TryAgain as error:
            log.warning("send.try-again", why=str(error))
        except Exception:
            # The loop of the service: what failed stays in the outbox for the next sweep.
            log.exception("send.failed")
