"""The schedule of an export: its times in words, what delays it, and the form to change it.

Must never run anything.
"""

from collections.abc import Collection
from datetime import date
from typing import Any

import streamlit as st

from ccexport.errors import CcexportError
from ccexport.messages import mark
from ccexport.model.exports import Actor, Export
from ccexport.model.schedules import Every, Follows, Missed, Schedule, Weekday
from ccexport.services.schedules import ScheduleState
from ccexport.services.validation import parsed
from ccexport.ui.app_state import services
from ccexport.ui.render import moment, plain, show_error, zone
from ccexport.ui.texts import say, t

FOLLOWS = mark(
    {
        Follows.REFRESH: "With every refresh of the profiles",
        Follows.TIMES: "At times of its own",
        Follows.EXPORT: "After another export",
        Follows.NOTHING: "By hand only",
    }
)
EVERY = mark(
    {
        Every.HOUR: "Every hour",
        Every.DAY: "Every day",
        Every.WEEK: "Every week",
        Every.MONTH: "Every month",
    }
)
EVERY |= {Every.CRON: mark("A cron line")}
DAYS = dict(
    zip(
        Weekday,
        mark(("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")),
        strict=True,
    )
)
MISSED = mark({Missed.CATCH_UP: "Run once afterwards", Missed.DROP: "Leave it out"})


def words(state: ScheduleState) -> str:
    """Return in one line when the export runs next."""
    schedule = state.schedule
    if state.next:
        said = t("Next run {when}", when=moment(state.next[0]))
    else:
        said = t(FOLLOWS[schedule.follows])
    if schedule.paused_until:
        said += " · " + t("paused until {day}", day=schedule.paused_until.isoformat())
    return said


def schedule_form(actor: Actor, export: Export) -> None:
    """Draw the schedule of one export, and the form for those who may change it."""
    state = services().schedules.get(actor, export.id)
    st.subheader(t("When it runs by itself"))
    st.markdown(words(state))
    if len(state.next) > 1:
        st.caption(t("After that: {times}", times=", ".join(moment(at) for at in state.next[1:])))
    if state.why:
        st.warning(plain(say(state.why), 400), icon=":material/info:")
    if not services().exports.may_manage(actor, export):
        return
    with st.expander(t("Change the schedule"), icon=":material/schedule:"):
        values = schedule_values(actor, state.schedule, without={export.id})
        if st.button(t("Save the schedule"), type="primary", key="save_schedule", icon=":material/save:"):
            _save(actor, export, values)
        st.caption(t("Saving a schedule runs nothing; it holds from the next time on."))


def schedule_values(
    actor: Actor, old: Schedule, *, without: Collection[str], key: str = "schedule"
) -> dict[str, Any]:
    """Draw the fields of a schedule and return them for the model. It may not come after exports in `without`."""
    others = {i: name for i, name in services().exports.names(actor).items() if i not in without}
    kinds = [f for f in Follows if f is not Follows.EXPORT or others]
    follows = st.radio(
        t("What starts it"),
        kinds,
        index=kinds.index(old.follows) if old.follows in kinds else 0,
        format_func=lambda f: t(FOLLOWS[f]),
        key=f"{key}_follows",
    )
    values: dict[str, Any] = {"follows": str(follows), "recurrence": None, "after": None, "zone": old.zone}
    if follows == Follows.TIMES:
        values["zone"] = st.text_input(
            t("Time zone"), old.zone if old.recurrence else str(zone()), key=f"{key}_zone", width=300
        )
        values["recurrence"] = recurrence(old.recurrence, list(EVERY), key)
    elif follows == Follows.EXPORT:
        chosen = list(others).index(old.after) if old.after in others else 0
        values["after"] = st.selectbox(
            t("After which export"),
            list(others),
            index=chosen,
            format_func=lambda e: plain(others[e]),
            key=f"{key}_after",
            width=360,
        )
    values["missed"] = st.radio(
        t("When a time passes while nothing can run"),
        list(MISSED),
        index=list(MISSED).index(old.missed),
        format_func=lambda m: t(MISSED[m]),
        key=f"{key}_missed",
        horizontal=True,
    )
    paused: date | None = st.date_input(
        t("Paused until (empty: not paused)"), old.paused_until, key=f"{key}_paused", width=300
    )
    return values | {"paused_until": paused}


def recurrence(old: Any, choices: list[Every], key: str) -> dict[str, Any]:
    """Draw the fields of a recurrence and return them for the model."""
    every = st.segmented_control(
        t("How often"),
        choices,
        default=old.every if old and old.every in choices else Every.DAY,
        required=True,
        format_func=lambda e: t(EVERY[e]),
        key=f"{key}_every",
    )
    found: dict[str, Any] = {"every": str(every)}
    if every == Every.CRON:
        return found | {"cron": st.text_input(t("Cron line"), old.cron if old else "", key=f"{key}_cron")}
    if every == Every.HOUR:
        minute = st.number_input(t("Minute"), 0, 59, old.minute if old else 0, key=f"{key}_minute", width=200)
        return found | {"minute": minute}
    if every == Every.WEEK:
        found["days"] = st.pills(
            t("On"),
            list(Weekday),
            selection_mode="multi",
            default=list(old.days) if old and old.days else [Weekday.MONDAY],
            format_func=lambda d: t(DAYS[d]),
            key=f"{key}_days",
        )
    if every == Every.MONTH:
        found["day"] = st.number_input(
            t("Day of the month"), 1, 31, old.day if old else 1, key=f"{key}_day", width=200
        )
    at = st.text_input(
        t("At (such as 06:30, 18:00)"),
        ", ".join(old.at) if old and old.at else "06:00",
        key=f"{key}_at",
        width=300,
    )
    return found | {"at": [part.strip() for part in at.split(",") if part.strip()]}


def _save(actor: Actor, export: Export, values: dict[str, Any]) -> None:
    try:
        services().schedules.set(actor, [export.id], parsed(Schedule, values, "The schedule"))
    except CcexportError as error:
        show_error(error)
        return
    st.rerun()
