"""One admitted request: who asks, when, with what.

Owns the reading of query and body with refusals in the API's own words. Must never answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from ccexport.sandbox.answers import bad_request, invalid, wrong_media_type
from ccexport.sandbox.config import Config
from ccexport.sandbox.ids import is_uuid
from ccexport.sandbox.store import Store


@dataclass(frozen=True)
class Call:
    """What a handler is given."""

    store: Store
    config: Config
    now: float
    method: str
    path: str
    path_values: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    account_no: int = 0
    person_no: int = 0
    client_id: str = ""
    scope: frozenset[str] = frozenset()

    def json(self) -> dict[str, Any]:
        """The body as a JSON object. Raises 400 or 415."""
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise wrong_media_type()
        try:
            told = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            raise bad_request() from None
        if not isinstance(told, dict):
            raise bad_request()
        return told

    def limit(self, *, most: int, default: int = 50) -> int:
        """The page size asked for. Raises 400 outside 1 to `most`."""
        return _whole(self.query.get("limit"), "limit", default, most)

    def flag(self, name: str) -> bool:
        """A true or false query parameter, false when absent.

        Clients in the field, the vendor's PHP SDK among them, write 1 and 0.
        """
        text = self.query.get(name, "false").lower()
        if text not in {"true", "false", "1", "0"}:
            raise invalid(f"{name} does not have a valid value")
        return text in {"true", "1"}

    def words(self, name: str, allowed: set[str]) -> set[str]:
        """A comma-separated query parameter, checked against its closed list of words."""
        words = {word.strip().lower() for word in self.query.get(name, "").split(",") if word.strip()}
        if words - allowed:
            raise invalid(f"{name} does not have a valid value")
        return words


def _whole(text: str | None, name: str, default: int, most: int) -> int:
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and 1 <= int(text) <= most):
        raise invalid(f"{name} must be between 1 and {most}")
    return int(text)


def uuids(value: object, name: str, *, least: int = 1, most: int) -> list[str]:
    """`value` as a list of uuids without repetition. Raises 400 in the API's words."""
    if not isinstance(value, list) or len(value) < least:
        raise invalid(f"{name} is missing, it must be an array with at least {least} entry")
    if len(value) > most:
        raise invalid(f"{name} exceeds the maximum of {most} entries")
    for each in value:
        if not is_uuid(each):
            raise invalid(f"{name} is in an invalid format.")
    return list(dict.fromkeys(each.lower() for each in value))


def text(value: object, name: str, *, most: int, least: int = 0, required: bool = False) -> str | None:
    """`value` as text within its length. Raises 400."""
    if value is None and not required:
        return None
    if not isinstance(value, str) or "\x00" in value:
        raise invalid(f"{name} is missing or does not have a valid value")
    if not least <= len(value) <= most:
        raise invalid(f"{name} must be between {least} and {most} characters")
    return value


def sequence_ids(call: Call) -> list[int]:
    """The ids of the V2 API that a query asks about, 500 at most. Raises 400."""
    told = [each.strip() for each in call.query.get("sequence_ids", "").split(",") if each.strip()]
    if not 1 <= len(told) <= 500:
        raise invalid("sequence_ids must have between 1 and 500 entries")
    if not all(each.isascii() and each.isdigit() and len(each) < 19 for each in told):
        raise invalid("sequence_ids does not have a valid value")
    return [int(each) for each in told]
