"""A register with every column of the feed filled comes out again as it went in."""

import csv
import io

from tests.integration.command_line import CommandLine

TOLD = {
    "Date": "2026-10-01",
    "Location": "DUM1/1/01",
    "TypeUnit": "m3",
    "Room": "koupelna",
    "Media": "CW",
    "SerialNumber": "00010206",
    "RadioNumber": "0077",
    "RadioType": "WM868",
    "Seq": "2",
    "DateFrom": "2024-01-01",
    "Correction": "1,50",
    "DateTo": "2026-09-01",
    "StartValue": "0",
    "EndValue": "55,5",
    "ReplacesSerial": "10205",
    "Manufacturer": "Sensus",
    "Digits": "5",
    "VerifiedUntil": "31.12.2027",
    "Role": "Patní",
    "ParentSerial": "9100",
    "LocationScheme": "správce",
}
OUT = {
    "partner": "anyone",
    "serial": "00010206",
    "radio": "0077",
    "media": "CW",
    "unit": "m3",
    "location": "DUM1/1/01",
    "room": "koupelna",
    "seq": "2",
    "installed_from": "2024-01-01",
    "installed_to": "2026-09-01",
    "correction": "1.5",
    "radio_type": "WM868",
    "start_value": "0",
    "end_value": "55.5",
    "digits": "5",
    "role": "MAIN",
    "replaces": "10205",
    "manufacturer": "Sensus",
    "verified_until": "2027-12-31",
    "parent_serial": "9100",
    "location_scheme": "správce",
    "seen_on": "2026-10-01",
    "delivery": "1",
    "line": "2",
}


def test_every_column_of_the_register_is_kept_and_exported(meterdrop: CommandLine) -> None:
    """Also if the same register comes again, one day later."""
    for day in ("2026-10-01", "2026-10-02"):
        lines = [";".join(TOLD), ";".join({**TOLD, "Date": day}.values())]
        [receipt] = meterdrop.document("ingest", "--partner", "anyone", str(meterdrop.write("r.csv", lines)))
        assert (receipt["verdict"], receipt["lines"]["accepted"]) == ("accepted", 1)
        [row] = csv.DictReader(io.StringIO(meterdrop.done("devices", "export").out))
        assert row == {**OUT, "seen_on": day}
