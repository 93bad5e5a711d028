"""What the ledger keeps of runs, schedules and refreshes is read in the reader's language."""

import pytest

from ccexport.messages import NOTHING, Message, message
from ccexport.model.firings import SCHEDULE_ACTOR, Firing, FiringState, Refresh, RefreshState
from ccexport.model.words import RunState, Trigger
from tests.ui.conftest import Pages
from tests.ui.conftest import said as read

STOPPED = message(
    "The segment {segment} cannot be computed: {why}",
    segment="1.5",
    why=message("The export is paused."),
)


def test_a_run_tells_its_story_in_norwegian(demo: Pages) -> None:
    run = demo.services.ledger.runs.all(state=RunState.SUCCEEDED)[-1]
    text = read(demo.open("runs", "contributor", language="nb", run=run.id, view="story"))
    assert "sendte kontakter ble lest tilbake på listen" in text
    assert "Leser kontaktlisten og lager planen" in text
    assert "Reading" not in text and "contacts" not in text


def test_a_stopped_refresh_is_told_in_norwegian_and_its_names_stay(demo: Pages) -> None:
    """A name that looks like a number is no number."""
    ledger = demo.services.ledger
    ledger.refreshes.add(
        Refresh(
            "refresh-told", "told", RefreshState.DONE, "ada", ledger.clock(), ledger.clock(), ledger.clock()
        )
    )
    ledger.refreshes.change("refresh-told", note=STOPPED)
    table = demo.open("system", "administrator", language="nb", view="refresh").dataframe
    cells = [str(cell) for frame in table for cell in frame.value.to_numpy().ravel()]
    assert "Segmentet 1.5 kan ikke beregnes: Eksporten er satt på pause." in " ".join(cells)


@pytest.mark.parametrize("note", [NOTHING, STOPPED])
def test_the_note_of_a_firing_is_read_back_as_it_was(demo: Pages, note: Message) -> None:
    ledger = demo.services.ledger
    export = ledger.exports.all()[0]
    made = Firing(
        id=f"firing-{bool(note)}",
        export_id=export.id,
        cause=f"told:{bool(note)}",
        due_at=ledger.clock(),
        trigger=Trigger.SCHEDULE,
        actor=SCHEDULE_ACTOR,
        state=FiringState.DROPPED,
        run_id=f"run-{bool(note)}",
        at=ledger.clock(),
        note=note,
    )
    ledger.schedules.fire(made)
    assert next(f for f in ledger.schedules.firings(export.id) if f.id == made.id).note == note
