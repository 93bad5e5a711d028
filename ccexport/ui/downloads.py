"""Downloads as routes of our own: each checks the actor and is audited.

Anybody who has one of Streamlit's own download addresses can open it; these check who asks.
"""

import logging
import secrets
from collections.abc import Callable, Iterator

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from ccexport.errors import CcexportError, NotFound, NotPermitted
from ccexport.model.exports import Actor
from ccexport.ui.app_state import services
from ccexport.ui.cookies import SESSION

log = logging.getLogger(__name__)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


async def left_out(request: Request) -> Response:
    """Send everybody whom a plan leaves out, with the reason."""

    def rows(actor: Actor) -> Iterator[str]:
        plan = services().previews.by_id(actor, request.path_params["plan"])
        return services().previews.rejects_csv(actor, plan.export_id, plan)

    return await _sent(request, rows, f"left-out-{request.path_params['plan']}.csv")


async def run_contacts(request: Request) -> Response:
    """Send every contact of a run with its verdict, reason and outcome."""

    def rows(actor: Actor) -> Iterator[str]:
        return services().runs.contacts_csv(actor, request.path_params["run"])

    return await _sent(request, rows, f"contacts-{request.path_params['run']}.csv")


async def run_parquet(request: Request) -> Response:
    """Send the same as a Parquet file."""

    def rows(actor: Actor) -> Iterator[bytes]:
        return services().runs.contacts_parquet(actor, request.path_params["run"])

    return await _sent(request, rows, f"contacts-{request.path_params['run']}.parquet")


async def run_xlsx(request: Request) -> Response:
    """Send the same as a workbook, whose typed cells are no formulas."""

    def rows(actor: Actor) -> Iterator[bytes]:
        return services().runs.contacts_xlsx(actor, request.path_params["run"])

    return await _sent(request, rows, f"contacts-{request.path_params['run']}.xlsx")


async def audit(request: Request) -> Response:
    """Send the whole audit; administrators only."""
    return await _sent(request, lambda actor: services().system.audit_csv(actor), "audit.csv")


async def _sent(request: Request, rows: Callable[[Actor], Iterator[str | bytes]], name: str) -> Response:
    actor = await run_in_threadpool(services().people.signed_in, request.cookies.get(SESSION))
    if actor is None:
        return PlainTextResponse("Sign in first.", 401)
    try:
        pieces = await run_in_threadpool(rows, actor)
    except CcexportError as error:
        return _refused(error)
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
    }
    if name.endswith(".parquet"):
        return StreamingResponse(pieces, media_type="application/vnd.apache.parquet", headers=headers)
    if name.endswith(".xlsx"):
        return StreamingResponse(pieces, media_type=XLSX, headers=headers)
    # The byte order mark tells spreadsheets that this is UTF-8.
    return StreamingResponse(_marked(pieces), media_type="text/csv; charset=utf-8", headers=headers)


def _refused(error: CcexportError) -> Response:
    """Return the error's sentence with a reference that is also in the log."""
    reference = secrets.token_hex(4)
    log.warning("%s reference=%s", error.log, reference)
    status = 403 if isinstance(error, NotPermitted) else 404 if isinstance(error, NotFound) else 409
    return PlainTextResponse(f"{error} Reference {reference}", status)


def _marked(pieces: Iterator[str | bytes]) -> Iterator[str | bytes]:
    yield "\ufeff"
    yield from pieces


DOWNLOADS = [
    Route("/download/plan/{plan}/left-out.csv", left_out),
    Route("/download/run/{run}/contacts.csv", run_contacts),
    Route("/download/run/{run}/contacts.parquet", run_parquet),
    Route("/download/run/{run}/contacts.xlsx", run_xlsx),
    Route("/download/audit.csv", audit),
]
