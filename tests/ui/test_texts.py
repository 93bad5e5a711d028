"""The Norwegian catalogue has every sentence, with the same blanks to fill; and the pages speak it."""

import ast
import re
from pathlib import Path

import pytest

from ccexport.model.words import (
    REASON_SENTENCES,
    BatchKind,
    BatchState,
    FieldType,
    Role,
    RunState,
    Trigger,
    WaitReason,
)
from ccexport.segments.words import PHRASES
from ccexport.services.connections import AGREEMENT
from ccexport.services.exports import CONTACT_FIELDS, TRANSFORMS
from ccexport.services.segments import OPERATORS
from ccexport.ui import people
from ccexport.ui.connections import connect
from ccexport.ui.exports import export_options, schedule_form
from ccexport.ui.exports import listing as export_list
from ccexport.ui.navigation import PLACES
from ccexport.ui.profiles import ingest, sources
from ccexport.ui.render import STATES
from ccexport.ui.runs import listing as run_list
from ccexport.ui.runs import story as run_story
from ccexport.ui.segments import listing as segments
from ccexport.ui.segments import rule_editor, rule_values
from ccexport.ui.segments import views as segment_views
from ccexport.ui.system import notices, refresh
from ccexport.ui.system.erasure import TOUCHED
from ccexport.ui.texts import catalogue
from ccexport.ui.words import DIFFERENCES, HOW, MODES, OTHERS, OUTCOMES, REASONS, VERDICTS, WARNINGS
from tests.ui.conftest import ROOT, Pages, said

BLANKS = re.compile(r"\{\w+\}")


def written_in(file: Path) -> set[str]:
    """Every text literal inside a call of `t`."""
    calls = [n for n in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(n, ast.Call)]
    ours = [c.args[0] for c in calls if isinstance(c.func, ast.Name) and c.func.id == "t" and c.args]
    values = [n.value for argument in ours for n in ast.walk(argument) if isinstance(n, ast.Constant)]
    return {v for v in values if isinstance(v, str)}


def chosen_from_tables() -> set[str]:
    tables = [
        VERDICTS,
        REASONS,
        REASON_SENTENCES,
        HOW,
        OUTCOMES,
        OTHERS,
        MODES,
        TOUCHED,
        DIFFERENCES,
        WARNINGS,
        connect.SHARES,
        export_list.SORTS,
    ]
    tables += [
        export_options.LIMITS,
        people.MAY,
        {"": people.FOR_THE_PROVIDER},
        rule_editor.GROUPS,
        segment_views.VIEWS,
        sources.KINDS,
        ingest.STEPS,
        run_list.SINCE,
        run_story.VIEWS,
        TRANSFORMS,
    ]
    tables += [
        schedule_form.FOLLOWS,
        schedule_form.EVERY,
        schedule_form.DAYS,
        schedule_form.MISSED,
        refresh.STATES,
        notices.CHANNELS,
        notices.EVENTS,
        notices.OUTBOX,
    ]
    found = {text for table in tables for text in table.values()}
    found |= {label for label, _ in segments.KINDS.values()} | {label for label, *_ in STATES.values()}
    found |= {
        str(w)
        for words in (Role, FieldType, BatchKind, BatchState, Trigger, RunState, WaitReason)
        for w in words
    }
    found |= {o.words for o in OPERATORS.values()} | {f.label for f in CONTACT_FIELDS.values()}
    found |= {*PHRASES, "all profiles", "the profiles of a member list", "day", "week", "month", "year"}
    found |= {p.title for p in PLACES} | {p.group for p in PLACES if p.group} | set(rule_values.UNITS)
    return found | {AGREEMENT} | {STATES[s][0] for s in RunState}


FILES = sorted([*(ROOT / "ccexport" / "ui").rglob("*.py"), *(ROOT / "pages").glob("*.py")])


def test_every_sentence_is_there_in_norwegian() -> None:
    """A new sentence without its translation is named here."""
    needed = chosen_from_tables().union(*(written_in(file) for file in FILES))
    assert sorted(needed - set(catalogue("nb"))) == []


def test_no_translation_is_left_over() -> None:
    """A sentence that is gone takes its translation with it."""
    needed = chosen_from_tables().union(*(written_in(file) for file in FILES))
    spoken_by_others = {s for s in catalogue("nb") if s not in needed}
    text = "".join(file.read_text("utf-8") for file in FILES)
    assert sorted(s for s in spoken_by_others if s not in text and s not in _calendar()) == []


def _calendar() -> set[str]:
    import calendar

    return set(calendar.month_name) | {"address", "domain"}


def test_the_same_blanks_are_filled() -> None:
    """Else a page would break in one language only."""
    differing = [e for e, n in catalogue("nb").items() if set(BLANKS.findall(e)) != set(BLANKS.findall(n))]
    assert differing == []


@pytest.mark.parametrize("place", PLACES, ids=lambda p: p.path)
def test_every_page_opens_in_norwegian(demo: Pages, place: object) -> None:
    page = demo.open(place.path, "administrator", language="nb")  # type: ignore[attr-defined]
    assert not page.exception
    assert page.title[0].value == catalogue("nb")[place.title]  # type: ignore[attr-defined]


def test_numbers_are_norwegian_too(demo: Pages) -> None:
    """A blank between the thousands."""
    assert "20\u00a0000" in said(demo.open("profiles", "contributor", language="nb"))
