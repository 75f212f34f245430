"""What does each finding code say to a partner? The English words (see `words.py` for the brackets)."""

from collections.abc import Mapping

from meterdrop.model.codes import Code

ENGLISH: Mapping[Code, tuple[str, str]] = {
    Code.FILE_EMPTY: (
        "The file holds no data: only blank lines, comments or a header.",
        "Check your export and send the file again with at least one data line.",
    ),
    Code.FILE_TOO_LARGE: (
        "The file is larger than the limit agreed with you.",
        "Split it into smaller files, each with its own header row, or ask us for a higher limit.",
    ),
    Code.FILE_ENCODING: (
        "The file's characters cannot be read: it is none of UTF-8, windows-1250, ISO 8859-2, or UTF-16 with a byte order mark[; it looks like {value}].",
        "Save the file as UTF-8 and send it again.",
    ),
    Code.FILE_NO_HEADER: (
        "The file does not begin with a header row that we know[; one seems to stand in another line: {value}].",
        "Put the column headings into the first line, for example SerialNum;Value;Unit;Date, and send the file again; if other lines must stand above them, agree it with us first.",
    ),
    Code.FILE_BAD_HEADER: (
        "A heading[ {value}] goes on in the next line.",
        "Write each heading without line ends, or delete the stray quote in the header row, and send the file again.",
    ),
    Code.FILE_MISSING_COLUMN: (
        "A mandatory column is missing[: {column}].",
        "Add the column under one of its known headings and send the whole file again.",
    ),
    Code.FILE_DUPLICATE_COLUMN: (
        "Two headings mean the same column[ {column}][: {value}].",
        "Keep one of the two columns, rename or delete the other, and send the whole file again.",
    ),
    Code.FILE_EXTRA_COLUMN: (
        "We do not know the heading[ {column}]; its column was ignored.",
        "Nothing, if we need not have the column. If it matters, tell us what it means.",
    ),
    Code.FILE_UNKNOWN_FEED: (
        "We cannot tell what the file holds: its name, folder and header do not lead to exactly one feed[: {value}].",
        "Name the file as agreed, upload it into the feed's folder under /incoming, or use the agreed headings.",
    ),
    Code.FILE_TRUNCATED: (
        "The file breaks off before its end.",
        "Check that your export finished, and upload the whole file again.",
    ),
    Code.FILE_BINARY: (
        "The file is not text: it looks like a spreadsheet, an archive or a picture.",
        "Save the table as CSV (in Excel: Save As, CSV UTF-8) and send that file.",
    ),
    Code.FILE_DUPLICATE: (
        "The very same file came before[ as delivery {value}]; nothing was stored twice.",
        "Nothing. If you meant to send new readings, check that the right file was exported.",
    ),
    Code.FILE_TOO_MANY_BAD_LINES: (
        "Too many lines of the file are wrong, so nothing of it was stored.",
        "Correct the lines named in the receipt and send the whole file again, or ask us to look at it.",
    ),
    Code.FILE_INCOMPLETE: (
        "The upload was cut off before the file was complete; nothing of it was read.",
        "Upload the file again; a client that can resume goes on where it stopped.",
    ),
    Code.FILE_POISONED: (
        "Reading the file failed several times on our side, so it was set aside.",
        "You need not do anything: our operator has to look at it and will write to you.",
    ),
    Code.FILE_REFUSED_BY_REVIEWER: (
        "A person looked at the file and refused it[: {value}].",
        "Send a corrected file.",
    ),
    Code.LINE_TOO_FEW_CELLS: (
        "The line has fewer cells than the header row[: {value}].",
        "Add the missing cells; an unknown value is an empty cell, but its separator must be there.",
    ),
    Code.LINE_TOO_MANY_CELLS: (
        "The line has more cells than the header row[: {value}].",
        "Delete the extra separator; a cell that holds the separator itself must stand in double quotes.",
    ),
    Code.LINE_BAD_QUOTING: (
        "A double quote in the line is not closed, or stands inside a cell where it may not.",
        'Delete the stray quote, or put the whole cell in quotes and write each quote inside it twice ("").',
    ),
    Code.LINE_ENCODING: (
        "The line has bytes that are not characters in the encoding of the file.",
        "Save the whole file in one encoding, best UTF-8, and send the line again.",
    ),
    Code.LINE_TOO_LONG: (
        "The line is longer than 64 KiB.",
        "Check the line ends of your export: each record must be a line of its own.",
    ),
    Code.LINE_REPEATED_HEADER: (
        "The header row stands in the file again; this line was skipped.",
        "Nothing. When you join files, leave out the header of all but the first.",
    ),
    Code.LINE_NUL: (
        "The line holds NUL characters (bytes of zero).",
        "Export the file again: it is damaged, or UTF-16 without a byte order mark.",
    ),
    Code.CELL_MISSING: (
        "A mandatory cell is empty[: column {column}].",
        "Fill in the cell and send the line again; an empty cell never means zero.",
    ),
    Code.CELL_TOO_LONG: (
        "The text[ in column {column}] is too long[: {value}].",
        "Shorten the text and check that no separator is missing in the line.",
    ),
    Code.CELL_NOT_ALLOWED: (
        "The word[ {value}] is not allowed[ in column {column}].",
        "Use one of the words of the specification for this column.",
    ),
    Code.VALUE_NOT_A_NUMBER: (
        "A number is expected[ in column {column}][, not {value}].",
        "Send a plain number such as 1234.567 or 1234,567, without words or units in the cell.",
    ),
    Code.VALUE_NEGATIVE: (
        "The number[ in column {column}] is negative[: {value}].",
        "Send the state of the register, which is never below zero; report backflow as Status BACKFLOW.",
    ),
    Code.VALUE_TOO_PRECISE: (
        "The number[ in column {column}] has more than 15 digits or more than 6 decimals[: {value}].",
        "Send the number as the meter shows it, with at most 6 decimals.",
    ),
    Code.VALUE_SENTINEL: (
        "The number[ in column {column}] is a device's mark for a missing value, not a reading[: {value}].",
        "Leave the line out, or send it again once the meter gives a true value.",
    ),
    Code.VALUE_EXPONENT: (
        "The number[ in column {column}] is written with an exponent[: {value}], so digits may be lost.",
        "Format the column as a number with all its digits, export again and send the line again.",
    ),
    Code.VALUE_OUT_OF_RANGE: (
        "The number[ in column {column}] is outside what is allowed[: {value}].",
        "Check the number and its unit, and send the line again.",
    ),
    Code.DATE_NOT_A_DATE: (
        "A date is expected[ in column {column}][, not {value}].",
        "Write the day as 2026-11-30 or 30.11.2026; numbers that Excel uses for dates are not accepted.",
    ),
    Code.DATE_TWO_DIGIT_YEAR: (
        "The year[ in column {column}] has only two digits[: {value}].",
        "Write all four digits of the year, for example 30.11.2026.",
    ),
    Code.DATE_IN_FUTURE: (
        "The date[ in column {column}] lies in the future[: {value}][, which is the end of {against}].",
        "Check the date and the meter's clock, and send the line again with the true day.",
    ),
    Code.DATE_TOO_OLD: (
        "The date[ in column {column}] is more than three years ago[: {value}][, which is the end of {against}].",
        "Check the date; if you really mean to send such old readings, agree it with us first.",
    ),
    Code.DATE_SENTINEL: (
        "The date[ in column {column}] is a device's mark for a missing date[: {value}].",
        "Leave the line out, or send it with the true day of the reading.",
    ),
    Code.UNIT_UNKNOWN: (
        "We do not know the unit[ {value}][ in column {column}].",
        "Use m3 or l for volume, GJ, MJ, MWh, kWh or Wh for energy, and dílek for heat-cost allocators.",
    ),
    Code.MEDIA_UNKNOWN: (
        "We do not know the medium[ {value}][ in column {column}].",
        "Use CW, HW, HT, CO, EL or GW.",
    ),
    Code.KIND_UNKNOWN: (
        "We do not know the kind of reading[ {value}][ in column {column}].",
        "Use RADIO, VISUAL, SELF, BILLING, INTERIM, EXCHANGE_OUT, EXCHANGE_IN or ESTIMATE, or leave the cell empty.",
    ),
    Code.STATUS_UNKNOWN: (
        "We do not know the status[ {value}][ in column {column}]; the reading was kept without it.",
        "Use the words OK, LEAK, BACKFLOW, TAMPER, BATTERY, BLOCKED, AIR, SENSOR_ERROR, CLOCK or UNKNOWN, joined with |.",
    ),
    Code.FLAG_UNKNOWN: (
        "Only 0 or 1 is allowed[ in column {column}][, not {value}].",
        "Write 1 for yes, 0 for no, or leave the cell empty.",
    ),
    Code.SERIAL_MALFORMED: (
        "The meter number[ in column {column}] cannot be one[: {value}].",
        "Send the serial number as it is printed on the meter, as text.",
    ),
    Code.READING_NOT_IN_REGISTER: (
        "We do not have this meter in the register[: {value}].",
        "Check the meter number. If it is right, the meter must be added to the register; the reading is then taken by itself.",
    ),
    Code.READING_UNIT_MISMATCH: (
        "The unit[ {value}] does not fit this meter, which measures something else[ (its unit: {against})].",
        "Check the meter number and the unit, and send the line again.",
    ),
    Code.READING_BEFORE_INSTALLATION: (
        "The reading is from a day before the meter was installed[: {value}][, which is the end of {against}].",
        "Check the meter number and the date; if they are right, have the installation date corrected in the register.",
    ),
    Code.READING_AFTER_REMOVAL: (
        "The reading is from a day after the meter was removed[: {value}][, which is the end of {against}].",
        "Check the meter number and the date, or send the reading under the new meter's number.",
    ),
    Code.READING_BELOW_PREVIOUS: (
        "The register is lower than in an earlier reading, or higher than in a later one[: {value}][ against {against}].",
        "Check the meter number and the value. If the meter was exchanged, report it; if the other reading was wrong, send a correction.",
    ),
    Code.READING_IMPLAUSIBLE_RISE: (
        "The register rose faster than such a meter can measure[: {value}][ against {against}].",
        "Check the value, its unit and decimal mark. If it is right, tell us: a person can accept it.",
    ),
    Code.READING_CONFLICT_IN_FILE: (
        "The file has two different values for this meter and day[: {value}][, another one in line {against}].",
        "Keep the line that is right and send it again; none of them was stored.",
    ),
    Code.READING_CORRECTION: (
        "The value replaces another one that you sent earlier for this meter and day[: now {value}][, before it was {against}].",
        "Nothing. If you did not mean to correct it, send the right value again.",
    ),
    Code.READING_SAME_VALUE: (
        "We already have the same value for this meter and day; the line was counted and not stored again.",
        "Nothing.",
    ),
    Code.READING_ROLLOVER: (
        "The register ran over its highest number and began from zero again[: {value}][ beside {against}]; the reading was accepted.",
        "Nothing. If the meter was exchanged, report the exchange.",
    ),
    Code.READING_RESET: (
        "The heat-cost allocator began its new year from zero[: {value}][ beside {against}]; the reading was accepted.",
        "Nothing. If the device was exchanged, report the exchange.",
    ),
    Code.READING_EXCHANGE: (
        "The register begins anew because the meter was exchanged[: {value}][ beside {against}]; the reading was accepted.",
        "Nothing. If the meter was not exchanged, send a correction.",
    ),
    Code.READING_SMALL_FALL: (
        "The register is lower than before by so little that it is the meter's own play[: {value}][ against {against}]; the reading was accepted.",
        "Nothing.",
    ),
    Code.READING_WORSE_KIND: (
        "We keep the better reading of this meter and day[: {against}]; an estimate does not replace an actual reading, nor any other reading one taken at an exchange.",
        "Nothing, if the reading we keep is right. Otherwise send one of the same kind.",
    ),
    Code.READING_SUPERSEDED: (
        "A later file of yours told another value for this meter and day[: {against}]; that one stays.",
        "Nothing, if the later value is right. Otherwise send the right one again.",
    ),
    Code.READING_EXCHANGE_UNREGISTERED: (
        "On this day one meter was read out and another one read in under the same number[: {value}][, and {against}], but the register knows only one of them.",
        "Have the exchange entered in the register, with the last day of the old meter and the first day of the new one; the reading is then taken by itself.",
    ),
    Code.DEVICE_MAY_NOT_REGISTER: (
        "You deliver readings only; meter numbers and places come from the property manager.",
        "Send new or changed meters to the manager, who enters them in the register.",
    ),
    Code.DEVICE_AMBIGUOUS_SERIAL: (
        "Two meters in use have the same number once spaces and leading zeros are left out[: {value}][; the other one is {against}].",
        "Send both numbers in full, or end the meter that was removed (DateTo).",
    ),
    Code.DEVICE_OVERLAP: (
        "Two meters stand at the same place (location, medium, room, order) at the same time[: {value}][; the other one is {against}].",
        "Give the old meter its last day (DateTo), name it in ReplacesSerial of the new one, or give the new one another order number (Seq).",
    ),
    Code.DEVICE_BAD_CORRECTION: (
        "The correction[ in column {column}] must be a number above zero[, not {value}].",
        "Send 1 where consumption is not to be multiplied.",
    ),
    Code.DEVICE_MISSING_FROM_SNAPSHOT: (
        "A meter of your last register is not in this one; it was kept[: {value}][ ({against})].",
        "If the meter was removed, send it with its last day (DateTo). Otherwise put it back into the file.",
    ),
    Code.DEVICE_UNKNOWN_PARTNER: (
        "We do not know the partner[ {value}] for whom this meter is meant.",
        "Use the partner's short name as agreed, for example metra-sumperk.",
    ),
    Code.DEVICE_EXCHANGED: (
        "The meter at this place was exchanged; the earlier one ends on the day the later one begins[: {against}].",
        "Nothing, if the meter was exchanged. Otherwise correct the place (Location, Media, Room, Seq) of one of them.",
    ),
    Code.DEVICE_OLDER_SNAPSHOT: (
        "We know this meter from a later register[ ({against})]; what that one said was kept.",
        "Nothing. To correct the register, send one with today's date.",
    ),
    Code.DEVICE_MOVED: (
        "This meter changed its place[: {against}].",
        "Nothing, if the meter was put up elsewhere. Otherwise correct its place (Location, Media, Room, Seq).",
    ),
    Code.DEVICE_UNKNOWN_REFERENCE: (
        "The meter named[ in column {column}] is not in the register, or was not in service then[: {value}]; the line was kept.",
        "Check the number. If it is right, add that meter to the register; otherwise leave the cell empty.",
    ),
    Code.DEVICE_READINGS_OUT_OF_SERVICE: (
        "We have readings of this meter from days on which, by the register, it was not in service[: {against}].",
        "Check the days of installation and removal. If they are right, send those readings under the other meter's number.",
    ),
    Code.DEVICE_PARTNER_REGISTERS_ITSELF: (
        "The partner[ {value}] delivers its register itself; the manager enters meters for partners of group 1 only.",
        "Leave the line out: the partner sends this meter itself.",
    ),
    Code.DEVICE_ENDS_BEFORE_START: (
        "The last day of the meter[, {value}] is before its first[, {against}].",
        "Check the days of installation (DateFrom) and removal (DateTo).",
    ),
}
