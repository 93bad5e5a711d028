"""Creating and changing a segment: all profiles, a rule with a live count, or a member list."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from ccexport.errors import CcexportError
from ccexport.model.exports import Actor
from ccexport.model.profiles import Segment, Snapshot
from ccexport.model.words import SegmentKind
from ccexport.ui.app_state import services
from ccexport.ui.edit_conflict import ask_what_holds, forget, opened
from ccexport.ui.navigation import go, link
from ccexport.ui.pickers import choose_many
from ccexport.ui.render import bare, empty, number, percent, plain, show_error, show_refusal
from ccexport.ui.segments.listing import KINDS
from ccexport.ui.segments.rule_editor import RuleEditor
from ccexport.ui.texts import t

SHOWN = 10


def new_segment(actor: Actor) -> None:
    """Draw the form of a new segment: kind, name, then what that kind needs."""
    _form(actor, None)


def edit_segment(actor: Actor, segment: Segment) -> None:
    """Draw the same form for a saved segment; after a change, exports that use it need new plans."""
    _form(actor, segment)


def _form(actor: Actor, saved: Segment | None) -> None:
    form = opened(f"segment-{saved.id}", saved, saved.version) if saved else None
    old, key, stale = (form.thing, form.key, form.stale) if form else (None, "segment-new", False)
    snapshot = services().profiles.find_current(actor)
    if snapshot is None:
        with empty(t("No profiles yet"), t("Bring in a file with profiles first.")):
            link("profiles", t("Profiles"), icon=":material/contacts:")
        return
    if saved and stale:
        ask_what_holds(f"segment-{saved.id}", saved.version)
    name = st.text_input(
        t("Name"), value=old.name if old else "", max_chars=200, key=f"{key}-name", width=480
    )
    description = st.text_input(
        t("What it is for"), value=old.description if old else "", max_chars=300, key=f"{key}-text", width=480
    )
    tags = _tags(actor, key, old)
    kind = old.kind if old else _kind(key)
    values: dict[str, Any] | None = {"everybody": True}
    if kind is SegmentKind.DYNAMIC:
        rule = _rule(actor, key, old, snapshot)
        values = {"rule": rule} if rule else None
    elif kind is SegmentKind.STATIC:
        values = _members(key, old)
    off = values is None or stale
    if st.button(t("Save"), type="primary", icon=":material/save:", disabled=off, key=f"{key}-save"):
        _save(actor, key, old, name, (values or {}) | {"description": description, "tags": tags})


def _tags(actor: Actor, key: str, old: Segment | None) -> list[str]:
    there = sorted({tag for segment in services().segments.list(actor) for tag in segment.tags})
    mine = list(old.tags) if old else []
    return choose_many(
        t("Tags"),
        sorted({*there, *mine}),
        default=mine,
        accept_new_options=True,
        max_selections=20,
        key=f"{key}-tags",
        width=480,
        placeholder=t("type one, then Enter"),
    )


def _kind(key: str) -> SegmentKind:
    kinds = [SegmentKind.DYNAMIC, SegmentKind.STATIC, SegmentKind.ALL]
    chosen = st.segmented_control(
        t("Made of"),
        kinds,
        default=SegmentKind.DYNAMIC,
        required=True,
        format_func=lambda k: t(KINDS[k][0]),
        key=f"{key}-kind",
    )
    return chosen or SegmentKind.DYNAMIC


def _rule(actor: Actor, key: str, old: Segment | None, snapshot: Snapshot) -> Mapping[str, Any] | None:
    written = st.segmented_control(
        t("Write the rule"),
        ["build", "json"],
        default="build",
        required=True,
        key=f"{key}-how",
        format_func=lambda k: t("by pressing") if k == "build" else "JSON",
    )
    start = services().segments.written(actor, old.id) if old else {"all": [{}]}
    if written == "json":
        rule = _json(key, start)
    else:
        others = {s.id: s.name for s in services().segments.list(actor) if not old or s.id != old.id}
        exports = {e.id: e.name for e in services().exports.list(actor)}
        editor = RuleEditor(
            key, snapshot.fields, others, start, exports=exports, suggest=lambda f: suggested(actor, f)
        )
        rule = editor.draw()
        if rule is None:
            st.caption(
                t("Something is missing yet: choose a field, an operator and a value for each condition.")
            )
    if rule:
        _count(actor, rule, snapshot, key)
    return rule


def _json(key: str, start: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    text = st.text_area(
        t("Rule as JSON"),
        value=json.dumps(start, indent=2, ensure_ascii=False),
        height=260,
        key=f"{key}-json",
    )
    try:
        rule = json.loads(text)
    except ValueError as error:
        show_refusal(t("That is not JSON: {reason}", reason=str(error)))
        return None
    return rule if isinstance(rule, dict) and rule else None


def _count(actor: Actor, rule: Mapping[str, Any], snapshot: Snapshot, key: str) -> None:
    """Draw how many profiles the rule selects now, on request each part by itself, and some of the profiles."""
    try:
        found = services().segments.count_rule(actor, rule)
        words = services().segments.rule_in_words(actor, rule, say=t)
    except CcexportError as error:
        show_error(error)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.metric(
            t("Profiles"),
            number(found),
            delta=percent(found / snapshot.profiles) if snapshot.profiles else None,
            delta_color="off",
            delta_arrow="off",
            width=180,
        )
        st.markdown(plain(words, 1_000), width="stretch")
    parts: list[Mapping[str, Any]] = next((rule[k] for k in ("all", "any", "none") if k in rule), [])
    if len(parts) > 1 and st.toggle(t("Count each part by itself"), key=f"{key}-parts", value=found == 0):
        for part in parts:
            n = services().segments.count_rule(actor, part)
            st.caption(f"{number(n)} · {plain(services().segments.rule_in_words(actor, part, say=t), 300)}")
    with st.expander(t("Some of them"), key=f"{key}-some", on_change="rerun") as some:
        if some.open:
            rows = services().segments.sample(actor, rule, limit=SHOWN)
            frame = [
                {k: bare(v) if isinstance(v, str) else v for k, v in r.items() if not k.startswith("_")}
                for r in rows
            ]
            st.dataframe(pd.DataFrame(frame), hide_index=True, alt=t("Some of them"))


def _members(key: str, old: Segment | None) -> dict[str, Any] | None:
    st.markdown(
        t("A CSV file with a column of profile ids or addresses, or the same pasted here, one a line.")
    )
    file = st.file_uploader(t("Member list"), type=["csv", "txt"], key=f"{key}-file", max_upload_size=50)
    pasted = st.text_area(t("Ids or addresses"), key=f"{key}-pasted", max_chars=500_000)
    lines = [line.strip() for line in pasted.splitlines() if line.strip()]
    if file is not None:
        return {"file": file}
    if lines:
        return {"members": lines}
    return {} if old else None


def suggested(actor: Actor, field: str) -> Sequence[Any]:
    """Return the most frequent values of a field, to choose from; none when the field is missing."""
    try:
        return [value for value, _ in services().profiles.suggest(actor, field)]
    except CcexportError:
        return []  # the field no longer exists; the count shows the error


def _save(actor: Actor, key: str, old: Segment | None, name: str, values: dict[str, Any]) -> None:
    file = values.pop("file", None)
    with tempfile.TemporaryDirectory(prefix="ccexport-") as folder:
        if file is not None:
            path = Path(folder) / "members.csv"
            path.write_bytes(file.getbuffer())
            values["members"] = path
        try:
            saved = _saved(actor, old, name, values)
        except CcexportError as error:
            show_error(error)
            return
    forget(key)
    go("segments", segment=saved.id)


def _saved(actor: Actor, old: Segment | None, name: str, values: dict[str, Any]) -> Segment:
    if old is None:
        return services().segments.create(actor, name, **values)
    values.pop("everybody", None)
    return services().segments.change(actor, old.id, new_name=name, **values)
