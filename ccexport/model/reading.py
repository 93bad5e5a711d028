"""How a source was read: its files, and each of its fields. Stored with a snapshot and shown to people.

Must never hold a value of a profile, except in a preview, which is not kept.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as made_by
from enum import StrEnum
from typing import Any

from ccexport.messages import Message, counted, message, word
from ccexport.model.words import FieldType


class Sure(StrEnum):
    """Why a field was read as it was."""

    CERTAIN = "certain"  # its values allow nothing else
    FILE = "file"  # other fields of the same file prove it
    BEFORE = "before"  # the earlier snapshot was read so
    LIKELY = "likely"  # the name or the number of values suggests it, and nothing contradicts it
    CHOSEN = "chosen"  # a person chose it
    UNSURE = "unsure"  # it stayed text, or a person has to choose


# What `--format FIELD=` takes besides a pattern such as %d.%m.%y.
DAY_FIRST, MONTH_FIRST, YEAR_FIRST = "day_first", "month_first", "year_first"
DECIMAL_COMMA, DECIMAL_POINT = "decimal_comma", "decimal_point"
EXCEL_SERIAL, EXCEL_SERIAL_1904 = "excel_serial", "excel_serial_1904"
FORMATS = (
    *(DAY_FIRST, MONTH_FIRST, YEAR_FIRST, DECIMAL_COMMA, DECIMAL_POINT),
    *(EXCEL_SERIAL, EXCEL_SERIAL_1904),
)


@dataclass(frozen=True)
class FieldReading:
    """How one field of one source was read.

    `stripped` counts, by the codes of `REMARKS`, what was removed or emptied: `guard`, `zero_date`, `money` …
    `misfits` of the `filled` values do not fit `nearly`, the type that most of them have.
    """

    field: str
    type: FieldType
    source: str = ""
    format: str = ""
    sure: Sure = Sure.CERTAIN
    filled: int | None = None
    nearly: FieldType | None = None
    misfits: int = 0
    stripped: Mapping[str, int] = made_by(default_factory=dict)

    @property
    def remarks(self) -> tuple["Remark", ...]:
        """Remarks on the field from what is stored: counts, no values."""
        found = [Remark(code, n, self.field) for code, n in self.stripped.items()]
        if self.sure is Sure.FILE and self.format in (DAY_FIRST, MONTH_FIRST):
            found.append(Remark(self.format, self.filled or 0, self.field))
        if self.sure is Sure.BEFORE and self.format in (DAY_FIRST, MONTH_FIRST):
            found.append(Remark("as_before", self.filled or 0, self.field))
        if self.sure is Sure.LIKELY and self.format == EXCEL_SERIAL:
            found.append(Remark("excel_serial", self.filled or 0, self.field))
        if self.sure is Sure.LIKELY and self.format in (DECIMAL_COMMA, DECIMAL_POINT):
            code = "decimal_comma" if self.format == DECIMAL_COMMA else "thousands"
            found.append(Remark(code, self.filled or 0, self.field))
        if self.misfits and self.nearly:
            found.append(Remark("misfits", self.misfits, self.field, values={"type": self.nearly.value}))
        return tuple(found)


@dataclass(frozen=True)
class FileReading:
    """How one file was read. `counts` holds what was left out or changed, by the codes of `REMARKS`."""

    file: str
    source: str = ""
    kind: str = ""  # csv, json, parquet, workbook, query
    encoding: str = ""
    sure: Sure = Sure.CERTAIN  # of the encoding
    delimiter: str = ""
    header_line: int = 1
    sheet: str = ""
    member: str = ""
    counts: Mapping[str, int] = made_by(default_factory=dict)
    renamed: Mapping[str, str] = made_by(default_factory=dict)  # new name → the name in the file
    others: tuple[str, ...] = ()  # other possible encodings

    def remarks(self, samples: Sequence[str] = ()) -> tuple["Remark", ...]:
        """Return remarks on the file."""
        found = [
            Remark(code, n, file=self.file, values={"member": self.member}) for code, n in self.counts.items()
        ]
        found += [
            Remark("renamed", 1, new, self.file, values={"before": old}) for new, old in self.renamed.items()
        ]
        if self.sure in (Sure.LIKELY, Sure.UNSURE):
            code = "ask_encoding" if self.sure is Sure.UNSURE else "encoding"
            choices, values = (self.encoding, *self.others), {"encoding": self.encoding}
            found.insert(0, Remark(code, 1, "", self.file, values, choices, samples))
        return tuple(found)


@dataclass(frozen=True)
class Remark:
    """One remark on how something was read, with a count and perhaps a choice.

    `choices` are what `--format` (of a field) or `--encoding` (of a file) takes. `samples` are values as
    written; only a preview has them.
    """

    code: str
    count: int = 0
    field: str = ""
    file: str = ""
    values: Mapping[str, str] = made_by(default_factory=dict)
    choices: Sequence[str] = ()
    samples: Sequence[str] = ()

    @property
    def message(self) -> Message:
        """Return the sentence for a person."""
        said = REMARKS[self.code]
        named: dict[str, Any] = {"n": self.count, "field": self.field, "file": self.file, **self.values}
        if "type" in named:
            named["type"] = word(named["type"])
        return Message(said.template, named, said.plural)


# By code; the values come from the remark.
REMARKS: dict[str, Message] = {
    # of a field
    "ask_order": message("The dates in {field} can be day first or month first: say which."),
    "day_first": message("The dates in {field} are read day first, as other dates of the file are."),
    "month_first": message("The dates in {field} are read month first, as other dates of the file are."),
    "as_before": message("The dates in {field} are read as in the snapshot before."),
    "two_digit_years": message("Years of two digits in {field} are read as 1930 to 2029."),
    "excel_serial": message("The numbers in {field} are read as days of a spreadsheet's calendar."),
    "compact_dates": message("The eight digits in {field} are read as dates, year first."),
    "without_year": message("{field} holds days without a year."),
    "zero_date": counted(
        "One value of {field} is a date that does not exist, such as 0000-00-00, and is empty.",
        "{n} values of {field} are dates that do not exist, such as 0000-00-00, and are empty.",
        n=1,
    ),
    "guard": counted(
        "The mark that keeps a spreadsheet from changing a text was taken off one value of {field}.",
        "The mark that keeps a spreadsheet from changing a text was taken off {n} values of {field}.",
        n=1,
    ),
    "money": counted(
        "The sign of a currency was taken off one value of {field}.",
        "The sign of a currency was taken off {n} values of {field}.",
        n=1,
    ),
    "percent": counted(
        "The percent sign was taken off one value of {field}.",
        "The percent sign was taken off {n} values of {field}.",
        n=1,
    ),
    "brackets": counted(
        "One value of {field} in brackets, or with the minus behind it, is a negative number.",
        "{n} values of {field} in brackets, or with the minus behind them, are negative numbers.",
        n=1,
    ),
    "thousands": message("The commas in {field} are read as thousands."),
    "decimal_comma": message("The commas in {field} are read as decimals."),
    "ask_number": message("The numbers in {field} can be thousands or decimals; they stay text."),
    "lost_digits": counted(
        "A spreadsheet wrote one value of {field} like 4.79E+10: its digits are lost.",
        "A spreadsheet wrote {n} values of {field} like 4.79E+10: their digits are lost.",
        n=1,
    ),
    "misfits": counted(
        "One value of {field} is no {type}; the field stays text.",
        "{n} values of {field} are no {type}; the field stays text.",
        n=1,
    ),
    "mixed_signs": message(
        "{field} holds several currencies, or only some values with a percent sign; it stays text."
    ),
    "both_orders": message("{field} holds dates both day first and month first; it stays text."),
    "one_word": message("{field} holds only one of two words; it stays text."),
    "types_differ": message("The sources have {field} as {types}; it stays text."),
    # of a file
    "encoding": message("{file} is read as {encoding}."),
    "ask_encoding": message("{file} may be written in {encoding} or another encoding: compare the letters."),
    "title_lines": counted(
        "One line before the header of {file} is left out.",
        "{n} lines before the header of {file} are left out.",
        n=1,
    ),
    "units_line": message("A line under the header of {file} is no profile and is left out."),
    "total": counted(
        "One line of {file} is a total and no profile.",
        "{n} lines of {file} are totals and no profiles.",
        n=1,
    ),
    "after_table": counted(
        "One line after the table in {file} is left out.",
        "{n} lines after the table in {file} are left out.",
        n=1,
    ),
    "empty_fields": counted(
        "One column of {file} has neither a name nor a value and is left out.",
        "{n} columns of {file} have neither a name nor a value and are left out.",
        n=1,
    ),
    "trailing": counted(
        "One line of {file} ends with delimiters too many; they are left out.",
        "{n} lines of {file} end with delimiters too many; they are left out.",
        n=1,
    ),
    "renamed": message("{file} names the field {before} more than once; one is called {field} here."),
    "unwrapped": message("The rows of {file} stand under {member}."),
    "index": message("The index that a program wrote into {file} is left out."),
}
