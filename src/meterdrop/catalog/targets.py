"""Which columns do the rules of readings and of the register rely on?"""

from collections.abc import Mapping
from typing import Final

from meterdrop.model.feed import Target, Type

NEEDED: Final[Mapping[Target, Mapping[str, Type]]] = {
    Target.READINGS: {
        "SerialNum": Type.SERIAL,
        "Value": Type.DECIMAL,
        "Unit": Type.UNIT,
        "Date": Type.DAY,
        "RadioNumber": Type.SERIAL,
        "Media": Type.CHOICE,
        "Kind": Type.CHOICE,
        "Estimated": Type.FLAG,
        "Status": Type.CHOICES,
    },
    Target.DEVICES: {
        "Date": Type.DAY,
        "Location": Type.TEXT,
        "TypeUnit": Type.UNIT,
        "Room": Type.TEXT,
        "Media": Type.CHOICE,
        "SerialNumber": Type.SERIAL,
        "RadioNumber": Type.SERIAL,
        "RadioType": Type.TEXT,
        "Seq": Type.INTEGER,
        "DateFrom": Type.DAY,
        "Correction": Type.DECIMAL,
        "DateTo": Type.DAY,
        "StartValue": Type.DECIMAL,
        "EndValue": Type.DECIMAL,
        "ReplacesSerial": Type.SERIAL,
        "Manufacturer": Type.TEXT,
        "Digits": Type.INTEGER,
        "VerifiedUntil": Type.DAY,
        "Role": Type.CHOICE,
        "ParentSerial": Type.SERIAL,
        "LocationScheme": Type.TEXT,
        "Partner": Type.TEXT,
    },
    Target.RECORDS: {},
}
"""Column and type by target. A feed may have more; these it must have."""
