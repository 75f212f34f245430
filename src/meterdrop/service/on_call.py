"""A thread that does its round each time it is rung for."""

import threading
from abc import ABC, abstractmethod


class OnCall(ABC):
    """What is rung for while it is on its round is another round; rung for twice before it sets out, it goes once."""

    def __init__(self, *, name: str, comes_home_in: float) -> None:
        """`comes_home_in` is how many seconds `stop` waits for the round it is on."""
        self._name = name
        self._comes_home_in = comes_home_in
        self._rung = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @abstractmethod
    def round(self) -> None:
        """Does what there is to do; never raises."""

    def start(self) -> None:
        """Begins to listen, in a thread of its own."""
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()

    def ring(self) -> None:
        """There may be something to do."""
        self._rung.set()

    def stop(self) -> None:
        """The round it is on is the last."""
        self._stopping.set()
        self._rung.set()
        if self._thread is not None:
            self._thread.join(self._comes_home_in)

    def is_stopping(self) -> bool:
        """Whether a long round had better end."""
        return self._stopping.is_set()

    def _run(self) -> None:
        while self._rung.wait() and not self.is_stopping():
            self._rung.clear()
            self.round()
