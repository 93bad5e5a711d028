"""A ledger of every earlier version, with data in it, is brought to the newest."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

import ccexport.ledger
from ccexport.ledger import Ledger
from ccexport.model.schedules import Follows, Schedule
from ccexport.model.words import Role, RunState
from tests.conftest import Clock

MIGRATIONS = Path(ccexport.ledger.__file__).parent / "migrations"
AT = "2026-11-01 10:00:00.000000"
# Written as SQL and not by the program: the program only ever writes the newest version.
ROWS = (
    "INSERT INTO connections VALUES ('connection-1', 'Main', 'acc', 'Org', 'o@example.com', 'contributor', 'ada',"
    f" '{AT}', 'yes', 'ada', '{AT}', '[]', 'connected', '', NULL, NULL, NULL, :tokens, false)",
    'INSERT INTO exports VALUES (\'export-one\', \'one\', 1, \'{"name": "one", "connection_id": "connection-1",'
    ' "list_id": "list-1", "list_name": "Newsletter", "segment_ids": ["s"], "email": "email"}\','
    f" 'ada', 'ada', '{AT}', false, false)",
    "INSERT INTO runs (id, export_id, export_name, export_version, connection_id, account_id, list_id, list_name,"
    " state, trigger, actor, created_at, note, cancel_requested, counts, facts, live) VALUES ('run-1',"
    " 'export-one', 'one', 1, 'connection-1', 'acc', 'list-1', 'Newsletter', 'failed', 'person', 'ada',"
    f" '{AT}', 'It broke.', false, '{{}}', '{{}}', false)",
    "INSERT INTO run_events (id, run_id, at, actor, state, text) VALUES (7, 'run-1',"
    f" '{AT}', 'ada', 'failed', 'It broke.')",
)


def _ledger_of(version: str, address: str) -> None:
    url = make_url(address)
    engine = create_engine(url.set(drivername="postgresql+psycopg") if "postgresql" in address else url)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, version)
        for row in ROWS:
            statement = text(
                row.replace('": "', '"\\: "').replace('": [', '"\\: [').replace(":00:00", "\\:00\\:00")
            )
            connection.execute(statement, {"tokens": b"x"} if ":tokens" in row else {})
        connection.commit()
    engine.dispose()


def test_a_ledger_of_the_first_version_keeps_everything(
    ledger_address: str, tmp_path: Path, clock: Clock
) -> None:
    _ledger_of("0001", ledger_address)

    ledger = Ledger(ledger_address, tmp_path, clock=clock)

    assert ledger.exports.named("one").config.list_name == "Newsletter"
    assert ledger.runs.get("run-1").state is RunState.FAILED
    assert ledger.schedules.get("export-one") is None
    assert ledger.sources.all() == []
    assert not ledger.refreshes.settings()[0].on
    assert ledger.notices.told() == {"export:export-one": ("fine", 7)}
    ledger.schedules.save("export-one", Schedule(follows=Follows.NOTHING), by="ada", role=Role.CONTRIBUTOR)
    ledger.close()

    again = Ledger(ledger_address, tmp_path, clock=clock)
    saved = again.schedules.get("export-one")
    assert saved is not None
    assert saved.schedule.follows is Follows.NOTHING
    again.close()
