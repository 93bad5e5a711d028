"""Ingesting a file: its first rows, the id field and the types, then a progress bar.

Must never keep an upload longer than the session that made it.
"""

import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from ccexport.errors import CcexportError, Conflict
from ccexport.messages import counted, mark
from ccexport.model.exports import Actor
from ccexport.model.profiles import IngestReport
from ccexport.model.sources import Progress, SourcePreview, Tell
from ccexport.model.words import FieldType
from ccexport.ui.app_state import services
from ccexport.ui.profiles.file_remarks import chosen, remarks, side_by_side, suppress_instead
from ccexport.ui.render import number, plain, show_error
from ccexport.ui.texts import t, tn

TYPES = [
    "csv",
    "tsv",
    "psv",
    "txt",
    "parquet",
    "json",
    "jsonl",
    "ndjson",
    "xlsx",
    "xlsm",
    "xls",
    "xlsb",
    "ods",
    "gz",
    "zip",
]
STEPS = mark(
    {
        "reading": "Reading",
        "checking": "Finding the types",
        "joining": "Joining the sources",
        "writing": "Writing",
        "addresses": "Judging the addresses",
        "done": "Done",
    }
)
CHOSEN = [t_ for t_ in FieldType if t_ is not FieldType.LIST]


def ingest(actor: Actor) -> None:
    """Draw the upload that makes a file the new snapshot; if that fails, the current one stays."""
    file = st.file_uploader(t("File with profiles"), type=TYPES, key="ingest-file")
    if file is None:
        st.caption(
            t(
                "CSV, Parquet, JSON lines or Excel, with one row per customer. "
                "You see its first rows before anything changes."
            )
        )
        return
    path = _kept(file)
    try:
        found, how = _preview(actor, path, file.file_id)
    except CcexportError as error:
        show_error(error)
        return
    remarks(found, file.file_id)
    id_field, types = _choices(found, file.file_id, str(how))
    side_by_side(found)
    suppress_instead(actor, path, found)
    accept = st.checkbox(t("Take it even if fields are missing or it is much smaller than before"))
    if st.button(t("Bring it in"), type="primary", icon=":material/upload:"):
        take(
            lambda told: services().profiles.ingest(
                actor,
                [path],
                id_field=id_field,
                types=types,
                accept_changes=accept,
                progress=told,
                **how,
            )
        )


def _kept(file: Any) -> Path:
    """Write the upload once to a file with its own name; it is deleted with the session or the next upload."""
    if st.session_state.get("ingest-kept", ("", None))[0] != file.file_id:
        folder = tempfile.TemporaryDirectory(prefix="ccexport-")
        path = Path(folder.name) / (Path(file.name).name or "profiles.csv")
        with path.open("wb") as copy:
            shutil.copyfileobj(file, copy)
        st.session_state["ingest-kept"] = (file.file_id, folder, path)
        st.session_state.pop("ingest-previews", None)
    kept: Path = st.session_state["ingest-kept"][2]
    return kept


def _preview(actor: Actor, path: Path, file_id: str) -> tuple[SourcePreview, dict[str, Any]]:
    """Return the first rows as the file will be read, and the choices: sheet, member, formats."""
    how: dict[str, Any] = dict(chosen(file_id))
    first = _previewed(actor, path, how)
    for name, label, there in (
        ("member", t("File in the archive"), first.members),
        ("sheet", t("Sheet"), first.sheets),
    ):
        if len(there) > 1:
            how[name] = st.selectbox(label, there, key=f"ingest-{name}-{file_id}", width=360)
    return _previewed(actor, path, how), how


def _previewed(actor: Actor, path: Path, how: Mapping[str, Any]) -> SourcePreview:
    """Return a preview of the file, cached for each way of reading it."""
    seen: dict[str, SourcePreview] = st.session_state.setdefault("ingest-previews", {})
    if str(how) not in seen:
        seen[str(how)] = services().profiles.preview_file(actor, path, **how)
    return seen[str(how)]


def _choices(found: SourcePreview, file_id: str, how: str) -> tuple[str | None, Mapping[str, FieldType]]:
    """Draw the choices. Returns the id field, and the types that were changed."""
    names = list(found.fields)
    id_field = st.selectbox(
        t("Field that identifies a customer"),
        names,
        index=names.index(found.id_field) if found.id_field in names else None,
        key=f"ingest-id-{file_id}-{how}",
        placeholder=t("choose"),
        width=360,
    )
    with st.expander(t("Types of the fields"), icon=":material/data_object:"):
        st.caption(
            t(
                "As the first rows suggest. Every row is looked at when the file is brought in; "
                "what you choose here has to fit all of them."
            )
        )
        labels = {str(type_): t(str(type_)) for type_ in CHOSEN}
        shown = [{"field": n, "type": t(str(type_))} for n, type_ in found.fields.items()]
        edited = st.data_editor(
            pd.DataFrame(shown),
            hide_index=True,
            disabled=["field"],
            key=f"ingest-types-{file_id}-{how}",
            column_config={
                "field": st.column_config.TextColumn(t("Field")),
                "type": st.column_config.SelectboxColumn(
                    t("Type"), options=list(labels.values()), required=True
                ),
            },
        )
    meant = {label: FieldType(type_) for type_, label in labels.items()}
    wanted = {row["field"]: meant.get(row["type"]) for row in edited.to_dict("records")}
    changed = {n: w for n, w in wanted.items() if w is not None and w is not found.fields[n]}
    return id_field, changed


def take(ingest_it: Callable[[Tell], IngestReport]) -> None:
    """Ingest with a progress bar, and show the result."""
    bar = st.progress(0.0, text=t("Reading"))

    def told(progress: Progress) -> None:
        bar.progress(progress.share or 0.0, text=_words(progress))

    try:
        report = ingest_it(told)
    except CcexportError as error:
        bar.empty()
        show_error(error)
        more = (
            t("If that is right, tick the box and bring it in again.") if isinstance(error, Conflict) else ""
        )
        st.caption(f"{t('Nothing was changed.')} {more}")
        return
    bar.empty()
    _done(report)


def _words(progress: Progress) -> str:
    """Return the current step and how much is done; with the total if it is known."""
    size = 1_000_000 if progress.unit == "bytes" else 1
    unit = "MB" if progress.unit == "bytes" else t("rows")
    said = f"{t(STEPS.get(progress.step, 'Reading'))} {plain(progress.what, 60)}".strip()
    if progress.total:
        return f"{said}: {number(progress.done / size)} / {number(progress.total / size)} {unit}"
    return f"{said}: {number(progress.done)} {unit}" if progress.done else said


def _done(report: IngestReport) -> None:
    st.success(
        t(
            "{current}; {rejected}.",
            current=counted(
                "{n} profile is current now", "{n} profiles are current now", n=report.snapshot.profiles
            ),
            rejected=counted("{n} row was not taken", "{n} rows were not taken", n=report.snapshot.rejects),
        ),
        icon=":material/check_circle:",
    )
    for reason, count in report.reasons.items():
        st.caption(f"{number(count)} × {plain(reason, 200)}")
    for field, count in report.snapshot.conflicts:
        st.caption(
            tn(
                "The sources disagree on {field} for {n} profile.",
                "The sources disagree on {field} for {n} profiles.",
                field=plain(field),
                n=count,
            )
        )
