"""Exports, lists, people and hands at Constant Contact at random, against a plain account of who must be where.

Every run is a real one, against the double over HTTP. After every step every list holds exactly whom the account
says, and every export holds as many people as it says. `HYPOTHESIS_PROFILE=ci` takes about 2,000 steps.
"""

from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ccexport.model.exports import ConsentRule, Guards
from ccexport.model.runs import Run
from ccexport.model.words import Mode, RunState
from tests.situations.account import Account, ExportThen
from tests.world import ADA, CARL, World, person

PEOPLE, LISTS, EXPORTS = 5, ["First", "Second"], ["A", "B", "C"]
STEPS = 40
EVERYWHERE = 99  # in every segment, so that no segment is ever empty
OFF = Guards(removals_percent=None, shrunk_percent=None, gone_percent=None)
a_person, a_list, an_export = st.integers(0, PEOPLE - 1), st.sampled_from(LISTS), st.sampled_from(EXPORTS)


def address(p: int) -> str:
    return f"person{p}@example.com"


class Model(RuleBasedStateMachine):
    """The program on one side, the account on the other."""

    world: World

    @initialize()
    def begin(self) -> None:
        self.world = World(Path(mkdtemp(prefix="holds-model-")))
        self.account = Account(PEOPLE, LISTS)
        self.undone: dict[str, str] = {}
        self.version = 0
        self._ingest()
        self.world.connect()
        for name in LISTS:
            self.world.services.connections.create_list(ADA, "Main", name)
        for name, list_name in zip(EXPORTS, ("First", "First", "Second"), strict=True):
            rule_of = {"all": [{"field": "country", "op": "contains", "value": name}]}
            self.world.services.segments.create(CARL, f"In {name}", rule=rule_of)
            self._create(name, list_name)

    def _create(self, name: str, list_name: str) -> None:
        self.world.export(
            name,
            contact_list=list_name,
            segments=[f"In {name}"],
            mode=Mode.MIRROR,
            guards=OFF,
            consent=ConsentRule(field="consent"),
        )
        self.account.exports[name] = ExportThen(list_name)

    def _ingest(self) -> None:
        rows = [
            person(
                p,
                country="".join(sorted(self.account.wanted[p])) or "none",
                consent="yes" if self.account.consent[p] else "no",
                first_name=f"Name {self.version}",
            )
            for p in range(PEOPLE)
        ]
        self.world.ingest([*rows, person(EVERYWHERE, country="ABC")])

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.close()
            rmtree(self.world.root)

    # -- edits ----------------------------------------------------------------------------------

    @rule(p=a_person, into=st.sets(an_export, max_size=2))
    def edit(self, p: int, into: set[str]) -> None:
        """Somebody goes into other segments."""
        self.account.wanted[p] = into
        self._ingest()

    @rule(p=a_person)
    def withdraw_or_give_consent(self, p: int) -> None:
        self.account.consent[p] = not self.account.consent[p]
        self._ingest()

    @rule()
    def everybody_gets_new_values(self) -> None:
        self.version += 1
        self._ingest()

    # -- hands at Constant Contact --------------------------------------------------------------

    @rule(p=a_person, list_name=a_list)
    def leave(self, p: int, list_name: str) -> None:
        if self.account.places[list_name][p].on:
            self._hand("contacts/leave_list", {"email": address(p), "list": list_name})
            self.account.leaves(p, list_name)

    @rule(p=a_person, list_name=a_list)
    def join(self, p: int, list_name: str) -> None:
        if self.account.places[list_name][p].on or p in self.account.unsubscribed:
            return
        if self.world.sandbox.admin("GET", f"inspect/contacts?email={address(p)}")["contacts"]:
            self._hand("contacts/join_list", {"email": address(p), "list": list_name})
        else:
            self._hand("contacts", {"contacts": [{"email": address(p), "lists": [list_name]}]})
        self.account.joins(p, list_name)

    @rule(p=a_person)
    def unsubscribe(self, p: int) -> None:
        if self.world.sandbox.admin("GET", f"inspect/contacts?email={address(p)}")["contacts"]:
            self._hand("contacts/unsubscribe", {"email": address(p)})
            self.account.unsubscribes(p)

    def _hand(self, path: str, body: dict[str, Any]) -> None:
        self.world.sandbox.admin("POST", path, body)

    # -- runs -----------------------------------------------------------------------------------

    @rule(name=an_export)
    def run(self, name: str) -> None:
        if self._can_run(name):
            self._ended(self.world.services.runs.start(CARL, name))
            self.account.runs(name)
            self._holds_add_up(name)

    @rule(name=an_export)
    def run_whose_import_fails(self, name: str) -> None:
        if self._can_run(name):
            self.world.fault("failed", activity="contacts_json_import", times=0)
            self._ended(self.world.services.runs.start(CARL, name), failed=True)
            self.world.sandbox.admin("DELETE", "faults")
            self.account.runs(name, fails=True)
            self._holds_add_up(name)

    @rule(name=an_export)
    def run_seen_late(self, name: str) -> None:
        """What it does shows only after its grace."""
        if self._can_run(name):
            self.world.sandbox.admin("PATCH", "config", {"visibility_seconds": 30})
            self._ended(self.world.services.runs.start(CARL, name), failed=True)
            self.world.sandbox.admin("POST", "clock", {"advance": 60})
            self.world.sandbox.admin("PATCH", "config", {"visibility_seconds": 0})
            self.account.runs(name)

    @rule(name=an_export)
    def run_through_an_outage(self, name: str) -> None:
        if self._can_run(name):
            self.world.fault("status", status=503, times=12)
            self._ended(self.world.services.runs.start(CARL, name))
            self.world.sandbox.admin("DELETE", "faults")
            self.account.runs(name)
            self._holds_add_up(name)

    def _can_run(self, name: str) -> bool:
        return name in self.account.exports and not self.account.exports[name].paused

    def _ended(self, run: Run, *, failed: bool = False, idle: bool = False) -> Run:
        """Drive the run to its end; `idle`: an undo for which hands at Constant Contact left nothing to do."""
        for _ in range(20):
            run = self.world.services.runs.drive_here(run.id)
            if run.state.ended:
                break
        well = {RunState.SUCCEEDED} | (
            {RunState.FAILED, RunState.SUCCEEDED_WITH_REJECTS} if failed else set()
        )
        if idle and run.state is RunState.BLOCKED:
            assert str(run.note).startswith("There was nothing to undo"), str(run.note)
            return run
        assert run.state in well, (run.state, str(run.note))
        self.undone[run.list_name] = run.id
        return run

    @rule(name=an_export)
    def preview(self, name: str) -> None:
        if name in self.account.exports:
            self.world.services.previews.preview(CARL, name, fresh=True)
            self.account.reads(self.account.exports[name].list_name)

    @precondition(lambda self: any(self.account.last.values()))
    @rule(list_name=a_list)
    def undo_the_last_run(self, list_name: str) -> None:
        done = self.account.last[list_name]
        if done is not None and (done.added or done.removed):
            run = self.world.services.runs.undo(CARL, self.undone[list_name])
            self.account.undoes(list_name)
            undone = self.account.last[list_name]
            self._ended(run, idle=undone is not None and not (undone.added or undone.removed))

    # -- exports --------------------------------------------------------------------------------

    @rule(name=an_export)
    def pause_or_go_on(self, name: str) -> None:
        if name in self.account.exports:
            then = self.account.exports[name]
            then.paused = not then.paused
            self.world.services.exports.pause(CARL, name, paused=then.paused)

    @rule(name=an_export, take_off=st.booleans())
    def move(self, name: str, take_off: bool) -> None:
        if name in self.account.exports:
            then = self.account.exports[name]
            old, new = then.list_name, next(n for n in LISTS if n != then.list_name)
            self.world.services.exports.change(CARL, name, contact_list=new, take_off=take_off)
            self._taken_off(take_off)
            then.list_name = new
            self.account.lets_go(name, old, take_off=take_off)

    @rule(name=an_export, take_off=st.booleans())
    def switch(self, name: str, take_off: bool) -> None:
        if name in self.account.exports:
            then = self.account.exports[name]
            mode = Mode.ADD_AND_UPDATE if then.mirror else Mode.MIRROR
            take_off = take_off and then.mirror
            self.world.services.exports.change(CARL, name, mode=mode, take_off=take_off)
            self._taken_off(take_off)
            if then.mirror:
                self.account.lets_go(name, then.list_name, take_off=take_off)
            then.mirror = not then.mirror

    @rule(name=an_export, take_off=st.booleans(), list_name=a_list)
    def remove_or_create(self, name: str, take_off: bool, list_name: str) -> None:
        if name not in self.account.exports:
            self._create(name, list_name)
            return
        self.world.services.runs.remove_export(CARL, name, take_off=take_off)
        self._taken_off(take_off)
        old = self.account.exports.pop(name)
        self.account.lets_go(name, old.list_name, take_off=take_off)

    def _taken_off(self, take_off: bool) -> None:
        live = self.world.services.runs.list(CARL, live=True)
        assert len(live) == int(take_off)
        for run in live:
            self._ended(run)

    # -- what must be so ------------------------------------------------------------------------

    def _holds_add_up(self, name: str) -> None:
        """As of the last delivery, every export to the list holds as many people as the account says."""
        for other, then in self.account.exports.items():
            if then.list_name == self.account.exports[name].list_name:
                held = self.world.services.exports.held(CARL, other)
                ours = self.account.held(other)
                everywhere = held.alone + sum(held.shared.values())
                assert everywhere >= sum(ours), (other, held, ours)

    @invariant()
    def every_list_holds_whom_it_must(self) -> None:
        if not hasattr(self, "world"):
            return
        for name in LISTS:
            there = {int(a[len("person") :].split("@")[0]) for a in self.world.on_list(name)} - {EVERYWHERE}
            assert there == self.account.on(name), name


EXAMPLES = settings().max_examples
TestModel = Model.TestCase
TestModel.settings = settings(
    max_examples=EXAMPLES * 5 // 6 if EXAMPLES >= 60 else 4,
    stateful_step_count=STEPS,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestModel.pytestmark = [pytest.mark.slow]  # so that it begins among the first
