"""Schedules and the refresh in the pages: seen by all, changed by those who may, running nothing."""

from pathlib import Path

from ccexport.model.exports import Actor
from ccexport.model.schedules import Every, Follows, Recurrence, Schedule, Weekday
from ccexport.model.words import Role
from tests.ui.conftest import Pages, said

CONTRIBUTOR = Actor("contributor", Role.CONTRIBUTOR)
WEEKLY = Schedule(
    follows=Follows.TIMES,
    recurrence=Recurrence(every=Every.WEEK, days=(Weekday.FRIDAY,), at=("06:30",)),
    zone="Europe/Oslo",
)


def test_a_schedule_is_seen_in_the_list_in_the_settings_and_on_the_overview(demo: Pages) -> None:
    services = demo.services
    copy = services.exports.duplicate(CONTRIBUTOR, "Newsletter", "Every Friday")
    services.schedules.set(CONTRIBUTOR, [copy.id], WEEKLY)
    assert "Next run" in said(demo.open("exports", "viewer"))
    page = demo.open("exports", "viewer", export=copy.id, show="settings")
    assert "Next run" in said(page) and "After that" in said(page)
    assert "Save the schedule" not in said(page)
    page = demo.open("overview", "viewer")
    assert not page.exception
    assert "Nothing runs by itself" not in said(page)
    services.exports.remove(CONTRIBUTOR, copy.id)


def test_a_contributor_sets_a_schedule_and_nothing_runs(demo: Pages) -> None:
    """Every day at 06:00 unless another time is written; a wrong one gets its sentence."""
    services = demo.services
    copy = services.exports.duplicate(CONTRIBUTOR, "Newsletter", "Every day")
    before = len(services.ledger.runs.all(limit=1000))
    page = demo.open("exports", "contributor", export=copy.id, show="settings")
    page.radio("schedule_follows").set_value(Follows.TIMES)
    demo.run(page, "contributor")
    page.text_input("schedule_at").input("25:00")
    page.button("save_schedule").click()
    demo.run(page, "contributor")
    assert "is not a time such as" in page.error[0].value
    page.text_input("schedule_at").input("05:15, 17:00")
    page.text_input("schedule_zone").input("Europe/Oslo")
    page.button("save_schedule").click()
    demo.run(page, "contributor")
    assert not page.error
    saved = services.schedules.get(CONTRIBUTOR, copy.id)
    assert saved.words == "every day at 05:15, 17:00 (Europe/Oslo)"
    assert len(services.ledger.runs.all(limit=1000)) == before
    services.exports.remove(CONTRIBUTOR, copy.id)


def test_an_administrator_switches_the_refresh_on_and_others_see_it(empty: Pages, tmp_path: Path) -> None:
    """A file that is not there is named; then the times are shown to all."""
    page = empty.open("system", "administrator", view="refresh")
    assert "Off: the profiles change only" in page.info[0].value
    page.toggle("refresh_on").set_value(True)
    page.text_area("refresh_sources").input(str(tmp_path / "none.csv"))
    page.button("save_refresh").click()
    empty.run(page, "administrator")
    assert "There is no file" in page.error[0].value
    file = tmp_path / "profiles.csv"
    file.write_text("customer_id,email\n1,a@example.com\n")
    page.text_area("refresh_sources").input(str(file))
    page.button("save_refresh").click()
    empty.run(page, "administrator")
    assert "On: the next refresh is" in page.success[0].value

    page = empty.open("system", "viewer", view="refresh")
    assert "On: the next refresh is" in page.success[0].value
    assert not page.button

    page = empty.open("system", "contributor", view="refresh")
    next(b for b in page.button if b.label == "Refresh now").click()
    empty.run(page, "contributor")
    assert [r.actor for r in empty.services.ledger.refreshes.all(limit=5)] == ["contributor"]
    page = empty.open("system", "viewer", view="refresh")
    assert list(page.dataframe[0].value["State"]) == ["Due"]
