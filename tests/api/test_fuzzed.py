"""Schemathesis against the interface: no request makes it answer 500, and none gets past a role.

The examples are made from the interface's own document, and are the same every time.
"""

import re
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from schemathesis import Case, GenerationMode

from ccexport.api.openapi import document
from ccexport.api.serving import OPERATIONS
from ccexport.model.words import Role
from tests.api.conftest import Door

DOCUMENT = document(OPERATIONS)
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
FOUND = {found.ok().label: found.ok() for found in SCHEMA.get_all_operations()}
LEAST = {f"{o.method} {o.path}": o.role for o in OPERATIONS}

bounded = settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def call(case: Case, door: Door, role: Role) -> Any:
    """One request with the token of that role."""
    token = {"Authorization": f"Bearer {door.secrets[role]}"}
    return case.call(base_url=door.url, headers=token, timeout=60)


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("label", sorted(FOUND))
def test_no_request_makes_it_answer_500(label: str, mode: GenerationMode, door: Door) -> None:
    """Every answer is JSON as the document says, or a problem."""
    found = FOUND[label]
    if mode is GenerationMode.NEGATIVE and not (len(found.body) or len(found.query)):
        pytest.skip("there is nothing in it to make wrong")

    @given(case=found.as_strategy(generation_mode=mode), real=st.sampled_from(["News", "Everybody", "Main"]))
    @bounded
    def every(case: Case, real: str) -> None:
        if "name" in (case.path_parameters or {}):
            case.path_parameters["name"] = real
        if case.query and "wait" in case.query:
            case.query["wait"] = 0
        answer = call(case, door, Role.ADMINISTRATOR)
        assert answer.status_code < 500, f"{case.as_curl_command()}: {answer.content[:300]!r}"
        kind = (answer.headers.get("content-type") or [""])[0]
        if answer.status_code >= 400:
            assert kind == "application/problem+json", case.as_curl_command()
            check(answer.json(), {"$ref": "#/components/schemas/Problem"})
        elif kind == "application/json":
            responses = DOCUMENT["paths"][case.operation.path][case.method.lower()]["responses"]
            content = responses[str(answer.status_code)]["content"]
            check(answer.json(), content["application/json"]["schema"])

    every()


def check(value: Any, schema: dict[str, Any]) -> None:
    whole = {**schema, "components": DOCUMENT["components"]}
    found = next(Draft202012Validator(whole).iter_errors(value), None)
    assert found is None, found.message if found else ""


@pytest.mark.parametrize("label", sorted(label for label, least in LEAST.items() if least is not Role.VIEWER))
def test_no_request_gets_past_a_role(label: str, door: Door) -> None:
    """A viewer is refused whatever is asked, and nothing has changed."""
    before = (door.world.services.ledger.runs.by_state(), len(door.world.services.ledger.exports.all()))

    @given(case=FOUND[label].as_strategy(), real=st.sampled_from(["News", "Main"]))
    @bounded
    def every(case: Case, real: str) -> None:
        if "name" in (case.path_parameters or {}):
            case.path_parameters["name"] = real
        answer = call(case, door, Role.VIEWER)
        assert answer.status_code in {400, 403, 404, 428}, case.as_curl_command()

    every()
    after = (door.world.services.ledger.runs.by_state(), len(door.world.services.ledger.exports.all()))
    assert after == before


@pytest.mark.parametrize("label", [label for label in sorted(LEAST) if "{" in label])
def test_no_text_in_place_of_an_id_makes_it_answer_500(label: str, door: Door) -> None:
    method, template = label.split()

    @given(text=st.text(min_size=1, max_size=40) | st.sampled_from(["%00", "..", "9" * 300, "²", "/"]))
    @bounded
    def every(text: str) -> None:
        path = re.sub(r"\{[^}]+\}", quote(text, safe=""), template)
        answer = door.ask(Role.ADMINISTRATOR, method, path)
        assert answer.status_code < 500, path

    every()


def test_the_document_is_one() -> None:
    """Every operation has a name of its own, a sentence, and every schema that is named is there."""
    names = [one["operationId"] for methods in DOCUMENT["paths"].values() for one in methods.values()]
    assert len(names) == len(set(names)) == len(OPERATIONS)
    named = set(re.findall(r"#/components/schemas/([^'\"]+)", str(DOCUMENT)))
    assert named <= set(DOCUMENT["components"]["schemas"])
    for schema in DOCUMENT["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_a_page_says_what_there_is(door: Door) -> None:
    page = httpx.get(door.url, follow_redirects=True).text
    assert all(operation.path in page for operation in OPERATIONS)
