"""The rules for one imported contact (spec of contacts_json_import, api_guide/import_contacts.html).

Owns what is accepted, what is a correctable error and what is an error. Must never touch the store.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from ccexport.sandbox.config import Config

EMAIL = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+(?:[A-Za-z]{2,63}|xn--[A-Za-z0-9-]{1,59})"
)
_ANNIVERSARY = re.compile(r"(?:(\d{4})[-/](\d{1,2})[-/](\d{1,2})|(\d{1,2})[-/](\d{1,2})[-/](\d{4}))")
_US_NUMBER = re.compile(r"\s*(?:\+?1[\s.-]*)?(?:\(\d{3}\)|\d{3})[\s.-]*\d{3}[\s.-]*\d{4}\s*")
_SMS = re.compile(r"\d{10}|\d{3}-\d{3}-\d{4}")

Path = tuple[str, ...]
_TEXTS: dict[str, tuple[Path, int]] = {
    name: ((name,), 50) for name in ("first_name", "last_name", "job_title", "company_name")
}
_PHONES = {
    "phone": "other",
    "home_phone": "home",
    "work_phone": "work",
    "mobile_phone": "mobile",
    "other_phone": "other",
}
_ADDRESS = {"street": 255, "street2": 255, "city": 50, "state": 50, "zip": 50, "country": 50}
CSV_KEYS = frozenset(
    (
        "email", "sms_number", "first_name", "last_name", "phone", "job_title", "anniversary", "birthday_day",
        "birthday_month", "company_name", "street", "street2", "city", "state", "zip", "country",
        "sms_consent_date",
    )
)  # fmt: skip


@dataclass
class Digest:
    """What became of the rows of one body."""

    accepted: dict[str, dict[str, Any]] = field(default_factory=dict)
    by_number: dict[str, dict[str, Any]] = field(default_factory=dict)
    persons: int = 0
    errors: int = 0
    correctable: int = 0
    messages: list[str] = field(default_factory=list)


class _Wrong(Exception):
    def __init__(self, what: str, *, correctable: bool) -> None:
        super().__init__(what)
        self.correctable = correctable


def digest(
    records: Iterable[Mapping[str, Any]],
    config: Config,
    *,
    custom_fields: Mapping[str, int],
    year: int,
    from_csv: bool = False,
    message_limit: int = 0,
) -> Digest:
    """Judge every row. `custom_fields` maps API names to numbers; line 1 is the header, in JSON too."""
    rules = _rules(config, custom_fields, year, from_csv)
    out = Digest()
    for line, record in enumerate(records, start=2):
        out.persons += 1
        try:
            _take(out, record, rules, config)
        except _Wrong as wrong:
            if wrong.correctable:
                out.correctable += 1
            else:
                out.errors += 1
            if not message_limit or len(out.messages) < message_limit:
                out.messages.append(f"Line {line}: {wrong}")
    if config.person_count == "contacts":
        out.persons = len(out.accepted) + len(out.by_number) + out.errors + out.correctable
    return out


Rule = Callable[[dict[str, Any], Any], None]


def _take(out: Digest, record: Mapping[str, Any], rules: Mapping[str, Rule], config: Config) -> None:
    email, number = _keys(record, config)
    fields: dict[str, Any] = {}
    for key, value in record.items():
        rule = rules.get(key)
        if rule is not None:
            if value is None or value == "":
                if not config.blanks_erase:
                    continue
                value = None
            rule(fields, value)
    _both_or_none(fields)
    if number is not None:
        fields["sms_number"] = number
    accepted = out.accepted if email is not None else out.by_number
    key = email or number or ""
    earlier = accepted.get(key)
    if earlier is None:
        accepted[key] = fields
    elif config.duplicates == "reject":
        raise _Wrong("Duplicate email", correctable=False)
    elif config.duplicates == "last_wins":
        accepted[key] = _merged(earlier, fields)
    else:
        accepted[key] = _merged(fields, earlier)


def _keys(record: Mapping[str, Any], config: Config) -> tuple[str | None, str | None]:
    email, number = record.get("email"), record.get("sms_number")
    if number in (None, ""):
        number = None
    elif not isinstance(number, str) or not _SMS.fullmatch(number):
        raise _Wrong("Invalid sms_number", correctable=True)
    if email in (None, ""):
        if number is None:
            raise _Wrong("Missing email", correctable=True)
        return None, number.replace("-", "")
    if not isinstance(email, str) or len(email) > config.email_max_chars or not EMAIL.fullmatch(email):
        raise _Wrong("Invalid email", correctable=True)
    return email.lower(), None if number is None else number.replace("-", "")


def _both_or_none(fields: dict[str, Any]) -> None:
    month, day = fields.get("birthday_month"), fields.get("birthday_day")
    if month is None and day is None:
        return
    try:
        date(2024, month or 0, day or 0)  # a leap year: 29 February is a birthday
    except (ValueError, OverflowError):
        raise _Wrong("Invalid birthday", correctable=True) from None


def _merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    both = {**old, **new}
    for key, value in new.items():
        if isinstance(value, dict) and isinstance(old.get(key), dict):
            both[key] = _merged(old[key], value)
    return both


def _rules(config: Config, custom_fields: Mapping[str, int], year: int, from_csv: bool) -> dict[str, Rule]:
    rules: dict[str, Rule] = {key: _text(key, path, most, config) for key, (path, most) in _TEXTS.items()}
    rules |= {key: _phone(key, kind, config) for key, kind in _PHONES.items()}
    for prefix, kind in (("", "home"), ("home_", "home"), ("work_", "work"), ("other_", "other")):
        for part, most in _ADDRESS.items():
            rules[prefix + part] = _text(prefix + part, ("address", kind, part), most, config)
    _home_country(rules, config)
    rules["birthday_month"] = _whole("birthday_month")
    rules["birthday_day"] = _whole("birthday_day")
    rules["anniversary"] = _anniversary(year)
    if from_csv:
        rules = {key: rule for key, rule in rules.items() if key in CSV_KEYS}
    # A name that does not exist, or no longer, is dropped without a word (phpfui/ConstantContact#8).
    return rules | {f"cf:{name}": _custom(name, no, config) for name, no in custom_fields.items()}


def _home_country(rules: dict[str, Rule], config: Config) -> None:
    underscore = rules.pop("home_country")
    if config.home_country_key in ("space", "both"):
        rules["home country"] = underscore
    if config.home_country_key in ("underscore", "both"):
        rules["home_country"] = underscore


def _fit(name: str, value: Any, most: int, config: Config) -> str | None:
    if value is None:
        return None
    if type(value) is not str:
        if type(value) not in (int, float):
            raise _Wrong(f"Invalid {name}", correctable=False)
        value = str(value)
    if "\x00" in value:
        raise _Wrong(f"Invalid {name}", correctable=False)
    if len(value) > most:
        if config.over_length == "reject":
            raise _Wrong(f"{name} is too long", correctable=False)
        value = value[:most]
    return str(value)


def _text(name: str, path: Path, most: int, config: Config) -> Rule:
    *outer, last = path

    def rule(fields: dict[str, Any], value: Any) -> None:
        for step in outer:
            fields = fields.setdefault(step, {})
        if type(value) is not str or len(value) > most or "\x00" in value:  # the rare ones pay for a call
            value = _fit(name, value, most, config)
        fields[last] = value

    return rule


def _phone(name: str, kind: str, config: Config) -> Rule:
    def rule(fields: dict[str, Any], value: Any) -> None:
        number = _fit(name, value, 50, config)
        if number is not None and config.foreign_phones != "keep" and not _US_NUMBER.fullmatch(number):
            # "International phone numbers are currently not supported" (spec).
            if config.foreign_phones == "reject":
                raise _Wrong(f"Invalid {name}", correctable=False)
            return
        phones = fields.setdefault("phone", {})
        if kind in phones or len(phones) < 3:  # at most three phones per contact (spec)
            phones[kind] = number

    return rule


def _whole(name: str) -> Rule:
    def rule(fields: dict[str, Any], value: Any) -> None:
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 2:
            value = int(value)
        if type(value) is not int:
            raise _Wrong("Invalid birthday", correctable=True)
        fields[name] = value

    return rule


def _anniversary(year: int) -> Rule:
    def rule(fields: dict[str, Any], value: Any) -> None:
        if value is None:
            fields["anniversary"] = None
            return
        found = _ANNIVERSARY.fullmatch(value) if isinstance(value, str) and value.isascii() else None
        if found is None:
            raise _Wrong("Invalid anniversary", correctable=True)
        y, m, d = (found[1], found[2], found[3]) if found[1] else (found[6], found[4], found[5])
        try:
            day = date(int(y), int(m), int(d))
        except ValueError:
            raise _Wrong("Invalid anniversary", correctable=True) from None
        if not 1900 < day.year <= year + 10:  # V2's rule, stated nowhere for V3
            raise _Wrong("Invalid anniversary", correctable=True)
        fields["anniversary"] = day.isoformat()

    return rule


def _custom(name: str, no: int, config: Config) -> Rule:
    def rule(fields: dict[str, Any], value: Any) -> None:
        held = fields.setdefault("cf", {})
        if len(held) >= config.custom_fields_per_contact:
            if config.extra_custom_fields == "reject":
                raise _Wrong("Too many custom fields", correctable=False)
            return
        held[str(no)] = _fit(f"cf:{name}", value, 255, config)

    return rule
