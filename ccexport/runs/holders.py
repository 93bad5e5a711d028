"""Which exports may hold somebody on a contact list, and which readings it had since its last delivery.

An export holds from the version in which it was pointed at the list. A later version that goes to another
list, or is no longer in mirror mode, ends all its holds. This is derived from the saved versions, so nothing
has to be kept in step with them. Must never change anything.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ccexport.errors import NotFound
from ccexport.ledger import Ledger
from ccexport.model.exports import Export, ExportConfig
from ccexport.model.plans import DestinationReading
from ccexport.model.words import Mode
from ccexport.plan.standing import Seen, source_of
from ccexport.profiles.database import quote_path, quote_text, session
from ccexport.runs.engine import Engine


def holders(ledger: Ledger, account_id: str, list_id: str) -> Mapping[str, int]:
    """Return every export that goes to that list now: export id → the first of its versions that counts."""
    return {export.id: first for export, first in _to_list(ledger, account_id, list_id)}


def holders_for(ledger: Ledger, account_id: str, export: Export) -> Mapping[str, int]:
    """Return the holders of the list of that export version. The export itself is included, whatever it is now."""
    own = _first_version(ledger, export, account_id)
    return {**holders(ledger, account_id, export.config.list_id), export.id: own or export.version}


def exports_to(ledger: Ledger, account_id: str, list_id: str) -> list[Export]:
    """Return every export that goes to that list now."""
    return [export for export, _ in _to_list(ledger, account_id, list_id)]


def _to_list(ledger: Ledger, account_id: str, list_id: str) -> Iterator[tuple[Export, int]]:
    for export in ledger.exports.all():
        if export.config.list_id != list_id:
            continue
        first = _first_version(ledger, export, account_id)
        if first is not None:
            yield export, first


def _first_version(ledger: Ledger, export: Export, account_id: str) -> int | None:
    """Return the first version since which the export goes to this list; None when that is in another account.

    An export without a connection keeps its holds: it may be given the same connection again.
    """
    first, later = None, export.config
    for row in ledger.exports.versions(export.id):
        if row["version"] > export.version:
            continue
        config = ExportConfig.model_validate(row["config"])
        account = _account_of(ledger, config.connection_id)
        other = config.list_id != export.config.list_id or account not in {account_id, ""}
        switched = config.mode is Mode.MIRROR and later.mode is not Mode.MIRROR
        if other or switched:
            break
        first, later = (row["version"] if account or first is None else first), config
    return first


def _account_of(ledger: Ledger, connection_id: str) -> str:
    try:
        return ledger.connections.get(connection_id).account_id if connection_id else ""
    except NotFound:
        return ""


def readings_since(
    engine: Engine, account_id: str, list_id: str, *, until: DestinationReading | None = None
) -> list[tuple[str, DestinationReading]]:
    """Return (id, reading) of every reading since the last delivery, oldest first, up to and including `until`.

    A reading from before the delivery, or taken during a run, says nothing that the delivery does not know.
    """
    files = engine.ledger.files
    after = files.delivered_at(account_id, list_id)
    found = [
        (reading_id, reading)
        for reading_id, reading in files.readings_of(account_id, list_id)
        if (after is None or reading.read_at > after) and reading.on_list.exists()
    ]
    if until is None:
        return found
    before = [(i, r) for i, r in found if r.read_at < until.read_at and r.on_list != until.on_list]
    return before + [(i, r) for i, r in files.readings_of(account_id, list_id) if r.on_list == until.on_list]


def as_seen(reading: DestinationReading) -> Seen:
    """Return a reading in the form the plan takes."""
    return Seen(reading.on_list, reading.unsubscribed if Path(reading.unsubscribed).exists() else None)


@dataclass(frozen=True)
class Held:
    """How many people an export holds on its list: alone, and together with other exports, by their names."""

    alone: int = 0
    shared: Mapping[str, int] = field(default_factory=dict)


def held_by(engine: Engine, export: Export) -> Held:
    """Count the people the export holds on its list, as of the last delivery to it."""
    found = Held()
    names = engine.ledger.exports.names()
    for account_id, list_id, path in engine.ledger.files.all_deliveries():
        if list_id != export.config.list_id or not path.exists():
            continue
        holding = holders_for(engine.ledger, account_id, export)
        with session(memory_limit=engine.memory_limit, temp_dir=engine.data_dir / "temp") as db:
            rows = ", ".join(f"({quote_text(e)}, {first})" for e, first in holding.items())
            db.run(
                f"CREATE TABLE held AS SELECT DISTINCT x.address, x.export_id FROM {source_of(db, path).holds} x "
                f"JOIN (VALUES {rows}) AS h(export_id, first) USING (export_id) "
                "WHERE x.until IS NULL AND x.since IS NOT NULL AND coalesce(x.version, h.first) >= h.first"
            )
            own = f"held o WHERE o.export_id = {quote_text(export.id)}"
            other = "held p WHERE p.address = o.address AND p.export_id <> o.export_id"
            alone = db.row(f"SELECT count(*) FROM {own} AND NOT EXISTS (FROM {other})")[0]
            shared = db.rows(
                "SELECT p.export_id, count(*) FROM held p JOIN held o USING (address) "
                f"WHERE o.export_id = {quote_text(export.id)} "
                "AND p.export_id <> o.export_id GROUP BY 1 ORDER BY 1"
            )
        found = Held(alone, {names.get(export_id, export_id): count for export_id, count in shared})
    return found


@dataclass(frozen=True)
class Misfits:
    """Contradictions found in the deliveries of all lists."""

    twice: int = 0
    """Addresses that are known more than once on one list."""
    without_export: int = 0
    """Holds of exports that were never saved here."""

    def __bool__(self) -> bool:
        return bool(self.twice or self.without_export)


def misfits(engine: Engine) -> Misfits:
    """Check the deliveries and holds of every list."""
    known = {run.export_id for run in engine.ledger.runs.all(limit=100_000)}
    known |= set(engine.ledger.exports.names())
    twice = without = 0
    with session(memory_limit=engine.memory_limit, temp_dir=engine.data_dir / "temp") as db:
        for _, _, path in engine.ledger.files.all_deliveries():
            if not path.exists():
                continue
            rows = f"read_parquet({quote_path(path)})"
            twice += db.row(
                f"SELECT count(*) FROM (SELECT 1 FROM {rows} GROUP BY address HAVING count(*) > 1)"
            )[0]
            holds = source_of(db, path).holds
            counted = db.rows(f"SELECT export_id, count(*) FROM {holds} WHERE until IS NULL GROUP BY 1")
            without += sum(count for export_id, count in counted if export_id not in known)
    return Misfits(twice, without)
