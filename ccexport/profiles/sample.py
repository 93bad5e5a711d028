"""Makes sample profiles: several countries and scripts, with the defects that real sources have. The same seed
gives the same file.

Must never hold an address outside the reserved domains (RFC 2606) or a phone number that could ring.
"""

import csv
import itertools
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import TypeVar

from ccexport.profiles.sample_names import COMPANIES, COUNTRIES, Country, Name

SAMPLE_FIELDS = (
    *("customer_id", "first_name", "last_name", "email", "phone", "street", "postal_code", "city", "country"),
    *("language", "birth_date", "company", "tier", "lifetime_value", "orders", "newsletter_consent"),
    *("created_at", "updated_at"),
)
T = TypeVar("T")
SAMPLE_TODAY = date(2026, 1, 1)

_DOMAINS = (
    *(
        "example.com",
        "example.org",
        "example.net",
        "mail.example.com",
        "post.example.org",
        "kunde.example.net",
    ),
    *("firma.example.com", "student.example.org"),
)
_MISSING, _MALFORMED, _DUPLICATE, _TOO_LONG, _IDN = 0.025, 0.035, 0.06, 0.063, 0.066
_REMEMBERED = 2_000  # the number of addresses from which a duplicate is chosen


def write_profiles(path: Path, count: int, seed: int = 1, today: date = SAMPLE_TODAY) -> None:
    """Write a CSV of `count` profiles whose dates reach up to `today`."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(SAMPLE_FIELDS)
        writer.writerows(itertools.islice(_profiles(Random(seed), today), count))  # noqa: S311


def _profiles(random: Random, today: date) -> Iterator[tuple[object, ...]]:
    seen: list[str] = []
    weighted = [c for c in COUNTRIES for _ in range(c.share)]
    midnight = datetime.combine(today, time())
    for number in itertools.count(1):
        country = _one(random, weighted)
        first, last = _one(random, country.first), _one(random, country.last)
        email = _email(random, number, first, last, seen)
        created, updated = _times(random, midnight)
        orders = int(random.expovariate(0.25))
        value = round(orders * random.expovariate(1 / 60), 2)
        yield (
            f"C-{number:07d}",
            *_names(random, first, last),
            email,
            "" if random.random() < 0.3 else country.phone.format(int(random.random() * country.phone_room)),
            *_place(random, country),
            country.name,
            country.language,
            _birth_date(random, today),
            _company(random),
            "gold" if value > 900 else "silver" if value > 250 else "bronze" if orders else "",
            f"{value:.2f}",
            orders,
            _consent(random),
            created,
            updated,
        )


def _one(random: Random, choices: Sequence[T]) -> T:
    return choices[int(random.random() * len(choices))]


def _email(random: Random, number: int, first: Name, last: Name, seen: list[str]) -> str:
    """Return an address; one in fifteen is missing, malformed, a duplicate, too long or international."""
    chance = random.random()
    plain = f"{first[1]}.{last[1]}{number}@{_one(random, _DOMAINS)}"
    if chance > _IDN:
        _remember(random, seen, plain)
        return plain
    if chance < _MISSING:
        return _one(random, ("", "", "", " ", "\t"))
    if chance < _MALFORMED:
        return _one(random, _MALFORMATIONS)(plain)
    if chance < _DUPLICATE:
        return _one(random, _REPETITIONS)(_one(random, seen)) if seen else plain
    if chance < _TOO_LONG:
        return f"{first[1]}.{'van.der.'.join(['', 'lange.', ''])}{last[1]}{number}@avdeling.{_DOMAINS[0]}"
    return f"{first[1]}{number}@bücher.{_DOMAINS[0]}"


def _remember(random: Random, seen: list[str], address: str) -> None:
    if len(seen) < _REMEMBERED:
        seen.append(address)
    elif random.random() < 0.05:
        seen[int(random.random() * _REMEMBERED)] = address


_MALFORMATIONS: tuple[Callable[[str], str], ...] = (
    lambda a: a.replace("@", "@@"),
    lambda a: a.replace("@", ""),
    lambda a: a.replace("@", " (at) "),
    lambda a: a.replace(".", "..", 1),
    lambda a: a.replace("@", " @"),
    lambda a: a[: a.index("@") + 1],
    lambda a: a[: a.index("@")] + "@localhost",
    lambda a: "å" + a,
    lambda a: f"Kunde <{a}>",
    lambda a: f"{a}; {a}",
    lambda a: "ikke oppgitt",
    lambda a: "N/A",
)
_REPETITIONS: tuple[Callable[[str], str], ...] = (
    lambda a: a,
    str.upper,
    str.title,
    lambda a: f" {a}",
    lambda a: f"{a}\u00a0",
    lambda a: f"{a}\t",
)


def _names(random: Random, first: Name, last: Name) -> tuple[str, str]:
    chance = random.random()
    if chance > 0.03:
        return first[0], last[0]
    if chance < 0.012:
        return first[0], ""
    if chance < 0.02:
        return "", last[0]
    if chance < 0.022:
        return "-".join([first[0]] * 20), last[0]
    if chance < 0.024:
        return first[0], f"{last[0]}\x07"
    if chance < 0.027:
        return first[0].upper(), f"  {last[0]} "
    return first[0], f'{last[0]} "{first[0]}", {last[0]}'


def _place(random: Random, country: Country) -> tuple[str, str, str]:
    chance = random.random()
    if chance < 0.06:
        return "", "", ""
    code, city = _one(random, country.cities)
    street = f"{_one(random, country.streets)} {int(random.random() * 120) + 1}"
    if chance < 0.065:
        street = f"c/o Borettslaget\n{street}"
    return street, code, city


def _birth_date(random: Random, today: date) -> str:
    chance = random.random()
    if chance < 0.15:
        return ""
    if chance < 0.153:
        return f"{1960 + 4 * int(random.random() * 11)}-02-29"
    born = today - timedelta(days=18 * 366 + int(random.random() * 70 * 365))
    return born.isoformat()


def _company(random: Random) -> str:
    return "" if random.random() < 0.7 else _one(random, COMPANIES)


def _consent(random: Random) -> str:
    chance = random.random()
    return "yes" if chance < 0.79 else "no" if chance < 0.95 else ""


def _times(random: Random, midnight: datetime) -> tuple[str, str]:
    age = random.random() * 6.5 * 365 * 86_400
    created = midnight - timedelta(seconds=int(age))
    updated = midnight - timedelta(seconds=int(age * random.random()))
    return created.isoformat(sep=" "), updated.isoformat(sep=" ")
