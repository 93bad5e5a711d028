"""Where profiles come from: named sources, their reading options, and the progress of reading them.

A password is only ever in a `Given`, which is not stored.
"""

import codecs
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from ccexport.messages import Unusable
from ccexport.model.reading import FORMATS, FieldReading, FileReading, Remark
from ccexport.model.words import FieldType

_SECRET = re.compile(r"(?i)pass(word|file|phrase|wd)?\s*=|secret|service(file)?\s*=")
_DATABASES = ("postgresql", "postgres")


def checked_format(name: str, wanted: str) -> str:
    """Return the format if a field may be read by it. Raises ValueError."""
    if wanted not in FORMATS and not re.search(r"%[dmyYbB]", wanted):
        raise Unusable(
            "the format of {name} is one of {formats}, or a pattern such as %d.%m.%y",
            name=name,
            formats=list(FORMATS),
        )
    return wanted


def checked_encoding(encoding: str) -> str:
    """Return the usual name of an encoding. Raises ValueError."""
    try:
        found = codecs.lookup(encoding)
    except LookupError:
        found = None
    if found is None or not getattr(found, "_is_text_encoding", True):
        raise Unusable(
            "{encoding} is no encoding; write one such as utf-8, cp1252, cp1250 or utf-16", encoding=encoding
        )
    return found.name


def _hides_password(address: SplitResult) -> bool:
    """Whether a password, or a file of passwords, is anywhere in the address, however often it is encoded."""
    person, _, host = address.netloc.rpartition("@")
    rest = _decoded("?".join((host + address.path, address.query, address.fragment)))
    return ":" in _decoded(person) or _SECRET.search(rest) is not None


def _decoded(text: str) -> str:
    while (plain := unquote(text)) != text:
        text = plain
    return text


class Source(BaseModel):
    """One named source: files on the server, or a query. The order of sources is their precedence."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=80)
    files: tuple[str, ...] = ()  # absolute paths; * and ** are allowed
    sheet: str | None = None
    database: str | None = None  # postgresql://person@host/name, never with a password
    query: str | None = None
    key: str | None = None  # the field that names a person; sources are joined by it
    types: Mapping[str, FieldType] = Field(default_factory=dict)
    formats: Mapping[str, str] = Field(default_factory=dict)  # field → a word of FORMATS, or %d.%m.%y
    encoding: str | None = None
    skip_rows: int | None = Field(default=None, ge=0, le=10_000)  # lines before the header
    member: str | None = None  # of a zip, or of a JSON object that holds several tables
    first_in: tuple[str, ...] = ()  # fields in which this source takes precedence over earlier ones

    @field_validator("formats")
    @classmethod
    def _formats(cls, formats: Mapping[str, str]) -> Mapping[str, str]:
        for name, wanted in formats.items():
            checked_format(name, wanted)
        return formats

    @field_validator("encoding")
    @classmethod
    def _encoding(cls, encoding: str | None) -> str | None:
        return checked_encoding(encoding) if encoding else None

    @field_validator("name")
    @classmethod
    def _name(cls, name: str) -> str:
        if not re.fullmatch(r"[\w][\w .-]*", name.strip()):
            raise Unusable("a source needs a name of letters, digits, blanks, dots and hyphens")
        return name.strip()

    @field_validator("database")
    @classmethod
    def _database(cls, url: str | None, about: ValidationInfo) -> str | None:
        if url is None:
            return None
        try:
            found = urlsplit(url)
            password = found.password
        except ValueError as error:
            raise Unusable("the database is not an address such as postgresql://person@host/name") from error
        if found.scheme not in _DATABASES or not found.path.strip("/"):
            raise Unusable("the database is not an address such as postgresql://person@host/name")
        # One that was saved before this was looked for stays, so that a person can see and change it.
        if password is not None or (not about.context and _hides_password(found)):
            raise Unusable(
                "leave the password out of the address of the database; it is kept sealed, and asked for "
                "by itself"
            )
        return url

    @model_validator(mode="after")
    def _one_kind(self) -> "Source":
        if bool(self.files) == (self.database is not None):
            raise Unusable("a source needs either files or a database with a query")
        if (self.database is None) != (not (self.query or "").strip()):
            raise Unusable("a database and a query belong together")
        return self


@dataclass(frozen=True)
class Given:
    """One source as it is read now: its existing files, or the database with its password."""

    name: str = ""
    files: tuple[Path, ...] = ()
    sheet: str | None = None
    database: str | None = None
    password: str = field(default="", repr=False)
    query: str | None = None
    key: str | None = None
    types: Mapping[str, FieldType] = field(default_factory=dict)
    formats: Mapping[str, str] = field(default_factory=dict)
    encoding: str | None = None
    skip_rows: int | None = None
    member: str | None = None
    first_in: tuple[str, ...] = ()
    before: Mapping[str, FieldReading] = field(default_factory=dict)  # of the earlier snapshot


@dataclass(frozen=True)
class Progress:
    """The progress of an ingest: bytes or rows done of a total; `total` is None when it is unknown."""

    step: str
    done: int = 0
    total: int | None = None
    unit: str = "rows"
    what: str = ""

    @property
    def share(self) -> float | None:
        """The share done, from 0 to 1, or None."""
        return min(1.0, self.done / self.total) if self.total else None


Tell = Callable[[Progress], None]


@dataclass(frozen=True)
class SourcePreview:
    """The first rows of a source, its fields with the types those rows suggest, and its sheets.

    `originals` are the same rows as written, one for each of `rows`. `remarks` say what is
    ambiguous; those whose code begins with `ask_` have to be answered before the ingest, or are the reason why
    a field stays text.
    """

    fields: Mapping[str, FieldType]
    rows: tuple[Mapping[str, Any], ...]
    id_field: str | None
    sheets: tuple[str, ...] = ()
    sheet: str | None = None
    originals: tuple[Mapping[str, str | None], ...] = ()
    readings: tuple[FieldReading, ...] = ()
    files: tuple[FileReading, ...] = ()
    remarks: tuple[Remark, ...] = ()
    members: tuple[str, ...] = ()
    member: str | None = None
