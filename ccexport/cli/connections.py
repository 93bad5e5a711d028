"""`connections add`, `list`, `check`, `remove`, and `lists list`, `create`."""

import webbrowser
from dataclasses import asdict
from typing import Annotated

import typer

from ccexport.cli.callback import Callback
from ccexport.cli.output import ExitCode, emit, say, table
from ccexport.cli.session import DataDir, Json, opened
from ccexport.model.words import Role

app = typer.Typer(help="Authorised Constant Contact accounts.")
lists = typer.Typer(help="The contact lists of a connection.")


@app.command()
def add(
    name: str,
    agree: Annotated[bool, typer.Option("--agree", help="Agree to data privacy and compliance.")] = False,
    share: Annotated[
        Role, typer.Option(help="Who may use it: administrator only, or contributors too.")
    ] = Role.ADMINISTRATOR,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the address to open.")] = False,
    reconnect: Annotated[
        bool, typer.Option("--reconnect", help="Authorise an existing connection anew.")
    ] = False,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Connect an account: prints the address to open, waits for the browser to come back.

    Example: ccexport connections add "Our account" --agree --share contributor
    """
    if not agree:
        from ccexport.services.connections import AGREEMENT

        say(AGREEMENT)
    with opened(data_dir) as (services, actor):
        with Callback(services.settings) as callback:
            begun = services.connections.begin(
                actor, name, agree=agree, share=share, redirect_url=callback.url, reconnect=reconnect
            )
            say(f"Open this address in a browser and allow the access:\n{begun.url}")
            if not no_browser:
                webbrowser.open(begun.url)
            answer = callback.wait()
        draft = services.connections.finish(
            actor,
            state=answer.get("state", ""),
            bind=begun.bind if answer.get("state") == begun.state else "",
            code=answer.get("code", ""),
            error=answer.get("error", ""),
        )
        made = services.connections.save(actor, draft.key)
    document = {
        "name": made.name,
        "account_id": made.account_id,
        "organisation": made.organisation,
        "share": made.share,
        "state": made.state,
    }
    emit(as_json, document, [f"Connection {made.name} is connected to {made.organisation}."])


@app.command("list")
def list_(as_json: Json = False, data_dir: DataDir = None) -> None:
    """All connections.

    Example: ccexport connections list
    """
    with opened(data_dir) as (services, actor):
        rows = [
            {
                "name": c.name,
                "state": c.state,
                "organisation": c.organisation,
                "account_id": c.account_id,
                "share": c.share,
                "connected_at": c.connected_at,
                "exports": [e.name for e in services.connections.exports_on(actor, c.name)],
            }
            for c in services.connections.list(actor)
        ]
    emit(as_json, rows, table(rows, ["name", "state", "organisation", "share", "connected_at"]))


@app.command()
def check(name: str, as_json: Json = False, data_dir: DataDir = None) -> int:
    """Ask Constant Contact whether the connection works.

    Example: ccexport connections check Main
    """
    with opened(data_dir) as (services, actor):
        health = services.connections.check(actor, name)
    emit(as_json, health, [f"{health.name}: {health.sentence} {health.requests_today} requests today."])
    return ExitCode.DONE if health.working else ExitCode.FAILED


@app.command()
def probe(
    name: str,
    domain: Annotated[str, typer.Option(help="The domain of the addresses it makes up.")] = "example.com",
    unsubscribed: Annotated[str, typer.Option(help="An address you have unsubscribed by hand before.")] = "",
    left_list: Annotated[str, typer.Option(help="An address that left a list by hand before.")] = "",
    deleted: Annotated[str, typer.Option(help="An address whose contact you have deleted before.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask first.")] = False,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Try our guesses about the API on a TRIAL account: at most fifty requests, cleaned up afterwards.

    Example: ccexport connections probe Trial --unsubscribed somebody@example.com
    """
    from ccexport.services.connections import Prepared

    prepared = Prepared(unsubscribed=unsubscribed, left_list=left_list, deleted=deleted)
    say(
        "This makes two lists and a few contacts in the account, and deletes them again. Use a trial account."
    )
    if not yes:
        typer.confirm("Go on?", abort=True, err=True)
    with opened(data_dir) as (services, actor):
        found = services.connections.probe(actor, name, say, domain=domain, prepared=prepared)
    rows = [asdict(finding) for finding in found]
    right = sum(finding.right is True for finding in found)
    emit(as_json, rows, [f"{right} of {len(rows)} guesses were right."])


@app.command()
def change(
    name: str,
    approve_above: Annotated[
        int | None,
        typer.Option(min=0, help="A run of more contacts waits for a second person; 0 for never."),
    ] = None,
    contract_limit: Annotated[
        int | None, typer.Option(min=0, help="How many contacts the account may hold; 0 for no limit.")
    ] = None,
    share: Annotated[Role | None, typer.Option(help="administrator only, or contributors too.")] = None,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Change who may use a connection and what it may do; what is not named stays.

    Example: ccexport connections change Sandbox --approve-above 10000
    """
    told = {"approval_above": approve_above, "contract_limit": contract_limit, "share": share}
    with opened(data_dir) as (services, actor):
        values = {key: value or None for key, value in told.items() if value is not None}
        made = services.connections.change(actor, name, **values)
    document = {"name": made.name} | {key: getattr(made, key) for key in told}
    emit(as_json, document, [f"{made.name} is changed."])


@app.command()
def remove(name: str, as_json: Json = False, data_dir: DataDir = None) -> None:
    """Forget a connection and its tokens; exports that use it must go first.

    Example: ccexport connections remove Main
    """
    with opened(data_dir) as (services, actor):
        services.connections.remove(actor, name)
    emit(as_json, {"removed": name}, [f"Connection {name} is removed."])


@lists.command("list")
def lists_list(
    connection: Annotated[str, typer.Option(help="The name of the connection.")],
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """The contact lists of the account.

    Example: ccexport lists list --connection Main
    """
    with opened(data_dir) as (services, actor):
        found = services.connections.lists(actor, connection)
    rows = [{"list_id": f.id, "name": f.name, "members": f.members} for f in found]
    emit(as_json, rows, table(rows, ["name", "members", "list_id"]))


@lists.command("create")
def lists_create(
    name: str,
    connection: Annotated[str, typer.Option(help="The name of the connection.")],
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Create a contact list, or find the one of that name.

    Example: ccexport lists create Newsletter --connection Main
    """
    with opened(data_dir) as (services, actor):
        made = services.connections.create_list(actor, connection, name)
    emit(as_json, {"list_id": made.id, "name": made.name}, [f"Contact list {made.name}: {made.id}"])
