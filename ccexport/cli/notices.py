"""`notices add`, `list`, `remove`, `test`, `outbox`: who gets a notice when a state changes."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ccexport.cli.output import ExitCode, emit, say, table
from ccexport.cli.session import DataDir, Json, opened
from ccexport.errors import BadInput
from ccexport.model.notices import Channel, NoticeEvent, Subscriber

if TYPE_CHECKING:
    from ccexport.services import Services

app = typer.Typer(help="Telling people when something fails, waits, is blocked or recovers.")


def _document(services: "Services", found: Subscriber) -> dict[str, Any]:
    exports = {e.id: e.name for e in services.ledger.exports.all()}
    connections = {c.id: c.name for c in services.ledger.connections.all()}
    return {
        "id": found.id,
        "channel": found.channel,
        "to": found.label,
        "export": exports.get(found.export_id or ""),
        "connection": connections.get(found.connection_id or ""),
        "events": list(found.events),
    }


@app.command()
def add(
    email: Annotated[str | None, typer.Option(help="An e-mail address.")] = None,
    webhook: Annotated[str | None, typer.Option(help="An https address; requests are signed.")] = None,
    slack: Annotated[str | None, typer.Option(help="The address of a Slack-style webhook.")] = None,
    export: Annotated[str | None, typer.Option(help="Only about this export.")] = None,
    connection: Annotated[
        str | None, typer.Option(help="Only about this connection and the exports on it.")
    ] = None,
    event: Annotated[
        list[NoticeEvent] | None, typer.Option(help="Only these; may be repeated. Without: all.")
    ] = None,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Tell somebody: once per change of state, not per run.

    Example: ccexport notices add --webhook https://example.com/hook --export Newsletter --event failed
    """
    given = [
        (channel, address)
        for channel, address in ((Channel.EMAIL, email), (Channel.WEBHOOK, webhook), (Channel.SLACK, slack))
        if address is not None
    ]
    if len(given) != 1:
        raise BadInput("Choose one of --email, --webhook and --slack.")
    channel, address = given[0]
    with opened(data_dir) as (services, actor):
        made = services.notices.subscribe(
            actor, channel, address, export=export, connection=connection, events=event or ()
        )
        document = _document(services, made.subscriber)
    if made.secret:
        document["secret"] = made.secret
        say("The secret below checks the signature of each request; it is not shown again.")
    lines = [f"{made.subscriber.id}: {channel} to {made.subscriber.label}."]
    emit(as_json, document, lines + ([made.secret] if made.secret else []))


@app.command("list")
def list_(as_json: Json = False, data_dir: DataDir = None) -> None:
    """Everybody who is told, and about what.

    Example: ccexport notices list
    """
    with opened(data_dir) as (services, actor):
        rows = [_document(services, s) for s in services.notices.subscribers(actor)]
    shown = [row | {"events": ", ".join(row["events"])} for row in rows]
    emit(as_json, rows, table(shown, ["id", "channel", "to", "export", "connection", "events"]))


@app.command()
def remove(subscriber: str, as_json: Json = False, data_dir: DataDir = None) -> None:
    """Tell somebody no more.

    Example: ccexport notices remove subscriber-3kq2f81c0-9f3k2
    """
    with opened(data_dir) as (services, actor):
        services.notices.unsubscribe(actor, subscriber)
    emit(as_json, {"removed": subscriber}, [f"{subscriber} is removed."])


@app.command()
def test(subscriber: str, as_json: Json = False, data_dir: DataDir = None) -> int:
    """Send a test notice now; 1 when it did not arrive.

    Example: ccexport notices test subscriber-3kq2f81c0-9f3k2
    """
    with opened(data_dir) as (services, actor):
        tested = services.notices.test(actor, subscriber)
    emit(as_json, tested, [str(tested.sentence)])
    return ExitCode.DONE if tested.arrived else ExitCode.FAILED


@app.command()
def outbox(
    limit: Annotated[int, typer.Option(min=1)] = 50, as_json: Json = False, data_dir: DataDir = None
) -> None:
    """Every notice and whether it arrived, newest first.

    Example: ccexport notices outbox --json
    """
    keys = ("id", "created_at", "state", "label", "event", "title", "attempts", "next_at", "error")
    with opened(data_dir) as (services, actor):
        rows = [{k: getattr(n, k) for k in keys} for n in services.notices.outbox(actor, limit=limit)]
    emit(as_json, rows, table(rows, ["id", "created_at", "state", "label", "title", "attempts", "error"]))


@app.command()
def replay(notice: str, as_json: Json = False, data_dir: DataDir = None) -> int:
    """Send a notice again now, with its own id, as after its receiver was down; 1 when it did not arrive.

    Example: ccexport notices replay notice-3kq2f81c0-9f3k2
    """
    with opened(data_dir) as (services, actor):
        tested = services.notices.replay(actor, notice)
    emit(as_json, tested, [str(tested.sentence)])
    return ExitCode.DONE if tested.arrived else ExitCode.FAILED
