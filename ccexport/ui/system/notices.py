"""Subscribers of notices, test notices, and the delivery of every notice.

Must never show more of a webhook's address than its host, nor its secret after its creation.
"""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from ccexport.messages import mark
from ccexport.model.exports import Actor
from ccexport.model.notices import Channel, Notice, NoticeEvent, NoticeState, Subscriber
from ccexport.model.words import Role
from ccexport.ui.app_state import services
from ccexport.ui.pickers import choose_many
from ccexport.ui.render import bare, plain, show_refusal, told, zone
from ccexport.ui.texts import say, t

CHANNELS = mark(
    {
        Channel.EMAIL: "E-mail",
        Channel.WEBHOOK: "Webhook (signed)",
        Channel.SLACK: "Slack-style webhook",
    }
)
EVENTS = mark(
    {
        NoticeEvent.FAILED: "failed",
        NoticeEvent.BLOCKED: "blocked",
        NoticeEvent.WAITING: "waits for a person",
        NoticeEvent.REJECTS: "finished with rejects",
        NoticeEvent.RECOVERED: "recovered",
        NoticeEvent.SIZE: "has an unusual size",
    }
)
OUTBOX = mark(
    {
        NoticeState.PENDING: "Not yet delivered",
        NoticeState.DELIVERED: "Delivered",
        NoticeState.GIVEN_UP: "Given up",
    }
)
MADE = "notices-made"


def notices(actor: Actor) -> None:
    """Draw the subscribers and the outbox."""
    st.markdown(
        t(
            "Told once per change of state, not per run: to those below, and by e-mail to whoever made or last "
            "changed an export."
        )
    )
    if not services().notices.mail_is_set_up:
        st.info(
            t("No e-mail can be sent yet: an operator sets CCEXPORT_SMTP_URL and CCEXPORT_SMTP_FROM."),
            icon=":material/mail_off:",
        )
    if actor.role.covers(Role.ADMINISTRATOR):
        _add(actor)
    _subscribers(actor)
    _outbox(actor)


def _add(actor: Actor) -> None:
    made = st.session_state.pop(MADE, None)
    if made:
        st.success(t("Added. This secret checks the signature of each request; it is not shown again:"))
        st.code(made, language=None)
    with st.expander(t("Tell somebody"), icon=":material/notification_add:"):
        channel = st.radio(
            t("How"),
            list(CHANNELS),
            format_func=lambda c: t(CHANNELS[c]),
            horizontal=True,
            key="notice_channel",
        )
        by_mail = channel is Channel.EMAIL
        address = st.text_input(
            t("E-mail address") if by_mail else t("Address of the webhook (https://…)"),
            max_chars=2000,
            key="notice_address",
        )
        about = st.selectbox(t("About"), _subjects(actor), format_func=_subject, key="notice_about")
        events = choose_many(
            t("When it"), list(EVENTS), list(EVENTS), format_func=lambda e: t(EVENTS[e]), key="notice_events"
        )
        if st.button(t("Tell them"), type="primary", key="add_notice", disabled=not address.strip()):
            kind, name = about
            with told():
                made = services().notices.subscribe(
                    actor,
                    Channel(channel),
                    address,
                    export=name if kind == "export" else None,
                    connection=name if kind == "connection" else None,
                    events=events,
                )
                st.session_state[MADE] = made.secret
                st.rerun()


def _subjects(actor: Actor) -> list[tuple[str, str]]:
    exports = [("export", name) for name in services().exports.names(actor).values()]
    return [("all", ""), *exports, *(("connection", c.name) for c in services().connections.list(actor))]


def _subject(subject: tuple[str, str]) -> str:
    kind, name = subject
    if kind == "export":
        return t("The export {name}", name=bare(name))
    return t("The connection {name} and its exports", name=bare(name)) if name else t("Everything")


def _subscribers(actor: Actor) -> None:
    st.subheader(t("Who is told"))
    found = services().notices.subscribers(actor)
    if not found:
        st.caption(t("Nobody has been added yet."))
    exports = {i: ("export", name) for i, name in services().exports.names(actor).items()}
    connections = {c.id: ("connection", c.name) for c in services().connections.list(actor)}
    for one in found:
        about = exports.get(one.export_id or "") or connections.get(one.connection_id or "") or ("all", "")
        with st.container(
            horizontal=True, vertical_alignment="center", border=True, key=f"subscriber-{one.id}"
        ):
            _subscriber(actor, one, about)


def _subscriber(actor: Actor, one: Subscriber, about: tuple[str, str]) -> None:
    with st.container(width="stretch"):
        st.markdown(f"**{plain(one.label)}** · {t(CHANNELS[one.channel])} · {plain(_subject(about))}")
        st.caption(", ".join(t(EVENTS[event]) for event in one.events if event in EVENTS))
    if st.button(t("Send a test"), key=f"test-{one.id}", icon=":material/send:"):
        with told():
            tested = services().notices.test(actor, one.id)
            if tested.arrived:
                st.toast(plain(say(tested.sentence), 400), icon=":material/check_circle:")
            else:
                show_refusal(say(tested.sentence), logged=tested.sentence.for_log)
    if actor.role.covers(Role.ADMINISTRATOR) and st.button(t("Remove"), key=f"drop-{one.id}"):
        with told():
            services().notices.unsubscribe(actor, one.id)
            st.rerun()


def _what(notice: Notice, names: Mapping[str, str]) -> str:
    """Return the subject and the event of a notice, or its title when the subject no longer exists."""
    name = names.get(notice.subject)
    if name is None:
        return bare(notice.title, 200)
    return bare(f"{name}: {t(EVENTS[notice.event])}" if notice.event in EVENTS else name, 200)


def _outbox(actor: Actor) -> None:
    st.subheader(t("What was told"))
    found = services().notices.outbox(actor)
    if not found:
        st.caption(t("Nothing has been told yet."))
        return
    lost = sum(1 for notice in found if notice.error)
    if lost:
        st.warning(
            t("{n} of these did not arrive; the table says why.", n=lost), icon=":material/notifications_off:"
        )
    names = {f"export:{i}": name for i, name in services().exports.names(actor).items()}
    names |= {f"connection:{c.id}": c.name for c in services().connections.list(actor)}
    names |= {"refresh": t("Refresh"), "test": t("Test notice")}
    frame = pd.DataFrame(
        [
            {
                t("When"): n.created_at,
                t("What"): _what(n, names),
                t("To"): bare(n.label),
                t("State"): t(OUTBOX[n.state]),
                t("Attempts"): n.attempts,
                t("Tried again"): n.next_at if n.attempts else None,
                t("Why not"): bare(say(n.error), 300) or None,
            }
            for n in found
        ]
    )
    times = st.column_config.DatetimeColumn(format="localized", timezone=str(zone()))
    st.dataframe(
        frame,
        hide_index=True,
        alt=t("What was told"),
        column_config={t("When"): times, t("Tried again"): times},
    )
