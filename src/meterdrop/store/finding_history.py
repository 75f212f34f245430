"""Why had a line been set aside that is stored by now? What was found in it before, as of then."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, delete, exists, insert, select

from meterdrop.model.finding import Finding
from meterdrop.model.line_state import LineState
from meterdrop.store import findings
from meterdrop.store.bulk import portions
from meterdrop.store.quarantine import of_delivery
from meterdrop.store.schema import LINES_A_DELIVERY, finding, finding_history, quarantine


def keep(connection: Connection, *, delivery: int, lines: Sequence[int]) -> None:
    """Remembers what is said of these lines, before what was found now takes its place."""
    for some in portions(lines):
        _copy(connection, finding.c.delivery == delivery, finding.c.line.in_(some))


def keep_all(connection: Connection, *, delivery: int) -> None:
    """The same for every line of a delivery that was set aside, and of which nothing is remembered yet."""
    aside = exists().where(quarantine.c.id == delivery * LINES_A_DELIVERY + finding.c.line)
    known = exists().where(finding_history.c.delivery == delivery, finding_history.c.line == finding.c.line)
    _copy(connection, finding.c.delivery == delivery, finding.c.line != findings.WHOLE_FILE, aside, ~known)


def forget_open(connection: Connection, *, delivery: int) -> None:
    """Of lines that wait on what was found now counts, and nothing before."""
    still = select(quarantine.c.line).where(of_delivery(delivery), quarantine.c.state == LineState.OPEN.value)
    connection.execute(
        delete(finding_history).where(
            finding_history.c.delivery == delivery, finding_history.c.line.in_(still)
        )
    )


def of_lines(connection: Connection, *, delivery: int, lines: list[int]) -> dict[int, list[Finding]]:
    """What was found in some lines before they were stored."""
    return findings.of_lines(connection, delivery=delivery, lines=lines, table=finding_history)


def _copy(connection: Connection, *wanted: ColumnElement[bool]) -> None:
    names = [column.name for column in finding_history.c]
    told = select(*(finding.c[name] for name in names)).where(*wanted)
    connection.execute(insert(finding_history).from_select(names, told))
