"""A plan that was not run is history too: it is kept, listed, and compared with another plan or run."""

from ccexport.plan.comparing import Difference
from tests.situations.test_on_the_list import at, people
from tests.world import ADA, CARL, VERA, World


def test_since_monday_more_and_fewer_because(world: World) -> None:
    """I looked on Monday; today the numbers are others, and I want to know why before I run it."""
    world.ready(people(range(10)))
    monday = world.services.previews.preview(CARL, "News")
    world.ingest(people(range(2, 13)))
    world.services.system.suppress(ADA, ["person2@example.com", "person3@example.com"])
    today = world.services.previews.preview(CARL, "News")
    run = world.run()

    found = world.services.previews.compare_plans(CARL, "News", monday.id, today.id)
    with_run = world.services.previews.compare_plans(CARL, "News", run.id, monday.id)
    seen = world.services.previews.compare_plans(VERA, "News", monday.id, today.id)
    plans = world.services.previews.plans(CARL, "News")

    assert {d: found.differences[d] for d in (Difference.NEW, Difference.GONE)} == {"new": 3, "gone": 4}
    assert (dict(found.new), dict(found.gone)) == (
        {"not_a_candidate": 3},
        {"not_a_candidate": 2, "suppressed": 2},
    )
    assert (with_run.earlier.id, with_run.later.run_id) == (monday.id, run.id)
    assert with_run.gone == found.gone
    assert {c.address for c in found.contacts} == at(0, 1, 2, 3, 10, 11, 12)
    assert all("•••" in contact.address for contact in seen.contacts)
    assert monday.id in [plan.id for plan in plans if not plan.run_id]
