"""Our own routes beside Streamlit's: health, the cookie of a sign-in, sign-out, language, OAuth.

Each route calls one use case. Must never reveal anything about people to somebody who is not signed in.
"""

from hmac import compare_digest
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from ccexport import __version__
from ccexport.api.serving import api_routes
from ccexport.errors import CcexportError
from ccexport.model.exports import Actor
from ccexport.ui.app_state import STARTED, services
from ccexport.ui.cookies import ASKED, BIND, BROWSER, LANGUAGE, SESSION, cookie_values, is_identity
from ccexport.ui.downloads import DOWNLOADS
from ccexport.ui.one_time_store import AUTHORISATIONS, DRAFTS
from ccexport.ui.redirect import local_path

SESSION_SECONDS = 8 * 3600
BIND_SECONDS = 600
YEAR_SECONDS = 365 * 24 * 3600


async def healthz(_: Request) -> Response:
    """Answer 200 once the services have started, else 503."""
    ready = STARTED.services is not None
    return JSONResponse(
        {"status": "ok" if ready else "starting", "preparing": STARTED.preparing}, 200 if ready else 503
    )


async def readyz(request: Request) -> Response:
    """Answer 200 when the installation is ready, else 503; the reasons need CCEXPORT_METRICS_TOKEN."""
    if STARTED.services is None:
        return JSONResponse({"ready": False, "version": __version__}, 503)
    from ccexport.services.readiness import troubles

    found = await run_in_threadpool(troubles, STARTED.services.wiring)
    told = {"ready": not found, "version": __version__} | (
        {"why": found} if _may_read_metrics(request) else {}
    )
    return JSONResponse(told, 503 if found else 200)


def _may_read_metrics(request: Request) -> bool:
    token = STARTED.settings.metrics_token.get_secret_value() if STARTED.settings else ""
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    return bool(token) and kind.lower() == "bearer" and compare_digest(given.encode(), token.encode())


async def metrics(request: Request) -> Response:
    """Answer with numbers for Prometheus if the request has CCEXPORT_METRICS_TOKEN, else 404."""
    if not _may_read_metrics(request):
        return PlainTextResponse("Not found.", 404)
    from ccexport.services.metrics import as_text

    text = await run_in_threadpool(as_text, services().wiring)
    return PlainTextResponse(text, media_type="text/plain; version=0.0.4")


async def complete(request: Request) -> Response:
    """Exchange the one-time ticket of a sign-in for the session cookie."""
    found = await run_in_threadpool(
        lambda: services().people.redeem(
            request.query_params.get("t", ""), browser=request.cookies.get(BROWSER, "")
        )
    )
    if found is None:
        return _to("/?said=expired")
    secret, payload = found
    answer = _to(local_path(payload.get("next")))
    answer.set_cookie(SESSION, secret, **cookie_values(secure=_secure(), seconds=SESSION_SECONDS))
    # These cookies have done their work; from now on only our own session counts.
    for name in [ASKED, *filter(is_identity, request.cookies)]:
        answer.delete_cookie(name, path="/")
    return answer


async def sign_out(request: Request) -> Response:
    """End this browser's session, also in the ledger, so that its cookie is worthless."""
    secret = request.cookies.get(SESSION)
    if secret:
        await run_in_threadpool(services().people.sign_out, secret)
    answer = _to("/")
    answer.delete_cookie(SESSION, path="/")
    return answer


async def language(request: Request) -> Response:
    """Remember the language in this browser."""
    answer = _to(local_path(request.query_params.get("next")))
    chosen = request.query_params.get("to", "en")
    if chosen in {"en", "nb"}:
        answer.set_cookie(LANGUAGE, chosen, **cookie_values(secure=_secure(), seconds=YEAR_SECONDS))
    return answer


async def oauth_start(request: Request) -> Response:
    """Redirect to Constant Contact, with the cookie that binds the answer to this browser."""
    actor = await run_in_threadpool(_actor, request)
    note = AUTHORISATIONS.take(request.query_params.get("t"))
    if actor is None or note is None or note["actor"] != actor.name:
        return _to("/connections?said=start_again")
    answer = _to(note["url"])
    answer.set_cookie(BIND, note["bind"], **cookie_values(secure=_secure(), seconds=BIND_SECONDS))
    return answer


async def oauth_callback(request: Request) -> Response:
    """Finish after Constant Contact sent the browser back, and show the draft on the Connections page."""
    asked = request.query_params
    actor = await run_in_threadpool(_actor, request)
    if actor is None:
        return _to("/connections?said=start_again")
    try:
        draft = await run_in_threadpool(
            lambda: services().connections.finish(
                actor,
                state=asked.get("state", ""),
                bind=request.cookies.get(BIND, ""),
                code=asked.get("code", ""),
                error=asked.get("error", ""),
            )
        )
        note = {"actor": actor.name, "draft": draft}
    except CcexportError as error:
        note = {"actor": actor.name, "trouble": error.message}
    answer = _to(f"/connections?draft={quote(DRAFTS.put(note))}")
    answer.delete_cookie(BIND, path="/")
    return answer


def _actor(request: Request) -> Actor | None:
    return services().people.signed_in(request.cookies.get(SESSION))


def _secure() -> bool:
    return STARTED.settings is not None and STARTED.settings.base_url.startswith("https:")


def _to(url: str) -> RedirectResponse:
    return RedirectResponse(url, 303, {"Cache-Control": "no-store"})


ROUTES = [
    Route("/healthz", healthz),
    Route("/readyz", readyz),
    Route("/metrics", metrics),
    Route("/auth/complete", complete),
    Route("/auth/sign-out", sign_out, methods=["POST"]),
    Route("/auth/language", language),
    Route("/oauth/start", oauth_start),
    Route("/oauth/callback", oauth_callback),
    *DOWNLOADS,
    *api_routes(lambda: STARTED.services),
]
