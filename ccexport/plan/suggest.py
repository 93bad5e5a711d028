"""Suggests a mapping from the names of profile fields, in several languages.

Owns the vocabulary. Must never apply anything: a person sees a suggestion, with how sure it is, first.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

from ccexport.model.profiles import ProfileField
from ccexport.model.words import FieldType
from ccexport.plan.fields import BIRTHDAY, EMAIL

EXACT = 1.0
QUALIFIED = 0.9
"""The name with a word before it that says nothing (`customer_email`, `kunde_navn`)."""
SIMILAR = 0.75
_LEAST_RATIO = 0.86

_WORDS = {
    EMAIL: "email emailaddress mail mailaddress epost epostadresse mailadresse emailadresse adresseemail "
    "courriel correo correoelectronico correio posta sahkoposti netfang",
    "first_name": "firstname givenname forename fornavn fornamn vorname rufname prenom nombre nome etunimi "
    "voornaam fname given",
    "last_name": "lastname surname familyname etternavn efternavn efternamn nachname familienname nom "
    "nomdefamille apellido apellidos cognome sobrenome sukunimi achternaam lname family",
    "job_title": "jobtitle title position role stilling tittel yrke beruf funktion stelle poste fonction "
    "cargo puesto befattning funktie",
    "company_name": "company companyname organization organisation employer firma bedrift selskap foretak "
    "arbeidsgiver unternehmen entreprise societe empresa azienda yritys bedrijf",
    BIRTHDAY: "birthday birthdate dateofbirth dob fodselsdato fodselsdag bursdag fodelsedag geburtsdatum "
    "geburtstag datedenaissance naissance fechadenacimiento cumpleanos datadinascita syntymaaika "
    "geboortedatum birth",
    "anniversary": "anniversary customersince membersince signupdate kundesiden medlemsiden jubilaum "
    "kundeseit anniversaire clientdepuis aniversario",
    "phone": "phone phonenumber telephone tel telefon telefonnummer tlf telefonnr rufnummer "
    "numerodetelephone telefono telefone puhelin telefoon",
    "mobile_phone": "mobile mobilephone mobilenumber cell cellphone mobil mobilnummer mobiltelefon handy "
    "handynummer portable telephoneportable movil celular cellulare matkapuhelin gsm mobiel",
    "home_phone": "homephone hjemmetelefon privattelefon telefonprivat telephonedomicile",
    "work_phone": "workphone officephone businessphone arbeidstelefon jobbtelefon diensttelefon "
    "telefongeschaftlich telephonebureau",
    "street": "street streetaddress address address1 addressline1 adresse gate gateadresse vei veiadresse "
    "strasse strassehausnummer rue direccion calle indirizzo via endereco gata gatuadress adress katuosoite "
    "straat postadresse",
    "street2": "street2 address2 addressline2 adresse2 adressezusatz complementadresse adresselinje2",
    "city": "city town by poststed sted stad ort stadt wohnort ville ciudad citta cidade kaupunki plaats "
    "postort kommune",
    "state": "state province region county fylke lan bundesland departement provincia estado provins delstat",
    "zip": "zip zipcode postcode postalcode postnr postnummer postkode plz postleitzahl codepostal cp "
    "codigopostal cap postinumero",
    "country": "country countrycode land landkode pays pais paese maa lkode",
}
_MEANINGS = {word: target for target, words in _WORDS.items() for word in words.split()}
_QUALIFIERS = re.compile(
    r"^(?:customer|client|contact|person|primary|main|user|kunde|kunden|kontakt|hoved|privat|member|medlem)"
)
_FITTING = {BIRTHDAY: {FieldType.DATE, FieldType.TIMESTAMP, FieldType.TEXT}, "anniversary": {FieldType.DATE}}


@dataclass(frozen=True)
class Suggestion:
    """A profile field that may fill a contact field; `confidence` is 1.0 for a name we know."""

    target: str
    source: str
    confidence: float


def suggest(fields: Iterable[ProfileField]) -> tuple[Suggestion, ...]:
    """At most one profile field per contact field, the surest first found; `email` is among them."""
    best: dict[str, Suggestion] = {}
    for field in fields:
        found = _meaning(field)
        if found and (found.target not in best or found.confidence > best[found.target].confidence):
            best[found.target] = found
    return tuple(best[target] for target in _WORDS if target in best)


def _meaning(field: ProfileField) -> Suggestion | None:
    name = _folded(field.name)
    for text, confidence in ((name, EXACT), (_QUALIFIERS.sub("", name), QUALIFIED)):
        if text in _MEANINGS:
            return _fitting(field, _MEANINGS[text], confidence)
    if len(name) < 5:
        return None  # short names are alike by chance
    ratio, word = _closest(name)
    return _fitting(field, _MEANINGS[word], SIMILAR) if ratio >= _LEAST_RATIO else None


@lru_cache(maxsize=4_096)
def _closest(name: str) -> tuple[float, str]:
    """How alike the most similar known word is, and that word. A page asks again at every rerun."""
    return max((SequenceMatcher(None, name, word).ratio(), word) for word in _MEANINGS)


def _fitting(field: ProfileField, target: str, confidence: float) -> Suggestion | None:
    types = _FITTING.get(target)
    if types and field.type not in types:
        return None
    return Suggestion(target, field.name, confidence)


def _folded(name: str) -> str:
    """Small letters and digits only: `E-post` → `epost`, `Fødselsdato` → `fodselsdato`."""
    text = unicodedata.normalize("NFKD", name.casefold().replace("ø", "o").replace("æ", "ae"))
    return re.sub(r"[^a-z0-9]", "", text)
