"""“Is this person in, and if not, why?”, answered on the preview and on a run."""

import pytest

from ccexport.model.exports import Actor
from ccexport.model.words import Reason, Role, Verdict
from tests.ui.conftest import Pages, said

CONTRIBUTOR = Actor("contributor", Role.CONTRIBUTOR)


def ask(demo: Pages, asked: str, *, of_a_run: bool = False) -> str:
    export = demo.services.exports.get(CONTRIBUTOR, "Newsletter")
    if of_a_run:
        run = demo.services.runs.list(CONTRIBUTOR, export=export.id, limit=100)[-1]
        page = demo.open("runs", "contributor", run=run.id)
    else:
        page = demo.open("exports", "contributor", export=export.id, show="preview")
    page.text_input("run_person" if of_a_run else "plan_person").set_value(asked)
    text = said(demo.run(page, "contributor"))
    return text + "\n".join(frame.value.to_string() for frame in page.dataframe)


def row(demo: Pages, what: str) -> tuple[str, str]:
    """The profile and the address of somebody of whom that was decided."""
    plan = demo.services.previews.preview(CONTRIBUTOR, "Newsletter")
    found = demo.services.previews.rows(CONTRIBUTOR, plan, what=what, limit=1)[0]
    return found.profile_id, found.address or ""


def test_who_is_left_out_is_answered_with_the_reason_and_the_segments(demo: Pages) -> None:
    profile_id, address = row(demo, Reason.NO_CONSENT)
    for asked in (profile_id, address):
        text = ask(demo, asked)
        assert "No consent" in text and "There is no consent for this address." in text
        assert "Segments:** Newsletter readers" in text


def test_who_was_sent_is_answered_with_the_outcome_and_every_run(demo: Pages) -> None:
    plan = demo.services.runs.plan(
        CONTRIBUTOR, demo.services.runs.list(CONTRIBUTOR, export="Newsletter", limit=100)[-1].id
    )
    assert plan is not None
    sent = demo.services.previews.rows(CONTRIBUTOR, plan, what=Verdict.ADD, limit=1)[0]
    text = ask(demo, sent.profile_id, of_a_run=True)
    assert "Verified" in text and "In the runs of exports" in text


def test_a_profile_that_is_no_candidate_is_told_the_segments_it_is_in(demo: Pages) -> None:
    """The rule did not match: the answer names the segment it is not in, and those it is in."""
    services = demo.services
    readers = {s["_id"] for s in services.segments.members_page(CONTRIBUTOR, "Newsletter readers", limit=300)}
    other = next(p for p in services.profiles.page(CONTRIBUTOR, limit=100) if p["_id"] not in readers)
    text = ask(demo, other["_id"])
    assert "among the candidates" in text
    assert f"Profile **{other['_id']}** is there, but not in Newsletter readers." in text
    assert "It is in these segments now: Everybody" in text


@pytest.mark.parametrize("asked", ["nobody@example.com", "=cmd|' /C calc'!A0"])
def test_whom_nobody_knows_is_said_not_to_be_there(demo: Pages, asked: str) -> None:
    assert "No profile has this address or id." in ask(demo, asked)


def test_the_preview_counts_each_warning_in_its_own_words(demo: Pages) -> None:
    """A warning that is not about a field left out is not counted as one."""
    export = demo.services.exports.get(CONTRIBUTOR, "Newsletter")
    text = said(demo.open("exports", "contributor", export=export.id, show="preview"))
    warned = demo.services.previews.preview(CONTRIBUTOR, "Newsletter").warnings
    assert f"another profile with this address says no ({warned['consent:refused_elsewhere']})" in text
    assert f"First name: too long, left out ({warned['first_name:too_long']})" in text
