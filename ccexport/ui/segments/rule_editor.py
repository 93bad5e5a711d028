"""Builds a rule with widgets: groups of conditions, each with a field, an operator and a value.

The session keeps the tree while a person builds it. Must never decide whether a rule is valid:
counting and saving do.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from ccexport.messages import mark
from ccexport.model.profiles import ProfileField
from ccexport.model.words import FieldType
from ccexport.services.segments import OPERATORS, WITH_SALT, Takes, meant, names_for
from ccexport.ui.render import plain
from ccexport.ui.segments.rule_values import value_widget
from ccexport.ui.texts import t

Tree = dict[str, Any]
GROUPS = mark({"all": "all of these", "any": "at least one of these", "none": "none of these"})
MEMBERSHIP = "(membership)"
MEMBERSHIP_OPERATORS = (
    "in_segment",
    "not_in_segment",
    "sent_by_export",
    "not_sent_by_export",
    *sorted(WITH_SALT),
)
DEEPEST = 4
WHOLE = ("is", "is_not")  # these compare with a whole value, so existing values can be offered
DOMAINS = ("matches_domain", "does_not_match_domain")


class RuleEditor:
    """One editor; `key` separates its tree and widgets from those of other editors."""

    def __init__(
        self,
        key: str,
        fields: Sequence[ProfileField],
        segments: Mapping[str, str],
        start: Mapping[str, Any] | None,
        *,
        exports: Mapping[str, str],
        suggest: Callable[[str], Sequence[Any]],
    ) -> None:
        self._key = key
        self._exports = exports
        self._suggest = suggest
        self._fields = {f.name: f for f in fields}
        self._segments = segments
        if f"{key}-tree" not in st.session_state:
            st.session_state[f"{key}-last"] = 0
            st.session_state[f"{key}-tree"] = self._taken(start or {"all": []})

    @property
    def _tree(self) -> Tree:
        tree: Tree = st.session_state[f"{self._key}-tree"]
        return tree

    def draw(self) -> Mapping[str, Any] | None:
        """Draw the editor and return the current rule; None while something is missing."""
        self._group(self._tree, None, 0)
        return self._written(self._tree)

    # -- the tree -------------------------------------------------------------------------------

    def _new(self, node: Tree) -> Tree:
        st.session_state[f"{self._key}-last"] += 1
        return {"id": st.session_state[f"{self._key}-last"], **node}

    def _taken(self, rule: Mapping[str, Any]) -> Tree:
        """Return a saved rule as a tree with ids; a single condition gets a group around it."""
        kind = next((k for k in GROUPS if k in rule), None)
        if kind is None:
            return self._new({"kind": "all", "parts": [self._new(dict(rule))]})
        parts = [self._taken(p) if any(k in p for k in GROUPS) else self._new(dict(p)) for p in rule[kind]]
        return self._new({"kind": kind, "parts": parts})

    def _written(self, node: Tree) -> Mapping[str, Any] | None:
        if "kind" not in node:
            return self._written_condition(node)
        parts = [self._written(part) for part in node["parts"]]
        return {node["kind"]: parts} if parts and all(parts) else None

    def _written_condition(self, node: Tree) -> Mapping[str, Any] | None:
        if not node.get("op") or (node.get("needs_value") and node.get("value") in (None, "", [])):
            return None
        written = {k: node[k] for k in ("field", "op", "value", "salt") if node.get(k) is not None}
        return written | ({"ignore_case": True} if node.get("ignore_case") else {})

    # -- drawing --------------------------------------------------------------------------------

    def _group(self, node: Tree, parent: Tree | None, depth: int) -> None:
        key = f"{self._key}-{node['id']}"
        with st.container(border=True, key=f"{key}-group"):
            with st.container(horizontal=True, vertical_alignment="bottom"):
                node["kind"] = st.segmented_control(
                    t("Profiles for which"),
                    list(GROUPS),
                    default=node["kind"],
                    required=True,
                    format_func=lambda k: t(GROUPS[k]),
                    key=f"{key}-kind",
                )
                if parent is not None and st.button(
                    t("Remove group"), key=f"{key}-drop", icon=":material/delete:"
                ):
                    parent["parts"].remove(node)
                    st.rerun()
            for part in list(node["parts"]):
                if "kind" in part:
                    self._group(part, node, depth + 1)
                else:
                    self._condition(part, node)
            with st.container(horizontal=True):
                if st.button(t("Add condition"), key=f"{key}-add", icon=":material/add:"):
                    node["parts"].append(self._new({}))
                    st.rerun()
                if depth < DEEPEST and st.button(
                    t("Add group"), key=f"{key}-addgroup", icon=":material/account_tree:"
                ):
                    node["parts"].append(self._new({"kind": "any", "parts": [self._new({})]}))
                    st.rerun()

    def _condition(self, node: Tree, parent: Tree) -> None:
        key = f"{self._key}-{node['id']}"
        with st.container(horizontal=True, vertical_alignment="bottom", key=f"{key}-row"):
            field = self._field(node, key)
            if field is not None:
                self._operator(node, key, field)
            if node.get("op"):
                type_ = self._type(field)
                known = self._known(field, type_, node)
                value_widget(node, key, type_, self._segments, self._exports, known)
            if st.button(
                t("Remove"), help=t("Remove condition"), key=f"{key}-drop", icon=":material/delete:"
            ):
                parent["parts"].remove(node)
                st.rerun()
        if node.get("op") and OPERATORS[node["op"]].negates and field != MEMBERSHIP:
            st.caption(t("Profiles where {field} is empty are in as well.", field=plain(str(field), 60)))

    def _known(self, field: str | None, type_: FieldType | None, node: Tree) -> Sequence[Any]:
        """Return values to choose from, if the operator compares with whole values of a text or list field."""
        whole = OPERATORS[node["op"]].takes is Takes.MANY or node["op"] in WHOLE
        texts = type_ in {FieldType.TEXT, FieldType.LIST}
        return self._suggest(field) if field and texts and whole and node["op"] not in DOMAINS else ()

    def _field(self, node: Tree, key: str) -> str | None:
        options = [*self._fields, MEMBERSHIP]
        now = node.get("field") or (MEMBERSHIP if node.get("op") in MEMBERSHIP_OPERATORS else None)
        chosen = st.selectbox(
            t("Field"),
            options,
            index=options.index(now) if now in options else None,
            format_func=lambda f: t("Membership, or sent by an export") if f == MEMBERSHIP else f,
            key=f"{key}-field",
            placeholder=t("choose"),
            width=200,
        )
        if chosen != now:
            node.update(op=None, value=None)
        node["field"] = None if chosen == MEMBERSHIP else chosen
        return chosen

    def _type(self, field: str | None) -> Any:
        return self._fields[field].type if field in self._fields else None

    def _operator(self, node: Tree, key: str, field: str) -> None:
        type_ = self._type(field)
        names = list(MEMBERSHIP_OPERATORS) if type_ is None else names_for(type_)
        now = node.get("op")
        if now and type_ is not None and now not in names:
            found = meant(now, type_)
            now = found.name if found else None
        chosen = st.selectbox(
            t("Operator"),
            names,
            index=names.index(now) if now in names else 0,
            format_func=lambda name: t(OPERATORS[name].words),
            key=f"{key}-{field}-op",
            width=180,
        )
        if now and OPERATORS[chosen].takes is not OPERATORS[now].takes:
            node["value"] = None
        node["op"] = chosen
