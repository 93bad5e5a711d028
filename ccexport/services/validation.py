"""Validates a person's input with a pydantic model, and turns its errors into sentences."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from ccexport.errors import BadInput
from ccexport.messages import Message, Unusable, mark, word

Model = TypeVar("Model", bound=BaseModel)
_SAID = mark({"extra_forbidden": "there is no such setting", "missing": "it is missing"})


def parsed(model: type[Model], values: Mapping[str, Any], what: str | Message) -> Model:
    """Validate values with the model. Raises `BadInput` naming the thing, the setting and the error."""
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        place, reason = complaint(error)
        thing = what if isinstance(what, Message) else word(what)
        if not place:
            raise BadInput("{thing} cannot be used: {reason}.", thing=thing, reason=reason) from error
        raise BadInput(
            "{thing} cannot be used: {place}: {reason}.", thing=thing, place=place, reason=reason
        ) from error


def complaint(error: ValidationError) -> tuple[str, Message | str]:
    """Return the place of the first error, with dots, and the error."""
    first = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"] if str(part) not in {"FieldDraft", "str"})
    ours = first.get("ctx", {}).get("error")
    if isinstance(ours, Unusable):
        return place, ours.message
    if first["type"] in _SAID:
        return place, word(_SAID[first["type"]])
    return place, first["msg"].removeprefix("Value error, ")
