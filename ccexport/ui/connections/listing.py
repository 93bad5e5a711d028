"""The list of connections: facts and actions of each. Must never see a token."""

import streamlit as st

from ccexport.model.exports import Actor, Connection
from ccexport.model.words import Role
from ccexport.services.connections import ConnectionFacts
from ccexport.ui.app_state import services
from ccexport.ui.connections.connect import SHARES
from ccexport.ui.connections.dialogs import become_export_user, change, remove
from ccexport.ui.fragments import dialog
from ccexport.ui.navigation import go, link
from ccexport.ui.render import code, empty, moment, number, plain, show_refusal
from ccexport.ui.texts import say, t

REQUESTS_A_DAY = 10_000


def connection_list(actor: Actor) -> None:
    """Draw one card per connection; contributors see only the name and the type."""
    saved = st.session_state.pop("saved_connection", None)
    if saved:
        st.success(t("{name} is connected.", name=plain(saved[0])), icon=":material/check_circle:")
    administrator = actor.role.covers(Role.ADMINISTRATOR)
    there = services().connections.list(actor)
    if not there:
        what = (
            t("A connection is one authorised Constant Contact account.")
            if administrator
            else t("An administrator connects Constant Contact and shares it with contributors.")
        )
        with empty(t("No connections yet"), what, ":material/link_off:"):
            if administrator:
                link("connections", t("Connect Constant Contact"), icon=":material/add_link:", show="new")
    for connection in there:
        with st.container(border=True, key=f"connection-{connection.id}"):
            _card(actor, connection) if administrator else _name_only(connection)


def _name_only(connection: Connection) -> None:
    st.markdown(f"#### {plain(connection.name)}")
    st.markdown(
        "Constant Contact · " + t("yours to use in exports; ask an administrator to see or change more")
    )


def _card(actor: Actor, connection: Connection) -> None:
    facts = services().connections.facts(actor, connection.id)
    st.markdown(f"#### {plain(connection.name)} {_badge(connection, facts)}")
    if connection.state_reason:
        st.error(plain(say(connection.state_reason), 500), icon=":material/link_off:")
    if facts.needs_export_user:
        st.warning(
            t("Its export user {person} is disabled: another one is needed.", person=_user(connection)),
            icon=":material/person_off:",
        )
    st.markdown(
        f"Constant Contact · **{plain(connection.organisation)}** · {code(connection.account_email)} · "
        + t(SHARES.get(connection.share, "Administrators only"))
    )
    _known(actor, connection, facts)
    _buttons(actor, connection, facts)


def _badge(connection: Connection, facts: ConnectionFacts) -> str:
    if connection.state != "connected":
        return f":red-badge[:material/link_off: {t('Reconnect')}]"
    if facts.needs_export_user:
        return f":orange-badge[:material/person_off: {t('Needs an export user')}]"
    return f":green-badge[:material/check_circle: {t('Connected')}]"


def _user(connection: Connection) -> str:
    return plain(connection.export_person or "–")


def _known(actor: Actor, connection: Connection, facts: ConnectionFacts) -> None:
    """Draw the facts that need no request to Constant Contact."""
    exports = services().connections.exports_on(actor, connection.id)
    names = ", ".join(plain(e.name, 60) for e in exports)
    lines = {
        t("Agreed and connected"): t(
            "by {person}, {when}", person=plain(connection.connected_by), when=moment(connection.connected_at)
        ),
        t("Export user"): _user(connection),
        t("Authorisation"): t("renewed by itself; the current one holds until {when}", when=_until(facts)),
        t("Privileges"): ", ".join(code(p) for p in connection.privileges) or "–",
        t("Requests today"): t(
            "{n} of {most}, of all connections together",
            n=number(facts.requests_today),
            most=number(REQUESTS_A_DAY),
        ),
        t("Exports on it"): names or t("none"),
    }
    st.table(
        [{t("Fact"): name, t("Value"): value} for name, value in lines.items()],
        hide_header=True,
        hide_index=True,
        border="horizontal",
        alt=t("What is known of {name}", name=plain(connection.name)),
    )


def _until(facts: ConnectionFacts) -> str:
    return moment(facts.authorised_until)


def _buttons(actor: Actor, connection: Connection, facts: ConnectionFacts) -> None:
    name = plain(connection.name)
    with st.container(horizontal=True):
        test = st.button(t("Test"), key=f"test-{connection.id}", icon=":material/network_check:")
        if st.button(t("Connect again"), key=f"again-{connection.id}", icon=":material/sync:"):
            go("connections", show="new", reconnect=connection.name)
        if connection.export_person != actor.name and st.button(
            t("Add yourself as export user"),
            key=f"user-{connection.id}",
            icon=":material/person_add:",
            type="primary" if facts.needs_export_user else "secondary",
        ):
            dialog(t("Export user of {name}", name=name), become_export_user, actor, connection)
        if st.button(t("Change"), key=f"change-{connection.id}", icon=":material/tune:"):
            dialog(t("Change {name}", name=name), change, actor, connection)
        if st.button(t("Remove"), key=f"remove-{connection.id}", icon=":material/delete:"):
            dialog(t("Remove {name}?", name=name), remove, actor, connection)
    if test:
        _test(actor, connection)


def _test(actor: Actor, connection: Connection) -> None:
    with st.spinner(t("Asking Constant Contact …")):
        health = services().connections.check(actor, connection.id)
    if health.working:
        st.success(plain(say(health.sentence), 400), icon=":material/network_check:")
    else:
        show_refusal(say(health.sentence), icon=":material/network_check:", logged=health.sentence.for_log)
    counts = health.contacts
    with st.grid(3, min_column_width=150):
        st.metric(t("Contacts in the account"), number(counts.get("total") if counts else None), border=True)
        st.metric(t("Unsubscribed"), number(counts.get("unsubscribed") if counts else None), border=True)
        st.metric(
            t("Requests today"),
            number(health.requests_today),
            border=True,
            help=t("of {n}", n=number(REQUESTS_A_DAY)),
        )
