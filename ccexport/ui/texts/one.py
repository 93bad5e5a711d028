"""The singular after the number 1, in a sentence that was written for several.

Such a sentence has only one form, in the lower layers and in the catalogues. Must never hold a whole sentence.
"""

from collections.abc import Mapping
from functools import cache

AFTER_ONE: Mapping[str, Mapping[str, str]] = {
    "en": {
        " are": " is",
        " were": " was",
        " have": " has",
        " stay": " stays",
        " are in more than one and are": " is in more than one and is",
        " are paused and do": " is paused and does",
        " are off the list by now, not by us, and are": " is off the list by now, not by us, and is",
        " are held by nobody of ours any more and stay": " is held by nobody of ours any more and stays",
        " unsubscribed meanwhile and are": " unsubscribed meanwhile and is",
        " candidates": " candidate",
        " contacts": " contact",
        " contacts are": " contact is",
        " contacts get": " contact gets",
        " contacts sent were": " contact sent was",
        " contacts taken off the list are": " contact taken off the list is",
        " contacts that run took off the list stay": " contact that run took off the list stays",
        " contacts that were to leave the list are": " contact that was to leave the list is",
        " contacts were": " contact was",
        " different profiles": " profile",
        " entries": " entry",
        " entries are": " entry is",
        " entries of the list match": " entry of the list matches",
        " entries were": " entry was",
        " exports": " export",
        " hours": " hour",
        " lines are": " line is",
        " months": " month",
        " profiles": " profile",
        " profiles are": " profile is",
        " profiles fit": " profile fits",
        " requests": " request",
        " rows": " row",
        " rows were": " row was",
        " seconds": " second",
        " segments": " segment",
        " smaller requests": " smaller request",
        " values that run set where there were none stay": " value that run set where there was none stays",
    },
    "nb": {
        " eksporter": " eksport",
        " forespørsel(er)": " forespørsel",
        " forespørsler": " forespørsel",
        " kandidater": " kandidat",
        " kontakter": " kontakt",
        " linjer": " linje",
        " mindre forespørsler": " mindre forespørsel",
        " måneder": " måned",
        " oppføringer": " oppføring",
        " oppføringer var nye": " oppføring var ny",
        " profiler": " profil",
        " rader": " rad",
        " segmenter": " segment",
        " sekunder": " sekund",
        " sendte kontakter": " sendt kontakt",
        " timer": " time",
        " ulike profiler": " profil",
        " verdier": " verdi",
    },
}


def after(value: object, text: str, language: str) -> str:
    """Return `text` as it follows `value`: in the singular if `value` is 1."""
    if str(value) != "1":
        return text
    stars = text[: len(text) - len(text.lstrip("*"))]
    for several, one in _longest_first(language):
        rest = text.removeprefix(stars)
        if rest.startswith(several) and not rest[len(several) : len(several) + 1].isalpha():
            return stars + one + rest[len(several) :]
    return text


@cache
def _longest_first(language: str) -> list[tuple[str, str]]:
    return sorted(AFTER_ONE.get(language, {}).items(), key=lambda pair: len(pair[0]), reverse=True)
