"""Which field is the id, which hold addresses, which says when a profile changed. Must never guess wrong
in silence: when no field is an id without doubt, the person is asked.
"""

import re
from collections.abc import Mapping, Sequence

from ccexport.errors import BadInput
from ccexport.model.words import FieldType
from ccexport.profiles.columns import Column
from ccexport.profiles.database import DuckDB, quote_identifier

ID_NAMES = (
    *("customerid", "profileid", "id", "sourceid", "contactid", "personid", "memberid", "userid", "clientid"),
    *("customernumber", "customerno", "kundeid", "kundenr", "kundenummer", "medlemsnummer", "uuid", "guid"),
)
ADDRESS_NAME = re.compile(
    r"(^|[^a-z])(e[-_ .]?mails?|e[-_ .]?post(adresse)?|mail|correo|courriel)([^a-z]|$)|email"
)
_UPDATED = re.compile(
    r"^(last[-_ ]?)?(updated|modified|changed|edited)([-_ ]?(at|on|date|time))?$|^(oppdatert|endret)"
    r"|^(update|modification|change)[-_ ]?(date|time)$"
    r"|^sist[-_ ]?(oppdatert|endret)|^last[-_ ]?update$|^updated"
)
UNUSABLE_IDS = ("empty_id", "repeated_id")
_PLAUSIBLE = r"[^@\s]+@[^@\s]+\.[^@\s]+"
_AT_ONCE = 100  # aggregates in one query: DuckDB compares each with each
_DOUBTFUL_SHARE = 0.01  # of repeated or empty ids that a field recognised by its name may have


def find_id_field(db: DuckDB, table: str, fields: Sequence[str], wanted: str | None) -> str:
    """The id field: the one asked for, or the one recognised by its name that is filled and unique."""
    if wanted is not None:
        found = next((f for f in fields if f.casefold() == wanted.casefold()), None)
        if found is None:
            raise BadInput(
                f"The source has no field '{wanted}'; its fields are {_listed(fields)}.", field=wanted
            )
        return found
    by_name = {plain_name(f): f for f in reversed(fields)}
    for name in ID_NAMES:
        if name in by_name and _mostly_unique(db, table, by_name[name]):
            return by_name[name]
    raise BadInput(
        "No field was recognised as the profile id (a field such as customer_id that is filled and different "
        f"on every row). Name it with --id-field; the fields are {_listed(fields)}."
    )


def refuse_wrong_id(rows: int, id_name: str, reasons: Mapping[str, int]) -> None:
    """`BadInput` when most rows have no id, or one that was there before."""
    wrong = sum(reasons.get(reason, 0) for reason in UNUSABLE_IDS)
    if wrong * 2 > rows:
        raise BadInput(
            f"The field '{id_name}' cannot be the profile id: it is empty or repeated on {wrong:,} of "
            f"{rows:,} rows. Name another field with --id-field.",
            field=id_name,
        )


def find_address_fields(db: DuckDB, table: str, columns: Sequence[Column]) -> tuple[str, ...]:
    """Text fields named like an address, or half of whose values look like one."""
    texts = [c.name for c in columns if c.type is FieldType.TEXT]
    if not texts:
        return ()
    found = [
        s for at in range(0, len(texts), _AT_ONCE) for s in _shares(db, table, texts[at : at + _AT_ONCE])
    ]
    return tuple(
        name
        for name, share in zip(texts, found, strict=True)
        if (share or 0) >= 0.5 or (ADDRESS_NAME.search(name.lower()) and (share is None or share >= 0.01))
    )


def _shares(db: DuckDB, table: str, texts: Sequence[str]) -> Sequence[float | None]:
    """How many of the filled values of each field look like an address."""
    shares = ", ".join(
        f"avg(CAST(regexp_full_match(trim({c}), '{_PLAUSIBLE}') AS INTEGER)) FILTER ({c} IS NOT NULL)"
        for c in (f"CAST({quote_identifier(t)} AS VARCHAR)" for t in texts)
    )
    return db.row(f"SELECT {shares} FROM (FROM {table} LIMIT 50000)")


def find_updated_field(columns: Sequence[Column]) -> str | None:
    """The date or timestamp field that says when a profile last changed."""
    times = (FieldType.TIMESTAMP, FieldType.DATE)
    named = [c for c in columns if c.type in times and _UPDATED.search(c.name.lower())]
    return min(named, key=lambda c: times.index(c.type)).name if named else None


def plain_name(field: str) -> str:
    """`Customer-ID` and `customer_id` are one name."""
    return re.sub(r"[^a-z0-9]", "", field.casefold())


def _mostly_unique(db: DuckDB, table: str, field: str) -> bool:
    column = f"nullif(trim(CAST({quote_identifier(field)} AS VARCHAR)), '')"
    rows, different = db.row(f"SELECT count(*), count(DISTINCT {column}) FROM {table}")
    return bool(rows - different <= max(1, rows * _DOUBTFUL_SHARE))


def _listed(fields: Sequence[str]) -> str:
    shown = ", ".join(f"'{f}'" for f in fields[:20])
    return shown + (f" and {len(fields) - 20} more" if len(fields) > 20 else "")
