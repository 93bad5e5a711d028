"""Questions about many runs: what is found, and that no question reads the whole history."""

from datetime import timedelta

import pytest
from sqlalchemy import event

from ccexport.ledger import Ledger
from ccexport.messages import verbatim
from ccexport.model.words import RunState
from tests.conftest import Clock
from tests.ledger.conftest import make_run

HISTORY = {"runs", "run_events", "batches", "firings", "notices", "audit"}


def _ran(ledger: Ledger, clock: Clock, number: int, state: RunState, **counts: int) -> str:
    """A run of its own day that ended like this."""
    made = ledger.runs.create(make_run(clock, id=f"run-{number}"))
    ledger.runs.move(made.id, RunState.PLANNING, verbatim("Planning."), actor="ada")
    ledger.runs.move(made.id, state, verbatim("It ended."), actor="ada", counts=counts)
    clock.sleep(86_400)
    return made.id


def test_the_newest_run_of_each_export_is_found(with_export: Ledger, clock: Clock) -> None:
    _ran(with_export, clock, 1, RunState.FAILED)
    newest = _ran(with_export, clock, 2, RunState.CANCELLED)

    found = with_export.history.last_of(["export-one", "export-two", "export-none"])

    assert {export: run.id for export, run in found.items()} == {"export-one": newest}
    assert with_export.history.last_times() == {"export-one": with_export.runs.get(newest).created_at}


def test_an_export_is_in_need_only_while_its_newest_run_is(with_export: Ledger, clock: Clock) -> None:
    failed = _ran(with_export, clock, 1, RunState.FAILED)
    assert [run.id for run in with_export.history.last_in(RunState.FAILED, limit=5)] == [failed]

    _ran(with_export, clock, 2, RunState.CANCELLED)

    assert with_export.history.last_in(RunState.FAILED, limit=5) == []


def test_a_removed_export_is_in_need_of_nobody(with_export: Ledger, clock: Clock) -> None:
    _ran(with_export, clock, 1, RunState.FAILED)

    with_export.exports.mark("export-one", removed=True)

    assert with_export.history.last_in(RunState.FAILED, limit=5) == []


def test_sums_count_what_was_begun_since_and_know_a_new_run_at_once(
    with_export: Ledger, clock: Clock
) -> None:
    since = clock()
    _ran(with_export, clock, 1, RunState.CANCELLED, sent=5, verified=4)
    assert with_export.history.totals(since, ("sent", "verified")) == (1, {"sent": 5, "verified": 4})

    _ran(with_export, clock, 2, RunState.CANCELLED, sent=2)

    assert with_export.history.totals(since, ("sent", "verified")) == (2, {"sent": 7, "verified": 4})
    assert with_export.history.totals(clock(), ("sent",)) == (0, {"sent": 0})


def test_a_period_has_the_runs_that_ended_in_it(with_export: Ledger, clock: Clock) -> None:
    start = clock()
    _ran(with_export, clock, 1, RunState.CANCELLED, verified=4)
    _ran(with_export, clock, 2, RunState.CANCELLED, verified=3, missing=1)
    edges = [start + timedelta(days=n) for n in range(4)]

    assert with_export.history.by_period(edges, ("verified", "missing")) == [
        {"verified": 4, "missing": 0},
        {"verified": 3, "missing": 1},
        {"verified": 0, "missing": 0},
    ]


def test_what_ran_ever_is_named_as_it_was_last(with_export: Ledger, clock: Clock) -> None:
    _ran(with_export, clock, 1, RunState.CANCELLED)
    with_export.runs.create(
        make_run(clock, id="run-2", export_id="export-two", export_name="Two", list_id="list-2", actor="bo")
    )
    with_export.runs.move("run-2", RunState.CANCELLED, verbatim("Enough."), actor="bo")
    clock.sleep(86_400)
    with_export.runs.create(
        make_run(
            clock, id="run-3", export_id="export-two", export_name="Second", list_id="list-2", actor="bo"
        )
    )

    ever = with_export.history.ever()

    assert list(ever.exports.items()) == [("export-one", "one"), ("export-two", "Second")]
    assert set(ever.lists) == {"list-1", "list-2"}
    assert ever.people == ("ada", "bo")


@pytest.mark.parametrize(
    "asked",
    [
        lambda ledger: ledger.runs.all(limit=20),
        lambda ledger: ledger.runs.all(live=True),
        lambda ledger: ledger.runs.all(export_id="export-one", limit=1),
        lambda ledger: ledger.runs.all(list_id="none", limit=50),
        lambda ledger: ledger.runs.all(actor="nobody", limit=50),
        lambda ledger: ledger.runs.all(state=RunState.FAILED, limit=50),
        lambda ledger: ledger.runs.durations("connection-1"),
        lambda ledger: ledger.history.last_of(["export-one"]),
        lambda ledger: ledger.history.last_times(),
        lambda ledger: ledger.history.last_in(RunState.FAILED, limit=5),
        lambda ledger: ledger.history.ever(),
        lambda ledger: ledger.history.totals(ledger.clock(), ("sent",)),
        lambda ledger: ledger.history.by_period([ledger.clock()] * 3, ("sent",)),
        lambda ledger: ledger.schedules.last_firings(["export-one"]),
        lambda ledger: ledger.notices.all(limit=5),
        lambda ledger: ledger.notices.failing(ledger.clock()),
        lambda ledger: ledger.audit.all(limit=5),
    ],
)
def test_no_page_reads_the_whole_history(with_export: Ledger, clock: Clock, asked: object) -> None:
    """SQLite says how it would look: never through a whole table of the history, nor by sorting one."""
    if "sqlite" not in str(with_export._database.engine.url):
        pytest.skip("the plan of PostgreSQL depends on how many rows there are")
    said: list[tuple[str, object]] = []

    def listen(connection: object, cursor: object, statement: str, parameters: object, *_: object) -> None:
        if statement.startswith(("SELECT", "WITH")):
            said.append((statement, parameters))

    event.listen(with_export._database.engine, "before_cursor_execute", listen)
    asked(with_export)  # type: ignore[operator]
    event.remove(with_export._database.engine, "before_cursor_execute", listen)

    assert said
    with with_export._database.engine.connect() as connection:
        for statement, parameters in said:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()  # type: ignore[arg-type]
            first_few = "LIMIT" in statement and "WHERE" not in statement
            for step in (str(row[3]) for row in plan):
                words = step.split()
                whole = words[0] == "SCAN" and words[1] in HISTORY and "ix_runs_live" not in words
                assert first_few or not whole, (step, statement)
                sorted_whole = "TEMP B-TREE FOR ORDER BY" in step and "GROUP BY" not in statement
                assert not sorted_whole or "JOIN" in statement, (step, statement)
