"""The operations that change something or start work. Each calls a use case, which checks the right and audits it."""

import re
from pathlib import Path
from typing import Any

from pydantic import Field, RootModel
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from ccexport.api.answers import (
    export_answer,
    preview_answer,
    preview_values,
    profiles_answer,
    run_answer,
    segment_answer,
)
from ccexport.api.calls import Asked, Call, Operation, Reply
from ccexport.api.models import (
    ExportAnswer,
    Ingested,
    PreviewAnswer,
    RefreshAnswer,
    RunAnswer,
    SegmentAnswer,
    UndoAnswer,
)
from ccexport.api.problems import Unanswerable
from ccexport.errors import BadInput
from ccexport.files import private_folder
from ccexport.model.export_drafts import ExportDraft
from ccexport.model.sources import checked_encoding, checked_format
from ccexport.model.words import FieldType, Role

MOST_BYTES = 500 * 1024 * 1024
ONCE = {
    "Idempotency-Key": "Asked again with the same key, the run that was started is answered, no second one."
}
SEEN = {"If-Match": "The ETag of the version that was seen; needed, so that nobody's change is lost."}


class File(Asked):
    name: str = Field("upload.csv", max_length=120, description="Its file name; the ending says what it is.")
    id_field: str | None = Field(None, max_length=200)
    sheet: str | None = Field(None, max_length=200)
    member: str | None = Field(None, max_length=200)
    encoding: str | None = Field(None, max_length=60)
    skip_rows: int | None = Field(None, ge=0, le=10_000)
    type: tuple[str, ...] = Field((), description="FIELD=text, number, boolean, date or timestamp.")
    format: tuple[str, ...] = Field((), description="FIELD=day_first, month_first, … or a pattern.")
    accept_changes: bool = False


class NewSegment(Asked):
    """A segment of a rule, or of everybody."""

    name: str = Field(max_length=200)
    rule: dict[str, Any] | None = None
    everybody: bool = False
    description: str = Field("", max_length=2000)
    tags: tuple[str, ...] = ()


class Changes(RootModel[dict[str, Any]]):
    """Some settings of an export; what is not named stays, null unsets one."""


class NewPreview(Asked):
    """A preview; with `resend_all`, of a run that also sends unchanged contacts."""

    resend_all: bool = False


class NewRun(Asked):
    """A run of an export; with `digest`, of exactly the plan that was previewed, or none."""

    export: str = Field(max_length=300)
    digest: str | None = Field(None, max_length=100)
    resend_all: bool = False


class Undo(Asked):
    """With `digest`, exactly the undo that was previewed, or none."""

    digest: str | None = Field(None, max_length=100)


async def upload_profiles(call: Call) -> Ingested:
    """Receive a file piece by piece, and make a snapshot of it."""
    name, how = _file_name(call.query.name), _how(call.query)
    call.services.profiles.find_current(call.actor)
    if not call.actor.role.covers(Role.CONTRIBUTOR):  # before the file is received; the use case asks again
        return await run_in_threadpool(_ingest, call, Path(name), how)
    with private_folder(call.services.settings.data_dir / "tmp") as folder:
        await _received(call.request, folder / name)
        return await run_in_threadpool(_ingest, call, folder / name, how)


def _ingest(call: Call, file: Path, how: dict[str, Any]) -> Ingested:
    report = call.services.profiles.ingest(
        call.actor, [file], id_field=call.query.id_field, accept_changes=call.query.accept_changes, **how
    )
    return Ingested(
        **profiles_answer(report.snapshot).model_dump(),
        rows_read=report.rows_read,
        reject_reasons=dict(report.reasons),
        remarks=[str(r.message) for r in report.snapshot.remarks],
    )


def _file_name(name: str) -> str:
    if not re.fullmatch(r"[\w][\w .()+-]{0,100}", name):
        raise BadInput(
            "The query: name: a file name has letters, digits, blanks and . _ - ( ) +, such as customers.csv."
        )
    return name


def _how(asked: File) -> dict[str, Any]:
    """Return how to read the file, without what was not given. Raises `BadInput`."""
    how: dict[str, Any] = {"sheet": asked.sheet, "member": asked.member, "skip_rows": asked.skip_rows}
    how["types"] = {name: _type(name, word) for name, word in map(_pair, asked.type)} or None
    try:
        how["formats"] = {n: checked_format(n, word) for n, word in map(_pair, asked.format)} or None
        how["encoding"] = checked_encoding(asked.encoding) if asked.encoding else None
    except ValueError as error:
        raise BadInput("The query: {problem}.", problem=error) from error
    return {name: value for name, value in how.items() if value is not None}


def _pair(text: str) -> tuple[str, str]:
    name, sign, word = text.rpartition("=")
    if not sign or not name:
        raise BadInput("The query: {text}: write FIELD=WORD, such as Code=text.", text=text)
    return name, word


def _type(name: str, word: str) -> FieldType:
    if word not in set(FieldType) - {FieldType.LIST}:
        raise BadInput("The query: type: {name}: write text, number, boolean, date or timestamp.", name=name)
    return FieldType(word)


async def _received(request: Request, into: Path) -> None:
    size = 0
    with into.open("wb") as file:
        async for piece in request.stream():
            size += len(piece)
            if size > MOST_BYTES:
                raise Unanswerable(
                    413, "too_large", "A file has at most 500 MB here; larger ones go in by the command line."
                )
            await run_in_threadpool(file.write, piece)


def refresh_profiles(call: Call) -> RefreshAnswer:
    asked = call.services.refreshes.ask(call.actor)
    return RefreshAnswer(refresh_id=asked.id, state=asked.state)


def create_segment(call: Call) -> SegmentAnswer:
    new = call.body
    made = call.services.segments.create(
        call.actor,
        new.name,
        rule=new.rule,
        everybody=new.everybody,
        description=new.description,
        tags=new.tags,
    )
    return segment_answer(call, made)


def create_export(call: Call) -> ExportAnswer:
    draft: ExportDraft = call.body
    values = {name: getattr(draft, name) for name in draft.model_fields_set if name != "name"}
    return export_answer(call, call.services.exports.create(call.actor, draft.name, **values))


def change_export(call: Call) -> Reply:
    """Save a new version, if the one that was seen is still the newest."""
    changes: dict[str, Any] = call.body.root
    unknown = sorted(set(changes) - set(ExportDraft.model_fields))
    if unknown:
        raise BadInput("An export has no setting {unknown}.", unknown=unknown)
    old = call.services.exports.get(call.actor, call.path["name"])
    seen = call.request.headers.get("if-match")
    if seen is None:
        raise Unanswerable(428, "version_missing", "Send the ETag of the export that you read, as If-Match.")
    if seen != f'"{old.id}.{old.version}"':
        raise Unanswerable(
            412, "changed_meanwhile", "Somebody changed this export meanwhile: look at it again, then save."
        )
    changed = call.services.exports.change(call.actor, old.id, seen=old.version, **changes)
    return Reply(export_answer(call, changed), {"ETag": f'"{changed.id}.{changed.version}"'})


def make_preview(call: Call) -> PreviewAnswer:
    plan = call.services.previews.preview(call.actor, call.path["name"], resend_all=call.body.resend_all)
    return preview_answer(call, plan)


def start_run(call: Call) -> Reply:
    new: NewRun = call.body
    run = call.services.runs.start(
        call.actor,
        new.export,
        digest=new.digest,
        resend_all=new.resend_all,
        key=_key(call.request),
    )
    return Reply(run_answer(run), {"Location": f"/api/v1/runs/{run.id}"})


def _key(request: Request) -> str:
    key = request.headers.get("idempotency-key", "")
    if len(key) > 200 or not key.isprintable() or not key.isascii():
        raise BadInput("An Idempotency-Key has at most 200 printable letters.")
    return key


def cancel_run(call: Call) -> RunAnswer:
    return run_answer(call.services.runs.cancel(call.actor, call.path["run_id"]))


def approve_run(call: Call) -> RunAnswer:
    return run_answer(call.services.runs.approve(call.actor, call.path["run_id"]))


def preview_undo(call: Call) -> UndoAnswer:
    from ccexport.services.start_runs import undo_sentences

    plan = call.services.runs.undo_preview(call.actor, call.path["run_id"])
    sentences = [str(sentence) for sentence in undo_sentences(plan)]
    return UndoAnswer(**preview_values(call, plan), undo_of=call.path["run_id"], sentences=sentences)


def undo_run(call: Call) -> RunAnswer:
    return run_answer(call.services.runs.undo(call.actor, call.path["run_id"], digest=call.body.digest))


_MAY = Role.CONTRIBUTOR
WRITING = (
    Operation(
        "POST",
        "/profiles",
        "Upload a file, and make a snapshot of it",
        upload_profiles,
        Ingested,
        File,
        status=201,
        role=_MAY,
        takes_file=True,
    ),
    Operation(
        "POST",
        "/profiles/refresh",
        "Read the watched sources again",
        refresh_profiles,
        RefreshAnswer,
        status=202,
        role=_MAY,
    ),
    Operation(
        "POST",
        "/segments",
        "Create a segment",
        create_segment,
        SegmentAnswer,
        body=NewSegment,
        status=201,
        role=_MAY,
    ),
    Operation(
        "POST",
        "/exports",
        "Create an export",
        create_export,
        ExportAnswer,
        body=ExportDraft,
        status=201,
        role=_MAY,
    ),
    Operation(
        "PATCH",
        "/exports/{name}",
        "Change some settings of an export",
        change_export,
        ExportAnswer,
        body=Changes,
        role=_MAY,
        headers=SEEN,
    ),
    Operation(
        "POST",
        "/exports/{name}/previews",
        "Plan the export: what a run would send",
        make_preview,
        PreviewAnswer,
        body=NewPreview,
        status=201,
    ),
    Operation(
        "POST", "/runs", "Start a run", start_run, RunAnswer, body=NewRun, status=201, role=_MAY, headers=ONCE
    ),
    Operation("POST", "/runs/{run_id}/cancel", "Stop sending", cancel_run, RunAnswer, role=_MAY),
    Operation(
        "POST",
        "/runs/{run_id}/approve",
        "Approve the plan a run waits with",
        approve_run,
        RunAnswer,
        role=_MAY,
    ),
    Operation(
        "POST", "/runs/{run_id}/undo/preview", "What an undo would do", preview_undo, UndoAnswer, role=_MAY
    ),
    Operation(
        "POST", "/runs/{run_id}/undo", "Undo a run", undo_run, RunAnswer, body=Undo, status=201, role=_MAY
    ),
)
