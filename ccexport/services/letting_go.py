"""What becomes of the people an export put on its list when it stops holding them there.

They are left on the list, or a run takes them off. Owns when a change of an export ends its holds.
Must never change an export.
"""

from ccexport.errors import Conflict
from ccexport.ledger import Ledger
from ccexport.messages import message
from ccexport.model.exports import Actor, Export, ExportConfig
from ccexport.model.runs import Run, RunFacts
from ccexport.model.words import Mode, RunState, Trigger
from ccexport.services.wiring import Wiring


def ends_holds(ledger: Ledger, old: ExportConfig, new: ExportConfig) -> bool:
    """Return whether the change ends what the export holds: another list or account, or no mirror any more."""
    known = {connection.id: connection.account_id for connection in ledger.connections.all()}
    accounts = {known.get(config.connection_id, "") for config in (old, new)} - {""}
    switched = old.mode is Mode.MIRROR and new.mode is not Mode.MIRROR
    return old.list_id != new.list_id or len(accounts) > 1 or switched


def connected_version(ledger: Ledger, export: Export) -> Export:
    """Return the newest version of the export with a connection to its list: a run that takes people off uses it.

    Raises `Conflict` when there is none any more.
    """
    connected = _connected(ledger, export)
    there = {connection.id for connection in ledger.connections.all()}
    if connected is None or connected.config.connection_id not in there:
        raise Conflict(
            "Nobody can be taken off {list}: the connection of {export} to it is not there any more.",
            list=export.config.list_name,
            export=export.name,
        )
    return connected


def refuse_while_live(ledger: Ledger, export: Export) -> None:
    """Raise `Conflict` when a live run of the export or on its list keeps another run from starting."""
    live = ledger.runs.all(export_id=export.id, live=True, limit=1)
    live = live or ledger.runs.all(list_id=export.config.list_id, live=True, limit=1)
    if live:
        raise Conflict(
            "Run {run} on this export or list has not ended; let it end or cancel it first. Nothing was changed.",
            run=live[0].id,
        )


def _connected(ledger: Ledger, export: Export) -> Export | None:
    for row in ledger.exports.versions(export.id):
        config = ExportConfig.model_validate(row["config"])
        if config.list_id != export.config.list_id:
            return None
        if config.connection_id:
            return ledger.exports.at(export.id, row["version"])
    return None


def queue_take_off(wiring: Wiring, actor: Actor, export: Export) -> Run:
    """Queue a run that takes off the list everybody whom only this version of the export held there."""
    ledger = wiring.ledger
    connection = ledger.connections.get(export.config.connection_id)
    run = ledger.runs.create(
        Run(
            id=wiring.engine.new_id("run"),
            export_id=export.id,
            export_name=export.name,
            export_version=export.version,
            connection_id=connection.id,
            account_id=connection.account_id,
            list_id=export.config.list_id,
            list_name=export.config.list_name,
            state=RunState.QUEUED,
            trigger=Trigger.PERSON,
            actor=actor.name,
            created_at=ledger.clock(),
        ),
        facts=RunFacts(take_off=True),
    )
    text = message("Takes off {list} the people whom only this export held there.", list=run.list_name)
    ledger.runs.note(run.id, text, actor=actor.name)
    ledger.audit.add(actor.name, "run started", export.name, {"run": run.id, "take_off": True})
    return run
