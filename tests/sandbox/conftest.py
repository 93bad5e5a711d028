"""A double served in this process over loopback HTTP, with a clock that stands still until moved."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import uvicorn

from ccexport.sandbox import seed
from ccexport.sandbox.app import build
from ccexport.sandbox.serving import AbortableProtocol, listen
from ccexport.sandbox.store import Store

AUTH = "/oauth2/default/v1"
BACK = "http://127.0.0.1:8501/oauth/callback"
ALL_SCOPES = "contact_data account_read offline_access"
NOON = 1_785_585_600.0  # 2026-08-01T12:00:00Z


class Double:
    """The client's side of a double, and its admin side."""

    def __init__(self, web: httpx.Client, store: Store) -> None:
        self.web = web
        self.store = store
        self.headers: dict[str, str] = {}

    def authorize(self, **changes: str) -> httpx.Response:
        asked = {"client_id": "demo", "redirect_uri": BACK, "response_type": "code", "scope": ALL_SCOPES}
        asked |= {"state": "s-1", **changes}
        return self.web.get(f"{AUTH}/authorize", params={k: v for k, v in asked.items() if v})

    def code(self, **changes: str) -> str:
        return httpx.URL(self.authorize(**changes).headers["location"]).params["code"]

    def token(self, secret: str = "demo-secret", **form: str) -> httpx.Response:
        return self.web.post(f"{AUTH}/token", data=form, auth=("demo", secret))

    def exchange(self, **changes: str) -> dict[str, Any]:
        form = {"grant_type": "authorization_code", "code": self.code(**changes), "redirect_uri": BACK}
        return self.token(**form).json()

    def connect(self, **changes: str) -> dict[str, Any]:
        told = self.exchange(**changes)
        self.headers = {"Authorization": f"Bearer {told['access_token']}"}
        return told

    def connect_as(self, role: str) -> None:
        people = self.inspect("accounts")["accounts"][0]["people"]
        (person,) = [each["person"] for each in people if each["role"] == role]
        form = {"client_id": "demo", "redirect_uri": BACK, "response_type": "code", "scope": ALL_SCOPES}
        form |= {"state": "s", "decision": "allow", "person": str(person)}
        answer = self.web.post(f"{AUTH}/authorize", data=form)
        code = httpx.URL(answer.headers["location"]).params["code"]
        told = self.token(grant_type="authorization_code", code=code, redirect_uri=BACK).json()
        self.headers = {"Authorization": f"Bearer {told['access_token']}"}

    def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = self.headers | more.pop("headers", {})
        url = path if path.startswith("/v3") else f"/v3{path}"
        return self.web.request(method, url, headers=headers, **more)

    def get(self, path: str, **params: Any) -> Any:
        answer = self.call("GET", path, params=params or None)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def config(self, **changes: Any) -> None:
        self.admin("PATCH", "config", changes)

    def admin(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.web.request(method, f"/__sandbox__/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def inspect(self, view: str, **params: Any) -> Any:
        return self.web.get(f"/__sandbox__/inspect/{view}", params=params).json()

    def advance(self, seconds: float) -> None:
        self.admin("POST", "clock", {"advance": seconds})

    def list_id(self, name: str = "Newsletter") -> str:
        (found,) = [each["list_id"] for each in self.inspect("lists")["lists"] if each["name"] == name]
        return str(found)

    def import_json(self, *contacts: dict[str, Any], lists: list[str] | None = None) -> httpx.Response:
        body = {"import_data": list(contacts), "list_ids": lists or [self.list_id()]}
        return self.call("POST", "/activities/contacts_json_import", json=body)

    def settle(self, answer: httpx.Response) -> dict[str, Any]:
        """The activity of a 201 once its time has come."""
        assert answer.status_code in (201, 202), answer.text
        self.advance(60)
        return self.get(f"/activities/{answer.json()['activity_id']}")

    def imported(self, *contacts: dict[str, Any], lists: list[str] | None = None) -> dict[str, Any]:
        return self.settle(self.import_json(*contacts, lists=lists))

    def contact(self, email: str) -> dict[str, Any]:
        (found,) = self.inspect("contacts", email=email)["contacts"]
        return found


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, str]]:
    """One store behind one real server; tests reset it rather than start another."""
    store = Store(tmp_path_factory.mktemp("sandbox") / "double.sqlite", clock=lambda: NOON)
    listener = listen("127.0.0.1", 0)
    app = build(store, background=False)
    config = uvicorn.Config(app, http=AbortableProtocol, ws="none", log_level="critical", lifespan="on")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield store, f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join()
    store.close()


@pytest.fixture
def make_double(served: tuple[Store, str]) -> Iterator[Callable[..., Double]]:
    """The double as at its first start: one empty list, unless `empty=False` asks for the demonstration."""
    store, url = served
    # Loading certificates for a plain HTTP client would take most of the time of a test.
    with httpx.Client(base_url=url, timeout=60, verify=False) as web:

        def make(*, empty: bool = True, **config: Any) -> Double:
            double = Double(web, store)
            double.admin("POST", "reset", {"empty": empty})
            store.set_clock(frozen=True)
            with store.write() as db:
                seed.client(db, "demo", "demo-secret", "ccexport")
                db.execute("INSERT OR IGNORE INTO redirect_urls VALUES ('demo', ?)", (BACK,))
            quiet = {"requests_per_second": 0, "token_requests_per_second": 0, "background_engine": False}
            store.configure(quiet | config)
            return double

        yield make


@pytest.fixture
def double(make_double: Callable[..., Double]) -> Double:
    """A connected double without limits per second, its clock frozen."""
    made = make_double()
    made.connect()
    return made
