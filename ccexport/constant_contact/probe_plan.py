"""What the probe sends and what its answers mean: pure, so that both can be tested without an account.

Must never make a request. Every invented person has an address with the probe's stamp, at a domain
the operator names.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from ccexport.constant_contact.values import Activity

NO_FIELD = "cf:ccexport_no_such_field"
FOREIGN_PHONE = "+47 22 33 44 55"
FOUR_MILLION = 4_000_000
FOUR_MEBIBYTES = 4 * 1024 * 1024
BAD_ROWS = 3
# https://developer.constantcontact.com/api_guide/import_contacts.html
IMPORTED_CHARS = 50


@dataclass(frozen=True)
class Finding:
    """The answer to one question. `right` is None when it could not be determined."""

    question: str
    guess: str
    found: str
    right: bool | None = None

    @property
    def line(self) -> str:
        """One line of text for a person."""
        mark = {True: "as guessed", False: "NOT as guessed", None: "not settled"}[self.right]
        return f"{self.question}: {self.found} ({mark}; guess: {self.guess})"


@dataclass(frozen=True)
class People:
    """The addresses of one probe."""

    stamp: str
    domain: str

    def address(self, name: str) -> str:
        """Return the address of one of them."""
        return f"ccx-{name}-{self.stamp}@{self.domain}"

    @property
    def long(self) -> str:
        """An address of 60 characters: too long for an import, not for a contact."""
        return f"ccx-{self.stamp}".ljust(60 - len(self.domain) - 1, "x") + f"@{self.domain}"

    @property
    def all(self) -> frozenset[str]:
        """Everybody who may have been created, in lower case."""
        names = ("plain", "double", "field", "phone", "early", "middle", "late")
        return frozenset({self.address(name).lower() for name in names} | {self.long.lower()})


def mixed_rows(people: People) -> list[dict[str, str]]:
    """Return one row for every question that an import can answer."""
    return [
        {"email": people.address("plain"), "first_name": "Plain"},
        {"email": people.address("double"), "first_name": "First"},
        {"email": people.address("double").upper(), "first_name": "Last"},
        {"email": people.long},
        {"email": people.address("field"), NO_FIELD: "dropped"},
        {"email": people.address("phone"), "phone": FOREIGN_PHONE},
        *({"email": f"no address {n}"} for n in range(BAD_ROWS)),
    ]


def body_of(rows: Iterable[Mapping[str, str]], list_id: str) -> bytes:
    """Return an import of these rows."""
    return orjson.dumps({"list_ids": [list_id], "import_data": list(rows)})


def oversized_body(people: People, list_id: str) -> bytes:
    """Return three contacts before, between and after the two readings of 4 MB, with spaces between them.

    Real rows instead of spaces would make tens of thousands of billable contacts.
    """
    early, middle, late = (orjson.dumps({"email": people.address(n)}) for n in ("early", "middle", "late"))
    head = b'{"list_ids":["' + list_id.encode() + b'"],"import_data":[' + early
    body = head.ljust(FOUR_MILLION + 50_000) + b"," + middle
    return body.ljust(FOUR_MEBIBYTES + 50_000) + b"," + late + b"]}"


def about_counting(rows: int, activity: Activity) -> list[Finding]:
    """Find out what the counters of an import count."""
    total, persons = activity.counters.get("items_total_count"), activity.counters.get("person_count")
    bad = activity.counters.get("error_count", 0) + activity.counters.get("correctable_count", 0)
    messages = f"{len(activity.errors)} messages for {bad} errors"
    shape = bool(activity.errors) and activity.errors[0].lower().startswith("line")
    return [
        Finding(
            "items_total_count of a JSON import", f"{rows + 1}, with a header", str(total), total == rows + 1
        ),
        Finding("person_count", f"{rows}, every row", str(persons), persons == rows),
        Finding("activity_errors", "“Line N: …”, perhaps cut short", messages, shape if bad else None),
    ]


def about_people(people: People, found: Mapping[str, Mapping[str, Any]]) -> list[Finding]:
    """Find out what became of the mixed rows; `found` is the contacts read back, by address in lower case."""
    double = found.get(people.address("double").lower(), {})
    phone = found.get(people.address("phone").lower(), {})
    has_phone = people.address("phone").lower() in found
    numbers = phone.get("phone_numbers") or ()
    has_field = people.address("field").lower() in found
    has_long = people.long.lower() in found
    last = double.get("first_name")
    if people.address("plain").lower() not in found:
        return [Finding("what became of the rows", "the good ones land", "nothing shows on the list yet")]
    return [
        Finding("an address of 60 characters", "rejected", _landed(has_long), not has_long),
        Finding(
            "an address twice in a body", "the last row wins", str(last), last == "Last" if double else None
        ),
        Finding("an unknown custom field", "dropped, the contact lands", _landed(has_field), has_field),
        Finding(
            "a foreign phone number",
            "dropped, the contact lands",
            f"{_landed(has_phone)}, {'kept' if numbers else 'dropped'}",
            has_phone and not numbers,
        ),
    ]


def about_size(people: People, found: Iterable[str], status: int) -> Finding:
    """Find out where a body that is too large was cut."""
    landed = {n for n in ("early", "middle", "late") if people.address(n).lower() in set(found)}
    words = {
        frozenset(): "nothing was imported",
        frozenset({"early"}): "cut at 4,000,000 bytes or before",
        frozenset({"early", "middle"}): "cut at 4,194,304 bytes",
        frozenset({"early", "middle", "late"}): "not cut",
    }
    what = words.get(frozenset(landed), "cut in an unexpected place")
    right = landed == {"early"} if landed else None
    return Finding(
        "a body over 4 MB", "cut at 4,000,000 bytes, answer 201", f"{what}, answer {status}", right
    )


def about_headers(names: Iterable[str]) -> Finding:
    """Find out whether answers say anything about limits."""
    told = sorted(n for n in names if "rate" in n or "retry" in n or n.startswith("x-"))
    rate = [n for n in told if "rate" in n or "retry" in n]
    return Finding("headers about limits", "none", ", ".join(told) or "none", not rate)


def about_columns(header: str) -> Finding:
    """Find out what the address column of an export is called."""
    first = header.lstrip("\ufeff").strip()
    right = "email address" in first.casefold()
    return Finding("columns of an export", "one is “Email address”", first or "nothing", right)


def _landed(there: bool) -> str:
    return "landed" if there else "did not land"
