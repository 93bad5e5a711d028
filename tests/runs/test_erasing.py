"""One person is erased by address: nothing kept here names them, and nothing brings them back."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from ccexport.errors import BadInput, Conflict, NotPermitted
from ccexport.model.words import Mode, RunState
from ccexport.plan.freeze import load_plan
from tests.world import ADA, CARL, World, person

GONE = "person3@example.com"


def everything(world: World) -> Iterator[tuple[Path, Any]]:
    """Every file of the data directory with what it holds, compressed or not."""
    for path in world.settings.data_dir.rglob("*"):
        if path.suffix == ".parquet":
            yield path, pq.read_table(path).to_pylist()
        elif path.suffix == ".duckdb":
            for snapshot in world.services.profile_store.snapshots():
                with world.services.profile_store.open(snapshot) as db:
                    yield path, db.rows("FROM s.profiles") + db.rows("FROM s.address_forms")
        elif path.is_file():
            yield path, path.read_bytes()


def naming(world: World, *words: str) -> list[str]:
    """The files in which one of the words stands."""
    found = {
        path.name for path, held in everything(world) for word in words if word.lower() in repr(held).lower()
    }
    return sorted(found)


def lived_in(world: World) -> None:
    """Two runs, a preview, a static list, a download of the destination: everything that names people."""
    people = [person(n) for n in range(6)] + [person(7, email="Person3@Example.com")]
    world.ready(people, mode=Mode.MIRROR)
    world.services.segments.create(ADA, "Friends", members=[GONE, "person1@example.com"])
    world.fault("partial_failed", path="contacts_json_import")
    world.run()
    world.ingest([person(n, first_name=f"New{n}") for n in range(6)])
    world.run()
    world.export("Other", segments=["Friends"])
    world.services.previews.preview(CARL, "Other")
    world.services.previews.preview(CARL, "News")


def test_nothing_names_the_person_any_more(world: World) -> None:
    lived_in(world)
    assert len(naming(world, GONE)) > 8

    receipt = world.services.maintenance.erase(ADA, " Person3@example.com ")

    assert naming(world, GONE, "New3", "c00003") == []
    assert "person3" not in repr(receipt)
    assert receipt.touched["plans"] == 2
    assert receipt.touched["deliveries"] == 1
    assert receipt.touched["snapshots_made_anew"] == 1
    assert receipt.still_on == ("Main: Newsletter",)
    assert any("delete it there" in str(remark) for remark in receipt.remarks)


def test_what_is_left_still_holds_together(world: World) -> None:
    lived_in(world)
    before = [dict(run.counts) for run in world.services.runs.list(CARL)]

    world.services.maintenance.erase(ADA, GONE)
    runs = world.services.runs.list(CARL)
    plans = [load_plan(world.services.ledger.files.plan_folder(r.plan_id), hashes=True) for r in runs]
    later = world.run()

    assert [dict(run.counts) for run in runs] == before
    assert all(
        len(world.services.runs.contacts(CARL, r.id)) == p.candidates + p.verdicts["remove"]
        for r, p in zip(runs, plans, strict=True)
    )
    assert len(world.services.runs.contacts(CARL, runs[0].id, email="person1@example.com")) == 1
    assert world.services.runs.contacts(CARL, runs[0].id, email=GONE) == []
    assert (later.state, later.counts["candidates"], later.counts["unchanged"]) == (RunState.SUCCEEDED, 5, 5)
    assert GONE in world.on_list()  # nobody is taken off behind the back of whoever decides there


def test_a_file_that_still_has_the_person_does_not_bring_them_back(world: World) -> None:
    lived_in(world)
    world.services.maintenance.erase(ADA, GONE)

    world.ingest([person(n) for n in range(7)])
    run = world.run()

    assert world.services.profiles.current(ADA).profiles == 6
    assert run.state is RunState.SUCCEEDED, run.note
    assert naming(world, GONE) == []


def test_a_run_from_a_snapshot_with_the_person_leaves_them_out(world: World) -> None:
    world.ready([person(n) for n in range(5)])
    world.services.maintenance.erase(ADA, GONE)
    world.services.profile_store.after_ingest = lambda snapshot: snapshot

    world.ingest([person(n) for n in range(5)])
    run = world.run()

    assert (run.counts["reason_suppressed"], run.counts["sent"]) == (1, 4)
    assert GONE not in world.on_list()


def test_an_undo_and_a_comparison_pass_the_erased_by(world: World) -> None:
    world.ready([person(n) for n in range(5)])
    first = world.run()
    world.ingest([person(n, first_name="X") for n in range(5)])
    second = world.run()
    world.services.maintenance.erase(ADA, GONE)

    plan = world.services.runs.undo_preview(CARL, second.id)
    found = world.services.runs.compare(CARL, first.id, second.id)

    assert (plan.to_send, plan.candidates) == (4, 4)
    assert found.differences["changed"] == 4


def test_erasing_is_refused_while_a_run_is_under_way_and_then_changes_nothing(world: World) -> None:
    world.ready([person(n) for n in range(5)])
    world.fault("status", path="/v3/activities/contacts_json_import", status=503, times=0)
    waiting = world.run()
    assert waiting.state is RunState.WAITING

    with pytest.raises(Conflict, match=waiting.id):
        world.services.maintenance.erase(ADA, GONE)

    world.sandbox.admin("DELETE", "faults")
    run = world.services.runs.drive_here(world.services.runs.resume(CARL, waiting.id).id)
    assert (run.state, GONE in world.on_list()) == (RunState.SUCCEEDED, True)


def test_erasing_is_for_administrators_of_real_addresses_and_audited_without_them(world: World) -> None:
    world.ready([person(n) for n in range(5)])
    world.services.system.suppress(CARL, [GONE])
    with pytest.raises(NotPermitted):
        world.services.maintenance.erase(CARL, GONE)
    with pytest.raises(BadInput, match="not an address"):
        world.services.maintenance.erase(ADA, "nobody")

    receipt = world.services.maintenance.erase(ADA, GONE)

    entry = next(e for e in world.services.system.audit(ADA) if e["action"] == "person erased")
    assert (entry["subject"], entry["detail"]["touched"]["suppression_entries"]) == (receipt.id, 1)
    assert "person3" not in repr(world.services.system.audit(ADA))
    assert naming(world, GONE) == []


def test_erasing_twice_finds_nothing_more(world: World) -> None:
    lived_in(world)
    world.services.maintenance.erase(ADA, GONE)

    again = world.services.maintenance.erase(ADA, GONE)

    assert dict(again.touched) == {}


@pytest.mark.parametrize("both", [True, False], ids=["before the old one is gone", "between the renames"])
def test_an_erasure_that_died_is_finished_by_the_next(world: World, both: bool) -> None:
    world.ready([person(n) for n in range(5)])
    run = world.run()
    folder = world.services.ledger.files.plan_folder(run.plan_id or "")
    old = folder.with_name(f".{folder.name}.old")
    if both:
        shutil.copytree(folder, old)
    else:
        folder.rename(old)

    world.services.maintenance.erase(ADA, GONE)

    assert naming(world, GONE) == []
    assert (load_plan(folder, hashes=True).candidates, old.exists()) == (5, False)


def test_an_account_that_cannot_be_asked_is_said_in_the_receipt(world: World) -> None:
    world.ready([person(n) for n in range(5)])
    world.sandbox.admin("POST", "revoke", {})

    receipt = world.services.maintenance.erase(ADA, GONE)

    assert any("Main could not be asked" in str(remark) for remark in receipt.remarks)
    assert naming(world, GONE) == []
