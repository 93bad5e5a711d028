"""Translates sentences of the lower layers (errors, notes, remarks), with numbers as the reader writes them.

The lower layers write English, and the ledger keeps their sentences. Here each sentence is recognised by its
template and translated with its values. In English it stays the same, except for the few sentences that name an
option of the command line. Must never lose a sentence: one that is not recognised is shown unchanged.
"""

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path

from babel.numbers import get_decimal_symbol, get_group_symbol

from ccexport.messages import Message
from ccexport.ui import texts
from ccexport.ui.texts import here, language, t
from ccexport.ui.texts.one import after
from ccexport.ui.texts.reader import Reader

_GAP = re.compile(r"\{n?\}")
_BLANK = re.compile(r"\{(\d+)(?::(\w+))?\}")
_NUMBER = re.compile(r"(\d{1,3}(?:,\d{3})*|\d+)(?:\.(\d+))?")
_PARTS = (re.compile(r"(?<=[.!?]) (?=\S)"), re.compile(r"(?<=[;:]) (?=\S)"))


def say(sentence: str | Message) -> str:
    """Return the sentence in the reader's language."""
    if isinstance(sentence, Message):
        if sentence.values or language() == "en":
            return texts.say(sentence)
        translated = texts.say(sentence)
        if translated != sentence.template:
            return translated
        sentence = sentence.template
    return _said(language(), here(), sentence) if sentence else sentence


@cache
def sentences(code: str) -> Mapping[str, str]:
    """Return English template → translation. A template has `{}` for a text and `{n}` for a number.

    In the translation `{0}` is the first value; `{0:say}` is itself a sentence to translate, and `{0:word}` one of
    the dashboard's words.
    """
    path = Path(__file__).parent / "texts" / f"{code}_said.json"
    found: dict[str, str] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return (
        {key: _itself(key, said) for key, said in sentences("nb").items()} | found if code == "en" else found
    )


def _itself(template: str, translation: str) -> str:
    """Return an English template as its own translation, with the same kinds of values as `translation`."""
    kinds = {int(blank[1]): blank[0] for blank in _BLANK.finditer(translation)}
    counted = iter(range(template.count("{")))
    return _GAP.sub(lambda _: kinds.get(n := next(counted), f"{{{n}}}"), template)


@cache
def _patterns(code: str) -> Sequence[tuple[str, str, re.Pattern[str], str]]:
    """Return (beginning, end, whole pattern, translation) of every template; those with most text first."""
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
def _said(code: str, reader: Reader, sentence: str) -> str:
    """Translate the text as a whole, else sentence by sentence, else part by part."""
    whole = _recognised(code, reader, sentence)
    if whole is not None:
        return whole
    for apart in _PARTS:
        parts = apart.split(sentence)
        if len(parts) > 1:
            return " ".join(_said(code, reader, part) for part in parts)
    body = sentence.rstrip(";:")
    if body != sentence:
        return _said(code, reader, body) + sentence[len(body) :]
    return _numbers(sentence, reader)


def _recognised(code: str, reader: Reader, sentence: str) -> str | None:
    known = sentences(code).get(sentence)
    if known is not None and not _GAP.search(sentence):
        return known
    for first, last, whole, translation in _patterns(code):
        if sentence.startswith(first) and sentence.endswith(last):
            found = whole.fullmatch(sentence)
            if found:
                return _filled(code, reader, translation, found.groups())
    return None


def _filled(code: str, reader: Reader, translation: str, values: Sequence[str]) -> str:
    made, rest = "", 0
    before = ""
    for blank in _BLANK.finditer(translation):
        made += after(before, translation[rest : blank.start()], code)
        before = values[int(blank[1])]
        made += _value(code, reader, before, blank[2])
        rest = blank.end()
    return made + after(before, translation[rest:], code)


def _value(code: str, reader: Reader, value: str, kind: str | None) -> str:
    if kind == "say":
        return _said(code, reader, value)
    return t(value) if kind == "word" else _numbers(value, reader)


def _numbers(text: str, reader: Reader) -> str:
    """Return a number as the reader writes it, and any other text unchanged."""
    found = _NUMBER.fullmatch(text)
    if not found:
        return text
    whole, decimals = found.groups()
    thousands, decimal = get_group_symbol(reader.locale), get_decimal_symbol(reader.locale)
    return whole.replace(",", thousands) + (decimal + decimals if decimals else "")
