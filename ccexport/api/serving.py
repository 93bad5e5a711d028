"""The routes of the interface: who asks, how often, what with; the answer or the problem.

Must never take a session's cookie for a token: a page elsewhere could then ask in a person's name.
"""

import hashlib
import inspect
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route

from ccexport.api.calls import Call, Operation, Reply, Sent, read_body, read_path, read_query
from ccexport.api.limits import Limits
from ccexport.api.openapi import as_page, document
from ccexport.api.problems import Unanswerable, answer_of
from ccexport.api.reading import READING
from ccexport.api.writing import WRITING

if TYPE_CHECKING:
    from ccexport.model.exports import Actor
    from ccexport.services import Services

BASE = "/api/v1"
OPERATIONS: tuple[Operation, ...] = (*READING, *WRITING)
Given = Callable[[], "Services | None"]


def api_routes(services: Given, *, limits: Limits | None = None) -> list[BaseRoute]:
    """Return the routes of the interface; `services` gives None while they are being made."""
    kept = limits or Limits()
    by_path: dict[str, list[Operation]] = {}
    for operation in OPERATIONS:
        by_path.setdefault(operation.path, []).append(operation)
    inner: list[BaseRoute] = [
        Route(
            path, _answering(found, services, kept), methods=["GET", "POST", "PATCH", "PUT", "DELETE", "HEAD"]
        )
        for path, found in by_path.items()
    ]
    described = [Route("/", _page), Route("/openapi.json", _document)]
    return [Route(BASE, _page), Mount(BASE, routes=[*described, *inner, Route("/{rest:path}", _nowhere)])]


def _answering(found: Iterable[Operation], services: Given, limits: Limits) -> Callable[..., object]:
    methods = {operation.method: operation for operation in found}

    async def answering(request: Request) -> Response:
        try:
            operation = methods.get("GET" if request.method == "HEAD" else request.method)
            if operation is None:
                allow = ", ".join(methods)
                raise Unanswerable(405, "no_such_method", f"Here is only {allow}.", headers={"Allow": allow})
            return await _done(operation, request, services, limits)
        except HTTPException as error:
            return answer_of(Unanswerable(error.status_code, "bad_input", str(error.detail)))
        except Exception as error:  # noqa: BLE001 - every error becomes a problem; unforeseen ones are logged
            return answer_of(error)

    return answering


async def _done(operation: Operation, request: Request, services: Given, limits: Limits) -> Response:
    made = services()
    if made is None:
        raise Unanswerable(
            503, "starting", "It is starting. Try again in a moment.", headers={"Retry-After": "2"}
        )
    actor = await _asker(made, request, limits)
    call = Call(
        made,
        actor,
        read_path(request),
        read_query(request, operation.query),
        await read_body(request, operation.body),
        request,
    )
    if inspect.iscoroutinefunction(operation.work):
        found = await operation.work(call)
    else:
        found = await run_in_threadpool(operation.work, call)
    return _response(found, operation, request)


async def _asker(made: "Services", request: Request, limits: Limits) -> "Actor":
    kind, _, secret = request.headers.get("authorization", "").partition(" ")
    secret = secret.strip() if kind.lower() == "bearer" else ""
    actor = await run_in_threadpool(made.tokens.actor_of, secret) if secret else None
    asker = actor.session if actor else f"origin:{request.client.host if request.client else ''}"
    seconds = limits.wait(asker)
    if seconds:
        later = {"Retry-After": str(int(seconds) + 1)}
        raise Unanswerable(429, "too_many_requests", "Ask more slowly: see Retry-After.", headers=later)
    if actor is None:
        sentence = (
            "The token is unknown, revoked or has ended. Ask an administrator for another one."
            if secret
            else "Send a token: Authorization: Bearer ccx_…; everybody makes their own, or an administrator does."
        )
        raise Unanswerable(401, "no_token", sentence, headers={"WWW-Authenticate": "Bearer"})
    return actor


def _response(found: object, operation: Operation, request: Request) -> Response:
    if isinstance(found, Sent):
        headers = {
            "Content-Disposition": f'attachment; filename="{found.name}"',
            "Cache-Control": "no-store",
        }
        return StreamingResponse(found.pieces, media_type=found.media, headers=headers)
    reply = found if isinstance(found, Reply) else Reply(_model(found), {})
    body = reply.answer.model_dump_json().encode()
    headers = {"Cache-Control": "no-store", **reply.headers}
    status = reply.status or operation.status
    if operation.method == "GET":
        headers.setdefault("ETag", f'"{hashlib.sha256(body).hexdigest()[:32]}"')
        if "ETag" not in reply.headers and request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
    return Response(body, status, headers, media_type="application/json")


def _model(found: object) -> BaseModel:
    if not isinstance(found, BaseModel):
        raise TypeError(type(found))
    return found


async def _page(_: Request) -> Response:
    return HTMLResponse(as_page(OPERATIONS))


async def _document(_: Request) -> Response:
    return JSONResponse(document(OPERATIONS))


async def _nowhere(request: Request) -> Response:
    return answer_of(Unanswerable(404, "not_found", "There is nothing at this address; see /api/v1."))


__all__ = ["OPERATIONS", "api_routes"]
