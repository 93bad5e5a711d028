"""Reads every address of a file, as when a whole file of *cleaned* or *unsubscribed* people is to be suppressed.

Must never read only the first of several addresses in a cell: all of them are to be suppressed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ccexport.errors import BadInput
from ccexport.model.sources import SourcePreview
from ccexport.profiles.address_cells import addresses_in_cell
from ccexport.profiles.database import DuckDB, quote_identifier
from ccexport.profiles.identify import ADDRESS_NAME, plain_name

# Only files of people who left have these, such as Mailchimp's "cleaned" and "unsubscribed" exports.
_LEFT = frozenset(
    {"cleantime", "cleancampaigntitle", "cleancampaignid", "unsubtime", "unsubcampaigntitle", "unsubreason"}
)


@dataclass(frozen=True)
class FileAddresses:
    """The addresses of a field; `unusable` rows have none."""

    field: str
    addresses: tuple[str, ...]
    unusable: int


def field_of_addresses(found: SourcePreview) -> str:
    """Return the field whose first values are addresses, preferring one with such a name. Raises `BadInput`."""
    shares = {name: _share(found.originals, name) for name in found.fields}
    likely = [name for name, share in shares.items() if share >= 0.5]
    named = [name for name in likely if ADDRESS_NAME.search(name.lower())]
    if not likely:
        raise BadInput("No field of the file holds addresses; name the field with the addresses.")
    return (named or likely)[0]


def is_of_people_who_left(fields: Sequence[str]) -> bool:
    """Whether it is a file of cleaned or unsubscribed people, by fields that only such files have."""
    return any(plain_name(name) in _LEFT for name in fields)


def addresses_of(db: DuckDB, field: str, rows_read: int) -> FileAddresses:
    """Read the addresses from the only table, `s.profiles`."""
    cells = db.rows(f"SELECT CAST({quote_identifier(field)} AS VARCHAR) FROM s.profiles")
    each = [addresses_in_cell(cell) for (cell,) in cells]
    found = tuple(dict.fromkeys(a for addresses in each for a in addresses))
    return FileAddresses(field, found, rows_read - sum(bool(addresses) for addresses in each))


def _share(rows: Sequence[Mapping[str, object]], name: str) -> float:
    values = [str(row[name]) for row in rows if row.get(name)]
    return sum("@" in v for v in values) / len(values) if values else 0.0
