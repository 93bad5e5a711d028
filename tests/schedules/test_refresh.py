"""Refreshes: off until switched on, the exports that follow, and nothing downstream of a stopped one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ccexport.errors import BadInput, NotPermitted
from ccexport.model.firings import RefreshState
from ccexport.model.schedules import Follows, Schedule
from ccexport.model.words import RunState, Trigger
from tests.schedules.conftest import Timed
from tests.world import ADA, CARL, VERA, person, write_csv

DAILY = {"every": "day", "at": ["03:00"]}


def watch(world: Timed, *, on: bool = True, **values: object) -> Path:
    source = write_csv(world.root / "crm.csv", [person(n) for n in range(5)])
    given = {"sources": [source], "id_field": "customer_id", "recurrence": DAILY, "on": on} | values
    world.services.refreshes.change(ADA, **given)
    return source


def test_it_is_off_until_a_person_switches_it_on(world: Timed) -> None:
    world.ready([person(1)])
    watch(world, on=False)
    world.until(world.at(4))

    assert world.services.refreshes.history(VERA) == []
    assert world.services.refreshes.next(VERA) == []
    assert str(world.services.schedules.get(VERA, "News").why) == (
        "The refresh is off, so this runs by hand only."
    )
    with pytest.raises(NotPermitted):
        world.services.refreshes.change(CARL, on=True)


def test_it_reads_the_sources_anew_and_then_the_exports_run(world: Timed) -> None:
    world.ready([person(1)])
    watch(world, zone="Europe/Oslo")
    world.until(world.at(3))

    (refresh,) = world.services.refreshes.history(VERA)
    assert (refresh.state, refresh.profiles, str(refresh.note)) == (RefreshState.DONE, 5, "5 profiles.")
    assert refresh.due_at == world.at(2)
    assert refresh.seconds is not None
    assert refresh.snapshot_id == world.services.profiles.current(VERA).id
    (run,) = world.runs()
    assert (run.state, run.trigger, run.actor) == (RunState.SUCCEEDED, Trigger.REFRESH, "schedule")
    assert len(world.on_list()) == 5


def test_only_the_exports_that_follow_run(world: Timed) -> None:
    world.ready([person(1)])
    watch(world)
    world.services.schedules.set(CARL, ["News"], Schedule(follows=Follows.NOTHING))
    world.until(world.at(4))

    assert [r.state for r in world.services.refreshes.history(VERA)] == [RefreshState.DONE]
    assert world.runs() == []


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: path.write_text("nothing,here\n"), "has no rows"),
        (lambda path: path.unlink(), "There is no file"),
        (lambda path: path.write_text("customer_id,email\nc1,a@example.com\n"), "country"),
    ],
    ids=["an empty file", "a missing file", "a lost field"],
)
def test_a_stopped_refresh_runs_nothing_and_the_exports_say_why(
    world: Timed, spoil: Callable[[Path], object], said: str
) -> None:
    world.ready([person(1)])
    source = watch(world)
    before = world.services.profiles.current(VERA).id
    spoil(source)
    world.until(world.at(4))

    (refresh,) = world.services.refreshes.history(VERA)
    assert refresh.state is RefreshState.STOPPED
    assert said in str(refresh.note)
    assert "\n" not in str(refresh.note)
    assert "@" not in str(refresh.note)
    assert world.runs() == []
    assert world.services.profiles.current(VERA).id == before
    why = world.services.schedules.get(VERA, "News").why
    assert str(why).startswith("The refresh of 1 March 2027 03:00 UTC was stopped, so nothing ran after it:")
    assert str(refresh.note) in str(why)


def test_the_next_good_refresh_clears_the_reason(world: Timed) -> None:
    world.ready([person(1)])
    source = watch(world)
    kept = source.read_text()
    source.write_text("nothing,here\n")
    world.until(world.at(4))
    source.write_text(kept)
    world.until(world.at(4, day=2), step=3600)

    states = [r.state for r in world.services.refreshes.history(VERA)]
    assert states == [RefreshState.DONE, RefreshState.STOPPED]
    assert not world.services.schedules.get(VERA, "News").why
    assert len(world.runs()) == 1


def test_of_several_missed_times_one_is_caught_up(world: Timed) -> None:
    world.ready([person(1)])
    watch(world, recurrence={"every": "day", "at": ["01:00", "02:00", "03:00", "04:00"]})
    world.clock.now = world.at(12, day=3)
    world.services.worker().run_once()

    (refresh,) = world.services.refreshes.history(VERA)
    assert refresh.due_at == world.at(4, day=3)


def test_a_person_can_refresh_now_even_while_it_is_off(world: Timed) -> None:
    world.ready([person(1)])
    watch(world, on=False)

    done = world.services.refreshes.run_here(CARL)

    assert (done.state, done.actor) == (RefreshState.DONE, "carl")
    assert [r.state for r in world.runs()] == [RunState.QUEUED]
    with pytest.raises(NotPermitted):
        world.services.refreshes.ask(VERA)


def test_a_refresh_whose_process_died_is_carried_out_again(world: Timed) -> None:
    world.ready([person(1)])
    watch(world, on=False)
    asked = world.services.refreshes.ask(CARL)
    world.services.ledger.refreshes.change(asked.id, state=RefreshState.RUNNING, started_at=world.clock())

    world.services.worker().run_once()

    assert world.services.ledger.refreshes.get(asked.id).state is RefreshState.DONE
    assert len(world.runs()) == 1


def test_patterns_are_watched_too(world: Timed) -> None:
    world.ready([person(1)])
    folder = world.root / "drop[1]"
    folder.mkdir()
    for number in range(2):
        write_csv(folder / f"part-{number}.csv", [person(number)])
    world.services.refreshes.change(
        ADA, sources=[str(world.root / "drop*" / "part-*.csv")], id_field="customer_id"
    )

    assert world.services.refreshes.run_here(CARL).profiles == 2
    with pytest.raises(BadInput, match="There is no file"):
        world.services.refreshes.change(ADA, sources=["/nowhere/*.csv"])
    with pytest.raises(BadInput, match="at most four times a day"):
        world.services.refreshes.change(
            ADA, recurrence={"every": "day", "at": [f"0{n}:00" for n in range(5)]}
        )


def test_a_segment_that_no_longer_fits_is_named_and_stops_nobody_else(world: Timed) -> None:
    world.ready([person(1)])
    world.services.segments.create(ADA, "Old", rule={"field": "updated_at", "op": "is_not_empty"})
    people = [{k: v for k, v in person(n).items() if k != "updated_at"} for n in range(3)]
    source = world.root / "less.csv"
    source.write_text(
        "customer_id,email,first_name,country,consent\n"
        + "".join(",".join(map(str, p.values())) + "\n" for p in people)
    )
    world.services.profiles.ingest(ADA, [source], id_field="customer_id", accept_changes=True)
    world.services.refreshes.change(ADA, sources=[source], id_field="customer_id")

    done = world.services.refreshes.run_here(CARL)

    assert done.state is RefreshState.DONE
    assert "The segment Old cannot be computed" in str(done.note)


def test_a_refresh_reads_the_named_sources_and_joins_them(world: Timed) -> None:
    """A file and a database; the one above wins, and what one of them lost stops the refresh."""
    world.ready([person(1)])
    crm = write_csv(world.root / "crm.csv", [person(n) for n in range(3)])
    shop = world.root / "shop-1.csv"
    shop.write_text("customer;orders;country\nc00001;7;Sweden\nc00009;1;Denmark\n")
    sources = world.services.sources
    sources.save(ADA, "CRM", files=[crm], key="customer_id")
    sources.save(ADA, "Shop", files=[world.root / "shop-*.csv"], key="customer")
    world.services.refreshes.change(ADA, recurrence=DAILY, on=True)
    world.until(world.at(3))

    (refresh,) = world.services.refreshes.history(VERA)
    assert (refresh.state, refresh.profiles) == (RefreshState.DONE, 4)
    assert world.services.profiles.profile(CARL, "c00001") | {"orders": 7, "country": "Norway"} == (
        world.services.profiles.profile(CARL, "c00001")
    )
    assert dict(world.services.profiles.current(VERA).conflicts) == {"country": 1}

    shop.write_text("customer;country\nc00001;Sweden\nc00009;Denmark\n")
    world.until(world.at(3, day=2))
    newest = world.services.refreshes.history(VERA)[0]
    assert (newest.state, newest.profiles) == (RefreshState.STOPPED, None)
    assert "the field 'orders' of Shop is gone" in str(newest.note) or "the field 'orders' is gone" in str(
        newest.note
    )
    released = world.services.refreshes.run_here(CARL, accept_changes=True)
    assert (released.state, released.profiles) == (RefreshState.DONE, 4)


def test_only_an_administrator_changes_sources_and_nobody_sees_a_password(world: Timed) -> None:
    sources = world.services.sources
    given = {"database": "postgresql://ada@db/crm", "query": "SELECT 1", "password": "s3cret"}
    with pytest.raises(NotPermitted):
        sources.save(CARL, "CRM", **given)
    sources.save(ADA, "CRM", **given)
    with pytest.raises(NotPermitted):
        sources.list(VERA)
    assert sources.names(VERA) == ["CRM"]
    sources.save(ADA, "crm", query="SELECT 2")
    (saved,) = sources.list(CARL)
    assert (saved.name, saved.query, sources.has_password(CARL, "CRM")) == ("CRM", "SELECT 2", True)
    assert "s3cret" not in repr(saved)
    with pytest.raises(BadInput, match="leave the password out of the address"):
        sources.save(ADA, "Shop", database="postgresql://ada:x@db/shop", query="SELECT 1")
    sources.save(ADA, "Shop", files=["/nowhere.csv"], first_in=["City"])
    with pytest.raises(BadInput, match="The source Shop comes first in 'city' already"):
        sources.save(ADA, "CRM", first_in=["city"])
    with pytest.raises(BadInput, match="Name every source once"):
        sources.order(ADA, ["CRM"])
    with pytest.raises(BadInput, match=r"There is no file /nowhere\.csv"):
        sources.preview(CARL, "Shop")
    sources.save(ADA, "CRM", files=["/crm.csv"], database=None, query=None)
    assert not sources.has_password(CARL, "CRM")
