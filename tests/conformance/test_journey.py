"""Every request of whole journeys, and every answer of the double to them, held against the vendor's document."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from ccexport.constant_contact.account import Account
from ccexport.constant_contact.probe import Prepared
from ccexport.errors import NotFound, Refused
from ccexport.model.exports import MappedField
from ccexport.model.words import Mode, RunState, WaitReason
from tests.conformance.exchange import Recorder, check_answer, check_request, recorded
from tests.world import ADA, World, person


@pytest.fixture
def wire() -> Iterator[Recorder]:
    with recorded() as recorder:
        yield recorder


def conforms(wire: Recorder, *, least: int) -> None:
    """Both ways, every one of them; `least` keeps a journey from shrinking to nothing unseen."""
    assert len(wire.api) >= least
    for one in wire.api:
        assert one.status is not None, f"{one.asked} was not answered"
        check_request(one)
        check_answer(one)


def account_of(world: World) -> Account:
    return world.services.accounts().account(world.services.connections.get(ADA, "Main").id)


def test_a_mirror_from_connecting_to_the_last_leaver(tmp_path: Path, wire: Recorder) -> None:
    """Connect, fields, lists, a first run, then joiners, changes and leavers, few and many."""
    world = World(tmp_path)
    try:
        world.connect()
        account_of(world).create_custom_field("Shoe size")
        fields = [MappedField(target="first_name", source="first_name")]
        fields.append(MappedField(target="cf:Shoe_size", source="country"))
        world.ingest([person(n) for n in range(90)])
        world.services.segments.create(ADA, "Everybody", everybody=True)
        world.services.connections.create_list(ADA, "Main", world.list_name)
        export = world.export("News", mode=Mode.MIRROR, fields=fields)
        first = world.run()
        world.ingest([person(n, first_name="New") for n in range(2, 92)])
        few = world.run()
        world.ingest([person(n) for n in range(70, 92)], accept_changes=True)
        for guard in world.services.previews.preview(ADA, export.name).guards:
            world.services.runs.release(ADA, "News", guard.name, reason="the season is over")
        many = world.run()
        assert [run.state for run in (first, few, many)] == [RunState.SUCCEEDED] * 3, many.note
        assert (few.counts["removed"], many.counts["removed"]) == (2, 68)
        assert len(world.on_list()) == 22
    finally:
        world.close()

    conforms(wire, least=50)
    assert wire.asked() >= {
        "GET /account/summary",
        "GET /account/user/privileges",
        "GET /activities",
        "GET /contact_custom_fields",
        "GET /contact_exports/{file_export_id}",
        "GET /contact_lists",
        "GET /contact_lists/{list_id}",
        "GET /contacts",
        "POST /activities/contact_exports",
        "POST /activities/contacts_json_import",
        "POST /activities/remove_list_memberships",
        "POST /contact_custom_fields",
        "POST /contact_lists",
    }


def test_what_the_account_can_besides(tmp_path: Path, wire: Recorder) -> None:
    """The methods no run needs every day: files, tags, single jobs, counts, names in use."""
    world = World(tmp_path)
    try:
        world.ready([person(n) for n in range(3)])
        world.run()
        account = account_of(world)
        target = account.create_list(world.list_name.upper())
        account.create_custom_field("Joined", "date")
        account.create_custom_field("joined", "date")
        queued = account.import_csv(b"email,first_name\nzoe@example.com,Zoe\n", [target.id])
        assert account.activity(queued.id).finished
        assert account.contact_by_email("zoe+nobody@example.com") is None
        assert len(list(account.contacts_on_list(target.id, "all"))) == 4
        assert account.counts()["total"] == 4
        with pytest.raises(Refused):
            account.tag_list(target.id, target.id)
        assert world.services.connections.check(ADA, "Main").working
    finally:
        world.close()

    conforms(wire, least=25)
    assert wire.asked() >= {
        "GET /activities/{activity_id}",
        "GET /contacts/counts",
        "POST /activities/contacts_file_import",
        "POST /activities/contacts_taggings_add",
    }
    assert {one.status for one in wire.api} >= {200, 201, 409}


def test_next_links_are_followed_as_they_come(tmp_path: Path, wire: Recorder) -> None:
    """They are the vendor's to make, and hold a parameter that the document declares nowhere."""
    world = World(tmp_path)
    try:
        world.connect()
        target = world.services.connections.create_list(ADA, "Main", world.list_name)
        world.sandbox.admin("POST", "contacts", {"generate": 1_100, "lists": [world.list_name]})
        found = list(account_of(world).contacts_on_list(target.id, "all"))
        assert len(found) == len(world.on_list()) > 500
    finally:
        world.close()

    conforms(wire, least=5)
    assert [name for one in wire.api for name, _ in one.query].count("cursor") == len(found) // 500


def test_refusals_have_the_documented_shapes(tmp_path: Path, wire: Recorder) -> None:
    """A day used up, a token revoked, a list that is gone, a custom field too many."""
    world = World(tmp_path, config={"custom_fields_max": 1})
    try:
        world.ready([person(1)])
        account = account_of(world)
        account.create_custom_field("One")
        with pytest.raises(Refused):
            account.create_custom_field("Two")
        with pytest.raises(NotFound):
            account.list("04fe9a97-a579-43c5-bb1a-58ed29bf0a6a")
        world.sandbox.admin("POST", "revoke", {})
        revoked = world.run()
        world.connect(reconnect=True)
        world.sandbox.admin("PATCH", "config", {"requests_per_day": 1})
        quota = world.services.runs.drive_here(revoked.id)
        assert (revoked.wait_reason, quota.wait_reason) == (WaitReason.RECONNECT, WaitReason.QUOTA)
    finally:
        world.close()

    conforms(wire, least=8)
    assert {one.status for one in wire.api} >= {400, 401, 404, 429}


def test_the_probe(tmp_path: Path, wire: Recorder) -> None:
    """It alone deletes. Some of what it sends is wrong on purpose; the answers never are."""
    world = World(tmp_path)
    try:
        world.connect()
        said: list[str] = []
        world.services.connections.probe(ADA, "Main", said.append, domain="example.com", prepared=Prepared())
    finally:
        world.close()

    assert len(wire.api) > 20
    for one in wire.api:
        assert one.status is not None
        check_answer(one)


def test_token_requests_are_what_the_guide_says(tmp_path: Path, wire: Recorder) -> None:
    """Not in the document: https://developer.constantcontact.com/api_guide/server_flow.html"""
    world = World(tmp_path)
    try:
        world.connect()
        world.sandbox.admin("POST", "revoke", {"access_only": True})
        world.services.connections.check(ADA, "Main")
    finally:
        world.close()

    asked = [set(dict(parse_qsl(one.body.decode()))) for one in wire.tokens]
    assert asked[0] == {"grant_type", "code", "redirect_uri"}
    assert asked[1:]
    assert all(names == {"grant_type", "refresh_token"} for names in asked[1:])
    for one in wire.tokens:
        assert one.headers["content-type"] == "application/x-www-form-urlencoded"
        assert (one.method, one.path, one.query, one.status) == ("POST", "/oauth2/default/v1/token", (), 200)
        assert one.headers["authorization"].startswith("Basic ")
