"""Stores snapshots: ingests new ones, finds them again, opens them read-only.

Everything is written under a temporary name and renamed; `current` changes last. Must never change
or reuse a snapshot's path; a failed ingest must leave everything unchanged.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from ccexport.errors import BadInput, Conflict, NotFound, StoreTrouble
from ccexport.files import locked, make_folder, private_folder, published
from ccexport.model.ids import make_id
from ccexport.model.profiles import FieldEvidence, IngestReport, Snapshot
from ccexport.model.sources import Given, Progress, SourcePreview, Tell
from ccexport.model.words import FieldType
from ccexport.profiles import browse, description
from ccexport.profiles.child import call
from ccexport.profiles.database import DuckDB, session
from ccexport.profiles.exclude import Matches, build_without, profiles_with
from ccexport.profiles.field_evidence import field_evidence
from ccexport.profiles.file_addresses import FileAddresses, addresses_of, field_of_addresses
from ccexport.profiles.ingest import Built
from ccexport.profiles.loading import QUERY_ROWS
from ccexport.profiles.read_pool import WarmDatabase
from ccexport.profiles.schema_drift import refuse_surprises
from ccexport.profiles.snapshot_file import snapshot_digest, write_snapshot

_COUNTS_KEPT = 1_000
PREVIEWED = 1_000  # rows


class ProfileStore:
    """The snapshots under `root` (the data directory), in its folder `profiles`."""

    def __init__(
        self,
        root: Path,
        *,
        memory_limit: str,
        clock: Callable[[], datetime],
        query_rows: int = QUERY_ROWS,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self.folder = root / "profiles"
        self.temp_dir = root / "tmp"
        self.memory_limit = memory_limit
        self._query_rows = query_rows
        self._clock = clock
        self._random = random
        self._warm = WarmDatabase(memory_limit, self.temp_dir)
        # Snapshots and members files never change, so results found in them stay true.
        self._counts: dict[tuple[str, str, str], int] = {}
        self._suggested: dict[tuple[str, str, int], list[tuple[Any, int]]] = {}
        self._tables: dict[str, list[browse.FieldOverview]] = {}
        self._evidence: dict[str, Mapping[str, FieldEvidence]] = {}
        self._descriptions: dict[Path, tuple[int, Snapshot]] = {}
        # A hook that runs on every new snapshot and returns the snapshot that is then current.
        self.after_ingest: Callable[[Snapshot], Snapshot] = lambda snapshot: snapshot

    def ingest(
        self,
        files: Sequence[Path],
        *,
        id_field: str | None = None,
        accept_changes: bool = False,
        progress: Tell | None = None,
        **how: Any,
    ) -> IngestReport:
        """Ingest the files, stacked, into a new snapshot, which becomes the current one.

        `how` to read them are fields of `Given`: sheet, member, types, formats, encoding, skip_rows. Raises
        `Conflict` when the source lost a field, halved, or changed a type, unless `accept_changes`. The
        current snapshot then stays, as after any failure.
        """
        given = Given(files=tuple(files), key=id_field, **how)
        return self.ingest_sources([given], accept_changes=accept_changes, progress=progress)

    def ingest_sources(
        self, sources: Sequence[Given], *, accept_changes: bool = False, progress: Tell | None = None
    ) -> IngestReport:
        """As `ingest`, from sources in their order of precedence, joined by their keys when there are several."""
        if not sources:
            raise BadInput("No source was given.")
        tell = progress or (lambda progress: None)
        sources = self._with_readings(sources)
        make_folder(self.folder)
        with private_folder(self.temp_dir) as folder:
            built: Built = call(
                "build",
                _named_files(sources),
                tell,
                self.memory_limit,
                sources=sources,
                folder=folder,
                query_rows=self._query_rows,
            )
            with locked(self.folder / ".lock"):
                snapshot = self._snapshot_of(built, _named(sources))
                if not accept_changes:
                    refuse_surprises(self.current(), snapshot)
                rejects = self._publish(built, snapshot)
        tell(Progress("done", built.profiles, built.profiles))
        snapshot = self.after_ingest(snapshot)
        return IngestReport(snapshot, built.rows_read, rejects, built.reasons)

    def preview(self, source: Given, *, limit: int = PREVIEWED) -> SourcePreview:
        """Return the first rows of a source, with the types they suggest; nothing is kept."""
        (source,) = self._with_readings([source])
        with private_folder(self.temp_dir) as folder:
            found: SourcePreview = call(
                "preview",
                _named_files([source]),
                lambda progress: None,
                self.memory_limit,
                source=source,
                folder=folder,
                limit=limit,
            )
            return found

    def addresses_in(self, file: Path, field: str | None = None) -> FileAddresses:
        """Return every address of a file, by the field that holds them; nothing is kept."""
        name = field or field_of_addresses(self.preview(Given(files=(file,))))
        given = Given(files=(file,), key=name, types={name: FieldType.TEXT})
        with private_folder(self.temp_dir) as folder:
            built: Built = call(
                "build", [file.name], lambda progress: None, self.memory_limit, sources=[given], folder=folder
            )
            with session(
                memory_limit=self.memory_limit, temp_dir=self.temp_dir, read={"s": built.path}
            ) as db:
                return addresses_of(db, built.id_field, built.rows_read - built.reasons.get("repeated_id", 0))

    def without(self, snapshot: Snapshot, matches: Matches) -> Snapshot:
        """Make the snapshot again without profiles whose address matches; it becomes the current one."""
        with private_folder(self.temp_dir) as folder, locked(self.folder / ".lock"):
            rejects = self.rejects_path(snapshot)
            built = build_without(snapshot, matches, folder, rejects=rejects, memory_limit=self.memory_limit)
            made = self._snapshot_of(built, snapshot.sources)
            self._publish(built, made)
        return made

    def with_address(self, snapshot: Snapshot, matches: Matches) -> list[str]:
        """Return the ids of the profiles whose address matches."""
        return profiles_with(snapshot, matches, memory_limit=self.memory_limit, temp_dir=self.temp_dir)

    def remove(self, snapshot: Snapshot) -> None:
        """Delete a snapshot that is not the current one. Sessions that have it open can go on reading."""
        current = self.current()
        if current is not None and current.id == snapshot.id:
            raise Conflict("The current snapshot cannot be removed.")
        (self.folder / f"{snapshot.id}.json").unlink(missing_ok=True)
        (self.folder / f"{snapshot.id}.rejects.parquet").unlink(missing_ok=True)
        snapshot.path.unlink(missing_ok=True)

    def current(self) -> Snapshot | None:
        """Return the current snapshot, or None before the first ingest."""
        try:
            name = (self.folder / "current").read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return None
        return self.snapshot(name)

    def snapshot(self, snapshot_id: str) -> Snapshot:
        """Return the snapshot of that id."""
        file = self.folder / f"{snapshot_id}.json"
        if Path(snapshot_id).name != snapshot_id or not file.is_file():
            raise NotFound("There is no snapshot '{snapshot}'.", snapshot=snapshot_id)
        return self._described(file)

    def snapshots(self) -> list[Snapshot]:
        """Return every snapshot, oldest first."""
        found = [self._described(f) for f in self.folder.glob("*.json")]
        return sorted(found, key=lambda s: (s.created_at, s.id))

    def rejects_path(self, snapshot: Snapshot) -> Path | None:
        """Return the Parquet file of rejected rows, or None when there were none."""
        path = self.folder / f"{snapshot.id}.rejects.parquet"
        return path if path.exists() else None

    @contextmanager
    def open(self, snapshot: Snapshot) -> Iterator[DuckDB]:
        """Open a private session in which the snapshot's table is `s.profiles`."""
        with session(memory_limit=self.memory_limit, temp_dir=self.temp_dir, read={"s": snapshot.path}) as db:
            yield db

    @contextmanager
    def reading(self, snapshot: Snapshot) -> Iterator[DuckDB]:
        """As `open`, with a database that this process keeps open: for short reads that people wait for."""
        with self._warm.cursor(snapshot) as db:
            yield db

    def page(
        self,
        snapshot: Snapshot,
        *,
        search: str = "",
        offset: int = 0,
        limit: int = 50,
        members: Path | None = None,
        sort: str | None = None,
        descending: bool = False,
    ) -> list[dict[str, Any]]:
        """Return profiles (of a members file) in which every searched word occurs, by field name and `_id`."""
        with self.reading(snapshot) as db:
            return browse.page(
                db,
                snapshot,
                search=search,
                offset=offset,
                limit=limit,
                members=members,
                sort=sort,
                descending=descending,
            )

    def count(self, snapshot: Snapshot, *, search: str = "", members: Path | None = None) -> int:
        """Return how many profiles `page` finds in all; cached, because every page asks for it."""
        key = (snapshot.id, search, str(members))
        if key not in self._counts:
            with self.reading(snapshot) as db:
                found = browse.count(db, snapshot, search=search, members=members)
            if len(self._counts) >= _COUNTS_KEPT:
                self._counts.clear()
            self._counts[key] = found
        return self._counts[key]

    def profile(self, snapshot: Snapshot, profile_id: str) -> dict[str, Any] | None:
        """Return the profile of that id, or None."""
        with self.reading(snapshot) as db:
            return browse.profile(db, snapshot, profile_id)

    def field_table(self, snapshot: Snapshot) -> list[browse.FieldOverview]:
        """Return a summary of every field; computed once for each snapshot."""
        if snapshot.id not in self._tables:
            with self.reading(snapshot) as db:
                self._tables = {snapshot.id: browse.field_table(db, snapshot)}
        return self._tables[snapshot.id]

    def evidence(self, snapshot: Snapshot) -> Mapping[str, FieldEvidence]:
        """Return what every field holds, for suggestions; computed once for each snapshot."""
        if snapshot.id not in self._evidence:
            fields = self.field_table(snapshot)
            with self.reading(snapshot) as db:
                self._evidence = {snapshot.id: field_evidence(db, snapshot, fields)}
        return self._evidence[snapshot.id]

    def write(self, snapshot: Snapshot, into: Path, form: str) -> None:
        """Write the snapshot as a file that can be ingested again; `form` is one of `snapshot_file.FORMATS`."""
        with self.open(snapshot) as db:
            write_snapshot(db, snapshot, into, form, temp_dir=self.temp_dir)

    def digest(self, snapshot: Snapshot) -> str:
        """Return a digest that is the same for the same profiles, whatever they were read from."""
        with self.open(snapshot) as db:
            return snapshot_digest(db, snapshot)

    def row_of(self, snapshot: Snapshot, profile_id: str) -> int | None:
        """Return the row number of the profile of that id, or None."""
        with self.reading(snapshot) as db:
            return browse.row_of(db, profile_id)

    def holds(self, snapshot: Snapshot, members: Path, row: int) -> bool:
        """Return whether a members file has that row."""
        with self.reading(snapshot) as db:
            return browse.holds(db, members, row)

    def field_summary(
        self, snapshot: Snapshot, field: str, members: Path | None = None
    ) -> browse.FieldSummary:
        """Return what a field holds, among everybody or the members."""
        with self.reading(snapshot) as db:
            return browse.field_summary(db, snapshot, field, members)

    def breakdown(
        self, snapshot: Snapshot, field: str, members: Path, limit: int = 20
    ) -> list[tuple[Any, int, int]]:
        """Return values (or ranges) of a field with the count of members and of everybody."""
        with self.reading(snapshot) as db:
            return browse.breakdown(db, snapshot, field, members, limit)

    def suggest(
        self, snapshot: Snapshot, field: str, prefix: str = "", limit: int = 50
    ) -> list[tuple[Any, int]]:
        """Return values of a field that start with the text, with their counts; cached without a text."""
        key = (snapshot.id, field, limit)
        if prefix or key not in self._suggested:
            with self.reading(snapshot) as db:
                found = browse.suggest(db, snapshot, field, prefix, limit)
            if prefix:
                return found
            self._suggested = {k: v for k, v in self._suggested.items() if k[0] == snapshot.id} | {key: found}
        return self._suggested[key]

    def close(self) -> None:
        """Close the database that is kept open."""
        self._warm.close()

    def _with_readings(self, sources: Sequence[Given]) -> list[Given]:
        """Return the sources, each with how its fields were read the last time."""
        current = self.current()
        read = current.readings if current else ()
        return [replace(s, before={r.field: r for r in read if r.source == s.name}) for s in sources]

    def _snapshot_of(self, built: Built, sources: tuple[str, ...]) -> Snapshot:
        now = self._clock()
        snapshot_id = make_id("snap", now, self._random(5))
        return Snapshot(
            id=snapshot_id,
            path=self.folder / f"{snapshot_id}.duckdb",
            created_at=now,
            profiles=built.profiles,
            rejects=sum(built.reasons.values()),
            id_field=built.id_field,
            fields=built.fields,
            sources=sources,
            address_fields=built.address_fields,
            updated_field=built.updated_field,
            parts=built.parts,
            conflicts=tuple(built.conflicts.items()),
            readings=built.readings,
            files=built.files,
            type_conflicts=built.type_conflicts,
        )

    def _publish(self, built: Built, snapshot: Snapshot) -> Path | None:
        """Move the file first, then its description, then make the snapshot current."""
        if snapshot.path.exists():
            raise StoreTrouble("A snapshot {snapshot} is there already.", snapshot=snapshot.id)
        rejects = None
        if built.rejects_path:
            rejects = self.folder / f"{snapshot.id}.rejects.parquet"
            with published(rejects) as part:
                built.rejects_path.rename(part)
        with published(snapshot.path) as part:
            built.path.rename(part)
        with published(self.folder / f"{snapshot.id}.json") as part:
            part.write_text(description.written(snapshot), encoding="utf-8")
        with published(self.folder / "current") as part:
            part.write_text(snapshot.id, encoding="utf-8")
        return rejects

    def _described(self, file: Path) -> Snapshot:
        written = file.stat().st_mtime_ns
        known = self._descriptions.get(file)
        if known is None or known[0] != written:
            known = self._descriptions[file] = (written, self._read(file))
        return known[1]

    def _read(self, file: Path) -> Snapshot:
        try:
            return description.read(file.read_text(encoding="utf-8"), self.folder)
        except (ValueError, KeyError, TypeError) as error:
            raise StoreTrouble("The description {file} of a snapshot is damaged.", file=file.name) from error


def _named_files(sources: Sequence[Given]) -> list[str]:
    return [f.name for s in sources for f in s.files] or [s.name for s in sources]


def _named(sources: Sequence[Given]) -> tuple[str, ...]:
    """Return the origin of the snapshot: its files and queries, with the names of their sources."""
    found: list[str] = []
    for source in sources:
        each = [f.name for f in source.files] or ["a query"]
        found += [f"{source.name}: {name}" if source.name else name for name in each]
    return tuple(found)
