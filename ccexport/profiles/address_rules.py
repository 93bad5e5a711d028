"""Judges e-mail addresses: the normal form, or why one is refused. SQL and Python agree exactly.

One strict regexp, the same text in both, accepts nearly every address. Only what it refuses or doubts goes
to `email-validator` (without DNS), so a million rows cost a fraction of a second. Must never
look anything up on the network, and never guess at a spelling.
"""

import re
import unicodedata
from functools import lru_cache

import email_validator

from ccexport.messages import Message, message, verbatim
from ccexport.model.words import Reason

# JsonImportContact, email: maxLength 50. https://developer.constantcontact.com/api_reference/
EMAIL_MAX_LENGTH = 50
LOCAL_MAX_LENGTH = 64  # RFC 5321 4.5.3.1.1; email-validator does not enforce it

USABLE, NO_EMAIL, INVALID_EMAIL, EMAIL_TOO_LONG, OTHER_FORM = range(5)
REASONS = {
    NO_EMAIL: Reason.NO_EMAIL,
    INVALID_EMAIL: Reason.INVALID_EMAIL,
    EMAIL_TOO_LONG: Reason.EMAIL_TOO_LONG,
}

# What may surround an address by accident: spaces, tabs, line ends, NBSP, zero-width, BOM.
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


def address_sql(column_sql: str) -> str:
    """Return SQL for the normal form of a usable address: trimmed, NFC, lower-cased."""
    return f"lower({trimmed_sql(column_sql)})"


def normalise_address(text: str | None) -> tuple[str | None, Reason | None, Message | None]:
    """Return the normal form, or the reason there is none with a sentence for a person."""
    trimmed = unicodedata.normalize("NFC", (text or "").strip(_STRIPPED))
    if not trimmed:
        return None, Reason.NO_EMAIL, message("There is no address.")
    plain = _strict.fullmatch(trimmed) and trimmed.index("@") <= LOCAL_MAX_LENGTH
    if plain and not _doubtful.search(trimmed.lower()):
        return _of_allowed_length(trimmed.lower())
    address, sentence = _ask_library(trimmed)
    if address is None:
        return None, Reason.INVALID_EMAIL, sentence
    return _of_allowed_length(address)


def reason_text(raw: str | None) -> Message | None:
    """Return why this address is refused, for a person; None when it is usable."""
    return normalise_address(raw)[2]


def _of_allowed_length(address: str) -> tuple[str | None, Reason | None, Message | None]:
    if len(address) <= EMAIL_MAX_LENGTH:
        return address, None, None
    sentence = message(
        "The address has {length} characters; Constant Contact takes {most}.",
        length=len(address),
        most=EMAIL_MAX_LENGTH,
    )
    return None, Reason.EMAIL_TOO_LONG, sentence


def _ask_library(trimmed: str) -> tuple[str | None, Message | None]:
    """Return the library's ASCII form in lower case, or None and its sentence."""
    if "@" not in trimmed:
        return None, message("It has no @-sign.")
    local, _, domain = trimmed.rpartition("@")
    if not local.isascii():
        return None, message(
            "The part before the @-sign has letters outside a-z that Constant Contact does not take."
        )
    if len(local) > LOCAL_MAX_LENGTH:
        return None, message(
            "The part before the @-sign is longer than {most} characters.", most=LOCAL_MAX_LENGTH
        )
    if not re.fullmatch(rf"{_ATOM}(?:\.{_ATOM})*", local):
        return None, _local_reason(local)
    ascii_domain, sentence = _judge_domain(domain)
    return (f"{local}@{ascii_domain}".lower(), None) if ascii_domain else (None, sentence)


def _local_reason(local: str) -> Message:
    try:
        email_validator.validate_email(
            f"{local}@example.com", check_deliverability=False, allow_smtputf8=False
        )
    except email_validator.EmailNotValidError as error:
        return verbatim(str(error))
    return message("The part before the @-sign is not valid.")


@lru_cache(maxsize=50_000)
def _judge_domain(domain: str) -> tuple[str | None, Message | None]:
    try:
        found = email_validator.validate_email(
            f"a@{domain}", check_deliverability=False, allow_smtputf8=False, test_environment=False
        )
    except email_validator.EmailNotValidError as error:
        return None, verbatim(str(error))
    return found.ascii_domain, None


def trimmed_sql(column_sql: str) -> str:
    """Return SQL for the trimmed text. Trimming costs several times the strict regexp: skip it for plain text."""
    around = f"^{_AROUND_CLASS}|{_AROUND_CLASS}$"
    return f"nfc_normalize(regexp_replace({column_sql}, '{around}', '', 'g'))"


def plain_sql(trimmed: str) -> str:
    strict, doubtful = _STRICT.replace("'", "''"), _DOUBTFUL.replace("'", "''")
    return (
        f"(regexp_full_match({trimmed}, '{strict}') AND strpos({trimmed}, '@') <= {LOCAL_MAX_LENGTH + 1}"
        f" AND NOT regexp_matches(lower({trimmed}), '{doubtful}'))"
    )
