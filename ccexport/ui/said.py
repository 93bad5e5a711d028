"""Sentences of the rooms below (errors, notes, remarks) in the reader's language.

The rooms speak English and the ledger keeps what they said; here each sentence is recognised by its
template, and said in the language of the reader with what was filled in. Must never lose a sentence: one
that is not recognised is shown as it is.
"""

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path

from ccexport.ui.texts import language, t

_GAP = re.compile(r"\{n?\}")
_BLANK = re.compile(r"\{(\d+)(?::(\w+))?\}")
_NUMBER = re.compile(r"\d{1,3}(,\d{3})+")
_PARTS = (re.compile(r"(?<=[.!?]) (?=\S)"), re.compile(r"(?<=[;:]) (?=\S)"))


def say(sentence: str) -> str:
    """The sentence in the reader's language."""
    code = language()
    return sentence if code == "en" or not sentence else _said(code, sentence)


@cache
def sentences(code: str) -> Mapping[str, str]:
    """English template with `{}`, or `{n}` for a number → its translation, in which `{0}` is the first blank.

    `{0:say}` is itself a sentence of ours, `{0:word}` one of the dashboard's words.
    """
    path = Path(__file__).parent / "texts" / f"{code}_said.json"
    found: dict[str, str] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return found


@cache
def _patterns(code: str) -> Sequence[tuple[str, str, re.Pattern[str], str]]:
    """(what it begins with, what it ends with, the whole, the translation); the most telling first."""
    templates = sorted(
        (key for key in sentences(code) if _GAP.search(key)),
        key=lambda key: len(_GAP.sub("", key)),
        reverse=True,
    )
    made = []
    for key in templates:
        parts = _GAP.split(key)
        gaps = ["([0-9,]+)" if gap == "{n}" else "(.*?)" for gap in _GAP.findall(key)]
        whole = "".join(re.escape(p) + gap for p, gap in zip(parts, [*gaps, ""], strict=True))
        made.append((parts[0], parts[-1], re.compile(whole, re.DOTALL), sentences(code)[key]))
    return made


@lru_cache(maxsize=4096)
def _said(code: str, sentence: str) -> str:
    """As a whole, else sentence by sentence, else part by part."""
    whole = _recognised(code, sentence)
    if whole is not None:
        return whole
    for apart in _PARTS:
        parts = apart.split(sentence)
        if len(parts) > 1:
            return " ".join(_said(code, part) for part in parts)
    body = sentence.rstrip(";:")
    if body != sentence:
        return _said(code, body) + sentence[len(body) :]
    return _numbers(sentence)


def _recognised(code: str, sentence: str) -> str | None:
    known = sentences(code).get(sentence)
    if known is not None and not _GAP.search(sentence):
        return known
    for first, last, whole, translation in _patterns(code):
        if sentence.startswith(first) and sentence.endswith(last):
            found = whole.fullmatch(sentence)
            if found:
                return _filled(code, translation, found.groups())
    return None


def _filled(code: str, translation: str, values: Sequence[str]) -> str:
    def value(blank: re.Match[str]) -> str:
        found = values[int(blank[1])]
        if blank[2] == "say":
            return _said(code, found)
        return t(found) if blank[2] == "word" else _numbers(found)

    return _BLANK.sub(value, translation)


def _numbers(text: str) -> str:
    """Thousands apart as they are written here."""
    return text if not _NUMBER.fullmatch(text) else text.replace(",", "\u00a0")
