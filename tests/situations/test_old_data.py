"""Data directories of earlier versions are put right where their history tells."""

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from ccexport.model.words import Mode
from ccexport.plan.standing import holds_path
from ccexport.runs.repair import Wrongly
from tests.situations.test_on_the_list import at, leave, people
from tests.world import ADA, World


def written_as_left(world: World, *numbers: int, old_form: bool) -> None:
    """As an earlier version wrote it, by the undo or late removal of its time."""
    ((_, _, path),) = world.services.ledger.files.all_deliveries()
    table = pq.read_table(path)
    chosen = pc.is_in(table["address"], value_set=pa.array(sorted(at(*numbers))))
    state = pc.if_else(chosen, "left", table["state"])
    table = table.set_column(table.column_names.index("state"), "state", state)
    if old_form:
        none = pa.array([[]] * len(table), pa.list_(pa.string()))
        table = table.append_column("exports", none)
        holds_path(path).unlink()
    pq.write_table(table, path)


@pytest.mark.parametrize("old_form", [False, True])
def test_whom_we_took_off_and_who_never_arrived_may_be_put_back(world: World, old_form: bool) -> None:
    """But not who left, nor who unsubscribed."""
    world.ready(people(range(10)), mode=Mode.MIRROR)
    world.run()
    leave(world, 0)
    world.ingest(people(range(6)))
    world.run()  # takes off 6 to 9
    world.ingest(people(range(6)) + people([10, 11]))
    world.fault("failed", activity="contacts_json_import")
    world.run()  # 10 and 11 never arrive
    world.sandbox.admin("POST", "contacts/unsubscribe", {"email": "person9@example.com"})
    world.services.previews.preview(ADA, "News", fresh=True)
    written_as_left(world, 0, 6, 7, 8, 9, 10, 11, old_form=old_form)
    maintenance = world.services.maintenance

    found = maintenance.repair(ADA, check=True)
    repaired, again = maintenance.repair(ADA), maintenance.repair(ADA)
    world.ingest(people(range(12)))
    run = world.run()

    assert found == repaired == [Wrongly("Newsletter", removed=3, missing=2)]
    assert again == []
    assert run.counts["verified"] >= 5, run.note
    assert world.on_list() == at(*range(1, 9), 10, 11)
