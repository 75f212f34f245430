"""How can the world fail? Four ways, named by what we do about them."""

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


class CannotRead(MeterdropError):
    """The file as a whole is unusable. `code` is a finding code of the contract (`file.…`).

    `line` is the physical line it shows in (1-based), `column` the heading, `value` the text met;
    `feed` is the feed it was told to be, if that far it came; `header_found` says whether its header was read, and
    `layout` what was read of it.
    """

    def __init__(
        self,
        code: str,
        *,
        line: int | None = None,
        column: str | None = None,
        value: str | None = None,
        feed: str | None = None,
        header_found: bool = False,
        layout: Layout | None = None,
    ) -> None:
        self.code = code
        self.line = line
        self.column = column
        self.value = value
        self.feed = feed
        self.header_found = header_found or layout is not None
        self.layout = layout
        super().__init__(code)


class OperatorMistake(MeterdropError):
    """The command can't be carried out as given; the text says what, where and what to do next."""
