"""Who may do what: every use case against every role, whatever the pages show."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ccexport.errors import CcexportError, NotPermitted
from ccexport.model.exports import Actor
from ccexport.model.schedules import Schedule
from ccexport.model.words import Role
from ccexport.services import Services
from tests.ui.conftest import Pages

Step = Callable[[Services, Actor], object]
VIEWER, CONTRIBUTOR, ADMINISTRATOR = Role
FILE = Path("nowhere.csv")

# The least role for each; what they are called with does not exist, so that nothing is ever done.
RIGHTS: dict[str, tuple[Role, Step]] = {
    "profiles.find_current": (VIEWER, lambda s, a: s.profiles.find_current(a)),
    "profiles.ingest": (CONTRIBUTOR, lambda s, a: s.profiles.ingest(a, [FILE])),
    "segments.list": (VIEWER, lambda s, a: s.segments.list(a)),
    "segments.create": (CONTRIBUTOR, lambda s, a: s.segments.create(a, "")),
    "segments.change": (CONTRIBUTOR, lambda s, a: s.segments.change(a, "none")),
    "segments.remove": (CONTRIBUTOR, lambda s, a: s.segments.remove(a, "none")),
    "connections.list": (VIEWER, lambda s, a: s.connections.list(a)),
    "connections.get": (ADMINISTRATOR, lambda s, a: s.connections.get(a, "none")),
    "connections.facts": (ADMINISTRATOR, lambda s, a: s.connections.facts(a, "none")),
    "connections.begin": (ADMINISTRATOR, lambda s, a: s.connections.begin(a, "", agree=True)),
    "connections.finish": (ADMINISTRATOR, lambda s, a: s.connections.finish(a, state="x", bind="x")),
    "connections.save": (ADMINISTRATOR, lambda s, a: s.connections.save(a, "none")),
    "connections.check": (ADMINISTRATOR, lambda s, a: s.connections.check(a, "none")),
    "connections.change": (ADMINISTRATOR, lambda s, a: s.connections.change(a, "none", share=VIEWER)),
    "connections.take_over": (ADMINISTRATOR, lambda s, a: s.connections.take_over(a, "none")),
    "connections.remove": (ADMINISTRATOR, lambda s, a: s.connections.remove(a, "none")),
    "connections.lists": (CONTRIBUTOR, lambda s, a: s.connections.lists(a, "Sandbox")),
    "connections.create_list": (
        CONTRIBUTOR,
        lambda s, a: s.connections.create_list(a, "Sandbox", "Customers"),
    ),
    "connections.custom_fields": (CONTRIBUTOR, lambda s, a: s.connections.custom_fields(a, "Sandbox")),
    "exports.list": (VIEWER, lambda s, a: s.exports.list(a)),
    "exports.get": (VIEWER, lambda s, a: s.exports.get(a, "Newsletter")),
    "exports.suggest": (CONTRIBUTOR, lambda s, a: s.exports.suggest(a)),
    "exports.create": (
        CONTRIBUTOR,
        lambda s, a: s.exports.create(
            a, "", connection="Sandbox", contact_list="Newsletter", segments=[], email="email"
        ),
    ),
    "exports.create_per_segment": (
        CONTRIBUTOR,
        lambda s, a: s.exports.create_per_segment(
            a, "x", connection="Sandbox", segments=["Norway"], email="no such field"
        ),
    ),
    "exports.change": (CONTRIBUTOR, lambda s, a: s.exports.change(a, "Newsletter", segments=[])),
    "exports.duplicate": (CONTRIBUTOR, lambda s, a: s.exports.duplicate(a, "Newsletter", "Newsletter")),
    "exports.pause": (CONTRIBUTOR, lambda s, a: s.exports.pause(a, "Newsletter", paused=False)),
    "previews.preview": (VIEWER, lambda s, a: s.previews.preview(a, "Newsletter")),
    "previews.person": (CONTRIBUTOR, lambda s, a: s.previews.person(a, "Newsletter", "nobody@example.com")),
    "previews.rejects_csv": (
        CONTRIBUTOR,
        lambda s, a: s.previews.rejects_csv(a, "Newsletter", s.previews.preview(a, "Newsletter")),
    ),
    "runs.list": (VIEWER, lambda s, a: s.runs.list(a)),
    "exports.names": (VIEWER, lambda s, a: s.exports.names(a)),
    "exports.count": (VIEWER, lambda s, a: s.exports.count(a)),
    "segments.members_of": (VIEWER, lambda s, a: s.segments.members_of(a, s.ledger.segments.all()[0])),
    "segments.counts": (VIEWER, lambda s, a: s.segments.counts(a, s.ledger.segments.all())),
    "segments.said": (VIEWER, lambda s, a: s.segments.said(a, s.ledger.segments.all()[0])),
    "segments.names": (VIEWER, lambda s, a: s.segments.names(a)),
    "segments.uses": (VIEWER, lambda s, a: s.segments.uses(a)),
    "runs.last_of": (VIEWER, lambda s, a: s.runs.last_of(a, [])),
    "runs.last_times": (VIEWER, lambda s, a: s.runs.last_times(a)),
    "runs.went_wrong": (VIEWER, lambda s, a: s.runs.went_wrong(a, limit=1)),
    "runs.totals": (VIEWER, lambda s, a: s.runs.totals(a, s.ledger.clock())),
    "runs.outcomes": (VIEWER, lambda s, a: s.runs.outcomes(a, [s.ledger.clock()] * 2)),
    "connections.without_export_user": (ADMINISTRATOR, lambda s, a: s.connections.without_export_user(a)),
    "system.count_suppressed": (VIEWER, lambda s, a: s.system.count_suppressed(a)),
    "runs.ever": (VIEWER, lambda s, a: s.runs.ever(a)),
    "runs.retry": (CONTRIBUTOR, lambda s, a: s.runs.retry(a, _run(s), in_halves=True)),
    "runs.start": (CONTRIBUTOR, lambda s, a: s.runs.start(a, "Newsletter", digest="none")),
    "runs.cancel": (CONTRIBUTOR, lambda s, a: s.runs.cancel(a, _run(s))),
    "runs.approve": (CONTRIBUTOR, lambda s, a: s.runs.approve(a, _run(s))),
    "runs.resume": (CONTRIBUTOR, lambda s, a: s.runs.resume(a, _run(s))),
    "runs.undo": (CONTRIBUTOR, lambda s, a: s.runs.undo(a, _run(s), digest="none")),
    "runs.contacts_csv": (CONTRIBUTOR, lambda s, a: s.runs.contacts_csv(a, _run(s))),
    "runs.contacts_parquet": (CONTRIBUTOR, lambda s, a: s.runs.contacts_parquet(a, _run(s))),
    "runs.contacts": (VIEWER, lambda s, a: s.runs.contacts(a, _run(s), limit=1)),
    "runs.contacts of one": (CONTRIBUTOR, lambda s, a: s.runs.contacts(a, _run(s), email="x@example.com")),
    "runs.release": (ADMINISTRATOR, lambda s, a: s.runs.release(a, "Newsletter", "none", reason="")),
    "schedules.list": (VIEWER, lambda s, a: s.schedules.list(a)),
    "schedules.coming": (VIEWER, lambda s, a: s.schedules.coming(a)),
    "schedules.set": (CONTRIBUTOR, lambda s, a: s.schedules.set(a, ["Newsletter"], Schedule())),
    "schedules.run_all": (CONTRIBUTOR, lambda s, a: s.schedules.run_all(a, ["none"])),
    "refreshes.ask": (CONTRIBUTOR, lambda s, a: s.refreshes.ask(a)),
    "refreshes.change": (ADMINISTRATOR, lambda s, a: s.refreshes.change(a, on=True)),
    "people.list": (ADMINISTRATOR, lambda s, a: s.people.list(a)),
    "people.add": (ADMINISTRATOR, lambda s, a: s.people.add(a, "", role=VIEWER, password="x")),
    "people.set_email": (ADMINISTRATOR, lambda s, a: s.people.set_email(a, "none", "not an address")),
    "people.change_role": (ADMINISTRATOR, lambda s, a: s.people.change_role(a, "none", VIEWER)),
    "people.disable": (ADMINISTRATOR, lambda s, a: s.people.disable(a, "none")),
    "people.set_password": (ADMINISTRATOR, lambda s, a: s.people.set_password(a, "none", "x")),
    "people.sign_out_everywhere": (ADMINISTRATOR, lambda s, a: s.people.sign_out_everywhere(a, "none")),
    "system.status": (VIEWER, lambda s, a: s.system.status(a)),
    "system.suppressed": (VIEWER, lambda s, a: s.system.suppressed(a)),
    "system.suppress": (CONTRIBUTOR, lambda s, a: s.system.suppress(a, [])),
    "system.unsuppress": (CONTRIBUTOR, lambda s, a: s.system.unsuppress(a, "nobody.example")),
    "system.audit": (ADMINISTRATOR, lambda s, a: s.system.audit(a)),
    "system.audit_csv": (ADMINISTRATOR, lambda s, a: s.system.audit_csv(a)),
    "configuration.dump": (CONTRIBUTOR, lambda s, a: s.configuration.dump(a)),
}


def _run(services: Services) -> str:
    return services.ledger.runs.all(limit=1, live=False)[0].id


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("what", list(RIGHTS))
def test_a_use_case_refuses_too_low_a_role(demo: Pages, what: str, role: Role) -> None:
    """With the sentence that says whom to ask; to the others it says at most that the thing is not there."""
    least, step = RIGHTS[what]
    actor = Actor(str(role), role)
    if not role.covers(least):
        with pytest.raises(NotPermitted, match="Ask an administrator"):
            step(demo.services, actor)
        return
    try:
        step(demo.services, actor)
    except NotPermitted as refused:
        assert "authorisation" in str(refused)  # an unknown state, not a right
    except CcexportError:
        pass
