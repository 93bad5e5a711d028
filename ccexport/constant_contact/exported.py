"""Reads the addresses from an exported CSV file, row by row.

The column names are written for people ("Email address"), in no guaranteed order and among others:
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
    """Yield the addresses as exported, in file order; rows without one are skipped.

    An empty file is an empty list. A header without an address column raises
    `ConstantContactError`: it may be a page of HTML, which must not count as an empty list.
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
    """Return which column holds the address, ignoring case and blanks in its name."""
    names = [" ".join(name.replace("_", " ").split()).casefold() for name in header]
    found = next((i for i, name in enumerate(names) if name in _NAMES), None)
    if found is None:
        raise ConstantContactError(
            "The export that Constant Contact made has no column “Email address”. Start the export anew.",
            columns=len(header),
        )
    return found
