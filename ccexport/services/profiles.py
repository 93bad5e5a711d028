"""Use cases of the profiles: ingesting, the current snapshot, finding people."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ccexport.errors import BadInput
from ccexport.model.exports import Actor
from ccexport.model.profiles import IngestReport, Snapshot
from ccexport.model.sources import Given, SourcePreview, Tell
from ccexport.model.words import Role
from ccexport.profiles.browse import FieldOverview, FieldSummary
from ccexport.profiles.snapshot_file import FORMATS
from ccexport.runs.profile_runs import Part, parts_of
from ccexport.services.access import mask_profile, require, sees_personal
from ccexport.services.wiring import UseCases, Wiring

__all__ = ["FieldOverview", "FieldSummary", "Part", "ProfileUseCases"]


class ProfileUseCases(UseCases):
    """The profiles for people."""

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self._store = wiring.profile_store

    def ingest(
        self,
        actor: Actor,
        files: Sequence[Path],
        *,
        id_field: str | None = None,
        accept_changes: bool = False,
        progress: Tell | None = None,
        **how: Any,
    ) -> IngestReport:
        """Read files into a new current snapshot.

        `how` are overrides (fields of `Given`: sheet, member, types, formats, encoding, skip_rows). Raises
        `BadInput` or `Conflict`; the current snapshot then stays.
        """
        require(actor, Role.CONTRIBUTOR, "ingest profiles")
        report = self._store.ingest(
            files, id_field=id_field, accept_changes=accept_changes, progress=progress, **how
        )
        self._ledger.audit.add(
            actor.name, "profiles ingested", report.snapshot.id, {"profiles": report.snapshot.profiles}
        )
        return report

    def preview_file(
        self, actor: Actor, file: Path, *, id_field: str | None = None, **how: Any
    ) -> SourcePreview:
        """Return the first rows of a file, the suggested types and remarks; nothing is stored."""
        require(actor, Role.CONTRIBUTOR, "ingest profiles")
        return self._store.preview(Given(files=(file,), key=id_field, **how))

    def current(self, actor: Actor) -> Snapshot:
        """Return the current snapshot. Raises `BadInput` when nothing was ingested yet."""
        require(actor, Role.VIEWER, "see the profiles")
        return self._wiring.current_snapshot()

    def find_current(self, actor: Actor) -> Snapshot | None:
        require(actor, Role.VIEWER, "see the profiles")
        return self._store.current()

    def snapshots(self, actor: Actor) -> list[Snapshot]:
        """Return the snapshots, oldest first."""
        require(actor, Role.VIEWER, "see the profiles")
        return self._store.snapshots()

    def export(self, actor: Actor, into: Path, *, form: str) -> Snapshot:
        """Write every profile to a CSV (safe to open in a spreadsheet), Parquet or XLSX file. Audited."""
        require(actor, Role.CONTRIBUTOR, "download profiles")
        if form not in FORMATS:
            raise BadInput("There is no format {form}; take csv, parquet or xlsx.", form=form)
        snapshot = self._wiring.current_snapshot()
        self._ledger.audit.add(actor.name, "profiles downloaded", snapshot.id, {"format": form})
        self._store.write(snapshot, into, form)
        return snapshot

    def digest(self, actor: Actor) -> str:
        """Return a digest that is the same for the same profiles, whatever file they were read from."""
        require(actor, Role.VIEWER, "see the profiles")
        return self._store.digest(self._wiring.current_snapshot())

    def page(
        self, actor: Actor, *, search: str = "", offset: int = 0, limit: int = 50
    ) -> list[dict[str, Any]]:
        """Return profiles of the current snapshot; masked for a viewer, who cannot search them either."""
        snapshot = self.current(actor)
        personal = sees_personal(actor)
        rows = self._store.page(snapshot, search=search if personal else "", offset=offset, limit=limit)
        return rows if personal else [mask_profile(row, snapshot) for row in rows]

    def profile(self, actor: Actor, profile_id: str) -> dict[str, Any] | None:
        """Return one profile by id; masked for a viewer."""
        snapshot = self.current(actor)
        row = self._store.profile(snapshot, profile_id)
        return row if row is None or sees_personal(actor) else mask_profile(row, snapshot)

    def history(self, actor: Actor, profile_id: str) -> Sequence[Part]:
        """Return every stored run that had this profile, and its outcome there, newest first."""
        require(actor, Role.VIEWER, "see the profiles")
        return parts_of(self._wiring.engine, profile_id)

    def field_table(self, actor: Actor) -> Sequence[FieldOverview]:
        """Return for every field its fill rate and about how many distinct values it has."""
        require(actor, Role.VIEWER, "see the profiles")
        return self._store.field_table(self.current(actor))

    def field_summary(self, actor: Actor, field: str) -> FieldSummary:
        """Return fill rate, distinct values and top values of a field; a viewer sees no values."""
        require(actor, Role.VIEWER, "see the profiles")
        found = self._store.field_summary(self.current(actor), field)
        if sees_personal(actor):
            return found
        return replace(found, minimum=None, maximum=None, top=(), histogram=())

    def count(self, actor: Actor, *, search: str = "") -> int:
        """Return how many profiles a search finds; a viewer cannot search."""
        require(actor, Role.VIEWER, "see the profiles")
        return self._store.count(self.current(actor), search=search if sees_personal(actor) else "")

    def suggest(self, actor: Actor, field: str, *, limit: int = 50) -> Sequence[tuple[Any, int]]:
        """Return the most frequent values of a field with their counts; none for a viewer."""
        if not sees_personal(actor):
            return ()
        return self._store.suggest(self.current(actor), field, "", limit)
