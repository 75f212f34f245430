"""Quarantined lines as a reviewer sees them: cells, findings, and what became of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from meterdrop.model.delivery import Delivery
from meterdrop.model.errors import OperatorMistake
from meterdrop.model.feed import Agreement
from meterdrop.model.finding import Finding
from meterdrop.model.layout import Layout
from meterdrop.store import deliveries, finding_history, findings, quarantine
from meterdrop.store.database import Database, Store
from meterdrop.store.quarantine import QuarantinedLine
from meterdrop.usecases.kept import kept_layout
from meterdrop.usecases.review.cells import cells_by_heading

_AT_ONCE: Final = 500


@dataclass(frozen=True)
class ReviewedLine:
    """A quarantined line as a reviewer sees it: cells by heading (as far as they can be told) and all findings.

    `findings` is what is said of it now; `found_before` what was, before it was stored.
    """

    line: QuarantinedLine
    delivery: Delivery
    cells: Mapping[str, str]
    findings: tuple[Finding, ...]
    found_before: tuple[Finding, ...] = ()

    @property
    def why(self) -> tuple[Finding, ...]:
        """Why the line is, or was, set aside."""
        return self.found_before or self.findings


@dataclass(frozen=True)
class Look:
    """Shows quarantined lines; changes nothing."""

    database: Database
    agreement_of: Callable[[str, str, date], Agreement]

    def listed(
        self,
        *,
        partner: str | None,
        delivery: int | None,
        state: str | None,
        code: str | None,
        limit: int | None,
    ) -> Iterator[ReviewedLine]:
        """Lines with their findings, by delivery and line; never all of them in memory."""
        layouts: dict[int, Layout | None] = {}
        left, after = limit, 0
        with self.database.reading() as store:
            while left is None or left > 0:
                lines = quarantine.listed(
                    store,
                    partner_id=partner,
                    delivery=delivery,
                    state=state,
                    code=code,
                    after=after,
                    limit=_AT_ONCE if left is None else min(left, _AT_ONCE),
                )
                if not lines:
                    return
                yield from self._reviewed(store, lines, layouts=layouts)
                left, after = None if left is None else left - len(lines), lines[-1].id

    def shown(self, key: int) -> ReviewedLine:
        """One line, whole."""
        with self.database.reading() as store:
            [reviewed] = self._reviewed(store, [known(store, key)], layouts={})
            return reviewed

    def _reviewed(
        self, store: Store, lines: Sequence[QuarantinedLine], *, layouts: dict[int, Layout | None]
    ) -> Iterator[ReviewedLine]:
        for key in sorted({line.delivery for line in lines}):
            delivery = deliveries.get(store, key)
            if key not in layouts:
                layouts[key] = layout_now(store, delivery, agreement_of=self.agreement_of)
            layout = layouts[key]
            own = [line for line in lines if line.delivery == key]
            numbers = [line.line for line in own]
            told = findings.of_lines(store, delivery=key, lines=numbers)
            before = finding_history.of_lines(store, delivery=key, lines=numbers)
            for line in own:
                raw = line.raw if line.corrected_raw is None else line.corrected_raw
                yield ReviewedLine(
                    line=line,
                    delivery=delivery,
                    cells={} if layout is None else cells_by_heading(raw, layout=layout),
                    findings=tuple(told.get(line.line, ())),
                    found_before=tuple(before.get(line.line, ())),
                )


def known(store: Store, key: int) -> QuarantinedLine:
    """The line of that id; OperatorMistake if there is none."""
    line = quarantine.find(store, key)
    if line is None:
        raise OperatorMistake(f"there is no quarantined line {key}: see `meterdrop quarantine list`")
    return line


def layout_now(
    store: Store, delivery: Delivery, *, agreement_of: Callable[[str, str, date], Agreement]
) -> Layout | None:
    """How a delivery's lines are read by what is agreed now; as far as can be told where its feed is gone."""
    try:
        agreement = agreement_of(delivery.partner, str(delivery.feed), delivery.arrived_on)
    except OperatorMistake:
        return kept_layout(store, delivery.id, agreement=None)
    return kept_layout(store, delivery.id, agreement=agreement)
