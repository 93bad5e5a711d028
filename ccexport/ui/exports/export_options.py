"""The later parts of the export form: consent, several profiles with one address, mode and limits.

Must never check what the use case checks.
"""

import streamlit as st

from ccexport.messages import mark
from ccexport.model.exports import ConsentRule, Export, Guards, Refusal
from ccexport.model.profiles import Snapshot
from ccexport.model.words import FieldType, Mode, Moved
from ccexport.ui.pickers import choose_many
from ccexport.ui.texts import t
from ccexport.ui.words import MODE_EXPLAINED, MODES

DEFAULT_REFUSAL = ("true", "1", "yes")


def who_of_them(
    key: str, export: Export | None, snapshot: Snapshot, disabled: bool
) -> tuple[ConsentRule | None, str | None]:
    """Draw the consent rule, and the field that decides between several profiles with one address. Returns both."""
    config = export.config if export else None
    fields = [f.name for f in snapshot.fields]
    consent = None
    if st.toggle(
        t("Only people with consent"),
        value=bool(config and config.consent),
        key=f"{key}-consent",
        disabled=disabled,
    ):
        old = config.consent if config else None
        with st.container(horizontal=True, vertical_alignment="bottom"):
            field = st.selectbox(
                t("Field with the consent"),
                fields,
                index=fields.index(old.field) if old and old.field in fields else None,
                key=f"{key}-consent-field",
                width=300,
                disabled=disabled,
            )
            values = st.text_input(
                t("Counts as consent"),
                value=", ".join(old.values if old else ConsentRule(field="x").values),
                key=f"{key}-consent-values",
                width=420,
                disabled=disabled,
            )
        if field:
            consent = ConsentRule(
                field=field, values=tuple(v.strip() for v in values.split(",") if v.strip())
            )
    times = [
        f.name for f in snapshot.fields if f.type in {FieldType.DATE, FieldType.TIMESTAMP, FieldType.NUMBER}
    ]
    wanted = config.newest_by if config else snapshot.updated_field
    newest = st.selectbox(
        t("Of several profiles with one address, send the one with the newest"),
        [None, *times],
        index=times.index(wanted) + 1 if wanted in times else 0,
        format_func=lambda f: f or t("(the first one in the file)"),
        key=f"{key}-newest",
        width=480,
        disabled=disabled,
    )
    return consent, newest


def refusals(key: str, export: Export | None, snapshot: Snapshot, disabled: bool) -> tuple[Refusal, ...]:
    """Draw and return the refusals: fields with the values that mean no."""
    old = {r.field: r.values for r in export.config.refusals} if export else {}
    fields = [f.name for f in snapshot.fields]
    chosen = choose_many(
        t("Fields whose value means no"),
        fields,
        default=[f for f in old if f in fields],
        key=f"{key}-refusals",
        disabled=disabled,
        placeholder=t("choose"),
        help=t("Such as Do not email or Unsubscribed. An empty value means that nothing was refused."),
    )
    found = []
    for field in chosen:
        written = st.text_input(
            t("Means no in {field}", field=field),
            value=", ".join(old.get(field, DEFAULT_REFUSAL)),
            key=f"{key}-refusal-{field}",
            width=420,
            disabled=disabled,
        )
        found.append(Refusal(field=field, values=tuple(v.strip() for v in written.split(",") if v.strip())))
    return tuple(found)


MOVED = mark(
    {
        None: "what the mode does: taken off by a mirror, left by any other",
        Moved.TAKE_OFF: "taken off the list",
        Moved.LEAVE: "left on the list",
    }
)


def moved(key: str, export: Export | None, disabled: bool) -> Moved | None:
    """Draw and return what becomes of the old address of somebody whose address changed."""
    choices = list(MOVED)
    return st.selectbox(
        t("The old address of somebody whose address changed is"),
        choices,
        index=choices.index(export.config.moved if export else None),
        format_func=lambda m: t(MOVED[m]),
        key=f"{key}-moved",
        disabled=disabled,
        width=480,
    )


def how(key: str, export: Export | None, disabled: bool) -> tuple[Mode, bool, Guards]:
    """Draw and return the mode, whether unchanged contacts are sent too, and the limits."""
    config = export.config if export else None
    guards = config.guards if config else Guards()
    mode = st.radio(
        t("Mode"),
        list(Mode),
        index=list(Mode).index(config.mode) if config else 0,
        format_func=lambda m: t(MODES[m]),
        key=f"{key}-mode",
        disabled=disabled,
        captions=[t(MODE_EXPLAINED[m]) for m in Mode],
    )
    resend = st.toggle(
        t("Send unchanged contacts again as well"),
        value=bool(config and config.resend_unchanged),
        key=f"{key}-resend",
        disabled=disabled,
    )
    return Mode(str(mode)), resend, _limits(key, guards, disabled)


LIMITS = mark(
    {
        "removals_percent": "Taken off the list, at most (% of those we put there)",
        "removals_floor": "So many may always be taken off, whatever the share",
        "removals_count": "Taken off the list, at most",
        "shrunk_percent": "Fewer candidates than the last run, at most (%)",
        "gone_percent": "Gone from the list, and not by us, at most (% of those we put there)",
        "rejected_percent": "Left out, at most (% of the candidates)",
        "contacts_maximum": "Contacts in one run, at most",
    }
)


def _limits(key: str, guards: Guards, disabled: bool) -> Guards:
    """Draw one number for each limit, and return the limits."""
    values: dict[str, float | int | None] = {}
    with st.expander(t("Limits that stop a run until an administrator releases it")):
        for name, now in guards:
            percent = name.endswith("_percent")
            least, most = (0.0, 100.0) if percent else (int(name == "contacts_maximum"), 1_000_000)
            values[name] = st.number_input(
                t(LIMITS[name]),
                least,
                most,
                now,
                key=f"{key}-{name}",
                disabled=disabled,
                width=480,
                placeholder=t("no limit"),
            )
    return guards.model_copy(update={n: v for n, v in values.items() if v is not None or _may_be_off(n)})


def _may_be_off(name: str) -> bool:
    return type(None) in getattr(Guards.model_fields[name].annotation, "__args__", ())
