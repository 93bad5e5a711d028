"""The commands that work with `--remote`: the same options, the same documents, the same exit codes.

An option that cannot be used from elsewhere is refused. Must never do half of what was asked.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ccexport.cli.output import ExitCode, emit, facts, say, table
from ccexport.cli.remote import Remote, Work
from ccexport.errors import BadInput
from ccexport.model.words import RunState

WAIT = 60


def _refuse(given: Mapping[str, Any]) -> None:
    """Raise `BadInput` for an option that was given and that is not possible from elsewhere."""
    for name, value in given.items():
        if value not in (None, False, "", [], ()):
            option = "--" + name.replace("_", "-")
            raise BadInput("{option} cannot be used with --remote: run it on that machine.", option=option)


def ingest(
    remote: Remote,
    files: list[Path] | None,
    id_field: str | None,
    sheet: str | None,
    types: list[str] | None,
    formats: list[str] | None,
    encoding: str | None,
    skip_rows: int | None,
    member: str | None,
    accept_changes: bool,
    as_json: bool,
) -> None:
    """Upload one file."""
    if not files or len(files) != 1:
        raise BadInput("With --remote, name one file; several are read on that machine.")
    file = Path(files[0])
    document = remote.upload(
        file,
        "profiles",
        name=file.name,
        id_field=id_field,
        sheet=sheet,
        type=types,
        format=formats,
        encoding=encoding,
        skip_rows=skip_rows,
        member=member,
        accept_changes=accept_changes,
    )
    said = "{profiles} profiles in snapshot {snapshot} (id field: {id_field})."
    emit(as_json, document, [said.format_map(document)])
    for remark in document["remarks"]:
        say(remark)


def segments(remote: Remote, as_json: bool) -> None:
    rows = remote.get("segments")["items"]
    emit(as_json, rows, table(rows, ["name", "kind", "members", "in_words"]))


def exports(remote: Remote, as_json: bool) -> None:
    rows = remote.get("exports")["items"]
    shown = [
        row
        | {"segments": ", ".join(row["segments"]), "last_run": (row["last_run"] or {}).get("state", "never")}
        for row in rows
    ]
    emit(as_json, rows, table(shown, ["name", "connection", "list", "segments", "mode", "last_run"]))


def export(remote: Remote, name: str, as_json: bool) -> None:
    document = remote.get("exports", name)
    emit(as_json, document, facts(document))


def preview(
    remote: Remote, name: str, rows: int, what: str | None, resend_all: bool, as_json: bool, **other: Any
) -> None:
    _refuse(other)
    document = remote.post("exports", name, "previews", body={"resend_all": resend_all})
    path = ("previews", document["plan_id"], "rows")
    contacts = list(remote.every(*path, limit=rows, what=what or "sent"))
    verdicts = ", ".join(f"{n} {verdict}" for verdict, n in document["verdicts"].items())
    lines = [f"{document['candidates']} candidates: {verdicts}."]
    lines += [f"  {n} not sent: {reason}" for reason, n in document["reasons"].items() if n]
    lines.append(f"{document['to_send']} contacts would be sent in {document['requests']} requests.")
    lines += [f"BLOCKED by {guard['name']}: {guard['sentence']}" for guard in document["guards"]]
    lines.append(f"digest {document['digest']}")
    shown = [row | {"verdict": row["verdict"] or row["reason"]} for row in contacts]
    lines += table(shown, ["verdict", "email", "contact"]) if shown else []
    emit(as_json, document | {"contacts": contacts}, lines)
    for remark in document["remarks"]:
        say(remark)


def run(
    remote: Remote, name: str, digest: str | None, wait: bool, resend_all: bool, as_json: bool, **other: Any
) -> int:
    _refuse(other)
    started = remote.post("runs", body={"export": name, "digest": digest, "resend_all": resend_all})
    return _followed(remote, started, wait, as_json)


def _followed(remote: Remote, started: Mapping[str, Any], wait: bool, as_json: bool) -> int:
    """Print a run that was started; with `wait`, once it has ended or waits for somebody."""
    say(f"Run {started['run_id']} is queued there.")
    found = remote.get("runs", started["run_id"], wait=WAIT if wait else 0)
    while wait and not found["ended"] and found["state"] != RunState.WAITING:
        found = remote.get("runs", started["run_id"], wait=WAIT)
    _emit_run(found, as_json)
    return _exit_code(found) if wait else ExitCode.DONE


def _exit_code(found: Mapping[str, Any]) -> ExitCode:
    ends = {RunState.SUCCEEDED: ExitCode.DONE, RunState.SUCCEEDED_WITH_REJECTS: ExitCode.WITH_REJECTS}
    return ends.get(found["state"], ExitCode.FAILED) if found["ended"] else ExitCode.WAITING


def _emit_run(found: Mapping[str, Any], as_json: bool) -> None:
    waiting = f" for {found['waiting_for']}" if found["waiting_for"] else ""
    numbers = ", ".join(f"{n} {name}" for name, n in found["counts"].items() if n)
    lines = [f"Run {found['run_id']} of {found['export']} to {found['list']}: {found['state']}{waiting}."]
    emit(as_json, found, [*lines, *(f"  {line}" for line in (numbers, found["note"]) if line)])


def runs(
    remote: Remote,
    export: str | None,
    contact_list: str | None,
    state: Any,
    person: str | None,
    since: Any,
    until: Any,
    limit: int,
    as_json: bool,
) -> None:
    asked = {"export": export, "list": contact_list, "person": person}
    asked |= {"state": str(getattr(state, "value", state)) if state else None}
    asked |= {"since": since.isoformat() if since else None, "until": until.isoformat() if until else None}
    rows = list(remote.every("runs", limit=limit, **asked))
    columns = ["run_id", "export", "state", "created_at", "sent", "verified", "rejected", "missing"]
    emit(as_json, rows, table([row | row["counts"] for row in rows], columns))


def show(remote: Remote, run_id: str, as_json: bool) -> None:
    _emit_run(remote.get("runs", run_id), as_json)


def contacts(
    remote: Remote,
    run_id: str,
    verdict: str | None,
    email: str | None,
    limit: int,
    offset: int,
    as_json: bool,
    **other: Any,
) -> None:
    _refuse(other)
    found = list(remote.every("runs", run_id, "contacts", limit=limit + offset, what=verdict, email=email))
    rows = found[offset : offset + limit]
    emit(as_json, rows, table(rows, ["email", "profile_id", "verdict", "reason", "outcome", "note"]))


def cancel(remote: Remote, run_id: str, as_json: bool) -> None:
    _emit_run(remote.post("runs", run_id, "cancel"), as_json)


def approve(remote: Remote, run_id: str, as_json: bool) -> None:
    _emit_run(remote.post("runs", run_id, "approve"), as_json)


def undo(remote: Remote, run_id: str, preview: bool, digest: str | None, wait: bool, as_json: bool) -> int:
    if preview:
        document = remote.post("runs", run_id, "undo", "preview")
        emit(as_json, document, [*document["sentences"], f"digest {document['digest']}"])
        return ExitCode.DONE
    return _followed(remote, remote.post("runs", run_id, "undo", body={"digest": digest}), wait, as_json)


THERE: Mapping[str, Work] = {
    "profiles ingest": ingest,
    "segments list": segments,
    "exports list": exports,
    "exports show": export,
    "exports preview": preview,
    "exports run": run,
    "runs list": runs,
    "runs show": show,
    "runs contacts": contacts,
    "runs cancel": cancel,
    "runs approve": approve,
    "runs undo": undo,
}
