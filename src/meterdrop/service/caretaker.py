"""The thread that takes away what is past its time, once a day, where the settings say how long things are kept."""

from collections.abc import Callable
from datetime import date
from typing import Final

import structlog

from meterdrop.model.errors import TryAgain
from meterdrop.service.on_call import OnCall
from meterdrop.usecases.retention.run import Retention

log = structlog.get_logger()

_COMES_HOME_IN: Final = 60.0
_WHO: Final = "meterdrop"


class Caretaker(OnCall):
    """Runs the retention when it is rung for the first time on a day; never where nothing is ever to go.

    And when somebody's run was cut off half-way: until that is finished, late readings of a month may have no place.
    When it is stopped the transaction it is at is the last; the rest goes another time.
    """

    def __init__(self, retention: Retention, *, today: Callable[[], date]) -> None:
        super().__init__(name="caretaker", comes_home_in=_COMES_HOME_IN)
        self._retention = retention
        self._today = today
        self._done_on: date | None = None
        self._failed_on: date | None = None

    def start(self) -> None:
        """Begins to listen, if anything is ever to go."""
        if self._retention.parts:
            super().start()

    def round(self) -> None:
        """It may be another day."""
        today = self._today()
        if self._failed_on != today:
            self._once(today)

    def _once(self, today: date) -> None:
        try:
            if self._done_on == today and not self._retention.half_done():
                return
            self._retention(who=_WHO, go_on=lambda: not self.is_stopping())
            self._done_on = today
        except TryAgain as error:
            log.warning("retention.try-again", why=str(error))
        except Exception:
            # The loop of the service: what failed is there still, and its turn comes again tomorrow.
            log.exception("retention.failed")
            self._failed_on = today
