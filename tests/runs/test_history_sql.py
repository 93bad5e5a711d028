"""The history in SQL: what the tables hold, and that a question reaches nothing else."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ccexport.errors import BadInput, NotPermitted
from ccexport.services.history_sql import BATCHES, OUTCOMES, RUNS, SIZES
from tests.conftest import ROOT
from tests.world import CARL, VERA, World, person


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("history"))
    made.ready([person(n) for n in range(12)])
    made.run()
    yield made
    made.close()


def test_runs_batches_outcomes_and_sizes_are_tables(world: World) -> None:
    ask = world.services.history.ask
    assert ask(VERA, "SELECT export, state, verified FROM runs").rows == [("News", "succeeded", 12)]
    assert ask(VERA, "SELECT sum(contacts)::INT FROM batches").rows == [(12,)]
    assert ask(VERA, "SELECT segment, members FROM segment_sizes").rows == [("Everybody", 12)]
    assert ask(CARL, "SELECT count(*) FROM outcomes WHERE outcome = 'verified';").rows == [(12,)]
    assert len(ask(CARL, "SELECT * FROM outcomes -- all", limit=5).rows) == 5


def test_people_are_for_contributors(world: World) -> None:
    with pytest.raises(NotPermitted, match="Ask an administrator"):
        world.services.history.ask(VERA, 'SELECT * FROM "OUTCOMES"')


def test_a_question_reaches_nothing_else(world: World, tmp_path: Path) -> None:
    secret, out = world.settings.data_dir / "secret.key", tmp_path / "out.csv"
    for sql in (
        f"SELECT * FROM read_text('{secret}')",
        f"SELECT * FROM '{world.root / 'people.csv'}'",
        "SELECT * FROM glob('/*')",
        "SELECT 1) ; SET enable_external_access = true; SELECT * FROM (SELECT 1",
        f"SELECT 1); COPY (SELECT 1) TO '{out}'; SELECT * FROM (SELECT 1",
        f"SELECT 1); ATTACH '{out}' AS x; SELECT * FROM (SELECT 1",
        "SELECT 1); INSTALL httpfs; SELECT * FROM (SELECT 1",
        "DROP TABLE runs",
        "nothing of the kind",
        "",
    ):
        with pytest.raises(BadInput, match="one SELECT"):
            world.services.history.ask(CARL, sql)
    assert not out.exists()


def test_the_columns_are_documented() -> None:
    text = (ROOT / "docs" / "history.md").read_text("utf-8")
    for columns in (RUNS, BATCHES, OUTCOMES, SIZES):
        assert ", ".join(f"`{name}`" for name in columns) in text
