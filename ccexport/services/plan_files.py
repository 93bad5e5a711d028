"""Use cases of plans as files: a plan that somebody reviews, signed by the installation, and run later or refused.

Must never run what the file does not describe, and never put people into a file for who may not see them.
"""

import hashlib
import hmac
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ccexport.errors import BadInput, ChangedSincePreview, StoreTrouble
from ccexport.files import private_folder, published
from ccexport.ledger.sealing import derived_secret
from ccexport.model.exports import Actor
from ccexport.model.plans import Plan
from ccexport.model.words import Reason, Role, Verdict
from ccexport.plan import download
from ccexport.services.access import require, require_use
from ccexport.services.wiring import UseCases

DESCRIPTION, SIGNATURE, ROWS = "plan.json", "plan.sig", "rows.parquet"
MOST = 1_000_000  # bytes of a description
WITHIN = (DESCRIPTION, SIGNATURE, ROWS)


@dataclass(frozen=True)
class PlanFile:
    """What the file of a plan says: which export, which digest, which numbers."""

    export: str
    digest: str
    described: Mapping[str, Any]

    @property
    def resend_all(self) -> bool:
        """Whether it is the plan of a run that also sends unchanged contacts."""
        return bool(self.described.get("resend_all"))


class PlanFiles(UseCases):
    """Plans that leave the installation and come back."""

    def plan_file(
        self, actor: Actor, name: str, plan: Plan, into: Path, *, rows: bool = False, resend_all: bool = False
    ) -> PlanFile:
        """Write the plan to a zip file, signed; with `rows`, everybody who is in it. Audited."""
        require(actor, Role.VIEWER, "see previews")
        export = self._ledger.exports.named(name)
        if rows:
            connection = self._ledger.connections.get(export.config.connection_id)
            require_use(actor, connection, "download from this export")
        if into.suffix.lower() != ".zip":
            raise BadInput("{into}: the file of a plan is a .zip file.", into=into.name)
        described = describe(export.name, plan) | {"resend_all": resend_all}
        with private_folder(self._wiring.engine.data_dir / "temp") as folder:
            people = folder / ROWS
            if rows:
                download.contacts_parquet(plan, None, people)
                described["rows_sha256"] = _sha256(people)
            text = json.dumps(described, ensure_ascii=False, indent=2, sort_keys=True)
            self._write(into, text, people if rows else None)
        self._ledger.audit.add(
            actor.name, "plan written to a file", export.name, {"plan": plan.id, "rows": rows}
        )
        return PlanFile(export.name, plan.digest, described)

    def _write(self, into: Path, text: str, people: Path | None) -> None:
        try:
            into.parent.stat()  # a missing folder is an error; it is not created
            with published(into) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as file:
                file.writestr(DESCRIPTION, text)
                file.writestr(SIGNATURE, self._signature(text))
                if people is not None:
                    file.write(people, ROWS)
        except OSError as error:
            raise StoreTrouble(
                "The file {into} cannot be written: {problem}.", into=into, problem=error.strerror
            ) from error

    def read_plan_file(self, actor: Actor, file: Path) -> PlanFile:
        """Return what the file says. Raises `BadInput` when it is no plan, or not as this installation wrote it."""
        require(actor, Role.VIEWER, "see previews")
        text, signature = _contents(file)
        if not hmac.compare_digest(signature.strip().encode(), self._signature(text).encode()):
            raise BadInput(
                "The plan {file} was changed, or another installation or key signed it: plan anew.",
                file=file.name,
            )
        described = json.loads(text)
        return PlanFile(described["export"], described["digest"], described)

    def refuse_other(self, actor: Actor, file: PlanFile, plan: Plan) -> None:
        """Refuse unless `plan`, made now, sends exactly what the file says. Raises `ChangedSincePreview`."""
        require(actor, Role.CONTRIBUTOR, "run this export")
        if plan.digest != file.digest:
            raise ChangedSincePreview(
                "{export} would send something else now; it has changed since the plan was made. Plan it anew, and "
                "have that looked at.",
                export=file.export,
            )

    def _signature(self, text: str) -> str:
        settings = self._wiring.settings
        key = derived_secret(settings.secret_key.get_secret_value(), settings.data_dir, "plan files")
        return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()


def describe(name: str, plan: Plan) -> dict[str, Any]:
    """Return a plan in numbers, without anybody in it."""
    return {
        "kind": "ccexport plan",
        "export": name,
        "export_version": plan.export_version,
        "plan_id": plan.id,
        "digest": plan.digest,
        "made_at": plan.made_at.isoformat(),
        "list_id": plan.list_id,
        "snapshot": plan.snapshot_id,
        "candidates": plan.candidates,
        "verdicts": {str(v): plan.verdicts.get(v, 0) for v in Verdict},
        "reasons": {str(r): plan.reasons.get(r, 0) for r in Reason if plan.reasons.get(r, 0)},
        "to_send": plan.to_send,
        "requests": plan.requests,
        "guards": [{"name": g.name, "sentence": str(g.sentence)} for g in plan.guards],
        "segments": dict(plan.segments),
        "destination_read_at": plan.destination_read_at.isoformat() if plan.destination_read_at else None,
    }


def _contents(file: Path) -> tuple[str, str]:
    try:
        with zipfile.ZipFile(file) as opened:
            if not set(opened.namelist()) <= set(WITHIN) or opened.getinfo(DESCRIPTION).file_size > MOST:
                raise KeyError
            return opened.read(DESCRIPTION).decode("utf-8"), opened.read(SIGNATURE)[:200].decode("ascii")
    except OSError as error:
        raise BadInput(
            "The plan {file} cannot be read: {problem}.", file=file.name, problem=error.strerror
        ) from error
    except (zipfile.BadZipFile, KeyError, ValueError, RuntimeError, NotImplementedError) as error:
        raise BadInput("The file {file} is not a plan of ccexport.", file=file.name) from error


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
