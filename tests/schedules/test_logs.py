"""The log names runs and batches, and no address and no token, whoever wrote the line."""

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccexport.logs import about, configure
from ccexport.model.words import RunState
from tests.world import ADA, World, person, write_csv


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    root, ours = logging.getLogger(), logging.getLogger("ccexport")
    before = root.level, ours.level
    handler = configure("json", "DEBUG", stream)
    yield stream
    root.removeHandler(handler)
    root.setLevel(before[0])
    ours.setLevel(before[1])


def test_the_log_of_whole_runs_holds_no_address_and_no_token(tmp_path: Path, written: io.StringIO) -> None:
    logging.getLogger().setLevel(logging.DEBUG)  # other people's libraries too
    world = World(tmp_path)
    people = [person(n) for n in range(20)] + [person(99, email="not an address@")]
    world.ready(people)
    assert world.run().state is RunState.SUCCEEDED
    world.fault("status", path="/v3/activities/contacts_json_import", status=400)
    world.ingest([person(n, first_name="New") for n in range(20)], accept_changes=True)
    assert world.run().state is RunState.FAILED
    tokens = world.services.ledger.connections.tokens(world.services.ledger.connections.all()[0].id)
    world.close()

    log = written.getvalue()
    secrets = [str(p["email"]) for p in people] + [
        v for v in tokens.values() if isinstance(v, str) and len(v) > 12
    ]
    assert len(secrets) > 21
    assert [s for s in secrets if s in log] == []
    assert "%40" not in log
    assert "a-client-secret" not in log


def test_each_line_is_json_and_says_which_run_and_batch(tmp_path: Path, written: io.StringIO) -> None:
    world = World(tmp_path)
    world.ready([person(n) for n in range(3)])
    run = world.run()
    world.close()

    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    sent = [line for line in lines if line["message"].startswith("sent 3 contacts")]
    assert [(line["run"], line["batch"], line["level"]) for line in sent] == [(run.id, 1, "INFO")]
    assert {"at", "level", "logger", "message"} <= set(lines[0])


def test_a_refresh_is_named_in_its_lines(tmp_path: Path, written: io.StringIO) -> None:
    world = World(tmp_path)
    source = write_csv(tmp_path / "crm.csv", [person(1)])
    world.services.refreshes.change(ADA, sources=[source], id_field="customer_id")
    done = world.services.refreshes.run_here(ADA)
    world.close()

    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    ended = [line for line in lines if line["message"] == "the refresh is done"]
    assert [line["refresh"] for line in ended] == [done.id]


def test_what_looks_like_an_address_or_a_token_is_left_out(written: io.StringIO) -> None:
    log = logging.getLogger("ccexport.test")
    with about(run="run-1"):
        try:
            raise ValueError("for anna@example.com")
        except ValueError:
            log.exception("GET /contacts?email=anna%40example.com Bearer abcdefgh12345")

    line = json.loads(written.getvalue())
    assert "anna" not in written.getvalue()
    assert "abcdefgh12345" not in written.getvalue()
    assert line["run"] == "run-1"
    assert "ValueError" in line["traceback"]


def test_text_is_for_people(written: io.StringIO) -> None:
    stream = io.StringIO()
    handler = configure("text", "INFO", stream)
    with about(run="run-1"):
        logging.getLogger("ccexport.test").info("hello b@example.com")
        logging.getLogger("ccexport.test").debug("too quiet")
    logging.getLogger().removeHandler(handler)

    assert stream.getvalue() == "INFO ccexport.test: hello … run=run-1\n"
