"""What an e-mail address is: its normal form, and why one is refused. SQL and Python agree exactly.

Every row is judged by one strict regexp in SQL; `email-validator` (no DNS) is asked only about what
that regexp refuses or doubts, so a million rows cost a fraction of a second. Must never look
anything up on the network, and never guess at a spelling.
"""

import re
import unicodedata
from functools import lru_cache

import email_validator
import pyarrow as pa

from ccexport.model.profiles import ROW
from ccexport.model.words import Reason
from ccexport.profiles.database import DuckDB, quote_identifier

# JsonImportContact, email: maxLength 50. https://developer.constantcontact.com/api_reference/
EMAIL_MAX_LENGTH = 50
LOCAL_MAX_LENGTH = 64  # RFC 5321 4.5.3.1.1; email-validator does not insist

USABLE, NO_EMAIL, INVALID_EMAIL, EMAIL_TOO_LONG, OTHER_FORM = range(5)
REASONS = {
    NO_EMAIL: Reason.NO_EMAIL,
    INVALID_EMAIL: Reason.INVALID_EMAIL,
    EMAIL_TOO_LONG: Reason.EMAIL_TOO_LONG,
}
FORMS = "address_forms"

# What may stand around an address by accident: blanks, TAB, line ends, NBSP, zero-width, BOM.
_AROUND = [9, 10, 11, 12, 13, 32, 0x85, 0xA0, 0x1680, 0x180E, *range(0x2000, 0x2010), 0x2028, 0x2029]
_AROUND += [0x202F, 0x205F, 0x2060, 0x3000, 0xFEFF]
_STRIPPED = "".join(map(chr, _AROUND))
_AROUND_CLASS = "[" + "".join(rf"\x{{{n:x}}}" for n in _AROUND) + "]+"

# The same text is a Python and an RE2 pattern.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_LAST_LABEL = r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}))?[A-Za-z]"
_STRICT = rf"{_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+{_LAST_LABEL}"
_DOUBTFUL = r"@.*--|\.(?:" + "|".join(email_validator.SPECIAL_USE_DOMAIN_NAMES) + ")$"
_strict = re.compile(_STRICT)
_doubtful = re.compile(_DOUBTFUL)


def code_column(field: str) -> str:
    """The column that says whether the address in `field` is usable, and why not."""
    return f"{field}#code"


def hash_column(field: str) -> str:
    """The column with hash() of the normal form; null unless usable."""
    return f"{field}#hash"


def shared_column(field: str) -> str:
    """The column that is true when the normal form occurs more than once in `field`."""
    return f"{field}#shared"


def address_sql(column_sql: str) -> str:
    """SQL for the normal form of a usable address: trimmed, NFC, lower-cased."""
    return f"lower({_trimmed_sql(column_sql)})"


def normalise_address(text: str | None) -> tuple[str | None, Reason | None, str]:
    """The normal form, or the reason there is none with a sentence for a person."""
    trimmed = unicodedata.normalize("NFC", (text or "").strip(_STRIPPED))
    if not trimmed:
        return None, Reason.NO_EMAIL, "There is no address."
    plain = _strict.fullmatch(trimmed) and trimmed.index("@") <= LOCAL_MAX_LENGTH
    if plain and not _doubtful.search(trimmed.lower()):
        return _of_allowed_length(trimmed.lower())
    address, sentence = _ask_library(trimmed)
    if address is None:
        return None, Reason.INVALID_EMAIL, sentence
    return _of_allowed_length(address)


def reason_text(raw: str | None) -> str:
    """Why this address is refused, for a person; empty when it is usable."""
    return normalise_address(raw)[2]


def annotate(db: DuckDB, table: str, field: str, into: str, *, temporary: bool = False) -> None:
    """Make the table `into` with `_row` and the code, hash and shared columns of `field` in `table`.

    `table` is SQL (`s.profiles`) and has `_row`; the rows of `into` come in its order. Normal forms
    that `address_sql` does not give are added to the table `address_forms` of this session.
    """
    raw = f"CAST({quote_identifier(field)} AS VARCHAR)"
    _judge(db, table, raw)
    into_name = quote_identifier(into)
    db.run(f"CREATE OR REPLACE TEMP TABLE _decided AS {_decided_sql(table, raw)}")
    db.run(
        f"""CREATE {"TEMP " * temporary}TABLE {into_name} AS
            SELECT {ROW}, code AS {quote_identifier(code_column(field))},
              h AS {quote_identifier(hash_column(field))},
              coalesce(h IN (SELECT h FROM _decided WHERE h IS NOT NULL GROUP BY h HAVING count(*) > 1),
                false) AS {quote_identifier(shared_column(field))}
            FROM _decided ORDER BY {ROW}"""
    )
    db.run(f"CREATE TABLE IF NOT EXISTS {FORMS} (field VARCHAR, raw VARCHAR, address VARCHAR)")
    db.run(f"INSERT INTO {FORMS} SELECT ?, raw, address FROM _judged WHERE code = {OTHER_FORM}", [field])
    db.run("DROP TABLE _decided")
    db.run("DROP TABLE _judged")


def _of_allowed_length(address: str) -> tuple[str | None, Reason | None, str]:
    if len(address) <= EMAIL_MAX_LENGTH:
        return address, None, ""
    sentence = f"The address has {len(address)} characters; Constant Contact takes {EMAIL_MAX_LENGTH}."
    return None, Reason.EMAIL_TOO_LONG, sentence


def _ask_library(trimmed: str) -> tuple[str | None, str]:
    """The library's ASCII form in lower case, or None and its sentence."""
    if "@" not in trimmed:
        return None, "It has no @-sign."
    local, _, domain = trimmed.rpartition("@")
    if not local.isascii():
        return None, "The part before the @-sign has letters outside a-z that Constant Contact does not take."
    if len(local) > LOCAL_MAX_LENGTH:
        return None, f"The part before the @-sign is longer than {LOCAL_MAX_LENGTH} characters."
    if not re.fullmatch(rf"{_ATOM}(?:\.{_ATOM})*", local):
        return None, _local_reason(local)
    ascii_domain, sentence = _judge_domain(domain)
    return (f"{local}@{ascii_domain}".lower(), "") if ascii_domain else (None, sentence)


def _local_reason(local: str) -> str:
    try:
        email_validator.validate_email(
            f"{local}@example.com", check_deliverability=False, allow_smtputf8=False
        )
    except email_validator.EmailNotValidError as error:
        return str(error)
    return "The part before the @-sign is not valid."


@lru_cache(maxsize=50_000)
def _judge_domain(domain: str) -> tuple[str | None, str]:
    try:
        found = email_validator.validate_email(
            f"a@{domain}", check_deliverability=False, allow_smtputf8=False, test_environment=False
        )
    except email_validator.EmailNotValidError as error:
        return None, str(error)
    return found.ascii_domain, ""


def _trimmed_sql(column_sql: str) -> str:
    around = f"^{_AROUND_CLASS}|{_AROUND_CLASS}$"
    return f"nfc_normalize(regexp_replace({column_sql}, '{around}', '', 'g'))"


def _clean_sql(raw: str) -> str:
    """Trimmed, unless it is plain as it stands: trimming costs several times the strict regexp."""
    return f"CASE WHEN {_plain_sql(raw)} THEN {raw} ELSE {_trimmed_sql(raw)} END"


def _plain_sql(trimmed: str) -> str:
    strict, doubtful = _STRICT.replace("'", "''"), _DOUBTFUL.replace("'", "''")
    return (
        f"(regexp_full_match({trimmed}, '{strict}') AND strpos({trimmed}, '@') <= {LOCAL_MAX_LENGTH + 1}"
        f" AND NOT regexp_matches(lower({trimmed}), '{doubtful}'))"
    )


def _judge(db: DuckDB, table: str, raw: str) -> None:
    """`_judged(raw, code, address)`: the library's answer for every distinct text SQL cannot decide."""
    db.run("CREATE OR REPLACE TEMP TABLE _judged (raw VARCHAR, code UTINYINT, address VARCHAR)")
    db.run(
        f"""CREATE OR REPLACE TEMP TABLE _asked AS
            SELECT DISTINCT {raw} AS raw FROM {table}
            WHERE contains({raw}, '@') AND NOT {_plain_sql(raw)} AND NOT {_plain_sql(_trimmed_sql(raw))}"""
    )
    while True:
        asked = [r for (r,) in db.rows("SELECT raw FROM _asked LIMIT 50000")]
        if not asked:
            break
        answers = pa.table(_answers(asked), schema=_ANSWERS)
        with db.given("_answers", answers):
            db.run("INSERT INTO _judged SELECT raw, code, address FROM _answers")
        db.run("DELETE FROM _asked WHERE raw IN (SELECT raw FROM _judged)")
    db.run("DROP TABLE _asked")


_ANSWERS = pa.schema([("raw", pa.string()), ("code", pa.uint8()), ("address", pa.string())])
_CODES = {reason: code for code, reason in REASONS.items()}


def _answers(asked: list[str]) -> dict[str, list[object]]:
    judged = [normalise_address(raw) for raw in asked]
    codes: list[object] = [_CODES[reason] if reason else OTHER_FORM for _, reason, _ in judged]
    return {"raw": list(asked), "code": codes, "address": [address for address, _, _ in judged]}


def _decided_sql(table: str, raw: str) -> str:
    plain = _plain_sql("t")
    return f"""
        WITH trimmed AS (SELECT {ROW}, {raw} AS raw, {_clean_sql(raw)} AS t FROM {table}),
        coded AS (
          SELECT {ROW}, t, j.address, CAST(CASE
            WHEN t IS NULL OR t = '' THEN {NO_EMAIL}
            WHEN {plain} THEN if(length(t) > {EMAIL_MAX_LENGTH}, {EMAIL_TOO_LONG}, {USABLE})
            WHEN j.code = {OTHER_FORM} AND j.address = lower(t) THEN {USABLE}
            ELSE coalesce(j.code, {INVALID_EMAIL}) END AS UTINYINT) AS code
          FROM trimmed LEFT JOIN _judged j USING (raw))
        SELECT {ROW}, code,
          CASE code WHEN {USABLE} THEN hash(lower(t)) WHEN {OTHER_FORM} THEN hash(address) END AS h
        FROM coded"""
