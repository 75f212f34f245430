"""Which findings are there? Stable dotted codes; extend, never rename."""

from enum import StrEnum


class Severity(StrEnum):
    """What a finding does to its line: an error sets it aside, the others only tell."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Code(StrEnum):
    """Every code a receipt can carry (docs/codes.md has a sample of each)."""

    FILE_EMPTY = "file.empty"
    FILE_TOO_LARGE = "file.too-large"
    FILE_ENCODING = "file.encoding"
    FILE_NO_HEADER = "file.no-header"
    FILE_BAD_HEADER = "file.bad-header"
    FILE_MISSING_COLUMN = "file.missing-column"
    FILE_DUPLICATE_COLUMN = "file.duplicate-column"
    FILE_EXTRA_COLUMN = "file.extra-column"
    FILE_UNKNOWN_FEED = "file.unknown-feed"
    FILE_TRUNCATED = "file.truncated"
    FILE_BINARY = "file.binary"
    FILE_DUPLICATE = "file.duplicate"
    FILE_TOO_MANY_BAD_LINES = "file.too-many-bad-lines"
    FILE_INCOMPLETE = "file.incomplete"
    FILE_POISONED = "file.poisoned"
    FILE_REFUSED_BY_REVIEWER = "file.refused-by-reviewer"

    LINE_TOO_FEW_CELLS = "line.too-few-cells"
    LINE_TOO_MANY_CELLS = "line.too-many-cells"
    LINE_BAD_QUOTING = "line.bad-quoting"
    LINE_ENCODING = "line.encoding"
    LINE_TOO_LONG = "line.too-long"
    LINE_REPEATED_HEADER = "line.repeated-header"
    LINE_NUL = "line.nul"

    CELL_MISSING = "cell.missing"
    CELL_TOO_LONG = "cell.too-long"
    CELL_NOT_ALLOWED = "cell.not-allowed"
    VALUE_NOT_A_NUMBER = "value.not-a-number"
    VALUE_NEGATIVE = "value.negative"
    VALUE_TOO_PRECISE = "value.too-precise"
    VALUE_SENTINEL = "value.sentinel"
    VALUE_EXPONENT = "value.exponent"
    VALUE_OUT_OF_RANGE = "value.out-of-range"
    DATE_NOT_A_DATE = "date.not-a-date"
    DATE_TWO_DIGIT_YEAR = "date.two-digit-year"
    DATE_IN_FUTURE = "date.in-future"
    DATE_TOO_OLD = "date.too-old"
    DATE_SENTINEL = "date.sentinel"
    UNIT_UNKNOWN = "unit.unknown"
    MEDIA_UNKNOWN = "media.unknown"
    KIND_UNKNOWN = "kind.unknown"
    STATUS_UNKNOWN = "status.unknown"
    FLAG_UNKNOWN = "flag.unknown"
    SERIAL_MALFORMED = "serial.malformed"

    READING_NOT_IN_REGISTER = "reading.device-not-in-register"
    READING_UNIT_MISMATCH = "reading.unit-mismatch"
    READING_BEFORE_INSTALLATION = "reading.before-installation"
    READING_AFTER_REMOVAL = "reading.after-removal"
    READING_BELOW_PREVIOUS = "reading.below-previous"
    READING_IMPLAUSIBLE_RISE = "reading.implausible-rise"
    READING_CONFLICT_IN_FILE = "reading.conflict-in-file"
    READING_CORRECTION = "reading.correction"
    READING_SAME_VALUE = "reading.same-value"
    READING_ROLLOVER = "reading.rollover"
    READING_RESET = "reading.reset"
    READING_EXCHANGE = "reading.exchange"
    READING_SMALL_FALL = "reading.small-fall"
    READING_EXCHANGE_UNREGISTERED = "reading.exchange-unregistered"
    READING_WORSE_KIND = "reading.worse-kind"
    READING_SUPERSEDED = "reading.superseded"

    DEVICE_MAY_NOT_REGISTER = "device.partner-may-not-register"
    DEVICE_AMBIGUOUS_SERIAL = "device.ambiguous-serial"
    DEVICE_OVERLAP = "device.overlap"
    DEVICE_BAD_CORRECTION = "device.bad-correction"
    DEVICE_MISSING_FROM_SNAPSHOT = "device.missing-from-snapshot"
    DEVICE_UNKNOWN_PARTNER = "device.unknown-partner"
    DEVICE_EXCHANGED = "device.exchanged"
    DEVICE_OLDER_SNAPSHOT = "device.older-snapshot"
    DEVICE_MOVED = "device.moved"
    DEVICE_UNKNOWN_REFERENCE = "device.unknown-reference"
    DEVICE_READINGS_OUT_OF_SERVICE = "device.readings-out-of-service"
    DEVICE_PARTNER_REGISTERS_ITSELF = "device.partner-registers-itself"
    DEVICE_ENDS_BEFORE_START = "device.ends-before-start"


_INFO = frozenset(
    {
        Code.FILE_EXTRA_COLUMN,
        Code.FILE_DUPLICATE,
        Code.LINE_REPEATED_HEADER,
        Code.READING_CORRECTION,
        Code.READING_SAME_VALUE,
        Code.READING_ROLLOVER,
        Code.READING_RESET,
        Code.READING_EXCHANGE,
        Code.READING_SMALL_FALL,
        Code.DEVICE_MISSING_FROM_SNAPSHOT,
        Code.DEVICE_EXCHANGED,
        Code.DEVICE_OLDER_SNAPSHOT,
        Code.DEVICE_MOVED,
    }
)
_WARNING = frozenset(
    {
        Code.STATUS_UNKNOWN,
        Code.READING_WORSE_KIND,
        Code.READING_SUPERSEDED,
        Code.DEVICE_UNKNOWN_REFERENCE,
        Code.DEVICE_READINGS_OUT_OF_SERVICE,
    }
)


def severity_of(code: Code) -> Severity:
    """What this finding does to its line."""
    if code in _INFO:
        return Severity.INFO
    return Severity.WARNING if code in _WARNING else Severity.ERROR


SOFT = frozenset({Code.READING_IMPLAUSIBLE_RISE, Code.DATE_TOO_OLD})
"""A reviewer may accept a line in spite of these, with a reason."""

REGISTER_CODES = frozenset(
    {
        Code.READING_NOT_IN_REGISTER,
        Code.READING_UNIT_MISMATCH,
        Code.READING_BEFORE_INSTALLATION,
        Code.READING_AFTER_REMOVAL,
        Code.DEVICE_AMBIGUOUS_SERIAL,
        Code.DEVICE_UNKNOWN_PARTNER,
        Code.DEVICE_PARTNER_REGISTERS_ITSELF,
        Code.DEVICE_OVERLAP,
        Code.READING_BELOW_PREVIOUS,
        Code.READING_IMPLAUSIBLE_RISE,
        Code.READING_EXCHANGE_UNREGISTERED,
    }
)
"""What a changed register may change."""

PARTNER_CODES = frozenset({Code.DEVICE_UNKNOWN_PARTNER, Code.DEVICE_PARTNER_REGISTERS_ITSELF})
"""What a new partner, or another group of one we have, may change."""

NEIGHBOUR_CODES = frozenset({Code.READING_BELOW_PREVIOUS, Code.READING_IMPLAUSIBLE_RISE})
"""What other readings of the same meter may change."""
