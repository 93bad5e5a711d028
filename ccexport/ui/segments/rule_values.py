"""The widget for the value of one condition, depending on its operator and the type of its field."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import streamlit as st

from ccexport.messages import mark
from ccexport.model.words import FieldType
from ccexport.segments.words import MONTHS
from ccexport.services.segments import OPERATORS, Takes
from ccexport.ui.pickers import choose_many
from ccexport.ui.texts import t

UNITS = mark(("days", "weeks", "months", "years"))
_TIMES = {FieldType.DATE, FieldType.TIMESTAMP}


def value_widget(
    node: dict[str, Any],
    key: str,
    type_: FieldType | None,
    segments: Mapping[str, str],
    exports: Mapping[str, str],
    known: Sequence[Any],
) -> None:
    """Draw what the operator needs and put the value into the node; `known` are existing values of the field."""
    takes = OPERATORS[node["op"]].takes
    key = f"{key}-{takes.name}-{type_}"
    node["needs_value"] = takes is not Takes.NOTHING
    if takes is Takes.NOTHING:
        node["value"] = None
    elif takes is Takes.ONE:
        if known:
            node["value"] = _known(node.get("value"), key, known)
        else:
            node["value"] = _one(t("Value"), node.get("value"), key, type_)
    elif takes is Takes.MANY:
        node["value"] = _many(node.get("value"), key, type_, known)
    elif takes is Takes.RANGE:
        node["value"] = _range(node.get("value"), key, type_)
    elif takes is Takes.SPAN:
        node["value"] = _span(node.get("value"), key)
    elif takes is Takes.MONTHS:
        node["value"] = _months(node.get("value"), key)
    elif takes is Takes.SHARE:
        node["value"] = _range(node.get("value") or [0, 10], key, FieldType.NUMBER)
        node["salt"] = st.text_input(
            t("Salt"),
            value=str(node.get("salt") or ""),
            key=f"{key}-salt",
            width=170,
            max_chars=100,
            help=t("Rules with the same salt part the profiles alike; another salt parts them anew."),
        )
    elif takes is Takes.SEGMENT:
        node["value"] = _named(t("Segment"), node.get("value"), key, segments)
    elif takes is Takes.SENT:
        node["value"] = _sent(node.get("value"), key, exports)
    if type_ is FieldType.TEXT and takes in {Takes.ONE, Takes.MANY}:
        node["ignore_case"] = st.checkbox(
            t("Ignore case"), value=bool(node.get("ignore_case")), key=f"{key}-case"
        )


def _one(label: str, value: Any, key: str, type_: FieldType | None) -> Any:
    if type_ is FieldType.NUMBER:
        start = float(value) if isinstance(value, int | float) else None
        number = st.number_input(label, value=start, key=key, width=170)
        return int(number) if number is not None and float(number).is_integer() else number
    if type_ in _TIMES:
        day = st.date_input(
            label,
            value=_day(value),
            key=key,
            width=170,
            min_value=date(1900, 1, 1),
            max_value=date(2100, 1, 1),
        )
        return day.isoformat() if isinstance(day, date) else None
    return st.text_input(label, value=str(value or ""), key=key, width=240, max_chars=1_000)


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None


def _known(value: Any, key: str, known: Sequence[Any]) -> str | None:
    """Draw and return one of the existing values, or another one that a person types."""
    options = list(dict.fromkeys([*([str(value)] if value else []), *map(str, known)]))
    return st.selectbox(
        t("Value"),
        options,
        index=options.index(str(value)) if value else None,
        accept_new_options=True,
        key=f"{key}-known",
        width=280,
        placeholder=t("choose or type"),
    )


def _many(value: Any, key: str, type_: FieldType | None, known: Sequence[Any]) -> list[Any]:
    start = [str(v) for v in (value if isinstance(value, list | tuple) else [value] if value else [])]
    chosen = choose_many(
        t("Values"),
        list(dict.fromkeys([*start, *map(str, known)])),
        default=start,
        accept_new_options=True,
        key=key,
        width=340,
        placeholder=t("type one, then Enter"),
    )
    return [_number(v) for v in chosen] if type_ is FieldType.NUMBER else list(chosen)


def _number(text: str) -> Any:
    try:
        value = float(text)
    except ValueError:
        return text  # the count shows what is wrong with it
    return int(value) if value.is_integer() else value


def _range(value: Any, key: str, type_: FieldType | None) -> list[Any] | None:
    low, high = value if isinstance(value, list | tuple) and len(value) == 2 else (None, None)
    low = _one(t("From"), low, f"{key}-low", type_)
    high = _one(t("To"), high, f"{key}-high", type_)
    return [low, high] if low is not None and high is not None else None


def _span(value: Any, key: str) -> str:
    words = str(value or "30 days").split()
    start = int(words[0]) if words[0].isdigit() else 30
    unit = next((u for u in UNITS if u.startswith(words[-1].rstrip("s"))), "days")
    n = st.number_input(t("How many"), 1, 10_000, start, key=f"{key}-n", width=130)
    chosen = st.selectbox(
        t("Unit"), UNITS, index=UNITS.index(unit), format_func=t, key=f"{key}-unit", width=130
    )
    return f"{n} {chosen}"


def _months(value: Any, key: str) -> list[int]:
    start = [v for v in (value if isinstance(value, list | tuple) else [value]) if isinstance(v, int)]
    return choose_many(
        t("Months"),
        list(range(1, 13)),
        default=start,
        format_func=lambda m: t(MONTHS[m - 1]),
        key=key,
        width=340,
    )


def _named(label: str, value: Any, key: str, names: Mapping[str, str]) -> str | None:
    options = list(names)
    now = next((k for k, name in names.items() if value in {k, name}), None)
    return st.selectbox(
        label,
        options,
        index=options.index(now) if now else None,
        format_func=lambda s: names[s],
        key=key,
        width=300,
        placeholder=t("choose"),
    )


def _sent(value: Any, key: str, exports: Mapping[str, str]) -> Any:
    """Draw the choice of an export, at any time or within a recent span, and return it."""
    written = value if isinstance(value, Mapping) else {"export": value}
    export = _named(t("Export"), written.get("export"), f"{key}-export", exports)
    lately = st.checkbox(t("lately"), value="n" in written, key=f"{key}-lately")
    if export is None or not lately:
        return export
    span = _span(f"{written.get('n', 30)} {written.get('unit', 'days')}", f"{key}-span")
    n, unit = span.split()
    return {"export": export, "n": int(n), "unit": unit}
