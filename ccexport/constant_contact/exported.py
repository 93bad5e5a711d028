"""Reads the addresses out of an exported CSV file, row by row.

The columns come humanised ("Email address"), in no promised order and with others beside them:
https://developer.constantcontact.com/api_guide/export_contacts.html. Must never hold the file
in memory, and never put a cell into an error.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import IO

from ccexport.errors import ConstantContactError

_NAMES = {"email address", "email", "e-mail address"}


def addresses_in(file: IO[bytes]) -> Iterator[str]:
    """The addresses as exported, in file order; rows without one are passed over.

    A file without a single byte is an empty list. A header without an address column raises
    `ConstantContactError`: it may be a page of HTML, and an empty answer would be a lie.
    """
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="replace", newline="")
    try:
        rows = csv.reader(text)
        header = next(rows, None)
        if header is None:
            return
        column = address_column(header)
        for row in rows:
            address = row[column].strip() if len(row) > column else ""
            if address:
                yield address
    except csv.Error as error:
        raise ConstantContactError(
            "The export that Constant Contact made is not a readable CSV file. Start the export anew."
        ) from error
    finally:
        text.detach()


def address_column(header: Sequence[str]) -> int:
    """Which column holds the address, whatever the case and the blanks of its name."""
    names = [" ".join(name.replace("_", " ").split()).casefold() for name in header]
    found = next((i for i, name in enumerate(names) if name in _NAMES), None)
    if found is None:
        raise ConstantContactError(
            "The export that Constant Contact made has no column “Email address”. Start the export anew.",
            columns=len(header),
        )
    return found
