"""The steps from a new installation to its first run; hidden once something has run."""

from dataclasses import dataclass

import streamlit as st

from ccexport.messages import mark
from ccexport.model.exports import Actor
from ccexport.model.words import Role
from ccexport.ui.app_state import services
from ccexport.ui.navigation import link
from ccexport.ui.texts import t

WHO = mark({Role.ADMINISTRATOR: "An administrator does this.", Role.CONTRIBUTOR: "A contributor does this."})


@dataclass(frozen=True)
class Step:
    """One step: what to do, on which page, and which role may do it."""

    done: bool
    label: str
    need: Role
    path: str
    query: str = ""
    value: str = ""


def first_steps(actor: Actor) -> None:
    """Draw the steps, done or open, with a link to the next one, while nothing has run yet."""
    steps = _steps(actor)
    next_one = next(step for step in steps if not step.done)
    with st.container(border=True, gap="xsmall", key="first_steps"):
        st.subheader(t("First steps"))
        for number, step in enumerate(steps, 1):
            if step is next_one:
                _next(actor, number, step)
            else:
                icon = ":green[:material/check_circle:]" if step.done else ":material/radio_button_unchecked:"
                st.markdown(f"{icon} {number}. {t(step.label)}")


def _next(actor: Actor, number: int, step: Step) -> None:
    st.markdown(f":blue[:material/arrow_circle_right:] **{number}. {t(step.label)}**")
    if actor.role.covers(step.need):
        query = {step.query: step.value} if step.query else {}
        link(step.path, t("Do it now"), icon=":material/arrow_forward:", **query)
    else:
        st.caption(t(WHO[step.need]))


def _steps(actor: Actor) -> list[Step]:
    exports = bool(services().exports.names(actor))
    return [
        Step(
            services().profiles.find_current(actor) is not None,
            mark("Bring in your profiles: a file with one row per customer"),
            Role.CONTRIBUTOR,
            "profiles",
        ),
        Step(
            bool(services().connections.list(actor)),
            mark("Connect Constant Contact, and say who may use the connection"),
            Role.ADMINISTRATOR,
            "connections",
            "show",
            "new",
        ),
        Step(
            bool(services().segments.names(actor)),
            mark("Make a segment: who shall get mail"),
            Role.CONTRIBUTOR,
            "segments",
            "show",
            "new",
        ),
        Step(
            exports,
            mark("Add an export: which segments go to which contact list"),
            Role.CONTRIBUTOR,
            "exports",
            "show",
            "new",
        ),
        Step(
            False,
            mark("Preview the export, see who is left out and why, and run it"),
            Role.CONTRIBUTOR,
            "exports",
        ),
    ]
