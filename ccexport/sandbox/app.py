"""The web application: which handler answers which path, and how a fault is acted out.

Owns the routes and the way of a request: body, gateway, due activities, handler, log. Must never
answer 500 of its own accord without leaving an event.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ccexport.sandbox import (
    account,
    activities,
    admin,
    contact_writes,
    contacts,
    custom_fields,
    exports,
    gateway,
    imports,
    list_jobs,
    lists,
    oauth,
    oauth_device,
)
from ccexport.sandbox.answers import Refused, bad_request, forbidden
from ccexport.sandbox.call import Call
from ccexport.sandbox.engine import Engine
from ccexport.sandbox.gateway import Admission, Need
from ccexport.sandbox.store import Store, config_of, note

log = logging.getLogger(__name__)
Handler = Callable[[Call], Response]

AUTH = "/oauth2/default/v1"
_READ = Need(privilege="contacts:read")
_WRITE = Need(privilege="contacts:write")  # all bulk POSTs and the reads of activities (user_privileges.html)
_LISTS = Need(privilege="contacts:lists:read")
_LISTS_WRITE = Need(privilege="contacts:lists:write")
_ACCOUNT = Need(scope="account_read", privilege="account:read")
_ACCOUNT_WRITE = Need(scope="account_update", privilege="account:update")
_FREE = Need(scope="", privilege="")

API: tuple[tuple[str, str, Handler, Need], ...] = (
    ("POST", "/activities/contacts_json_import", imports.post_json, _WRITE),
    ("POST", "/activities/contacts_file_import", imports.post_file, _WRITE),
    ("POST", "/activities/contact_exports", exports.post_export, _WRITE),
    ("POST", "/activities/remove_list_memberships", list_jobs.post_memberships, _WRITE),
    ("POST", "/activities/add_list_memberships", list_jobs.post_memberships, _WRITE),
    ("POST", "/activities/contact_delete", list_jobs.post_contact_delete, _WRITE),
    ("POST", "/activities/list_delete", list_jobs.post_list_delete, _WRITE),
    ("POST", "/activities/contacts_taggings_add", list_jobs.post_taggings, _WRITE),
    ("POST", "/activities/contacts_taggings_remove", list_jobs.post_taggings, _WRITE),
    ("POST", "/activities/contacts_tags_delete", list_jobs.post_tags_delete, _WRITE),
    ("GET", "/activities", activities.get_activities, _WRITE),
    ("GET", "/activities/{activity_id}", activities.get_activity, _WRITE),
    ("GET", "/contact_exports/{file_export_id}", exports.get_export, _READ),
    ("GET", "/contacts", contacts.get_contacts, _READ),
    ("POST", "/contacts", contact_writes.post_contact, _WRITE),
    ("POST", "/contacts/sign_up_form", contact_writes.post_sign_up, _WRITE),
    ("GET", "/contacts/counts", contacts.get_counts, _READ),
    ("GET", "/contacts/contact_id_xrefs", contacts.get_xrefs, _READ),
    ("GET", "/contacts/{contact_id}", contacts.get_contact, _READ),
    ("PUT", "/contacts/{contact_id}", contact_writes.put_contact, _WRITE),
    ("DELETE", "/contacts/{contact_id}", contact_writes.delete_contact, _WRITE),
    ("GET", "/contact_lists", lists.get_lists, _LISTS),
    ("POST", "/contact_lists", lists.post_list, _LISTS_WRITE),
    ("GET", "/contact_lists/list_id_xrefs", lists.get_xrefs, _LISTS),
    ("GET", "/contact_lists/{list_id}", lists.get_list, _LISTS),
    ("PUT", "/contact_lists/{list_id}", lists.put_list, _LISTS_WRITE),
    ("DELETE", "/contact_lists/{list_id}", lists.delete_list, _LISTS_WRITE),
    ("GET", "/contact_custom_fields", custom_fields.get_custom_fields, _READ),
    ("POST", "/contact_custom_fields", custom_fields.post_custom_field, _WRITE),
    ("GET", "/contact_custom_fields/{custom_field_id}", custom_fields.get_custom_field, _READ),
    ("PUT", "/contact_custom_fields/{custom_field_id}", custom_fields.put_custom_field, _WRITE),
    ("DELETE", "/contact_custom_fields/{custom_field_id}", custom_fields.delete_custom_field, _WRITE),
    ("GET", "/contact_tags", account.get_tags, _READ),
    ("POST", "/contact_tags", account.post_tag, _WRITE),
    ("GET", "/contact_tags/{tag_id}", account.get_tag, _READ),
    ("PUT", "/contact_tags/{tag_id}", account.put_tag, _WRITE),
    ("DELETE", "/contact_tags/{tag_id}", account.delete_tag, _WRITE),
    ("GET", "/segments", account.get_segments, _READ),
    ("GET", "/account/summary", account.get_summary, _ACCOUNT),
    ("GET", "/account/emails", account.get_emails, _ACCOUNT),
    ("POST", "/account/emails", account.post_email, _ACCOUNT_WRITE),
    ("GET", "/account/user/privileges", account.get_privileges, _FREE),
)
AUTHORISATION: tuple[tuple[str, str, Handler, Need], ...] = (
    ("GET", f"{AUTH}/authorize", oauth.authorize_page, Need(place="auth")),
    ("POST", f"{AUTH}/authorize", oauth.authorize_decision, Need(place="auth")),
    ("POST", f"{AUTH}/token", oauth.token, Need(place="token")),
    ("POST", f"{AUTH}/device/authorize", oauth_device.start, Need(place="auth")),
    ("GET", f"{AUTH}/activate", oauth_device.activate_page, Need(place="auth")),
    ("POST", f"{AUTH}/activate", oauth_device.activate, Need(place="auth")),
)
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class App:
    """The application over one store."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.engine = Engine(store)
        with store.read() as db:
            self._body_cap = config_of(db).max_body_bytes

    def routes(self) -> list[BaseRoute]:
        """Every path there is; all others are the gateway's 403."""
        api = [(method, f"/v3{path}", handler, need) for method, path, handler, need in API]
        # A slash at the end is taken too, as in the vendor's own sample for /activities/.
        found: list[BaseRoute] = [
            Route(path + slash, self._endpoint(handler, need), methods=[method])
            for method, path, handler, need in (*api, *AUTHORISATION)
            for slash in ("", "/")
        ]
        return [*found, *admin.routes(self.store, self.engine)]

    async def unknown(self, request: Request, _: Exception) -> Response:
        """The gateway's 403. It stands in the log too: what must never be asked for is looked for there."""
        if request.url.path.startswith("/v3/"):
            await run_in_threadpool(gateway.note_unknown, self.store, request.method, request.url.path)
        return forbidden().response()

    def _endpoint(self, handler: Handler, need: Need) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            return await self._serve(request, handler, need)

        return endpoint

    async def _serve(self, request: Request, handler: Handler, need: Need) -> Response:
        try:
            body = await _body(request, self._body_cap)
        except ClientDisconnect:
            return Response(status_code=400)
        facts, client_id = _facts(request, body or b""), None
        if need.place == "token":
            client_id = oauth.client_named(facts["headers"], facts["query"], facts["body"])[0] or None
        admission = await run_in_threadpool(gateway.admit, self.store, need, facts, client_id)
        self._body_cap = admission.call.config.max_body_bytes
        if body is None:
            too_large = Refused(413, {"message": "Request Too Long"})
            admission = replace(admission, refusal=admission.refusal or too_large)
        response = await self._act(request, admission, handler)
        await run_in_threadpool(gateway.finish, admission, response.status_code if response else None)
        return response if response is not None else await _drop(request)

    async def _act(self, request: Request, admission: Admission, handler: Handler) -> Response | None:
        """The answer, or None for a dropped connection."""
        if admission.refusal is not None:
            return admission.refusal.response()
        fault = admission.fault
        kind = fault.kind if fault else ""
        if fault is not None and kind == "status":
            return _broken(fault.spec)
        if fault is not None and kind == "latency":
            await asyncio.sleep(min(float(fault.spec.get("seconds", 1.0)), 300.0))
        if kind == "drop_before":
            return None
        response = await run_in_threadpool(self._handle, admission.call, handler)
        return None if kind == "drop_after" else response

    def _handle(self, call: Call, handler: Handler) -> Response:
        try:
            if not call.path.endswith("_import"):  # an import is taken in however much there is to do
                self.engine.catch_up()
            return handler(call)
        except Refused as refused:
            return refused.response()
        except Exception as error:  # the last resort: an event tests can assert on
            log.exception("%s %s", call.method, call.path)
            with self.store.write() as db:
                note(db, call.now, "internal_error", method=call.method, path=call.path, error=repr(error))
            return Response(status_code=500)


def build(store: Store, *, background: bool = True) -> Starlette:
    """The application. `background` allows the engine's thread; the configuration may still stop it."""
    app = App(store)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> Any:
        if background:
            app.engine.start()
        yield
        await run_in_threadpool(app.engine.stop)

    handlers: dict[Any, Any] = {404: app.unknown, 405: app.unknown, Refused: _refused}
    built = Starlette(routes=app.routes(), exception_handlers=handlers, lifespan=lifespan)
    built.add_middleware(OnlyLoopback)
    built.router.redirect_slashes = False
    return built


class OnlyLoopback:
    """Answers only requests addressed to this machine, so that no web page can reach the double by DNS."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            host = dict(scope["headers"]).get(b"host", b"127.0.0.1").decode("latin-1")
            if host.rpartition(":")[0] not in _LOOPBACK and host not in _LOOPBACK:
                await forbidden().response()(scope, receive, send)
                return
        await self._app(scope, receive, send)


async def _body(request: Request, cap: int) -> bytes | None:
    """The whole body; None when it is larger than `cap`, though it is read to its end all the same."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size <= cap:
            parts.append(part)
    return b"".join(parts) if size <= cap else None


def _facts(request: Request, body: bytes) -> dict[str, Any]:
    headers: Mapping[str, str] = request.headers
    return {
        "method": request.method,
        "path": request.url.path.rstrip("/"),
        "path_values": dict(request.path_params),
        "query": dict(request.query_params),
        "headers": headers,
        "body": body,
    }


def _broken(spec: Mapping[str, Any]) -> Response:
    """A 500 as it comes from something in between: HTML, text or nothing."""
    body = str(spec.get("body", "<html><body><h1>Service unavailable</h1></body></html>"))
    headers = {str(key): str(value) for key, value in dict(spec.get("headers") or {}).items()}
    kind = str(spec.get("content_type", "text/html"))
    return Response(body, int(spec.get("status", 500)), headers, media_type=kind)


async def _drop(request: Request) -> Response:
    """Cut the connection without a word."""
    abort = request.scope.get("sandbox.abort")
    if abort is None:
        raise ConnectionResetError("the connection was dropped")  # in-process: nothing to cut
    abort()
    # Let the loop tell the server that the client is gone, so that nothing is sent.
    await asyncio.sleep(0.01)
    return Response()


async def _refused(_: Request, error: Exception) -> Response:
    return error.response() if isinstance(error, Refused) else bad_request().response()
