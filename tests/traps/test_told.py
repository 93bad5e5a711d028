"""Traps that a person has to be told of: automations, another account, fields renamed or gone. By their numbers."""

from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
from typer.testing import CliRunner

from ccexport.cli.main import app
from ccexport.errors import Conflict, NotFound
from ccexport.model.words import RunState
from tests.conformance.exchange import Recorder
from tests.traps.conftest import imported, mapped, prepared
from tests.world import ADA, CARL, World, person


def test_trap_46_automations_on_joining_are_told_before_a_run(world: World) -> None:
    """A first export starts them for everybody; once nobody is added, nothing is said."""
    world.ready([person(n) for n in range(5)])

    before = list(
        map(str, world.services.previews.remarks(CARL, "News", world.services.previews.preview(CARL, "News")))
    )
    shown = CliRunner().invoke(
        app, ["exports", "preview", "News", "--data-dir", str(world.settings.data_dir)]
    )
    world.run()
    after = list(
        map(str, world.services.previews.remarks(CARL, "News", world.services.previews.preview(CARL, "News")))
    )

    (told,) = [remark for remark in before if "Automations" in remark]
    assert (world.list_name in told, "5" in told) == (True, True)
    assert told in shown.output
    assert not [remark for remark in after if "Automations" in remark]


def test_trap_18_another_account_is_not_taken_for_the_same(world: World) -> None:
    """Every stored list would be wrong there."""
    world.ready([person(1)])
    world.services.ledger.connections.change(
        world.services.connections.get(ADA, "Main").id, account_id="another"
    )

    with pytest.raises(Conflict, match="connected to another account"):
        world.connect(reconnect=True)


def _put(world: World, method: str, path: str, body: bytes | None = None) -> None:
    """Somebody else's change at the other side, by the API."""
    connection = world.services.connections.get(ADA, "Main")
    token = world.services.ledger.connections.tokens(connection.id)["access_token"]
    client = HTTPConnection(urlsplit(world.sandbox.url).netloc)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    client.request(method, f"/v3{path}", body=body, headers=headers)
    answer = client.getresponse()
    assert answer.status < 300, answer.read()
    client.close()


def test_trap_19_a_renamed_custom_field_is_sent_by_its_new_name(world: World, wire: Recorder) -> None:
    """By the old one the values would be dropped without a word."""
    field_id = _with_a_custom_field(world)
    _put(world, "PUT", f"/contact_custom_fields/{field_id}", b'{"label": "Foot size", "type": "string"}')

    run = world.run()

    assert run.state is RunState.SUCCEEDED, run.note
    assert world.there("person1@example.com")["custom_fields"] == {"Foot_size": "44"}


def test_trap_19_a_custom_field_that_is_gone_stops_the_run_before_anything_is_sent(
    world: World, wire: Recorder
) -> None:
    """And the sentence says what to do."""
    field_id = _with_a_custom_field(world)
    _put(world, "DELETE", f"/contact_custom_fields/{field_id}")

    run = world.run()

    assert (run.state, imported(wire)) == (RunState.FAILED, [])
    assert "custom field" in str(run.note)
    assert "choose another" in str(run.note)


def _with_a_custom_field(world: World) -> str:
    world.connect()
    account = world.services.accounts().account(world.services.connections.get(ADA, "Main").id)
    field = account.create_custom_field("Shoe size")
    world.services.connections.remove(ADA, "Main")
    prepared(world, [person(1) | {"cf:Shoe_size": "44"}], fields=mapped("cf:Shoe_size"))
    return field.id


def test_trap_36_a_list_is_found_by_its_very_name_and_a_missing_one_names_the_connection(
    world: World,
) -> None:
    """Whether names that differ in case only are one is not documented; an id is pasted in any case."""
    world.sandbox.admin("PATCH", "config", {"list_names_ignore_case": False})
    world.ready([person(1)])
    world.sandbox.admin("POST", "lists", {"names": ["newsletter", "NEWSLETTER"]})
    find = world.services.connections.find_list

    found = find(CARL, "Main", "newsletter")

    assert found.name == "newsletter"
    assert find(CARL, "Main", found.id.upper()).id == found.id
    with pytest.raises(NotFound, match="more than one contact list named NewsLetter in Main"):
        find(CARL, world.services.connections.list(CARL)[0].id, "NewsLetter")
