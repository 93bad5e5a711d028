"""A world per test, what it sent, and profiles with whatever columns a trap needs."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from ccexport.model.exports import Export, MappedField
from ccexport.model.runs import Run
from tests.conformance.exchange import Recorder, recorded
from tests.world import ADA, CARL, World


@pytest.fixture
def wire() -> Iterator[Recorder]:
    """Every request from here on, as the product handed it to its transport."""
    with recorded() as recorder:
        yield recorder


@pytest.fixture
def world(tmp_path: Path, wire: Recorder) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


def ingest(world: World, rows: Sequence[Mapping[str, object]]) -> None:
    """Profiles with the columns of the first row."""
    path = world.root / "profiles.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    world.services.profiles.ingest(ADA, [path], id_field="customer_id", accept_changes=True)


def prepared(world: World, rows: Sequence[Mapping[str, object]], **export: Any) -> Export:
    """These profiles, all in one segment, and the export `News` of it to an empty list."""
    ingest(world, rows)
    world.services.segments.create(ADA, "Everybody", everybody=True)
    world.connect()
    world.services.connections.create_list(ADA, "Main", world.list_name)
    return world.export("News", **export)


def mapped(*names: str) -> list[MappedField]:
    """Contact fields filled from the profile fields of the same names."""
    return [MappedField(target=name, source=name) for name in names]


def imported(wire: Recorder) -> list[list[dict[str, Any]]]:
    """The contacts of every import request, in order."""
    return [
        json.loads(one.body)["import_data"]
        for one in wire.api
        if one.asked == "POST /activities/contacts_json_import"
    ]


def contacts(wire: Recorder) -> list[dict[str, Any]]:
    """The contacts of all import requests."""
    return [contact for body in imported(wire) for contact in body]


def reasons(world: World, run: Run) -> dict[str, str | None]:
    """Why each profile was left out, None for those that were not."""
    return {row.profile_id: row.reason for row in world.services.runs.contacts(CARL, run.id)}


def outcomes(world: World, run: Run) -> dict[str, str | None]:
    """What became of each address sent."""
    rows = world.services.runs.contacts(CARL, run.id)
    return {str(row.address): row.outcome for row in rows if row.outcome}
