"""Connections on their page: the export user, what is known, detaching before removing."""

from collections.abc import Iterator

import pytest

from ccexport.errors import Conflict, NotPermitted
from ccexport.model.exports import Actor, Connection
from ccexport.model.words import Role
from ccexport.services.demo import _consent
from tests.ui.conftest import PASSWORD, Pages, said

ADMINISTRATOR = Actor("administrator", Role.ADMINISTRATOR)
CONTRIBUTOR = Actor("contributor", Role.CONTRIBUTOR)
SECOND = Actor("second", Role.ADMINISTRATOR)


@pytest.fixture
def theirs(demo: Pages) -> Iterator[Connection]:
    """A connection whose export user is somebody else than the demo's administrator."""
    services = demo.services
    if services.ledger.people.find("second") is None:
        services.people.add(ADMINISTRATOR, "second", role=Role.ADMINISTRATOR, password=PASSWORD)
    services.people.disable(ADMINISTRATOR, "second", disabled=False)
    begun = services.connections.begin(SECOND, "Theirs", agree=True, share=Role.CONTRIBUTOR)
    back = _consent(begun.url)
    draft = services.connections.finish(SECOND, state=back["state"], bind=begun.bind, code=back["code"])
    yield services.connections.save(SECOND, draft.key)
    services.connections.remove(ADMINISTRATOR, "Theirs")


def test_a_card_tells_all_that_is_known_without_asking(demo: Pages) -> None:
    page = demo.open("connections", "administrator")
    facts = dict(page.table[0].value.itertuples(index=False, name=None))
    assert "contacts:write" in facts["Privileges"].replace("`", "")
    assert "of 10,000" in facts["Requests today"]
    assert "holds until" in facts["Authorisation"]
    assert "Newsletter" in facts["Exports on it"]


def test_the_connection_of_a_disabled_person_asks_for_another_export_user(
    demo: Pages, theirs: Connection
) -> None:
    """On its card and on the Overview of those who can help."""
    services = demo.services
    assert "another one is needed" not in said(demo.open("connections", "administrator"))
    services.people.disable(ADMINISTRATOR, "second")
    page = demo.open("connections", "administrator")
    assert "Its export user second is disabled: another one is needed." in said(page)
    assert "another one is needed" in said(demo.open("overview", "administrator"))
    assert "another one is needed" not in said(demo.open("overview", "contributor"))

    page.button(f"user-{theirs.id}").click()
    demo.run(page, "administrator")
    assert "Your password" in [i.label for i in page.text_input]
    services.connections.take_over(ADMINISTRATOR, theirs.id)
    assert "another one is needed" not in said(demo.open("connections", "administrator"))
    with pytest.raises(NotPermitted):
        services.connections.take_over(CONTRIBUTOR, theirs.id)


def test_a_weighty_step_is_closed_after_as_many_wrong_passwords_as_the_door(empty: Pages) -> None:
    """So that an open browser does not help to guess; signing in elsewhere goes on."""
    people = empty.services.people
    for _ in range(5):
        with pytest.raises(NotPermitted, match="not your password"):
            people.confirm_password(ADMINISTRATOR, "wrong", origin="here")
    with pytest.raises(NotPermitted, match="Too many"):
        people.confirm_password(ADMINISTRATOR, PASSWORD, origin="here")
    assert people.sign_in("administrator", PASSWORD, origin="there").name == "administrator"


def test_a_connection_is_removed_after_its_exports_were_detached(demo: Pages, theirs: Connection) -> None:
    """The page names them and detaches them; the use case refuses before."""
    services = demo.services
    services.connections.create_list(CONTRIBUTOR, "Theirs", "Only there")
    copy = services.exports.duplicate(CONTRIBUTOR, "Newsletter", "Over theirs")
    services.exports.change(CONTRIBUTOR, copy.id, connection="Theirs", contact_list="Only there")
    with pytest.raises(Conflict, match="remove or detach"):
        services.connections.remove(ADMINISTRATOR, "Theirs")
    page = demo.open("connections", "administrator")
    page.button(f"remove-{theirs.id}").click()
    demo.run(page, "administrator")
    assert "detach_all" in [b.key for b in page.button]
    services.exports.detach(ADMINISTRATOR, copy.id)
    assert services.connections.exports_on(ADMINISTRATOR, "Theirs") == []
    services.exports.remove(CONTRIBUTOR, copy.id)


def test_connecting_again_makes_the_one_who_did_it_responsible(demo: Pages, theirs: Connection) -> None:
    """Agreement and export user are theirs from then on."""
    connections = demo.services.connections
    begun = connections.begin(ADMINISTRATOR, "Theirs", agree=True, reconnect=True)
    back = _consent(begun.url)
    draft = connections.finish(ADMINISTRATOR, state=back["state"], bind=begun.bind, code=back["code"])
    saved = connections.save(ADMINISTRATOR, draft.key)
    assert (saved.id, saved.export_person, saved.agreed_by) == (theirs.id, "administrator", "administrator")
