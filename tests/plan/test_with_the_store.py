"""A plan on a snapshot as the profile store makes it, from a file."""

import json
from pathlib import Path

from ccexport.plan.make import make_plan
from ccexport.plan.reading import rows
from ccexport.profiles.store import ProfileStore
from tests.plan.factories import World, bodies_of, clock, mapped


def test_a_file_becomes_a_plan(tmp_path: Path) -> None:
    """Ingest, plan, bodies."""
    file = tmp_path / "people.csv"
    lines = ["id,email,fornavn,fodt,sist", "1, Kari@Example.com ,Kåre,1990-02-28,2026-01-01"]
    lines += [
        "2,kari@example.com,Kari,1990-03-01,2026-02-01",
        "3,ola@bücher.example.org,,,2026-01-01",
        "4,,Eva,,",
    ]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    store = ProfileStore(tmp_path / "store", memory_limit="256MB", clock=clock)
    snapshot = store.ingest([file]).snapshot
    world = World(tmp_path)
    world.snapshot = snapshot
    given = world.inputs(fields=mapped("first_name=fornavn", "birthday=fodt"), newest_by="sist")
    plan = make_plan(given, tmp_path / "plan-1", profiles=store, plan_id="plan-1", clock=clock)
    assert [(r.profile_id, str(r.verdict or r.reason), r.winner) for r in rows(plan)] == [
        ("1", "duplicate", "2"),
        ("2", "add", None),
        ("3", "add", None),
        ("4", "no_email", None),
    ]
    assert json.loads(bodies_of(plan)[0])["import_data"] == [
        {"email": "kari@example.com", "first_name": "Kari", "birthday_month": 3, "birthday_day": 1},
        {"email": "ola@xn--bcher-kva.example.org"},
    ]
