"""A ledger of every earlier version, with data in it, is brought to the newest and keeps everything."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData, create_engine, insert, select, text
from sqlalchemy.engine import make_url

import ccexport.ledger
from ccexport.ledger import Ledger
from ccexport.ledger.maintenance import NEWEST
from ccexport.ledger.tables import metadata
from ccexport.messages import verbatim
from ccexport.model.schedules import Follows, Schedule
from ccexport.model.words import Role, RunState
from tests.conftest import ROOT, Clock

AT = datetime(2026, 11, 1, 10)  # noqa: DTZ001 (as it is stored)
# What came with each version, written without the program: that only ever writes the newest.
ROWS: dict[str, dict[str, dict[str, Any]]] = {
    "0001": {
        "connections": {
            "id": "connection-1",
            "name": "Main",
            "account_id": "acc",
            "organisation": "Org",
            "account_email": "o@example.com",
            "share": "contributor",
            "agreed_by": "ada",
            "agreed_at": AT,
            "agreed_text": "yes",
            "connected_by": "ada",
            "connected_at": AT,
            "privileges": [],
            "state": "connected",
            "state_reason": "Connect again.",
            "tokens": b"x",
            "removed": False,
        },
        "exports": {
            "id": "export-one",
            "name": "one",
            "version": 1,
            "config": {
                "name": "one",
                "connection_id": "connection-1",
                "list_id": "list-1",
                "list_name": "Newsletter",
                "segment_ids": ["s"],
                "email": "email",
            },
            "created_by": "ada",
            "updated_by": "ada",
            "updated_at": AT,
            "paused": False,
            "removed": False,
        },
        "runs": {
            "id": "run-1",
            "export_id": "export-one",
            "export_name": "one",
            "export_version": 1,
            "connection_id": "connection-1",
            "account_id": "acc",
            "list_id": "list-1",
            "list_name": "Newsletter",
            "state": "failed",
            "trigger": "person",
            "actor": "ada",
            "created_at": AT,
            "note": "It broke.",
            "cancel_requested": False,
            "counts": {},
            "facts": {},
            "live": False,
        },
        "run_events": {
            "id": 7,
            "run_id": "run-1",
            "at": AT,
            "actor": "ada",
            "state": "failed",
            "text": "It broke.",
        },
    },
    "0002": {
        "schedules": {
            "export_id": "export-one",
            "config": {"follows": "nothing"},
            "role": "contributor",
            "since": AT,
            "updated_by": "ada",
            "updated_at": AT,
        },
        "notice_states": {"subject": "export:export-one", "state": "failed", "seen": 7, "at": AT},
    },
}
# The columns that became sentences with template and values, and since which version.
SENTENCES = {
    ("runs", "note"): "0006",
    ("run_events", "text"): "0006",
    ("connections", "state_reason"): "0007",
}


def versions() -> list[str]:
    """Oldest first."""
    return [r.revision for r in reversed(list(ScriptDirectory.from_config(_config()).walk_revisions()))]


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(ccexport.ledger.__file__).parent / "migrations"))
    return config


def _engine(address: str) -> Engine:
    url = make_url(address)
    return create_engine(url.set(drivername="postgresql+psycopg") if "postgresql" in address else url)


@contextmanager
def _migrated(address: str, version: str) -> Iterator[Connection]:
    """A database brought from nothing to that version by the migrations."""
    engine, config = _engine(address), _config()
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, version)
        yield connection
        connection.commit()
    engine.dispose()


def _ledger_of(version: str, address: str) -> dict[str, dict[str, Any]]:
    """A ledger of that version with the rows of it and of all before; gives those rows."""
    rows = {table: row for v, made in ROWS.items() if v <= version for table, row in made.items()}
    with _migrated(address, version) as connection:
        tables = MetaData()
        tables.reflect(connection)
        for table, row in rows.items():
            kept = {
                c: _stored(value) if _is_sentence(table, c, version) else value for c, value in row.items()
            }
            connection.execute(insert(tables.tables[table]).values(**kept))
    return rows


def _is_sentence(table: str, column: str, version: str) -> bool:
    return version >= SENTENCES.get((table, column), "9999")


def _stored(text: str) -> str:
    return json.dumps(verbatim(text).to_json())


def test_every_version_is_known_here_and_to_the_operator() -> None:
    text = (ROOT / "docs" / "operate.md").read_text("utf-8")

    assert versions()[-1] == NEWEST
    assert re.findall(r"^\| (\d{4}) \|", text, re.MULTILINE) == versions()


def test_the_migrations_make_exactly_the_tables_of_a_new_ledger(ledger_address: str, tmp_path: Path) -> None:
    """Only an old ledger is migrated; a new one is made at once, and must not be told from it."""
    with _migrated(ledger_address, NEWEST) as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        by_migrations = _described(connection)
        schema = MetaData()
        schema.reflect(connection)
        schema.drop_all(connection)

    Ledger(ledger_address, tmp_path).close()

    engine = _engine(ledger_address)
    with engine.connect() as connection:
        assert _described(connection) == by_migrations
    engine.dispose()


def _described(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Every table, column, constraint and index, and the version, in the words of the database itself."""
    if connection.dialect.name == "sqlite":
        queries = [
            "SELECT m.name, c.* FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'",
            'SELECT m.name, f."table", f."from", f."to", f.on_update, f.on_delete '
            "FROM sqlite_master m, pragma_foreign_key_list(m.name) f",
            'SELECT m.name, i.name, i."unique", i.partial FROM sqlite_master m, pragma_index_list(m.name) i',
            "SELECT name, sql FROM sqlite_master WHERE type = 'index'",
        ]
    else:
        queries = [
            "SELECT table_name, column_name, ordinal_position, column_default, is_nullable, data_type, "
            "character_maximum_length FROM information_schema.columns WHERE table_schema = 'public'",
            "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE connamespace = 'public'::regnamespace",
            "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
        ]
    queries.append("SELECT version_num FROM alembic_version")
    return {query: sorted(map(tuple, connection.execute(text(query))), key=repr) for query in queries}


@pytest.mark.parametrize("version", versions()[:-1])
def test_a_ledger_of_an_earlier_version_keeps_everything(
    version: str, ledger_address: str, tmp_path: Path, clock: Clock
) -> None:
    rows = _ledger_of(version, ledger_address)

    ledger = Ledger(ledger_address, tmp_path, shared_clock=clock)

    assert ledger.exports.named("one").config.list_name == "Newsletter"
    run = ledger.runs.get("run-1")
    assert (run.state, str(run.note)) == (RunState.FAILED, "It broke.")
    assert (ledger.schedules.get("export-one") is not None) == ("schedules" in rows)
    assert not ledger.refreshes.settings()[0].on
    assert ledger.sources.all() == []
    word = "failed" if "notice_states" in rows else "fine"
    assert ledger.notices.told() == {"export:export-one": (word, 7)}
    ledger.close()
    _same(rows, ledger_address)
    again = Ledger(ledger_address, tmp_path, shared_clock=clock)
    again.schedules.save("export-one", Schedule(follows=Follows.NOTHING), by="ada", role=Role.CONTRIBUTOR)
    saved = again.schedules.get("export-one")
    assert saved is not None
    assert saved.schedule.follows is Follows.NOTHING
    again.close()


def _same(rows: dict[str, dict[str, Any]], address: str) -> None:
    engine = _engine(address)
    tables = MetaData()
    tables.reflect(engine)
    with engine.connect() as connection:
        for table, row in rows.items():
            found = dict(connection.execute(select(tables.tables[table])).mappings().one())
            for key in found.keys() & {column for t, column in SENTENCES if t == table}:
                sentence = json.loads(found[key])
                assert sentence.keys() == {"template", "values"}
                assert (sentence["template"], sentence["values"].keys()) == ("{text}", {"text"})
                found[key] = sentence["values"]["text"]
            assert {key: found[key] for key in row} == row, table
    engine.dispose()
