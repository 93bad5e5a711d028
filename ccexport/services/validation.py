"""Values of a pydantic model from what a person gave, and its complaints as sentences."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from ccexport.errors import BadInput

Model = TypeVar("Model", bound=BaseModel)
_SAID = {"extra_forbidden": "there is no such setting", "missing": "it is missing"}


def parsed(model: type[Model], values: Mapping[str, Any], what: str) -> Model:
    """A value of the model. Raises `BadInput` naming the thing, the setting and what is wrong with it."""
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        place, reason = complaint(error)
        if not place:
            raise BadInput(f"{what} cannot be used: {reason}.") from error
        raise BadInput(f"{what} cannot be used: {place}: {reason}.") from error


def complaint(error: ValidationError) -> tuple[str, str]:
    """The place of the first thing that is wrong, with dots, and what is wrong there."""
    first = error.errors(include_url=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"] if str(part) not in {"FieldDraft", "str"})
    return place, _SAID.get(first["type"]) or first["msg"].removeprefix("Value error, ")
