"""Who may do what: every use case against every role and every state of a session, whatever the pages show.

The use cases are found by walking the code: one that has no row here fails the first test.
"""

import inspect
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path

import pytest

from ccexport.errors import CcexportError, NotPermitted
from ccexport.model.exports import Actor
from ccexport.model.notices import Channel
from ccexport.model.schedules import Schedule
from ccexport.model.words import Role
from ccexport.services import Services
from ccexport.services.configuration_document import Document
from ccexport.services.plan_files import PlanFile
from ccexport.services.wiring import UseCases
from tests.security.conftest import ROOT, session_of

Step = Callable[[Services, Actor], object]
VIEWER, CONTRIBUTOR, ADMINISTRATOR = Role
FILE = Path("nowhere.csv")
EMPTY = Document(version=1)
# With these arguments they would do something.
CHANGES = {
    "backups.back_up",
    "profiles.export",
    "runs.remove_export",
    "exports.detach",
    "exports.remove",
    "maintenance.repair",
    "maintenance.tidy",
    "sources.ingest",
    "refreshes.run_here",
}

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
    "previews.plans": (VIEWER, lambda s, a: s.previews.plans(a, "Newsletter")),
    "previews.compare_plans": (VIEWER, lambda s, a: s.previews.compare_plans(a, "Newsletter", "a", "b")),
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
    "runs.seconds": (VIEWER, lambda s, a: s.runs.seconds(a, [s.ledger.runs.get(_run(s))])),
    "runs.stuck": (VIEWER, lambda s, a: s.runs.stuck(a, _run(s))),
    "runs.gone_out": (VIEWER, lambda s, a: s.runs.gone_out(a, _run(s))),
    "runs.start": (CONTRIBUTOR, lambda s, a: s.runs.start(a, "Newsletter", digest="none")),
    "runs.cancel": (CONTRIBUTOR, lambda s, a: s.runs.cancel(a, _run(s))),
    "runs.approve": (CONTRIBUTOR, lambda s, a: s.runs.approve(a, _run(s))),
    "runs.may_approve": (CONTRIBUTOR, lambda s, a: s.runs.may_approve(a, _run(s))),
    "runs.resume": (CONTRIBUTOR, lambda s, a: s.runs.resume(a, _run(s))),
    "runs.undo": (CONTRIBUTOR, lambda s, a: s.runs.undo(a, _run(s), digest="none")),
    "runs.contacts_csv": (CONTRIBUTOR, lambda s, a: s.runs.contacts_csv(a, _run(s))),
    "runs.contacts_xlsx": (CONTRIBUTOR, lambda s, a: s.runs.contacts_xlsx(a, _run(s))),
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
    "previews.plan_file": (
        CONTRIBUTOR,
        lambda s, a: s.previews.plan_file(
            a, "Newsletter", s.previews.by_id(a, s.ledger.runs.get(_run(s)).plan_id), FILE, rows=True
        ),
    ),
    "previews.read_plan_file": (VIEWER, lambda s, a: s.previews.read_plan_file(a, FILE)),
    "previews.refuse_other": (
        CONTRIBUTOR,
        lambda s, a: s.previews.refuse_other(
            a, PlanFile("", "", {}), s.previews.by_id(a, s.ledger.runs.get(_run(s)).plan_id)
        ),
    ),
    "previews.parquet": (CONTRIBUTOR, lambda s, a: s.previews.parquet(a, s.ledger.runs.get(_run(s)).plan_id)),
    "tokens.create": (VIEWER, lambda s, a: s.tokens.create(a, "", role=VIEWER)),
    "tokens.create for a service": (
        ADMINISTRATOR,
        lambda s, a: s.tokens.create(a, "", role=VIEWER, service="crm"),
    ),
    "tokens.list": (VIEWER, lambda s, a: s.tokens.list(a)),
    "tokens.revoke": (VIEWER, lambda s, a: s.tokens.revoke(a, "none")),
    "system.status": (VIEWER, lambda s, a: s.system.status(a)),
    "system.suppressed": (VIEWER, lambda s, a: s.system.suppressed(a)),
    "system.suppress": (CONTRIBUTOR, lambda s, a: s.system.suppress(a, [])),
    "system.suppress_file": (CONTRIBUTOR, lambda s, a: s.system.suppress_file(a, FILE)),
    "profiles.export": (CONTRIBUTOR, lambda s, a: s.profiles.export(a, FILE, form="none")),
    "profiles.digest": (VIEWER, lambda s, a: s.profiles.digest(a)),
    "system.unsuppress": (CONTRIBUTOR, lambda s, a: s.system.unsuppress(a, "nobody.example")),
    "system.audit": (ADMINISTRATOR, lambda s, a: s.system.audit(a)),
    "system.audit_csv": (ADMINISTRATOR, lambda s, a: s.system.audit_csv(a)),
    "configuration.dump": (CONTRIBUTOR, lambda s, a: s.configuration.dump(a)),
    "profiles.preview_file": (CONTRIBUTOR, lambda s, a: s.profiles.preview_file(a, FILE)),
    "sources.list": (CONTRIBUTOR, lambda s, a: s.sources.list(a)),
    "sources.get": (CONTRIBUTOR, lambda s, a: s.sources.get(a, "none")),
    "sources.has_password": (CONTRIBUTOR, lambda s, a: s.sources.has_password(a, "none")),
    "sources.ingest": (CONTRIBUTOR, lambda s, a: s.sources.ingest(a)),
    "sources.preview": (CONTRIBUTOR, lambda s, a: s.sources.preview(a, "none")),
    "sources.order": (ADMINISTRATOR, lambda s, a: s.sources.order(a, ["none"])),
    "sources.remove": (ADMINISTRATOR, lambda s, a: s.sources.remove(a, "none")),
    "sources.save": (ADMINISTRATOR, lambda s, a: s.sources.save(a, "")),
    "segments.breakdown": (CONTRIBUTOR, lambda s, a: s.segments.breakdown(a, "none", "none")),
    "segments.duplicate": (CONTRIBUTOR, lambda s, a: s.segments.duplicate(a, "none", "none")),
    "segments.freeze": (CONTRIBUTOR, lambda s, a: s.segments.freeze(a, "none", "none")),
    "segments.unmatched": (CONTRIBUTOR, lambda s, a: s.segments.unmatched(a, "none")),
    "connections.find_list": (CONTRIBUTOR, lambda s, a: s.connections.find_list(a, "Sandbox", "none")),
    "connections.probe": (
        ADMINISTRATOR,
        lambda s, a: s.connections.probe(a, "none", say=print, domain="", prepared=None),
    ),
    "exports.held": (VIEWER, lambda s, a: s.exports.held(a, "Newsletter")),
    "exports.ended_holds": (VIEWER, lambda s, a: s.exports.ended_holds(a, *[s.ledger.exports.all()[0]] * 2)),
    "exports.detach": (CONTRIBUTOR, lambda s, a: s.exports.detach(a, "Good customers")),
    "exports.remove": (CONTRIBUTOR, lambda s, a: s.exports.remove(a, "Good customers")),
    "runs.contacts_file": (CONTRIBUTOR, lambda s, a: s.runs.contacts_file(a, _run(s), Path("no/x.csv"))),
    "runs.last_undo_preview": (CONTRIBUTOR, lambda s, a: s.runs.last_undo_preview(a, _run(s))),
    "runs.undo_preview": (CONTRIBUTOR, lambda s, a: s.runs.undo_preview(a, _run(s))),
    "runs.undone_by": (CONTRIBUTOR, lambda s, a: s.runs.undone_by(a, _run(s))),
    "schedules.pause": (CONTRIBUTOR, lambda s, a: s.schedules.pause(a, "Newsletter", until=None)),
    "refreshes.run_here": (CONTRIBUTOR, lambda s, a: s.refreshes.run_here(a)),
    "notices.outbox": (CONTRIBUTOR, lambda s, a: s.notices.outbox(a)),
    "notices.subscribers": (CONTRIBUTOR, lambda s, a: s.notices.subscribers(a)),
    "history.ask": (VIEWER, lambda s, a: s.history.ask(a, "SELECT 1")),
    "history.ask about people": (CONTRIBUTOR, lambda s, a: s.history.ask(a, "SELECT * FROM outcomes")),
    "notices.replay": (CONTRIBUTOR, lambda s, a: s.notices.replay(a, "none")),
    "notices.test": (CONTRIBUTOR, lambda s, a: s.notices.test(a, "none")),
    "notices.undelivered": (CONTRIBUTOR, lambda s, a: s.notices.undelivered(a)),
    "notices.subscribe": (ADMINISTRATOR, lambda s, a: s.notices.subscribe(a, Channel.WEBHOOK, "none")),
    "notices.unsubscribe": (ADMINISTRATOR, lambda s, a: s.notices.unsubscribe(a, "none")),
    "maintenance.move_ledger": (ADMINISTRATOR, lambda s, a: s.maintenance.move_ledger(a, "none")),
    "maintenance.rotate_key": (ADMINISTRATOR, lambda s, a: s.maintenance.rotate_key(a)),
    "maintenance.erase": (ADMINISTRATOR, lambda s, a: s.maintenance.erase(a, "none")),
    "maintenance.repair": (ADMINISTRATOR, lambda s, a: s.maintenance.repair(a)),
    "maintenance.tidy": (ADMINISTRATOR, lambda s, a: s.maintenance.tidy(a)),
    "configuration.read": (CONTRIBUTOR, lambda s, a: s.configuration.read(a, {}, "none")),
    "backups.back_up": (ADMINISTRATOR, lambda s, a: s.backups.back_up(a, FILE)),
    "runs.put_back": (ADMINISTRATOR, lambda s, a: s.runs.put_back(a, "Newsletter", reason="")),
    "runs.remove_export": (
        CONTRIBUTOR,
        lambda s, a: s.runs.remove_export(a, "Newsletter", take_off=False),
    ),
    "schedules.change": (CONTRIBUTOR, lambda s, a: s.schedules.change(a, ["Newsletter"])),
    "segments.split": (CONTRIBUTOR, lambda s, a: s.segments.split(a, "none", [50, 50])),
    "configuration.apply": (CONTRIBUTOR, lambda s, a: s.configuration.apply(a, EMPTY)),
}

# Everybody who is signed in may ask these; what they answer is masked for viewers.
MASKED = """
exports.check exports.draft profiles.digest
profiles.count profiles.current profiles.field_summary profiles.field_table profiles.history
profiles.page profiles.profile profiles.snapshots profiles.suggest sources.names segments.count_members
segments.count_rule segments.count_together segments.get segments.in_words segments.members
segments.members_page segments.mentioned_by segments.moves segments.of_profile segments.overlap
segments.rule_in_words segments.sample segments.sizes segments.used_by segments.written
connections.exports_on exports.history exports.manageable exports.may_manage previews.by_id
previews.expected previews.last previews.remarks previews.rows runs.batches runs.compare runs.get
runs.plan runs.progress runs.story schedules.get schedules.history schedules.of refreshes.history
refreshes.next refreshes.settings people.confirm_password configuration.differences
"""
EVERYBODY = frozenset(MASKED.split())


def every_use_case() -> Iterator[str]:
    """`group.name` of all that take an actor."""
    for group, made in vars(Services).items():
        kind = inspect.signature(made.func).return_annotation if isinstance(made, cached_property) else None
        if isinstance(kind, type) and issubclass(kind, UseCases):
            for name, step in inspect.getmembers(kind, inspect.isfunction):
                if not name.startswith("_") and "actor" in list(inspect.signature(step).parameters)[:2]:
                    yield f"{group}.{name}"


EVERY = sorted(every_use_case())


def _run(services: Services) -> str:
    return services.ledger.runs.all(limit=1, live=False)[0].id


def test_every_use_case_is_in_the_table() -> None:
    """With the least role that may use it."""
    assert set(EVERY) == {name.partition(" ")[0] for name in RIGHTS} | EVERYBODY


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("what", list(RIGHTS))
def test_a_use_case_refuses_too_low_a_role(services: Services, what: str, role: Role) -> None:
    """With the sentence that says whom to ask; to the others it says at most that the thing is not there."""
    least, step = RIGHTS[what]
    actor = Actor(str(role), role)
    if not role.covers(least):
        with pytest.raises(NotPermitted, match="Ask an administrator"):
            step(services, actor)
        return
    if what in CHANGES:
        return
    try:
        step(services, actor)
    except NotPermitted as refused:
        assert "authorisation" in str(refused)  # an unknown state, not a right
    except CcexportError:
        pass


@pytest.fixture(scope="module")
def fallen(services: Services) -> dict[str, Actor]:
    """Four administrators as a face still holds them, after what happened to three of them."""
    found = {}
    for state in ("alive", "signed out", "disabled", "lowered"):
        name = state.replace(" ", "-")
        services.people.add(ROOT, name, role=ADMINISTRATOR, password="correct horse battery")
        secret = session_of(services, name)
        actor = services.people.signed_in(secret)
        assert actor is not None
        found[state] = actor
        if state == "signed out":
            services.people.sign_out(secret)
    services.people.disable(ROOT, "disabled")
    services.people.change_role(ROOT, "lowered", VIEWER)
    return found


@pytest.mark.parametrize("state", ["signed out", "disabled"])
@pytest.mark.parametrize("what", EVERY)
def test_a_use_case_refuses_who_is_no_more_signed_in(
    services: Services, fallen: dict[str, Actor], what: str, state: str
) -> None:
    """Before it looks at anything else it was given."""
    group, _, name = what.partition(".")
    with pytest.raises(NotPermitted, match="signed out"):
        getattr(getattr(services, group), name)(fallen[state])


@pytest.mark.parametrize("what", [name for name, (least, _) in RIGHTS.items() if least is not VIEWER])
def test_a_use_case_refuses_who_was_lowered(services: Services, fallen: dict[str, Actor], what: str) -> None:
    """The actor says administrator, the ledger says viewer."""
    with pytest.raises(NotPermitted, match="Ask an administrator"):
        RIGHTS[what][1](services, fallen["lowered"])


def test_who_is_alive_may_still(services: Services, fallen: dict[str, Actor]) -> None:
    """The refusals above have their own reason."""
    assert services.people.list(fallen["alive"])
    assert services.exports.list(fallen["lowered"])


def test_a_disabled_person_may_not_act_without_a_session_either(services: Services) -> None:
    """Whoever passes a name that the ledger knows is asked about."""
    services.people.add(ROOT, "kari", role=CONTRIBUTOR, password="correct horse battery")
    with pytest.raises(NotPermitted, match="A contributor may not"):
        services.people.list(Actor("kari", ADMINISTRATOR))
    services.people.disable(ROOT, "kari")
    with pytest.raises(NotPermitted, match="signed out"):
        services.exports.list(Actor("kari", CONTRIBUTOR))
