"""The parts of the People page. Must never show or keep a password."""

import streamlit as st

from ccexport.errors import CcexportError
from ccexport.messages import mark
from ccexport.model.exports import Actor
from ccexport.model.people import Person
from ccexport.model.words import Role
from ccexport.ui.app_state import services
from ccexport.ui.fragments import dialog
from ccexport.ui.render import code, moment, plain, show_error
from ccexport.ui.texts import t

MAY = mark(
    {
        Role.VIEWER: "sees counts, settings and history; personal data masked",
        Role.CONTRIBUTOR: "makes segments and exports, previews, runs, downloads",
        Role.ADMINISTRATOR: "connections, people, system, everything",
    }
)


FOR_THE_PROVIDER = mark(
    "Needed only to sign in with an OpenID provider, which has to say that it is verified."
)


def add_person(actor: Actor) -> None:
    """Draw the form for a new person: name, role, first password."""
    with st.form("add_person", border=False):
        name = st.text_input(t("Name for signing in"), max_chars=60)
        shown = st.text_input(t("Full name"), max_chars=120)
        email = st.text_input(t("E-mail address"), max_chars=320, help=t(FOR_THE_PROVIDER))
        role = st.radio(
            t("Role"), list(Role), format_func=lambda r: t(str(r)), captions=[t(MAY[r]) for r in Role]
        )
        password = st.text_input(t("First password"), type="password", help=t("At least 10 characters."))
        if not st.form_submit_button(t("Add"), type="primary"):
            return
    try:
        services().people.add(
            actor, name, role=Role(str(role)), password=password, display_name=shown, email=email
        )
    except CcexportError as error:
        show_error(error)
        return
    st.rerun()


def people_list(actor: Actor) -> None:
    """Draw one row per person, with what may be changed."""
    for person in services().people.list(actor):
        with st.container(border=True, key=f"person-{person.name}"):
            _row(actor, person)


def _row(actor: Actor, person: Person) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        with st.container(width="stretch", gap="xsmall"):
            off = f" :gray-badge[{t('Disabled')}]" if person.disabled else ""
            you = f" :blue-badge[{t('you')}]" if person.name == actor.name else ""
            email = f" · {code(person.email)}" if person.email else ""
            name = f" · {plain(person.name)}" if person.name != person.display_name else ""
            st.markdown(f"**{plain(person.display_name)}**{name}{email}{off}{you}")
            st.caption(t("{role}: {may}", role=t(str(person.role)).capitalize(), may=t(MAY[person.role])))
            st.caption(
                t(
                    "Since {when}; password from {then}.",
                    when=moment(person.created_at),
                    then=moment(person.password_at),
                )
            )
        role = st.selectbox(
            t("Role of {name}", name=plain(person.name)),
            list(Role),
            index=list(Role).index(person.role),
            format_func=lambda r: t(str(r)),
            key=f"role-{person.name}",
            width=190,
        )
        choices = {
            "password": t("Set a password"),
            "email": t("E-mail address"),
            "out": t("Sign out everywhere"),
            "disable": t("Enable") if person.disabled else t("Disable"),
        }
        chosen = st.menu_button(
            t("More"), list(choices), format_func=lambda key: choices[key], key=f"more-{person.name}"
        )
    if role is not None and role is not person.role:
        _do(lambda: services().people.change_role(actor, person.name, role))
    elif chosen == "out":
        _do(lambda: services().people.sign_out_everywhere(actor, person.name))
    elif chosen == "disable":
        _do(lambda: services().people.disable(actor, person.name, disabled=not person.disabled))
    elif chosen == "password":
        dialog(t("Set a password"), _set_password, actor, person)
    elif chosen == "email":
        dialog(t("E-mail address of {name}", name=plain(person.name)), _set_email, actor, person)


def _do(step: object) -> None:
    try:
        step()  # type: ignore[operator]
    except CcexportError as error:
        show_error(error)
        return
    st.rerun()


def _set_password(actor: Actor, person: Person) -> None:
    with st.form("set_password", border=False):
        password = st.text_input(
            t("New password of {name}", name=plain(person.name)),
            type="password",
            help=t("At least 10 characters."),
        )
        st.caption(t("Their sessions end at once."))
        if not st.form_submit_button(t("Set it"), type="primary"):
            return
    _do(lambda: services().people.set_password(actor, person.name, password))


def _set_email(actor: Actor, person: Person) -> None:
    with st.form("set_email", border=False):
        email = st.text_input(
            t("E-mail address"), person.email, max_chars=320, help=t(FOR_THE_PROVIDER), key="email_of_person"
        )
        if not st.form_submit_button(t("Save"), type="primary"):
            return
    _do(lambda: services().people.set_email(actor, person.name, email))
