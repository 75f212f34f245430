"""What a closed loop looks like from outside: the quarantined line, its reading, the audit, and what the partner has."""

import json
from dataclasses import dataclass
from typing import Any

from tests.homes import named_rows
from tests.integration.command_line import READINGS_HEADER, CommandLine

REGISTER_HEADER = "Date;Location;TypeUnit;Room;Media;SerialNumber;RadioNumber;Seq;DateFrom;Correction"


@dataclass(frozen=True)
class Loop:
    """Looks at one home through its database, its receipts folder and its commands."""

    site: CommandLine

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        """Rows of the database, straight from it."""
        return named_rows(self.site.home, query, *values)

    def line(self, delivery: int, line: int) -> dict[str, Any]:
        """A quarantined line as it is kept, with the fingerprint it was judged by."""
        [row] = self.rows(
            "select quarantine.*, fingerprint from quarantine left join rule_set on rule_set.id = rule_set "
            "where delivery = ? and line = ?",
            delivery,
            line,
        )
        return row

    def states(self, delivery: int) -> list[tuple[int, str]]:
        """Every quarantined line of a delivery and its state."""
        rows = self.rows("select line, state from quarantine where delivery = ? order by line", delivery)
        return [(row["line"], row["state"]) for row in rows]

    def reading(self, day: str, *, serial: str = "10001") -> dict[str, Any]:
        """The current reading of a meter and day."""
        [row] = self.rows(
            "select reading.*, device.serial_key from reading join device on device.id = reading.device "
            "where day = ? and device.serial_key = ?",
            day,
            serial,
        )
        return row

    def readings(self) -> list[tuple[str, str, str]]:
        """(meter, day, value as sent) of all current readings."""
        rows = self.rows("select serial, day, value from reading order by serial, day")
        return [(row["serial"], row["day"], row["value"]) for row in rows]

    def ended(self, delivery: int, line: int) -> list[dict[str, Any]]:
        """What the audit tells of a line."""
        return [
            {
                **row,
                "before": json.loads(row["before"]),
                "after": json.loads(row["after"]),
            }
            for row in self.rows(
                "select * from event where delivery = ? and line = ? and what like 'quarantine.%' order by id",
                delivery,
                line,
            )
        ]

    def receipt(self, delivery: int) -> dict[str, Any]:
        """What the partner has of a delivery by now: the file in its receipts folder, which must tell the law."""
        [row] = self.rows("select upload, waiting, returned from delivery where id = ?", delivery)
        [path] = self.site.receipts(f".{row['upload']}.result.json")
        told: dict[str, Any] = json.loads(path.read_bytes())
        counts = dict(told["lines"])
        assert counts.pop("physical") == sum(counts.values()), "the line law"
        states = [state for _, state in self.states(delivery)]
        assert (row["waiting"], row["returned"]) == (states.count("open"), states.count("returned"))
        return told

    def rejects(self, delivery: int) -> list[str]:
        """The lines of the rejects file the partner has of a delivery; none if there is no file."""
        [row] = self.rows("select upload from delivery where id = ?", delivery)
        found = self.site.receipts(f".{row['upload']}.rejects.csv")
        named = self.receipt(delivery)["rejects_file"]
        assert [one.name for one in found] == ([] if named is None else [named])
        return found[0].read_text(encoding="utf-8").splitlines() if found else []

    def send_rejects(self, delivery: int, *edited: str, code: int = 0, name: str | None = None) -> Any:  # noqa: ANN401 - JSON
        """The partner edits the rejects file and sends it; the receipt. `edited` are all lines after the header."""
        header, *_ = self.rejects(delivery)
        path = self.site.write(name or self.receipt(delivery)["rejects_file"], [header, *edited])
        [receipt] = self.site.document("ingest", "--partner", "anyone", str(path), code=code)
        return receipt

    def send(self, name: str, *rows: str, header: str = READINGS_HEADER, code: int = 0) -> Any:  # noqa: ANN401 - JSON
        """A file with this header; the receipt."""
        path = self.site.write(name, [header, *rows])
        [receipt] = self.site.document("ingest", "--partner", "anyone", str(path), code=code)
        return receipt

    def profile(self, *lines: str) -> None:
        """The partner's profile; it registers its meters itself."""
        head = ["partner: anyone", "name: Anyone", "group: 2", "language: en", "feeds:", "  devices: {}"]
        self.site.write("../home/schemas/partners/anyone.yaml", [*head, *lines])
        assert self.site.document("check", "anyone")["problems"] == []
