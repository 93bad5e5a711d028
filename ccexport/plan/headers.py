"""Reads the name of a field: its meaning, which of several addresses or phones it is, and how sure that is.

Must never look at a value. A name with an unknown word has no meaning: *Fax* and *Web page* are not a
phone and a street.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

from ccexport.plan.header_words import (
    ADDRESS,
    COMPOUNDS,
    FULL_NAME,
    KINDS,
    LONGEST_PHRASE,
    MAILING,
    MEANINGS,
    MOBILE,
    NOISE,
    SECOND,
    TITLE,
    WORK,
)

EXACT, QUALIFIED, SECONDARY, SIMILAR = 1.0, 0.9, 0.8, 0.75
_LEAST_RATIO = 0.86
_LEAST_LENGTH = 5  # short names are similar by chance
_LETTERS = str.maketrans(
    {"ø": "o", "æ": "ae", "ł": "l", "đ": "d", "ß": "ss", "ı": "i", "’": "'", "ð": "d", "þ": "th"}
)
ADDRESS_PARTS = ("street", "street2", "city", "state", "zip", "country")
_NOT_A_SLIP = frozenset({"department", "departments", "status", "telefax", "faxnumber", "numbers"})


@dataclass(frozen=True)
class Header:
    """`kind` is home, work …; `number` says which of several. `confidence` 1.0 means an exact known name."""

    meaning: str
    kind: str = ""
    number: int = 1
    confidence: float = EXACT


def folded(name: str) -> str:
    """Return the name in lower case without accents: `Fødselsdato` → `fodselsdato`."""
    text = unicodedata.normalize("NFKD", name.casefold().translate(_LETTERS))
    return "".join(c for c in text if not unicodedata.combining(c))


def words_in(name: str) -> list[str]:
    """Return the words and numbers of a name: `Address1_StateOrProvince` → address, 1, state, or, province."""
    text = re.sub(r"\((?=[^)]*[._:+])[^)]*\)", " ", name)  # (customer.metafields.facts.birth_date), (UTC+0)
    text = re.sub(r"(?<=[a-zæøåäöüéß])(?=[A-ZÆØÅÄÖÜÉ])", " ", text)
    text = re.sub(r"[#№]", " number ", folded(text))
    return re.findall(r"[a-z]+|\d+", text.replace("'s ", " "))


@lru_cache(maxsize=4_096)
def read_header(name: str) -> Header | None:
    """Return the meaning of the name, or None. Cached: a page calls it at every rerun."""
    words = words_in(name)
    joined = "".join(w for w in words if not w.isdigit())
    if joined in MEANINGS and not any(w.isdigit() for w in words):
        return Header(_street_of(MEANINGS[joined]))
    return _composed(words) or (_similar(joined) if len(words) == 1 else None)


def _street_of(meaning: str) -> str:
    return "street" if meaning == ADDRESS else meaning


def _composed(words: Sequence[str]) -> Header | None:
    """Read a name of several words that are all known."""
    meanings: list[str] = []
    kinds: list[str] = []
    numbers: list[int] = []
    line, noise, at = 0, False, 0
    while at < len(words):
        word = words[at]
        found, length = _longest(words, at)
        if word.isdigit():
            if at and words[at - 1] in {"line", "linje", "zeile", "ligne", "linea", "linia", "regel"}:
                line = int(word)
            else:
                numbers.append(int(word))
        elif found and not (word in KINDS and length == 1 and _says_the_kind(words, at)):
            meanings.append(found)
            at += length - 1
        elif word in KINDS:
            kinds.append(KINDS[word])
        elif word in NOISE:
            noise = True
        elif (rest := _second_part(word)) is not None:
            kinds.append(rest[0])
            meanings.append(rest[1])
        else:
            return None
        at += 1
    meaning = _one(meanings, kinds)
    return None if meaning is None else _header(meaning, meanings, kinds, numbers, line, noise)


def _says_the_kind(words: Sequence[str], at: int) -> bool:
    """Return whether a word such as `mobile` or `business` qualifies another word of the name."""
    return any(n != at and _longest(words, n)[0] for n in range(len(words)))


def _longest(words: Sequence[str], at: int) -> tuple[str | None, int]:
    for length in range(min(LONGEST_PHRASE, len(words) - at), 0, -1):
        phrase = words[at : at + length]
        if not any(w.isdigit() for w in phrase) and "".join(phrase) in MEANINGS:
            return MEANINGS["".join(phrase)], length
    return None, 0


def _second_part(word: str) -> tuple[str, str] | None:
    """Read a compound word such as `rechnungsadresse`: its meaning and which address it belongs to."""
    for first in COMPOUNDS:
        rest = word.removeprefix(first)
        if rest != word and rest in MEANINGS:
            return KINDS.get(first, KINDS.get(first.removesuffix("s"), "")), MEANINGS[rest]
    return None


def _one(meanings: Sequence[str], kinds: list[str]) -> str | None:
    """Return the joint meaning of several known words; None when they contradict each other."""
    found = list(dict.fromkeys(meanings))
    parts = [m for m in found if m in ADDRESS_PARTS]
    if "country" in found and "state" in found:  # Country/Region
        found.remove("state")
    if FULL_NAME in found and parts:  # country_id/name
        found.remove(FULL_NAME)
    if ADDRESS in found and len(found) > 1:
        found.remove(ADDRESS)
    if "mobile_phone" in found and "phone" in found:
        found.remove("phone")
    if set(found) == {"company_name", TITLE}:
        return "job_title"
    if "company_name" in found and len(found) > 1:
        if FULL_NAME in found:
            return "company_name" if len(found) == 2 else None
        if len(found) == 2 and (parts or "phone" in found or ADDRESS in meanings):
            kinds.append(WORK)
        found.remove("company_name")
    if "street" in found and "street2" in found:
        found.remove("street")
    if len(found) == 2 and "street" in found and parts:
        found.remove("street")  # address line, city
    if not found and MOBILE in kinds:
        return "mobile_phone"
    return found[0] if len(found) == 1 else None


def _header(
    meaning: str, meanings: Sequence[str], kinds: list[str], numbers: list[int], line: int, noise: bool
) -> Header:
    number = numbers[0] if numbers else 1
    if meaning == "phone" and MOBILE in kinds:
        meaning = "mobile_phone"
    if SECOND in kinds:
        number = max(number, 2)
    if meaning in {"street", ADDRESS}:
        line = line or (number if not (numbers and len(numbers) > 1) else numbers[1])
        if line > 2:
            return Header("street3", kinds[0] if kinds else "", number, SECONDARY)
        if meaning == ADDRESS and not numbers and not line:
            meaning = "street"
        number = numbers[0] if numbers and (ADDRESS in meanings and "street" in meanings) else 1
        meaning = "street2" if line == 2 else "street"
    elif meaning == "street2":
        number = 1
    kind = next((k for k in kinds if k not in {MOBILE, SECOND}), "")
    confidence = QUALIFIED if kind or noise or numbers else EXACT
    if ADDRESS in meanings and meaning not in (*ADDRESS_PARTS, "email"):
        confidence, kind = SECONDARY, kind or MAILING  # the phone of an address
    return Header(meaning, kind, number, confidence if number == 1 else min(confidence, SECONDARY))


@lru_cache(maxsize=4_096)
def _similar(name: str) -> Header | None:
    """Return the most similar known name, to allow for typing errors."""
    if len(name) < _LEAST_LENGTH or name in _NOT_A_SLIP:
        return None
    ratio, word = max((SequenceMatcher(None, name, word).ratio(), word) for word in MEANINGS)
    return Header(_street_of(MEANINGS[word]), confidence=SIMILAR) if ratio >= _LEAST_RATIO else None
