"""The ledger's own suite runs on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ccexport.ledger import Ledger
from ccexport.model.exports import Connection, ExportConfig
from ccexport.model.runs import Batch, Run
from ccexport.model.words import BatchKind, BatchState, Role, RunState, Trigger
from tests.conftest import Clock


@pytest.fixture
def ledger(ledger_address: str, tmp_path: Path, clock: Clock) -> Iterator[Ledger]:
    opened = Ledger(ledger_address, tmp_path, clock=clock, shared_clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def with_export(ledger: Ledger, clock: Clock) -> Ledger:
    """A ledger with one connection and two exports to one list."""
    ledger.connections.add(make_connection(clock), tokens={"access_token": "a"}, agreed_text="yes")
    for name in ("one", "two"):
        ledger.exports.add(f"export-{name}", make_config(name), by="ada")
    return ledger


def make_connection(clock: Clock, **values: object) -> Connection:
    """A connection that names only what matters to the test."""
    base = {
        "id": "connection-1",
        "name": "Main",
        "account_id": "acc",
        "organisation": "Org",
        "account_email": "owner@example.com",
        "share": Role.CONTRIBUTOR,
        "agreed_by": "ada",
        "agreed_at": clock(),
        "connected_by": "ada",
        "connected_at": clock(),
        "privileges": ("contacts:write",),
    }
    return Connection(**(base | values))


def make_config(name: str, **values: object) -> ExportConfig:
    base = {
        "name": name,
        "connection_id": "connection-1",
        "list_id": "list-1",
        "list_name": "Newsletter",
        "segment_ids": ("segment-1",),
        "email": "email",
    }
    return ExportConfig(**(base | values))


def make_run(clock: Clock, **values: object) -> Run:
    base = {
        "id": "run-1",
        "export_id": "export-one",
        "export_name": "one",
        "export_version": 1,
        "connection_id": "connection-1",
        "account_id": "acc",
        "list_id": "list-1",
        "list_name": "Newsletter",
        "state": RunState.QUEUED,
        "trigger": Trigger.PERSON,
        "actor": "ada",
        "created_at": clock(),
    }
    return Run(**(base | values))


def make_batch(**values: object) -> Batch:
    base = {
        "run_id": "run-1",
        "number": 1,
        "kind": BatchKind.IMPORT,
        "state": BatchState.PENDING,
        "contacts": 3,
        "bytes": 100,
        "file": Path("/nowhere/0001.json"),
        "sha256": "0" * 64,
    }
    return Batch(**(base | values))
