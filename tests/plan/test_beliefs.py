"""The table of beliefs: complete, without dead rows, as documented, and true to what it promises."""

from itertools import product
from pathlib import Path

from ccexport.plan.beliefs import RULES, Belief, Certainty, Deed, Holds, Shown, as_markdown, transition

CELLS = [(cell, transition(*cell)) for cell in product(Belief, Deed, Certainty, Shown)]


def test_every_cell_has_a_row_and_every_row_a_cell() -> None:
    """`transition` raises for a cell without one."""
    assert {rule for _, (_, _, rule) in CELLS} == set(RULES)
    assert all(rule.because.endswith(".") for rule in RULES)


def test_the_documentation_shows_the_table_as_it_is() -> None:
    """Nobody has to read the code to know what follows."""
    text = (Path(__file__).parents[2] / "docs/plan.md").read_text(encoding="utf-8")
    assert as_markdown() in text


def test_nobody_is_said_to_have_left_without_evidence() -> None:
    """They unsubscribed, or were seen there before and are not any more."""
    seen = {Belief.ON_LIST, Belief.OWN, Belief.LEFT}
    for (before, deed, _, shown), (now, _, _) in CELLS:
        if now is Belief.LEFT and shown is not Shown.UNSUBSCRIBED and before not in seen:
            assert (deed in {Deed.UPDATE, Deed.KEEP}, shown) == (True, Shown.ABSENT)


def test_unknown_is_a_state_of_its_own() -> None:
    """Absence proves nothing of what was never seen."""
    for belief in (Belief.UNKNOWN, Belief.MISSING, Belief.UNSEEN):
        now, holds, _ = transition(belief, Deed.NOTHING, Certainty.APPLIED, Shown.ABSENT)
        assert (now, holds) == (belief, Holds.STAY)


def test_only_who_is_there_by_our_hand_can_be_held() -> None:
    """A hold begins where we believe them on the list, and ends where they are not."""
    for _, (now, holds, _) in CELLS:
        if holds in {Holds.BEGIN, Holds.CONFIRM}:
            assert now is Belief.ON_LIST


def test_what_we_took_off_has_not_left_by_itself() -> None:
    """Also when it shows only after the grace."""
    for shown in (Shown.ABSENT,):
        for deed in (Deed.NOTHING, Deed.KEEP, Deed.UPDATE, Deed.REMOVE):
            assert transition(Belief.REMOVING, deed, Certainty.APPLIED, shown)[0] is Belief.REMOVED
