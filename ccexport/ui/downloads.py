"""Downloads as routes of their own: each asks who it is for and leaves a line in the audit.

Streamlit's own download addresses open for anybody who has them; these do not.
"""

from collections.abc import Callable, Iterator

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from ccexport.errors import CcexportError, NotFound, NotPermitted
from ccexport.model.exports import Actor
from ccexport.ui.cookies import SESSION
from ccexport.ui.holder import services


async def left_out(request: Request) -> Response:
    """Everybody a plan would not send, with the reason."""

    def rows(actor: Actor) -> Iterator[str]:
        plan = services().previews.by_id(actor, request.path_params["plan"])
        return services().previews.rejects_csv(actor, plan.export_id, plan)

    return await _csv(request, rows, f"left-out-{request.path_params['plan']}.csv")


async def run_contacts(request: Request) -> Response:
    """Every contact of a run with its verdict, reason and outcome."""

    def rows(actor: Actor) -> Iterator[str]:
        return services().runs.contacts_csv(actor, request.path_params["run"])

    return await _csv(request, rows, f"contacts-{request.path_params['run']}.csv")


async def audit(request: Request) -> Response:
    """The whole audit; administrators only."""
    return await _csv(request, lambda actor: services().system.audit_csv(actor), "audit.csv")


async def _csv(request: Request, rows: Callable[[Actor], Iterator[str]], name: str) -> Response:
    actor = await run_in_threadpool(services().people.signed_in, request.cookies.get(SESSION))
    if actor is None:
        return PlainTextResponse("Sign in first.", 401)
    try:
        pieces = await run_in_threadpool(rows, actor)
    except NotPermitted as error:
        return PlainTextResponse(str(error), 403)
    except NotFound as error:
        return PlainTextResponse(str(error), 404)
    except CcexportError as error:
        return PlainTextResponse(str(error), 409)
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
    }
    # The mark at the start tells spreadsheets that this is UTF-8.
    return StreamingResponse(_marked(pieces), media_type="text/csv; charset=utf-8", headers=headers)


def _marked(pieces: Iterator[str]) -> Iterator[str]:
    yield "\ufeff"
    yield from pieces


DOWNLOADS = [
    Route("/download/plan/{plan}/left-out.csv", left_out),
    Route("/download/run/{run}/contacts.csv", run_contacts),
    Route("/download/audit.csv", audit),
]
