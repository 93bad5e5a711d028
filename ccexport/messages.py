"""Sentences for people as values: a template, named values, and the form for other counts than one.

`message("A segment named {name} is already there.", name=name)` is a sentence; its `str()` is the English text,
and the dashboard translates the template and writes the values in the reader's format. The type of a value
decides how it is written:

    str                     unchanged: a name, an id, a line number, a version
    int, float, Decimal     a number: 1,234.5
    datetime, date          a moment (aware, shown in the reader's zone), a day
    timedelta, Size         a duration, a number of bytes
    Message                 a sentence, or a word of ours, inside this one
    list, tuple             each of them, with commas between

`counted("{n} contact was sent.", "{n} contacts were sent.", n=n)` has a form for 1 and one for other counts; `n` is
the count. Texts without values that are chosen from a table are marked there, `mark({…})`.
Every call has its text as a literal: a text that is put together cannot be found in a catalogue.
Must never hold markup, nor an option of the command line.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

_NAME = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Size:
    """A number of bytes."""

    bytes: int


T = TypeVar("T")
Value = Any  # one of the types above; anything else, such as a path, is stored as its text


@dataclass(frozen=True)
class Message:
    """One sentence; use `message` or `counted` to make it."""

    template: str
    values: Mapping[str, Value] = field(default_factory=dict, hash=False)
    plural: str | None = None
    """The template for counts other than 1; the count is the value `n`."""

    def __post_init__(self) -> None:
        kept = {name: _kept(value) for name, value in self.values.items()}
        object.__setattr__(self, "values", kept)

    def __str__(self) -> str:
        """Return the English sentence."""
        chosen = self.plural if self.plural is not None and self.values["n"] != 1 else self.template
        return fill(chosen, {name: in_english(value) for name, value in self.values.items()})

    def __bool__(self) -> bool:
        """Return whether there is any text."""
        return bool(self.template)

    def with_texts(self, change: Callable[[str], str]) -> "Message":
        """Return the same sentence with every text among its values changed, such as for privacy."""
        return Message(self.template, {k: _changed(v, change) for k, v in self.values.items()}, self.plural)

    @property
    def for_log(self) -> str:
        """Return the template, with those of the messages inside it, without values."""
        inner = {name: v.for_log for name, v in self.values.items() if isinstance(v, Message)}
        return fill(self.template, inner)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON that `from_json` reads, in which each value has its type."""
        kept: dict[str, Any] = {"template": self.template}
        if self.values:
            kept["values"] = {name: _to_json(value) for name, value in self.values.items()}
        return kept if self.plural is None else {**kept, "plural": self.plural}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "Message":
        """Return the message that `to_json` stored."""
        values = {name: _from_json(value) for name, value in kept.get("values", {}).items()}
        return cls(kept["template"], values, kept.get("plural"))


class Unusable(ValueError):
    """Raised for a value that cannot be used; its text is part of a sentence, a template with named values."""

    def __init__(self, template: str, /, **values: Value) -> None:
        self.message = Message(template, values)
        super().__init__(str(self.message))


NOTHING = Message("")


def message(template: str, /, **values: Value) -> Message:
    """Return a sentence with its named values."""
    return Message(template, values)


def counted(one: str, several: str, /, *, n: int, **values: Value) -> Message:
    """Return a sentence with a form for 1 and a form for other counts; both may name `{n}`."""
    return Message(one, {"n": n, **values}, several)


def joined(sentences: Iterable[Message], between: str = " ") -> Message:
    """Join several sentences, or parts of one, into one message."""
    parts = {f"part{number}": part for number, part in enumerate(sentences)}
    return Message(between.join(f"{{{name}}}" for name in parts), parts)


def mark(texts: T) -> T:
    """Return the argument unchanged: a text, a table whose values are texts, or a class of words.

    This marks the texts for translation where they are shown. In a table, only the first item of a tuple is a text.
    """
    return texts


def word(text: str) -> Message:
    """Return a word of ours for use in a sentence, such as a state or a role; it is marked where it is defined."""
    return Message(str(text))


def verbatim(text: str) -> Message:
    """Return a message shown unchanged: text from outside, or text stored before sentences were values."""
    return Message("{text}", {"text": text})


def stored(kept: str | Mapping[str, Any]) -> Message:
    """Return a sentence that was stored as JSON, or as text before sentences were values."""
    return verbatim(kept) if isinstance(kept, str) else Message.from_json(kept)


def names_in(template: str) -> frozenset[str]:
    """Return the names of the values in the template."""
    return frozenset(_NAME.findall(template))


def fill(template: str, texts: Mapping[str, str]) -> str:
    """Fill in the template; a name without a value, and braces in a value, stay unchanged."""
    return _NAME.sub(lambda found: texts.get(found[1], found[0]), template)


def in_english(value: Value) -> str:
    """Return a value as written in an English sentence; moments are in UTC."""
    match value:
        case str() | Message():
            return str(value)
        case datetime():
            return f"{value.astimezone(UTC):%d %B %Y %H:%M} UTC".lstrip("0")
        case date():
            return f"{value:%d %B %Y}".lstrip("0")
        case timedelta():
            return _duration(value.total_seconds())
        case Size():
            return _size(value.bytes)
        case tuple():
            return ", ".join(map(in_english, value))
        case _:
            return f"{value:,.0f}" if value == int(value) else f"{value:,}"


def _duration(seconds: float) -> str:
    whole = max(round(seconds), 1 if seconds > 0 else 0)
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _size(count: float) -> str:
    units = ["byte", "kB", "MB", "GB", "TB"]
    while count >= 1000 and len(units) > 1:
        count /= 1000
        units.pop(0)
    return f"{count:.0f} {units[0]}" if units[0] == "byte" or count >= 100 else f"{count:.1f} {units[0]}"


def _kept(value: Value) -> Value:
    """Return the value in an immutable form that can be stored."""
    if isinstance(value, list | tuple):
        return tuple(map(_kept, value))
    known = isinstance(value, Message | Size | int | float | Decimal | date | timedelta)
    return value if known and not isinstance(value, bool) else str(value)


def _changed(value: Value, change: Callable[[str], str]) -> Value:
    match value:
        case Message():
            return value.with_texts(change)
        case str():
            return change(value)
        case tuple():
            return tuple(_changed(each, change) for each in value)
        case _:
            return value


def _to_json(value: Value) -> Any:
    match value:
        case Message():
            return {"message": value.to_json()}
        case datetime():
            return {"moment": value.isoformat()}
        case date():
            return {"day": value.isoformat()}
        case timedelta():
            return {"seconds": value.total_seconds()}
        case Size():
            return {"bytes": value.bytes}
        case Decimal():
            return {"decimal": str(value)}
        case tuple():
            return [_to_json(each) for each in value]
        case str():
            return str(value)
        case _:
            return value


def _from_json(kept: Any) -> Value:
    match kept:
        case {"message": inner}:
            return Message.from_json(inner)
        case {"moment": text}:
            return datetime.fromisoformat(text)
        case {"day": text}:
            return date.fromisoformat(text)
        case {"seconds": number}:
            return timedelta(seconds=number)
        case {"bytes": number}:
            return Size(number)
        case {"decimal": text}:
            return Decimal(text)
        case list():
            return tuple(map(_from_json, kept))
        case _:
            return kept
