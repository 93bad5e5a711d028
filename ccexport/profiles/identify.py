"""Finds the id field, the address fields and the field that says when a profile changed. Must never guess:
when no field is certainly the id, the person is asked.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence

from ccexport.errors import BadInput
from ccexport.model.words import FieldType
from ccexport.profiles.columns import Column
from ccexport.profiles.database import DuckDB, quote_identifier

# The surest first. Written without accents; `#`, `№` and `n°` become `number`.
_ID_NAMES = (
    "customerid profileid unifiedcustomerid id sourceid contactid recordid personid memberid userid clientid "
    "subscriberid customernumber customerno customernr customerkey customercode externalidentifier externalid "
    "extid kundeid kundenr kundenummer kundennr kundennummer kundenid kundnr kundnummer kundid kontaktid "
    "kontaktnr kontaktnummer medlemsnummer medlemsnr medlemsid medlemid mitgliedsnummer mitgliedsnr "
    "mitgliedid debitornr debitorennr debitorennummer debitornummer debnr personalnummer donotmodifycontact "
    "datensatzid registreringsid iddefichedinformations identifiant identifiantclient idclient idcontact "
    "numeroclient numerodeclient nclient noclient codeclient numeroadherent idderegistro idcliente idcontacto "
    "numerocliente numerodecliente codigocliente codigodecliente ncliente idcontatto codicecliente "
    "numerodicliente idregistro klantnummer klantnr klantid relatienummer relatienr contactnummer lidnummer "
    "idklienta numerklienta nrklienta identyfikator idkontaktu idrekordu asiakasnumero asiakasid jasennumero "
    "leadid attendeenumber attendeeid participantid registrationid bookingid euid leid uniqueemailid uuid "
    "guid uid iduser idcustomer customeruid entityid primarykey membernumber memberno subscriberkey "
    "contactkey contactnumber contactno personnumber no nr nummer number numero"
)
ID_NAMES = tuple(_ID_NAMES.split())
_LIKE_ID = re.compile(r"(^|[^a-z])(id|ids|nr|no|number|nummer|numero|numer|key|code|uuid|guid)([^a-z]|$)|id$")
_LIKE_NONE = re.compile(
    r"phone|telefon|mobil|fax|zip|post|plz|house|gate|order|tax|vat|bank|konto|card|lat|lon"
)
_ABOUT_MAIL = re.compile(
    r"\bnot?\b|status|opt|type|label|list|consent|permission|date|reason|source|bounce|unsub|newsletter|marketing|ikke"
)
_OWN_ADDRESS = re.compile(r"e?mails?|epost|(e?mail|epost)adress?e?|useremail|emailaddress|emailadres")
ADDRESS_NAME = re.compile(
    r"(^|[^a-z])(e[-_ .]?mails?|e[-_ .]?post(adresse)?|mail|correo|courriel)([^a-z]|$)|email"
)
_UPDATED = re.compile(
    r"^(last[-_ ]?)?(updated|modified|changed|edited)([-_ ]?(at|on|date|time))?$|^(oppdatert|endret)"
    r"|^(update|modification|change)[-_ ]?(date|time)$"
    r"|^sist[-_ ]?(oppdatert|endret)|^last[-_ ]?update$|^updated"
)
_LETTERS = str.maketrans({"ø": "o", "æ": "ae", "ł": "l", "ß": "ss", "ı": "i"})
UNUSABLE_IDS = ("empty_id", "repeated_id")
_PLAUSIBLE = r"[^@\s]+@[^@\s]+\.[^@\s]+"
_AT_ONCE = 100  # aggregates in one query: DuckDB compares each of them with all others
_KEY_SHARE = 0.9  # share of filled values that must be addresses, in an address field used as key
_DOUBTFUL_SHARE = 0.01  # share of ids that may be repeated or empty in a field recognised by its name


def find_id_field(db: DuckDB, table: str, fields: Sequence[str], wanted: str | None) -> str:
    """Return the id field: the one asked for, or one recognised by its name that is filled and unique.

    Without such a field, it is the address field, if that is filled and unique.
    """
    if wanted is not None:
        found = next((f for f in fields if f.casefold() == wanted.casefold()), None)
        if found is None:
            raise BadInput(
                "The source has no field '{wanted}'; its fields are {names}.",
                wanted=wanted,
                names=_listed(fields),
                field=wanted,
            )
        return found
    by_name = {plain_name(f): f for f in reversed(fields)}
    for name in ID_NAMES:
        if name in by_name and _mostly_unique(db, table, by_name[name]):
            return by_name[name]
    if own := unique_address(db, table, fields):
        return own
    raise BadInput(
        (
            "No field was recognised as the profile id: a field such as customer_id, or the "
            "e-mail address, that is filled and different on every row. Choose it; "
            "the fields are {names}."
        ),
        names=_listed(_likely(fields)),
    )


def unique_address(db: DuckDB, table: str, fields: Sequence[str]) -> str | None:
    """Return the address field that is filled and (nearly) unique, the plainest name first."""
    named = [f for f in fields if ADDRESS_NAME.search(f.lower())]
    named.sort(key=lambda f: not _OWN_ADDRESS.fullmatch(plain_name(f)))
    shares = _shares(db, table, named, whole=False) if named else ()
    for field, share in zip(named, shares, strict=True):
        if (share or 0) >= _KEY_SHARE and _is_key(db, table, field):
            return field
    return None


def _is_key(db: DuckDB, table: str, field: str) -> bool:
    """Return whether the address field can be the key.

    A repeated address belongs to two profiles. Rows without an address could not get mail, so one is always allowed.
    """
    column = f"nullif(trim(CAST({quote_identifier(field)} AS VARCHAR)), '')"
    rows, filled, different = db.row(
        f"SELECT count(*), count({column}), count(DISTINCT {column}) FROM {table}"
    )
    few = rows * _DOUBTFUL_SHARE
    return bool(filled - different <= few and rows - filled <= max(1, few))


def _likely(fields: Sequence[str]) -> list[str]:
    """Sort the fields: names like an id first, then addresses, then the others in their order."""

    def place(field: str) -> int:
        name = field.lower()
        if _LIKE_ID.search(re.sub(r"[_.#-]", " ", name).strip()) and not _LIKE_NONE.search(name):
            return 0
        return 1 if ADDRESS_NAME.search(name) else 2

    return sorted(fields, key=place)


def refuse_wrong_id(rows: int, id_name: str, reasons: Mapping[str, int]) -> None:
    """Raise `BadInput` when most rows have an empty or repeated id."""
    wrong = sum(reasons.get(reason, 0) for reason in UNUSABLE_IDS)
    if wrong * 2 > rows:
        raise BadInput(
            "The field '{field}' cannot be the profile id: it is empty or repeated on {wrong} of "
            "{rows} rows. Choose another field.",
            wrong=wrong,
            rows=rows,
            field=id_name,
        )


def find_address_fields(db: DuckDB, table: str, columns: Sequence[Column]) -> tuple[str, ...]:
    """Return the text fields named like an address, or with addresses in at least half of their values."""
    texts = [c.name for c in columns if c.type is FieldType.TEXT]
    if not texts:
        return ()
    found = [
        s for at in range(0, len(texts), _AT_ONCE) for s in _shares(db, table, texts[at : at + _AT_ONCE])
    ]
    return tuple(
        name
        for name, share in zip(texts, found, strict=True)
        if (share or 0) >= 0.5
        or (_named_so(name) if share is None else share >= 0.01 and ADDRESS_NAME.search(name.lower()))
    )


def _named_so(name: str) -> bool:
    """Judge an empty field by its name only: *Do Not Mail* and *Email status* are not address fields."""
    return bool(ADDRESS_NAME.search(name.lower())) and not _ABOUT_MAIL.search(name.lower())


def _shares(db: DuckDB, table: str, texts: Sequence[str], *, whole: bool = True) -> Sequence[float | None]:
    """Return for each field the share of filled values that are an address, or contain one."""
    test = "regexp_full_match" if whole else "regexp_matches"
    shares = ", ".join(
        f"avg(CAST({test}(trim({c}), '{_PLAUSIBLE}') AS INTEGER)) FILTER ({c} IS NOT NULL)"
        for c in (f"CAST({quote_identifier(t)} AS VARCHAR)" for t in texts)
    )
    return db.row(f"SELECT {shares} FROM (FROM {table} LIMIT 50000)")


def find_updated_field(columns: Sequence[Column]) -> str | None:
    """Return the date or timestamp field that says when a profile last changed, or None."""
    times = (FieldType.TIMESTAMP, FieldType.DATE)
    named = [c for c in columns if c.type in times and _UPDATED.search(c.name.lower())]
    return min(named, key=lambda c: times.index(c.type)).name if named else None


def plain_name(field: str) -> str:
    """Return a comparable name: `Customer-ID` equals `customer_id`; `Attendee #` is the attendee number."""
    text = re.sub(r"[#№]", " number", field.casefold().translate(_LETTERS))
    return re.sub(r"[^a-z0-9]", "", unicodedata.normalize("NFKD", text))


def _mostly_unique(db: DuckDB, table: str, field: str) -> bool:
    column = f"nullif(trim(CAST({quote_identifier(field)} AS VARCHAR)), '')"
    rows, different = db.row(f"SELECT count(*), count(DISTINCT {column}) FROM {table}")
    return bool(rows - different <= max(1, rows * _DOUBTFUL_SHARE))


def _listed(fields: Sequence[str]) -> str:
    shown = ", ".join(f"'{f}'" for f in fields[:20])
    return shown + (f" and {len(fields) - 20} more" if len(fields) > 20 else "")
