"""The changes a mapping may make to a value, as SQL.

Owns their names, checks and SQL. Must never take SQL from a mapping: a transform is one
of these words, and its argument is checked against a pattern.
"""

import re
from collections.abc import Callable
from difflib import get_close_matches

from ccexport.errors import BadInput
from ccexport.messages import mark, message
from ccexport.profiles.database import quote_text

DATE = "date:"
_DATE_FORMAT = re.compile(r"(?:%[dmyYbBHMSfzpIj]|[ ./,:T-])+")

_CONTROL = r"[\p{Cc}]"
_BREAKS = r"[\t\n\v\f\r\x{85}]+"
# What a person would call blank besides the space: no-break and other spaces, zero-width, byte order mark.
_BLANKS = (
    " \t\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u200b\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
)


def cleaned(column: str) -> str:
    """SQL: the text in NFC, trimmed, without control characters, each line break as one space."""
    broken = f"regexp_replace({column}, {quote_text(_BREAKS)}, ' ', 'g')"
    visible = f"regexp_replace({broken}, {quote_text(_CONTROL)}, '', 'g')"
    return f"trim(nfc_normalize({visible}), {quote_text(_BLANKS)})"


def _each(text: str, separator: str, name: str, change: str) -> str:
    """SQL: every part between separators changed; `change` is SQL on `name`."""
    parts = f"list_transform(string_split({text}, '{separator}'), lambda {name}: {change})"
    return f"array_to_string({parts}, '{separator}')"


def _title(column: str) -> str:
    capital = "upper(substring(b, 1, 1)) || substring(b, 2)"
    return _each(f"lower({column})", " ", "a", _each("a", "-", "b", capital))


_SIMPLE: dict[str, Callable[[str], str]] = {
    "trim": lambda c: c,  # always done; accepted so that a mapping can say it
    "upper": lambda c: f"upper({c})",
    "lower": lambda c: f"lower({c})",
    "title": _title,
    "first_word": lambda c: f"split_part({c}, ' ', 1)",
}

TRANSFORMS: dict[str, str] = mark(
    {
        "trim": "Blanks around it go (always done)",
        "upper": "CAPITALS",
        "lower": "small letters",
        "title": "First Letter Of Each Word",
        "first_word": "Only the first word",
        "date:%d.%m.%Y": "A date written like this (%d day, %m month, %Y year)",
    }
)
"""Every transform with its label; `date:` takes any strptime format."""


def check_transform(name: str, target: str) -> None:
    """Refuse a transform that does not exist, naming the field and the nearest one."""
    if name in _SIMPLE:
        return
    if name.startswith(DATE):
        if _DATE_FORMAT.fullmatch(name.removeprefix(DATE)):
            return
        raise BadInput(
            "{target}: “{name}” is not a date format; write for example date:%d.%m.%Y.",
            target=target,
            name=name,
            field=target,
        )
    near = get_close_matches(name, [*_SIMPLE, DATE], n=1, cutoff=0.4)
    hint = (
        message(" Did you mean “{name}”?", name=near[0])
        if near
        else message(" There are {names} and date:FORMAT.", names=list(_SIMPLE))
    )
    raise BadInput(
        "{target}: there is no transform “{name}”.{hint}", target=target, name=name, hint=hint, field=target
    )


def transform_sql(name: str, column: str) -> str:
    """SQL of one checked transform; an unreadable date becomes null."""
    if name.startswith(DATE):
        form = quote_text(name.removeprefix(DATE))
        return f"strftime(try_strptime({column}, {form}), '%Y-%m-%d')"
    return _SIMPLE[name](column)
