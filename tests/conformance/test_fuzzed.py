"""Schemathesis against the double: what its own document allows, and what it forbids, never makes it answer 500.

Every answer, to sense and to nonsense, is held against the document as well. The same examples every time.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode

from ccexport.sandbox.embedded import RunningSandbox
from tests.conformance.document import document
from tests.conformance.exchange import Exchange, check_answer
from tests.world import ADA, QUICK, World

SCHEMA = schemathesis.openapi.from_dict(document())
OPERATIONS = {found.ok().label: found.ok() for found in SCHEMA.get_all_operations()}
# Schemathesis makes wrong queries and bodies; wrong ids in a path are made below.
MODES = [
    (label, mode)
    for label, found in sorted(OPERATIONS.items())
    for mode in GenerationMode
    if mode is GenerationMode.POSITIVE or len(found.body) or len(found.query)
]
# What a list of ids in a body, or an id in a path, may be replaced with: something that is there.
CREATED = {"list_ids": "lists", "contact_ids": "contacts", "tag_ids": "tags"}
bounded = settings(
    max_examples=14,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@dataclass(frozen=True)
class There:
    """A running double, a token for it, and ids of what is in it."""

    sandbox: RunningSandbox
    token: str
    ids: dict[str, list[str]]


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[There]:
    world = World(tmp_path_factory.mktemp("fuzzed"), config=QUICK)
    world.connect()
    for name in ("Events", "Customers"):
        world.services.connections.create_list(ADA, "Main", name)
    world.sandbox.admin("POST", "contacts", {"generate": 30, "lists": ["Events"]})
    connection = world.services.connections.get(ADA, "Main")
    found = world.sandbox.admin("GET", "inspect/contacts?limit=20")["contacts"]
    ids = {
        "lists": [each["list_id"] for each in world.sandbox.admin("GET", "inspect/lists")["lists"]],
        "contacts": [each["contact_id"] for each in found],
        "tags": ["04fe9a97-a579-43c5-bb1a-58ed29bf0a6a"],
    }
    yield There(world.sandbox, world.services.ledger.connections.tokens(connection.id)["access_token"], ids)
    world.close()


def known(value: Any, there: There) -> Any:
    """A body whose lists of ids name things that are there."""
    if isinstance(value, list):
        return [known(each, there) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: there.ids[CREATED[key]][: len(inner)]
        if key in CREATED and isinstance(inner, list)
        else known(inner, there)
        for key, inner in value.items()
    }


def call(case: Case, there: There) -> Exchange:
    """One request to the double and its answer."""
    answer = case.call(
        base_url=there.sandbox.api_url, headers={"Authorization": f"Bearer {there.token}"}, timeout=60
    )
    parts = urlsplit(answer.request.url or "")
    return Exchange(
        method=case.method,
        path=case.operation.path,  # the template: what a generator puts there may be no path any more
        query=tuple(parse_qsl(parts.query)),
        headers={},
        body=b"",
        form={},
        files={},
        status=answer.status_code,
        kind=(answer.headers.get("content-type") or [""])[0],
        answer=answer.content,
    )


@pytest.mark.parametrize(("label", "mode"), MODES, ids=lambda each: getattr(each, "value", each))
def test_no_request_makes_the_double_answer_500(label: str, mode: GenerationMode, there: There) -> None:
    @given(case=OPERATIONS[label].as_strategy(generation_mode=mode), real=st.booleans())
    @bounded
    def every(case: Case, real: bool) -> None:
        if real:
            case.body = known(case.body, there)
        got = call(case, there)
        assert got.status is not None
        assert got.status < 500, f"{case.as_curl_command()}: {got.answer[:300]!r}"
        if got.status not in (403, 404, 405):  # a path that became another one
            check_answer(got)

    every()


@pytest.mark.parametrize("label", [label for label in sorted(OPERATIONS) if "{" in label])
def test_no_text_in_place_of_an_id_makes_the_double_answer_500(label: str, there: There) -> None:
    method, template = label.split()

    @given(text=st.text(min_size=1, max_size=40) | st.sampled_from(["%00", "..", "9" * 300, "²", "\ud7ff"]))
    @bounded
    def every(text: str) -> None:
        path = re.sub(r"\{[^}]+\}", quote(text, safe=""), template)
        with httpx.Client(verify=False, timeout=60, trust_env=False) as web:
            headers = {"Authorization": f"Bearer {there.token}"}
            answer = web.request(method, there.sandbox.api_url + path, headers=headers)
        assert answer.status_code < 500, path

    every()


def test_afterwards_the_double_is_well(there: There) -> None:
    """Neither a handler nor the engine fell over something it had taken in."""
    there.sandbox.admin("POST", "clock", {"advance": 3600})
    told = there.sandbox.admin("GET", "inspect/counters")

    assert (told["internal_errors"], told["waiting_activities"]) == (0, 0)
    assert told["activities"] > 0
