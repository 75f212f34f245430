"""How can the world fail? In a few ways, named by what we do about them."""

from collections.abc import Sequence

from meterdrop.model.layout import Layout


class MeterdropError(Exception):
    """Something outside the data went wrong; the text is for the person who must act."""


class StopAtStart(MeterdropError):
    """The configuration is bad; every problem is told at once."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class TryAgain(MeterdropError):
    """Something needed is away or busy: database, partner, another run. The same act may work later."""


class NoRoom(TryAgain):
    """The disk has no room for it; `needed` bytes, where that is known."""

    def __init__(self, text: str, *, needed: int | None = None) -> None:
        self.needed = needed
        super().__init__(text)


class CannotRead(MeterdropError):
    """The file as a whole is unusable. `code` is a finding code of the contract (`file.…`).

    `line` is the physical line it shows in (1-based), `column` the heading, `value` the text met;
    `feed` is the feed it was told to be, if that far it came, and `layout` how it is laid out. `strange` is that of a
    file whose header is none that we know. `also` are further reasons that were found in the same look.
    """

    def __init__(
        self,
        code: str,
        *,
        line: int | None = None,
        column: str | None = None,
        value: str | None = None,
        feed: str | None = None,
        layout: Layout | None = None,
        strange: Layout | None = None,
        also: "Sequence[CannotRead]" = (),
    ) -> None:
        self.code = code
        self.line = line
        self.column = column
        self.value = value
        self.feed = feed
        self.layout = layout
        self.strange = strange
        self.reasons = (self, *also)
        super().__init__(code)


class OperatorMistake(MeterdropError):
    """The command can't be carried out as given; the text says what, where and what to do next."""
