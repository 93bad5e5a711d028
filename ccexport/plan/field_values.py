"""Judges what the values of a field can be: addresses, phones, places, names, days.

Owns the judgement of samples. Must never keep or show a value.
"""

import re
from collections.abc import Callable, Mapping, Sequence

from ccexport.model.profiles import FieldEvidence
from ccexport.model.words import FieldType
from ccexport.plan.header_words import HONORIFICS, NOT_STATES
from ccexport.plan.headers import ADDRESS_PARTS, folded

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_JSON = re.compile(r"\s*[\[{].*[\]}]\s*", re.DOTALL)
_URL = re.compile(r"(?:https?:|www\.)\S+")
_PHONE = re.compile(r"[^A-Za-z]*\d[^A-Za-z]*(?:\s*(?:x|ext\.?|#)\s*\d+)?")
_ISO_DAY = re.compile(r"\d{4}-\d\d-\d\d(?:[T ].*)?")
_HALF = 0.5


def fits(evidence: FieldEvidence, type_: FieldType, meaning: str) -> bool:
    """Return whether the values can be what the name says. A field without values fits everything."""
    if type_ in {FieldType.LIST, FieldType.BOOLEAN}:
        return False
    if meaning in {"birthday", "anniversary"}:
        return type_ in {FieldType.DATE, FieldType.TIMESTAMP} or (
            type_ is FieldType.TEXT
            and _share(evidence.sample, lambda v: bool(_ISO_DAY.fullmatch(v))) >= _HALF
        )
    if type_ in {FieldType.DATE, FieldType.TIMESTAMP}:
        return False
    if not evidence.sample:
        return True
    test = _TESTS.get("address" if meaning in ADDRESS_PARTS[:2] else meaning, _words)
    return _share(evidence.sample, test) >= _HALF


def mostly_addresses(evidence: FieldEvidence) -> bool:
    """Return whether most values are e-mail addresses, whatever the name says."""
    return bool(evidence.sample) and _share(evidence.sample, _email) >= _HALF


def mostly_several_words(evidence: FieldEvidence) -> bool:
    """Return whether most values contain a space: full names, not one of their parts."""
    return _share(evidence.sample, lambda v: " " in v.strip()) >= _HALF


def _share(values: Sequence[str], test: Callable[[str], bool]) -> float:
    return sum(map(test, values)) / len(values) if values else 0.0


def _email(value: str) -> bool:
    return bool(_EMAIL.search(value))


def _plain(value: str) -> bool:
    """Return whether the value is neither an object, a link nor an e-mail address."""
    return not (_JSON.fullmatch(value) or _URL.match(value.strip()) or _EMAIL.fullmatch(value.strip()))


def _words(value: str) -> bool:
    return _plain(value) and any(c.isalpha() for c in value)


def _name(value: str) -> bool:
    return _words(value) and sum(c.isdigit() for c in value) * 2 <= len(value)


def _title(value: str) -> bool:
    return _words(value) and re.sub(r"[^a-z]", "", folded(value)) not in HONORIFICS


def _state(value: str) -> bool:
    return _words(value) and len(value) <= 50 and folded(value.strip()) not in NOT_STATES


def _zip(value: str) -> bool:
    return _plain(value) and any(c.isdigit() for c in value) and len(value.strip()) <= 12


def _phone(value: str) -> bool:
    digits = sum(c.isdigit() for c in value)
    return bool(_PHONE.fullmatch(value.strip())) and 5 <= digits <= 25


def _month(value: str) -> bool:
    return bool(re.fullmatch(r"0?[1-9]|1[0-2]", value.strip()))


def _day(value: str) -> bool:
    return bool(re.fullmatch(r"0?[1-9]|[12]\d|3[01]", value.strip()))


_TESTS: Mapping[str, Callable[[str], bool]] = {
    "email": _email,
    "address": _words,
    "city": _name,
    "state": _state,
    "zip": _zip,
    "country": _name,
    "phone": _phone,
    "mobile_phone": _phone,
    "first_name": _name,
    "last_name": _name,
    "full_name": _name,
    "title": _title,
    "job_title": _title,
    "company_name": _words,
    "birthday_month": _month,
    "birthday_day": _day,
}
