"""Which exports may hold somebody on a contact list, and which readings of it came since its last delivery.

An export holds from the version with which it came to the list; a later version that goes to another list,
or is no mirror any more, ends all it held. Derived from the saved versions, so nothing has to be kept in
step with them. Must never change anything.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from ccexport.errors import NotFound
from ccexport.ledger import Ledger
from ccexport.model.exports import Export, ExportConfig
from ccexport.model.plans import DestinationReading
from ccexport.model.words import Mode
from ccexport.plan.standing import Seen
from ccexport.runs.engine import Engine


def holders(ledger: Ledger, account_id: str, list_id: str) -> Mapping[str, int]:
    """Export id → the first of its versions that counts, of every export that goes to that list now."""
    return {export.id: first for export, first in _to_list(ledger, account_id, list_id)}


def holders_for(ledger: Ledger, account_id: str, export: Export) -> Mapping[str, int]:
    """Of the list that version of the export goes to, the export itself included, whatever became of it since."""
    own = _first_version(ledger, export, account_id)
    return {**holders(ledger, account_id, export.config.list_id), export.id: own or export.version}


def exports_to(ledger: Ledger, account_id: str, list_id: str) -> list[Export]:
    """Every export that goes to that list now."""
    return [export for export, _ in _to_list(ledger, account_id, list_id)]


def _to_list(ledger: Ledger, account_id: str, list_id: str) -> Iterator[tuple[Export, int]]:
    for export in ledger.exports.all():
        if export.config.list_id != list_id:
            continue
        first = _first_version(ledger, export, account_id)
        if first is not None:
            yield export, first


def _first_version(ledger: Ledger, export: Export, account_id: str) -> int | None:
    """The first version of its stay on its list; None when that is in another account.

    Without a connection an export holds what it held: it may be given the same one again.
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
    """(id, reading) of every reading since the last delivery, oldest first; up to and with `until`.

    One taken before it, or while a run was at work, says nothing that the delivery does not know.
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
    """A reading as the plan takes it."""
    return Seen(reading.on_list, reading.unsubscribed if Path(reading.unsubscribed).exists() else None)
