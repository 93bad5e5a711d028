"""Suggests a mapping, consent and refusals from the names and the values of profile fields.

Owns which field is chosen for what. Must never apply anything: a person first sees a suggestion, how sure it is
and why. Must never suggest what saving would refuse.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ccexport.messages import Message, message
from ccexport.model.profiles import FieldEvidence, ProfileField
from ccexport.plan.consent_fields import Permission, consent_in, refusal_in
from ccexport.plan.field_values import fits, mostly_addresses, mostly_several_words
from ccexport.plan.fields import BIRTHDAY, BIRTHDAY_DAY, BIRTHDAY_MONTH, CONTACT_FIELDS, EMAIL, MOST_PHONES
from ccexport.plan.header_words import FULL_NAME, HOME, MAILING, OTHER, SHIPPING, TITLE, WORK
from ccexport.plan.headers import ADDRESS_PARTS, QUALIFIED, SIMILAR, Header, folded, read_header

CONSENT, REFUSAL = "consent", "refusal"
BY_VALUES, EMPTY = 0.6, 0.5
_FIRST_NAME_WORDS = {
    "nombre": ("apellido", "apellidos"),
    "nome": ("cognome", "sobrenome", "apelido", "apelidos"),
}
_LAST_NAME_WORDS = {
    "nom": ("prenom", "prenoms"),
    "name": ("vorname", "vornamen", "rufname"),
    "naam": ("voornaam", "roepnaam"),
    "navn": ("fornavn",),
    "namn": ("fornamn", "tilltalsnamn"),
}
_PORTUGUESE = {
    "nome",
    "sobrenome",
    "telefone",
    "endereco",
    "cidade",
    "celular",
    "telemovel",
    "morada",
    "apelido",
}
_PHONES = {"": "phone", HOME: "home_phone", WORK: "work_phone", OTHER: "other_phone", MAILING: "phone"}
_ADDRESS_ORDER = ("", MAILING, HOME, SHIPPING, OTHER, WORK)
_PREFIXES = {WORK: "work_", OTHER: "other_"}
_LEAST_SHARE = 0.2  # of the fullest address: an emptier one is not the main address


@dataclass(frozen=True)
class Suggestion:
    """A profile field that may fill a contact field, or be the `consent` or a `refusal` by some values.

    `confidence` is 1.0 for an exact known name. `why` holds no value of a profile.
    """

    target: str
    source: str
    confidence: float
    why: Message
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Candidate:
    field: ProfileField
    header: Header
    evidence: FieldEvidence
    by_values: bool = False

    @property
    def rank(self) -> tuple[bool, bool, float, int]:
        """Sort key, greatest is best: filled, the first of several, surest name, fullest."""
        return (
            self.evidence.filled > 0,
            self.header.number == 1,
            self.header.confidence,
            self.evidence.filled,
        )


def suggest(
    fields: Iterable[ProfileField], evidence: Mapping[str, FieldEvidence] | None = None
) -> tuple[Suggestion, ...]:
    """Return at most one profile field per contact field, in their order, then the consent and the refusals.

    Without evidence only names and types count. With it, a field that is empty or whose values do not fit
    is left out.
    """
    known = evidence or {}
    found = list(fields)
    candidates = [c for f in found if (c := _candidate(f, known.get(f.name), evidence is not None))]
    candidates = _names_decided(candidates, found)
    # An empty field is only offered as a part of an address whose other parts are filled.
    filled = [c for c in candidates if c.evidence.filled or evidence is None]
    email = _email(filled, found, known)
    chosen: dict[str, Suggestion] = {EMAIL: email} if email else {}
    filled = [c for c in filled if email is None or c.field.name != email.source]
    chosen |= _simple(filled) | _phones(filled) | _addresses(candidates, evidence is not None)
    mapped = [chosen[target] for target in CONTACT_FIELDS if target in chosen]
    return (*mapped, *_permissions(found, known))


def _candidate(field: ProfileField, evidence: FieldEvidence | None, judged: bool) -> _Candidate | None:
    header = read_header(field.name)
    if header is None:
        return None
    seen = evidence or FieldEvidence()
    if header.meaning in {BIRTHDAY, "anniversary"} and not judged:
        dates = ("date", "timestamp") + ("text",) * (header.meaning == BIRTHDAY)
        return _Candidate(field, header, seen) if field.type.value in dates else None
    if judged and (seen.filled or field.type.value != "text") and not fits(seen, field.type, header.meaning):
        return None
    return _Candidate(field, header, seen)


def _names_decided(candidates: Sequence[_Candidate], fields: Sequence[ProfileField]) -> list[_Candidate]:
    """Decide what `name`, `nom`, `title` and `aniversario` mean, by the other fields and the values."""
    names = {folded(f.name).strip() for f in fields}
    return [decided for c in candidates if (decided := _decided(c, names)) is not None]


def _decided(candidate: _Candidate, names: set[str]) -> _Candidate | None:
    header, name = candidate.header, folded(candidate.field.name).strip()
    meaning = header.meaning
    if meaning == FULL_NAME:
        meaning = _part_of_name(candidate, name, names)
    elif meaning == TITLE:
        meaning = "job_title"
        header = replace(header, confidence=min(header.confidence, QUALIFIED))
    elif name == "aniversario" and names & _PORTUGUESE:
        meaning = BIRTHDAY
    if (
        meaning == "first_name"
        and mostly_several_words(candidate.evidence)
        and "last_name" not in {h.meaning for n in names if (h := read_header(n))}
        and not any(last in names for words in _FIRST_NAME_WORDS.values() for last in words)
    ):
        return None  # full names in a field of first names
    return replace(candidate, header=replace(header, meaning=meaning)) if meaning else None


def _part_of_name(candidate: _Candidate, name: str, names: set[str]) -> str:
    """Return whether a full-name field is a first or a last name; an empty string when it is neither."""
    if any(word in names for word in _FIRST_NAME_WORDS.get(name, ())):
        return "first_name"
    several = mostly_several_words(candidate.evidence)
    if any(word in names for word in _LAST_NAME_WORDS.get(name, ())) and not several:
        return "last_name"
    if several or (name == "nom" and not candidate.evidence.filled):
        return "" if several else "last_name"
    return (
        "last_name"
        if name == "nom"
        else "first_name"
        if name in _FIRST_NAME_WORDS and candidate.evidence.filled
        else ""
    )


def _email(
    candidates: Sequence[_Candidate], fields: Sequence[ProfileField], evidence: Mapping[str, FieldEvidence]
) -> Suggestion | None:
    """Return the address field: by name and values, else by values alone; never an empty field."""
    named = [c for c in candidates if c.header.meaning == EMAIL]
    if named:
        best = max(named, key=lambda c: (c.rank[:2], not c.header.kind, c.rank[2:]))
        return _suggestion(EMAIL, best)
    by_values = [f for f in fields if f.name in evidence and mostly_addresses(evidence[f.name])]
    if not by_values:
        return None
    fullest = max(by_values, key=lambda f: evidence[f.name].filled)
    return Suggestion(EMAIL, fullest.name, BY_VALUES, message("Most of its values are e-mail addresses."))


def _simple(candidates: Sequence[_Candidate]) -> dict[str, Suggestion]:
    """Return one field each; a birthday comes from one date, or from its month and day together."""
    found: dict[str, Suggestion] = {}
    for target in ("first_name", "last_name", "job_title", "company_name", BIRTHDAY, "anniversary"):
        if best := _best(c for c in candidates if c.header.meaning == target):
            found[target] = _suggestion(target, best)
    parts = {t: _best(c for c in candidates if c.header.meaning == t) for t in (BIRTHDAY_MONTH, BIRTHDAY_DAY)}
    if BIRTHDAY not in found and all(parts.values()):
        found |= {t: _suggestion(t, c) for t, c in parts.items() if c}
    return found


def _best(candidates: Iterable[_Candidate]) -> _Candidate | None:
    return max(candidates, key=lambda c: c.rank, default=None)


def _phones(candidates: Sequence[_Candidate]) -> dict[str, Suggestion]:
    """Return at most three phones, the fullest first; the phone of an address only where there is no other."""
    found: dict[str, _Candidate] = {}
    for candidate in candidates:
        meaning, kind = candidate.header.meaning, candidate.header.kind
        if meaning not in {"phone", "mobile_phone"}:
            continue
        target = meaning if meaning == "mobile_phone" else _PHONES.get(kind, "phone")
        if target not in found or candidate.rank > found[target].rank:
            found[target] = candidate
    fullest = sorted(found.items(), key=lambda pair: (-pair[1].evidence.filled, _PHONE_ORDER.index(pair[0])))
    return {target: _suggestion(target, candidate) for target, candidate in fullest[:MOST_PHONES]}


_PHONE_ORDER = ("phone", "mobile_phone", "work_phone", "home_phone", "other_phone")


def _addresses(candidates: Sequence[_Candidate], judged: bool) -> dict[str, Suggestion]:
    """Return the main, the work and one other address; each from fields that belong together."""
    groups: dict[tuple[str, int], dict[str, _Candidate]] = {}
    for candidate in candidates:
        header = candidate.header
        if header.meaning in ADDRESS_PARTS:
            parts = groups.setdefault((header.kind, header.number), {})
            if header.meaning not in parts or candidate.rank > parts[header.meaning].rank:
                parts[header.meaning] = candidate
    if not groups:
        return {}
    main = _main_group(groups)
    targets = {main: _PREFIXES.get(main[0], "")}
    for kind, prefix in _PREFIXES.items():
        if prefix not in targets.values() and (kind, 1) in groups:
            targets[(kind, 1)] = prefix
    found: dict[str, Suggestion] = {}
    for group, prefix in targets.items():
        found |= _parts(prefix, groups[group], judged)
    return found


def _main_group(groups: Mapping[tuple[str, int], Mapping[str, _Candidate]]) -> tuple[str, int]:
    """Return the first group, in their order, that is not much emptier than the fullest."""
    filled = {group: sum(c.evidence.filled for c in parts.values()) for group, parts in groups.items()}
    enough = [g for g, n in filled.items() if n >= max(filled.values()) * _LEAST_SHARE]
    return min(
        enough,
        key=lambda g: (g[1], _ADDRESS_ORDER.index(g[0]) if g[0] in _ADDRESS_ORDER else 9, -len(groups[g])),
    )


def _parts(prefix: str, parts: Mapping[str, _Candidate], judged: bool) -> dict[str, Suggestion]:
    """Return the filled parts; empty parts only if other parts of the address are filled, and never the street."""
    filled = {p: c for p, c in parts.items() if c.evidence.filled or not judged}
    if judged and len(filled) >= 2:
        filled |= {p: c for p, c in parts.items() if p in {"city", "state", "zip", "country"}}
    return {
        f"{prefix}{part}": _suggestion(f"{prefix}{part}", c, empty=judged and not c.evidence.filled)
        for part, c in filled.items()
    }


def _suggestion(target: str, candidate: _Candidate, *, empty: bool = False) -> Suggestion:
    sure = candidate.header.confidence
    if empty:
        why = message("Its name is known; it is empty in these profiles.")
        return Suggestion(target, candidate.field.name, min(sure, EMPTY), why)
    if sure == SIMILAR:
        why = message("Its name is like one that is known.")
    elif candidate.evidence.filled:
        why = message("Its name is known, and its values fit.")
    else:
        why = message("Its name is known.")
    return Suggestion(target, candidate.field.name, sure, why)


def _permissions(fields: Sequence[ProfileField], evidence: Mapping[str, FieldEvidence]) -> list[Suggestion]:
    """Return the likeliest field of consent, and every field of refusal."""
    seen = [(f, evidence[f.name]) for f in fields if f.name in evidence]
    consents = [c for f, e in seen if (c := consent_in(f, e))]
    found: list[Suggestion] = []
    if consents:
        best = max(consents, key=lambda c: (c.for_email, c.confidence))
        found.append(_permission(CONSENT, best))
    return found + [_permission(REFUSAL, r) for f, e in seen if (r := refusal_in(f, e))]


def _permission(target: str, found: Permission) -> Suggestion:
    if target == REFUSAL:
        why = message("Its name is that of a refusal, and some of its values mean no.")
    elif found.by_values:
        why = message("Its values say who subscribed.")
    else:
        why = message("Its name is that of a consent, and its values say yes or no.")
    return Suggestion(target, found.field, found.confidence, why, found.values)
