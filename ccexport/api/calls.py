"""What an operation of the interface is, and what it is called with; reads queries and bodies by their models.

The models are what the OpenAPI document is written from. Must never decide what an actor may do: use cases do.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import GenericAlias
from typing import TYPE_CHECKING, Annotated, Any, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request

from ccexport.api.problems import Unanswerable, bad_input
from ccexport.errors import BadInput
from ccexport.model.words import Role

if TYPE_CHECKING:
    from ccexport.model.exports import Actor
    from ccexport.services import Services

MOST_JSON = 1_000_000
LONGEST_NAME = 300


def _in_utc(at: datetime) -> datetime:
    if not 1970 <= at.year <= 9000:
        raise ValueError("it is a moment from 1970 on")
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)


Moment = Annotated[datetime, AfterValidator(_in_utc)]


class Asked(BaseModel):
    """The base of queries and bodies: a name that is not known is refused, not overlooked."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Page(Asked):
    """Where a page begins, and how many it has at most."""

    cursor: str = Field("", max_length=200, description="`next` of the page before; empty for the first.")
    limit: int = Field(100, ge=1, le=1000)


@dataclass(frozen=True)
class Call:
    """One request: who asks, and what it holds."""

    services: "Services"
    actor: "Actor"
    path: Mapping[str, str]
    query: Any
    body: Any
    request: Request


@dataclass(frozen=True)
class Reply:
    """An answer with headers of its own."""

    answer: BaseModel
    headers: Mapping[str, str]
    status: int | None = None


@dataclass(frozen=True)
class Sent:
    """A file, in pieces."""

    pieces: Iterator[bytes]
    name: str
    media: str = "application/vnd.apache.parquet"


@dataclass(frozen=True)
class Operation:
    """One method of one path. `work` may be a coroutine; else it runs in a thread."""

    method: str
    path: str
    does: str
    work: Callable[[Call], Any]
    answer: type[BaseModel] | None = None
    query: type[Asked] = Asked
    body: type[BaseModel] | None = None
    status: int = 200
    role: Role = Role.VIEWER
    headers: Mapping[str, str] = field(default_factory=dict)
    takes_file: bool = False

    @property
    def name(self) -> str:
        return self.work.__name__.strip("_")


def read_path(request: Request) -> Mapping[str, str]:
    """Return the names in the path. Raises `BadInput`."""
    for name, value in request.path_params.items():
        if not _is_text(value) or len(value) > LONGEST_NAME:
            raise BadInput("The {name} in the address is not a name or an id.", name=name)
    return dict(request.path_params)


def read_query(request: Request, model: type[Asked]) -> Any:
    """Return the query as its model. Raises `BadInput`."""
    given: dict[str, Any] = {}
    for name, value in request.query_params.multi_items():
        if not _is_text(name + value):
            raise BadInput("The query holds a control character.")
        if _is_list(model, name):
            given.setdefault(name, []).append(value)
        elif name in given:
            raise BadInput("The query names {name} twice.", name=name)
        else:
            given[name] = value
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise bad_input(error, "The query") from error


def _is_list(model: type[BaseModel], name: str) -> bool:
    found = model.model_fields.get(name)
    kind = found.annotation if found else None
    return isinstance(kind, GenericAlias) and get_origin(kind) is tuple


async def read_body(request: Request, model: type[BaseModel] | None) -> Any:
    """Return the body as its model; an empty one stands for `{}`. Raises `BadInput` or `Unanswerable`."""
    if model is None:
        return None
    text = b""
    async for piece in request.stream():
        text += piece
        if len(text) > MOST_JSON:
            raise Unanswerable(413, "too_large", "The body is larger than 1 MB.")
    try:
        read = model.model_validate_json(text or b"{}")
        if not _all_text(json.loads(text or b"{}")):
            raise BadInput("The body holds a control character.")
    except ValidationError as error:
        raise bad_input(error, "The body") from error
    except (ValueError, RecursionError) as error:
        raise BadInput("The body is not JSON that can be read.") from error
    return read


def _all_text(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_is_text(k) and _all_text(v) for k, v in value.items())
    if isinstance(value, list):
        return all(map(_all_text, value))
    return not isinstance(value, str) or _is_text(value)


def _is_text(value: str) -> bool:
    return all(c in "\t\n\r" or (c >= " " and not "\ud800" <= c <= "\udfff") for c in value)
