"""What did the tests see? `pytest --tables` prints, as tables, the rows that tests noted.

A test notes a row with the fixture `note_row(table, **cells)`: what was tried, and what came of it. Rows travel as properties of
the test's report, so that they come through from every worker of xdist; a test that was skipped has a row that says why.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import pytest

NoteRow = Callable[..., None]
"""`note_row(table, **cells)`."""

Row = dict[str, object]

_PROPERTY: Final = "row of "
_MARK: Final = "table"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option itself."""
    parser.addoption("--tables", action="store_true", help="print what the tests saw, as tables")


def pytest_configure(config: pytest.Config) -> None:
    """`@pytest.mark.table("clients", client="lftp")`: the row of a test that is skipped."""
    config.addinivalue_line(
        "markers", f"{_MARK}(name, **cells): the table a test belongs to, and its first cells"
    )


@pytest.fixture
def note_row(record_property: Callable[[str, object], None]) -> NoteRow:
    """Notes one row of a table; columns come in the order of the first row's cells."""

    def note(table: str, **cells: object) -> None:
        record_property(f"{_PROPERTY}{table}", json.dumps(cells, default=str))

    return note


def pytest_itemcollected(item: pytest.Item) -> None:
    """Keep a marked test's table and cells, should it be skipped."""
    mark = item.get_closest_marker(_MARK)
    if mark is not None:
        item.user_properties.append((f"skipped {_PROPERTY}{mark.args[0]}", json.dumps(mark.kwargs)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the tables at the end."""
    if not config.getoption("--tables"):
        return
    tables = _gather(terminalreporter)
    for name in sorted(tables):
        terminalreporter.write_sep("=", name)
        for line in as_table(tables[name]):
            terminalreporter.write_line(line)


def _gather(reporter: pytest.TerminalReporter) -> dict[str, list[Row]]:
    """Rows by table, in the tests' own order whichever worker ran them; each with the outcome of its test."""
    outcomes = ("passed", "failed", "skipped")
    found = [(report, outcome) for outcome in outcomes for report in reporter.stats.get(outcome, [])]
    found.sort(key=lambda one: (one[0].location[0], one[0].location[1] or 0))
    tables: dict[str, list[Row]] = {}
    for report, outcome in found:
        for name, text in report.user_properties:
            if name.startswith(_PROPERTY) and outcome != "skipped" and report.when == "call":
                tables.setdefault(name.removeprefix(_PROPERTY), []).append(
                    json.loads(text) | {"test": outcome}
                )
            elif name.startswith(f"skipped {_PROPERTY}") and outcome == "skipped":
                reason = f"skipped: {report.longrepr[2].removeprefix('Skipped: ')}"
                table = name.removeprefix(f"skipped {_PROPERTY}")
                tables.setdefault(table, []).append(json.loads(text) | {"test": reason})
    return tables


def as_table(rows: Sequence[Row]) -> Iterable[str]:
    """A table as Markdown writes it, columns padded to be read as it is; `test` comes last."""
    columns = [column for column in dict.fromkeys(name for row in rows for name in row) if column != "test"]
    lines = [[*columns, "test"]] + [
        [_cell(row.get(column, "")) for column in [*columns, "test"]] for row in rows
    ]
    widths = [max(len(line[place]) for line in lines) for place in range(len(columns) + 1)]
    lines.insert(1, ["-" * width for width in widths])
    for line in lines:
        yield "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|")
