"""What runs say of themselves: in few words, and true."""

from datetime import timedelta
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from ccexport.model.exports import Actor, MappedField
from ccexport.model.words import Mode, Role, RunState, WaitReason
from tests.situations.test_on_the_list import at, leave, people
from tests.world import ADA, CARL, Calendar, World


def delete(world: World, path: str, token: str) -> None:
    """As a colleague does at Constant Contact."""
    address = urlsplit(world.sandbox.api_url)
    client = HTTPConnection(address.netloc, timeout=20)
    client.request("DELETE", f"{address.path}{path}", headers={"Authorization": f"Bearer {token}"})
    assert client.getresponse().status < 300
    client.close()


EVE = Actor("eve", Role.ADMINISTRATOR)


def test_an_undo_says_whom_it_took_off(world: World) -> None:
    """Nothing was sent, but something was done."""
    world.ready(people(range(3)))
    first = world.run()

    run = world.services.runs.drive_here(world.services.runs.undo(CARL, first.id).id)

    assert (run.state, str(run.note)) == (RunState.SUCCEEDED, "3 contacts were taken off the list.")


def test_a_removal_is_undone_and_says_so(world: World) -> None:
    """Whom a mirror took off comes back, but for who unsubscribed since."""
    world.ready(people(range(8)), mode=Mode.MIRROR)
    world.run()
    world.ingest(people(range(6)))
    mirror = world.run()
    world.sandbox.admin("POST", "contacts/unsubscribe", {"email": "person7@example.com"})

    run = world.services.runs.drive_here(world.services.runs.undo(CARL, mirror.id).id)

    assert str(mirror.note) == "2 contacts were taken off the list."
    assert (run.state, run.counts["verified"]) == (RunState.SUCCEEDED, 1), run.note
    assert world.on_list() == at(*range(7))


def test_an_undo_that_can_do_nothing_is_no_success(world: World) -> None:
    """Everybody left by own hand meanwhile."""
    world.ready(people(range(2)))
    first = world.run()
    leave(world, 0, 1)

    run = world.services.runs.drive_here(world.services.runs.undo(CARL, first.id).id)

    assert (run.state, "nothing to undo" in str(run.note)) == (RunState.BLOCKED, True), run.note


def test_a_run_that_could_take_off_nobody_failed(world: World) -> None:
    """What should have happened did not."""
    world.ready(people(range(8)), mode=Mode.MIRROR)
    world.run()
    world.ingest(people(range(7)))
    world.fault("failed", activity="remove_list_memberships")

    run = world.run()

    assert run.state is RunState.FAILED, run.note
    assert "1 contact that was to leave the list is still on it." in str(run.note)


def test_the_wait_for_approval_is_no_time_of_the_run(tmp_path: Path) -> None:
    """A colleague approved on Monday what was asked for on Friday; the run took seconds."""
    calendar = Calendar()
    world = World(tmp_path, clock=calendar)
    world.ready(people(range(3)))
    world.services.connections.change(ADA, "Main", approval_above=1)
    waiting = world.run()
    calendar.ahead = timedelta(days=3)
    so_far = world.services.runs.seconds(CARL, [waiting])[waiting.id]
    world.services.runs.approve(EVE, waiting.id)
    run = world.services.runs.drive_here(waiting.id)
    took = world.services.runs.seconds(CARL, [run])[run.id]
    world.close()

    assert (waiting.wait_reason, run.state) == (WaitReason.APPROVAL, RunState.SUCCEEDED)
    assert so_far < 3_600 and took < 3_600


def test_a_stuck_activity_is_named_and_cancelling_lets_go(tmp_path: Path) -> None:
    """It may stay stuck for ever; the list must not."""
    calendar = Calendar()
    said: list[str] = []

    def sleep(seconds: float) -> None:
        """Time goes by; after a quarter of an hour somebody has had enough."""
        calendar.ahead += timedelta(seconds=max(seconds, 20))
        live = world.services.ledger.runs.all(live=True)
        if live and not said and (stuck := world.services.runs.stuck(CARL, live[0].id)):
            said.append(str(stuck))
            said.append(str(world.services.runs.gone_out(CARL, live[0].id)))
            world.services.runs.cancel(CARL, live[0].id)

    world = World(tmp_path, clock=calendar, sleep=sleep)
    world.ready(people(range(3)))
    world.fault("stuck", activity="contacts_json_import")
    begun = calendar()
    run = world.run()
    later = world.run()
    world.close()

    assert "has been working on activity" in said[0] and "for 10 min" in said[0], said
    assert said[1].startswith("3 of 3 contacts have been sent already")
    assert run.state is RunState.CANCELLED, run.note
    assert calendar() - begun < timedelta(hours=1)
    assert later.state.ended


def test_a_custom_field_that_is_gone_is_named_by_its_last_name(world: World) -> None:
    """An id of the other side tells nobody which field that was, nor where it is used."""
    world.ready(people(range(2)))
    account = world.services.accounts().account(world.services.ledger.connections.named("Main").id)
    account.create_custom_field("Loyalty tier", "string")
    tier = next(iter(world.services.connections.custom_fields(ADA, "Main")))
    world.services.exports.change(
        CARL, "News", fields=[MappedField(target=f"cf:{tier.id}", source="country")]
    )
    world.run()
    token = world.services.ledger.connections.tokens(world.services.ledger.connections.named("Main").id)
    delete(world, f"/contact_custom_fields/{tier.id}", token["access_token"])

    run = world.run()

    assert run.state is RunState.FAILED
    assert "The custom field Loyalty_tier, mapped in News, is not there" in str(run.note)
