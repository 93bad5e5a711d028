"""What the name of a field says about its values: that they are not quantities, or that they are dates.

Must never decide a type alone: a name only rules out numbers, or allows a doubtful date.
"""

import re

_PHONE = re.compile(
    r"phone|\btel\b|telefon|telephone|tlf|mobil|cellular|\bfax|handy(nummer)?\b|\bgsm\b|puhelin"
)
_IDENTIFIER = re.compile(
    r"postal|\bzip|post(nr|nummer|code|kode|leitzahl)|\bplz\b|\bssn\b|\bkid\b|\bcap\b"
    r"|\bids?\b|\buuid\b|\bguid\b|(numm?er|num[eé]ro|número)$|nr\.?$|\bno\.?$|\bnum$"
    r"|\bcard\b|\biban\b|konto|\baccount\b|\bvat\b|\bsku\b|\bbarcode\b|\bean\b|\bisbn\b|\bcode$|\bkode$"
)
_DATE = re.compile(
    r"birth|\bdob\b|geburt|naissance|nacimiento|nascita|nascimento|f[oø]dsel|f[oö]delse|geboorte|bursdag"
    r"|syntym|cumplea|anniversa|\bdate\b|date$|\bdato\b|dato$|\bdatum\b|datum$|\bfecha\b|\bdata\b|\bday$"
    r"|\bsince\b|\bseit\b|\bsiden\b|\bdepuis\b|\bcreated\b|\bupdated\b|\bjoined\b|\bregistered\b"
)


def _plain(name: str) -> str:
    return name.lower().replace("_", " ").strip()


def is_phone(name: str) -> bool:
    """Whether the field is named like a phone number."""
    return _PHONE.search(_plain(name)) is not None


def stays_text(name: str) -> bool:
    """Whether its numbers are not quantities: phones, postal codes, ids, card numbers."""
    return is_phone(name) or _IDENTIFIER.search(_plain(name)) is not None


def is_date(name: str) -> bool:
    """Whether the field is named like a date."""
    return _DATE.search(_plain(name)) is not None
