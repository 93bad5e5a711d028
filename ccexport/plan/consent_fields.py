"""Finds the fields that mean consent to e-mail or refusal of it, and the values that say so.

Owns the words of both. Must never take a permission for another channel (SMS, phone, post) as one for e-mail.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ccexport.model.profiles import FieldEvidence, ProfileField
from ccexport.model.words import FieldType
from ccexport.model.yes_no import NO, YES
from ccexport.plan.headers import folded, words_in

_OTHER_CHANNEL = re.compile(
    r"sms|whatsapp|phone|call|push|fax|postal|telefon|telefono|letter|brief|brev(?!o)|trade|snail|direct ?mail"
)
_EMAIL = re.compile(
    r"e ?mail|e ?post|courriel|correo|newsletter|nyhetsbrev|nyhedsbrev|nieuwsbrief|infolettre|boletin|"
    r"uutiskirje|biuletyn|mailing|bulk"
)
_CONSENT = re.compile(
    r"consent|samtyk|einwillig|zustimm|permiso|permission|permisso|consenso|toestemming|zgod[ay]|suostumus|opt ?in|"
    r"optin|newsletter|nyhetsbrev|nyhedsbrev|nieuwsbrief|infolettre|boletin|uutiskirje|biuletyn|"
    r"accepts? (e ?mail )?marketing|accepts? e ?mail|marketing ?(e ?mails?)? ?(accepted|allowed|ok)|mailing ok|"
    r"receive (e ?mails?|news)|subscri(be|ber|bed|ption)|abonn|inscrit|suscri|iscri[zt]|ingeschreven|aangemeld|"
    r"pameldt|tilmeldt|prenumer|zapisan|e ?mail (subscriber )?status|e ?mail marketing|email adres status|"
    r"e ?mail ?status|marketing e ?mails?|e ?post ?status|status e ?mail|estado (del )?correo|acepta|accetta|"
    r"aceita|accepte|akzeptiert"
)
_REFUSAL = re.compile(
    r"opt(ed)? ?out|optout|unsub|do ?not ?(allow )?(bulk )?e ?mail|donot(bulk)?e ?mail|no (bulk )?e ?mails?|no mailing|"
    r"bounce|on hold|hard ?bounce|suppress|blac?k ?list|block ?list|blocklisted|do not contact|avmeldt|reservert|"
    r"abmeld|abgemeldet|abbestellt|desinscri|desabonn|baja|disiscri|cancellat|uitgeschreven|afgemeld|afmeldt|framelding|"
    r"avregistr|avslutat|descadastr|wypisan|complain|spam|ikke (kontakt|send|e ?post)|keine (e ?mails?|werbung)|"
    r"no enviar|ne pas (contacter|envoyer)|geen (e ?mail|mailing)|werbesperre|mailsperre"
)
_NO_STATUS = re.compile(
    r"\b(date|time|dato|datum|fecha|data|reason|source|campaign|by|id|ip|url|link|count)\b"
)


def _word(value: str) -> str:
    return re.sub(r"[_\-\s]+", " ", value.casefold()).strip()


AGREED = frozenset(YES) | frozenset(
    {
        "subscribed",
        "active",
        "opted in",
        "opt-in",
        "optin",
        "opted_in",
        "opt in",
        "confirmed",
        "express",
        "explicit",
    }
    | {
        "granted",
        "given",
        "allow",
        "allowed",
        "accepted",
        "agreed",
        "single opt-in",
        "double opt-in",
        "påmeldt",
    }
    | {
        "abonniert",
        "angemeldet",
        "aktiv",
        "actif",
        "activo",
        "attivo",
        "ativo",
        "abonné",
        "inscrit",
        "suscrito",
    }
    | {
        "iscritto",
        "ingeschreven",
        "aangemeld",
        "subscrito",
        "inscrito",
        "tilmeldt",
        "prenumererar",
        "abonnert",
    }
    | {
        "zapisany",
        "zapisana",
        "subscriber",
        "samtykket",
        "zugestimmt",
        "accepté",
        "aceptado",
        "accettato",
        "aceito",
    }
)
REFUSED = NO | frozenset(
    {"unsubscribed", "never subscribed", "not subscribed", "not_subscribed", "opted out", "opt-out", "optout"}
    | {
        "opted_out",
        "opt out",
        "cleaned",
        "inactive",
        "bounced",
        "temporary hold",
        "pending",
        "denied",
        "declined",
    }
    | {"withdrawn", "do not allow", "not allowed", "avmeldt", "abgemeldet", "désinscrit", "désabonné", "baja"}
    | {
        "disiscritto",
        "uitgeschreven",
        "afgemeld",
        "afmeldt",
        "avregistrerad",
        "wypisany",
        "removed",
        "blocked",
    }
    | {
        "blacklisted",
        "blocklisted",
        "complained",
        "spam",
        "hard bounce",
        "soft bounce",
        "unconfirmed",
        "not set",
    }
    | {
        "awaiting confirmation",
        "implied",
        "none",
        "suppressed",
        "non-subscriber",
        "never_subscribed",
        "invalid",
    }
    | {
        "redacted",
        "inaktiv",
        "inactif",
        "inactivo",
        "inattivo",
        "nein danke",
        "refusé",
        "rechazado",
        "rifiutato",
    }
)
_SAYS_NO = re.compile(
    r"hold|bounce|opt(ed)?[ _-]?out|unsub|block|black|suppress|clean|complain|spam|do not|avmeldt|abgemeldet|d[ée]s"
    r"(inscrit|abonn)|baja|uitgeschreven|wypisan|afmeldt|gesperrt"
)
_AGREED = frozenset(map(_word, AGREED))
_KNOWN = _AGREED | frozenset(map(_word, REFUSED))
_UNUSUAL = frozenset({"subscribed", "unsubscribed", "opted in", "opted out", "opt in", "opt out"})
_MOST_VALUES = 30


@dataclass(frozen=True)
class Permission:
    """A field of consent or of refusal; `values` are those that mean yes (consent) or no (refusal)."""

    field: str
    values: tuple[str, ...]
    confidence: float
    for_email: bool
    by_values: bool = False


def consent_in(field: ProfileField, evidence: FieldEvidence) -> Permission | None:
    """Return the field as consent, if its name or its values say so; else None."""
    name = _plain_name(field.name)
    words = _words(evidence, field.type)
    if not _possible(field, name) or not words or len(words) > _MOST_VALUES:
        return None
    agreed = [w for w in words if _word(w) in _AGREED]
    known = [w for w in words if _word(w) in _KNOWN]
    named = bool(_CONSENT.search(name)) and not _REFUSAL.search(name)
    by_values = not named and {_word(w) for w in words} <= _KNOWN and any(_word(w) in _UNUSUAL for w in words)
    if not agreed or len(known) * 2 < len(words) or not (named or by_values) or _REFUSAL.search(name):
        return None
    sure = 0.9 if named and len(known) == len(words) else 0.7
    return Permission(field.name, _tidy(agreed), sure, bool(_EMAIL.search(name)), by_values)


def refusal_in(field: ProfileField, evidence: FieldEvidence) -> Permission | None:
    """Return the field as a refusal, if its name says so and some value can mean it; else None."""
    name = _plain_name(field.name)
    words = _words(evidence, field.type)
    if not _REFUSAL.search(name) or not _possible(field, name) or not words or len(words) > _MOST_VALUES:
        return None
    no = [w for w in words if _refuses(w)]
    if not no and {_word(w) for w in words} <= NO:
        no = ["true"] if field.type is FieldType.BOOLEAN else ["1", "true", "yes"]
    elif not no:
        return None
    return Permission(field.name, _tidy(no), 0.9 if _EMAIL.search(name) else 0.8, bool(_EMAIL.search(name)))


def _possible(field: ProfileField, name: str) -> bool:
    if field.type in {FieldType.DATE, FieldType.TIMESTAMP, FieldType.LIST}:
        return False
    if _OTHER_CHANNEL.search(name) and not _EMAIL.search(name):
        return False
    return not _NO_STATUS.search(name) and name != "do not mail"


def _refuses(value: str) -> bool:
    word = _word(value)
    return word in YES or (word not in _AGREED and bool(_SAYS_NO.search(word)))


def _words(evidence: FieldEvidence, type_: FieldType) -> list[str]:
    """Return the different values; 1.0 counts as 1, and a boolean has both values."""
    if type_ is FieldType.BOOLEAN:
        return ["true", "false"] if evidence.filled else []
    plain = [re.sub(r"\.0+$", "", v) if type_ is FieldType.NUMBER else v for v, _ in evidence.values]
    return [v for v in plain if v.strip()]


def _tidy(values: Sequence[str]) -> tuple[str, ...]:
    """Return each value once, ignoring case."""
    return tuple({v.strip().casefold(): v.strip() for v in reversed(values)}.values())[::-1]


def _plain_name(name: str) -> str:
    return " ".join(words_in(name)) if words_in(name) else folded(name)
