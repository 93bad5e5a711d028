"""`tokens create`, `list`, `revoke`: the tokens with which other programs ask over HTTP."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ccexport.cli.output import emit, say, table
from ccexport.cli.session import DataDir, Json, opened
from ccexport.model.words import Role

if TYPE_CHECKING:
    from ccexport.model.tokens import Token
    from ccexport.services import Services

app = typer.Typer(help="Tokens with which other programs ask over HTTP (docs/api.md).")


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    role: Annotated[Role, typer.Option(help="viewer, contributor or administrator.")],
    person: Annotated[str, typer.Option(help="Whose it is; it has at most this person's rights.")] = "",
    service: Annotated[str, typer.Option(help="Or the service account it belongs to.")] = "",
    days: Annotated[int, typer.Option(min=1, max=366, help="How long it lasts.")] = 90,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Make a token. It is shown once, on stdout; only its hash is kept.

    Example: ccexport tokens create "nightly load" --role contributor --service crm --days 30
    """
    with opened(data_dir) as (services, actor):
        token, secret = services.tokens.create(
            actor, name, role=role, days=days, service=service, person=person
        )
        document = _document(services, token) | {"secret": secret}
    emit(as_json, document, [secret])
    say(f"Token {token.id} of {token.owner} as {token.role}, until {token.expires_at:%Y-%m-%d %H:%M} UTC.")
    say("It is not shown again.")


@app.command("list")
def list_(as_json: Json = False, data_dir: DataDir = None) -> None:
    """All tokens with their ends, never their secrets.

    Example: ccexport tokens list
    """
    with opened(data_dir) as (services, actor):
        rows = [_document(services, token) for token in services.tokens.list(actor)]
    emit(as_json, rows, table(rows, ["id", "name", "owner", "role", "state", "expires_at", "used_at"]))


@app.command()
def revoke(token_id: str, as_json: Json = False, data_dir: DataDir = None) -> None:
    """End a token at once.

    Example: ccexport tokens revoke token-3kq2f81c0-9f3k2
    """
    with opened(data_dir) as (services, actor):
        document = _document(services, services.tokens.revoke(actor, token_id))
    emit(as_json, document, [f"Token {token_id} is revoked."])


def _document(services: "Services", token: "Token") -> dict[str, Any]:
    return {"state": services.tokens.state(token)} | vars(token)
