"""A dialog or fragment never acts for who opened it, only for who is signed in when it runs.

Streamlit runs a fragment without the page around it. Every dialog and fragment that the code has is opened for real,
over a raw websocket, by pressing every button of every page; then the session ends, and its fragment is asked for.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccexport.model.words import Role
from ccexport.services import Services
from tests.browser.conftest import Server
from tests.security.conftest import ROOT, session_of
from tests.security.wire import Seen, Wire

TOP = Path(__file__).resolve().parents[2]
FILES = [*(TOP / "ccexport" / "ui").rglob("*.py"), *(TOP / "pages").glob("*.py")]
SIGNED_OUT = "You are signed out."
PASSWORD = "correct horse battery"


def calls(name: str) -> Iterator[ast.Call]:
    """Every call of the helper of that name."""
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
                yield node


def titles() -> set[str]:
    """The title of every dialog there is, as a pattern."""
    found = set()
    for call in calls("dialog"):
        title = call.args[0]
        assert isinstance(title, ast.Call)
        texts = [one.value for one in title.args if isinstance(one, ast.Constant)]
        found.add("|".join(re.sub(r"\\{\w+\\}", ".+", re.escape(text)) for text in texts))
    return found


def places(services: Services) -> list[tuple[str, str]]:
    """Pages with what they show of one thing."""
    newsletter = services.ledger.exports.named("Newsletter").id
    customers = services.ledger.exports.named("Good customers").id
    ended, live = (services.ledger.runs.all(export_id=e, limit=1)[0].id for e in (newsletter, customers))
    segment = services.ledger.segments.all()[-1].id
    return [
        ("runs", f"run={live}"),  # first: pausing its export, on the page of exports, ends it
        ("overview", ""),
        ("profiles", "view=sources"),
        ("segments", f"segment={segment}"),
        ("exports", ""),
        ("exports", f"export={newsletter}&show=preview"),
        ("runs", f"run={ended}"),
        ("connections", ""),
        ("people", ""),
    ]


def presses(seen: Seen, page: str, done: set[tuple[str, ...]]) -> list[str | dict[str, str]]:
    """Every button and choice of a menu, but only one of several alike."""
    found: list[str | dict[str, str]] = []
    for kind, one in seen.elements():
        if kind == "button" and not one.is_form_submitter and (page, one.label) not in done:
            done.add((page, one.label))
            found.append(one.id)
        for choice in one.options if kind == "menu_button" else ():
            what = ("menu", choice) if one.id.endswith("person_menu") else (page, one.label, choice)
            if what not in done:
                done.add(what)
                found.append({one.id: choice})
    return found


def asked_for_again(services: Services, server: Server) -> Iterator[tuple[str, Seen]]:
    """What each dialog and fragment shows after its opener has signed out."""
    visited = places(services)
    opened_first: list[tuple[str, str, Seen, tuple[str, ...]]] = []
    # All fragments before any button: a button may end the run that one of them follows.
    for page, query in visited:
        cookie = session_of(services, "administrator")
        with Wire(server.url, cookie) as wire:
            first = wire.rerun(page, query)
            ticked = tuple(first.ids("checkbox").values()) if page == "exports" else ()
            first = wire.rerun(page, query, ticked=ticked)
            opened_first.append((page, query, first, ticked))
            services.people.sign_out(cookie)
            for fragment in first.repeating:
                yield f"fragment of {page}", wire.rerun(page, query, fragment=fragment)
    done: set[tuple[str, ...]] = set()
    known: set[str] = set()
    for page, query, first, ticked in opened_first:
        for press in presses(first, page, done):
            cookie = session_of(services, "administrator")
            with Wire(server.url, cookie) as wire:
                wire.rerun(page, query, ticked=ticked)
                opened = wire.rerun(page, query, ticked=ticked, pressed=press)
                services.people.sign_out(cookie)
                for title, fragment in opened.dialogs.items():
                    if title not in known:
                        known.add(title)
                        yield title, wire.rerun(page, query, ticked=ticked, fragment=fragment)


def test_every_dialog_and_fragment_is_closed_once_the_session_is_over(
    services: Services, server: Server
) -> None:
    """Nothing of it is drawn but that one is signed out."""
    found = dict(asked_for_again(services, server))
    for what, seen in found.items():
        assert SIGNED_OUT in seen.text, what
        assert not [k for k, _ in seen.elements() if k in {"button", "text_input", "arrow_data_frame"}], what
    reached = {title for title in titles() if any(re.fullmatch(title, what) for what in found)}
    assert titles() == reached, "no button that was pressed opens these"
    assert len(list(calls("fragment"))) == sum(what.startswith("fragment of") for what in found)


@pytest.mark.parametrize("how", ["disabled", "signed out elsewhere", "lowered"])
def test_an_administrator_who_is_no_more_one_adds_nobody(
    services: Services, server: Server, how: str
) -> None:
    """The dialog *Add a person* was open before; its form is sent afterwards."""
    name, new = f"fallen-{how.split()[0]}", f"intruder-{how.split()[0]}"
    services.people.add(ROOT, name, role=Role.ADMINISTRATOR, password=PASSWORD)
    with Wire(server.url, session_of(services, name)) as wire:
        button = wire.rerun("people").ids("button")["Add a person"]
        opened = wire.rerun("people", pressed=button)
        fragment = opened.dialogs["Add a person"]
        inputs, submit = opened.ids("text_input"), opened.ids("button")["Add"]
        if how == "disabled":
            services.people.disable(ROOT, name)
        elif how == "lowered":
            services.people.change_role(ROOT, name, Role.VIEWER)
        else:
            services.people.sign_out_everywhere(ROOT, name)
        answer = wire.rerun(
            "people",
            fragment=fragment,
            pressed=submit,
            texts={inputs["Name for signing in"]: new, inputs["First password"]: PASSWORD},
        )
    assert services.ledger.people.find(new) is None
    assert ("Your role was changed." if how == "lowered" else SIGNED_OUT) in answer.text


def test_the_open_dialog_still_works_for_who_is_signed_in(services: Services, server: Server) -> None:
    """The same steps without the fall add somebody: the attack above fails for its own reason."""
    with Wire(server.url, session_of(services, "administrator")) as wire:
        opened = wire.rerun("people", pressed=wire.rerun("people").ids("button")["Add a person"])
        inputs, submit = opened.ids("text_input"), opened.ids("button")["Add"]
        texts = {inputs["Name for signing in"]: "newcomer", inputs["First password"]: PASSWORD}
        wire.rerun("people", fragment=opened.dialogs["Add a person"], pressed=submit, texts=texts)
    assert services.ledger.people.find("newcomer") is not None


def test_nothing_of_the_dashboard_uses_streamlits_own(tmp_path: Path) -> None:
    """The lint rule refuses it, in whatever way it is written."""
    import subprocess
    import sys

    bad = TOP / "ccexport" / "ui" / "probe_of_a_test.py"
    for line in (
        "st.dialog('x')",
        "st.fragment()",
        "from streamlit import dialog",
        "from streamlit import fragment",
    ):
        said = subprocess.run(
            [sys.executable, "-m", "ruff", "check", "--select=TID251", f"--stdin-filename={bad}", "-"],
            input=f"import streamlit as st\n\n{line}\n",
            cwd=TOP,
            capture_output=True,
            text=True,
        )
        assert "TID251" in said.stdout, line
