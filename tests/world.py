"""A whole installation in a temporary folder: real stores, a real sandbox over HTTP, no waiting.

The sandbox stands where Constant Contact would, by its address; nothing in the product knows.
"""

import atexit
import csv
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ccexport.clock import utc_now
from ccexport.model.exports import Actor, Export, MappedField
from ccexport.model.runs import Run
from ccexport.model.words import Mode, Role
from ccexport.sandbox.embedded import RunningSandbox
from ccexport.services import Services
from ccexport.settings import Settings

REDIRECT = "http://127.0.0.1:8501/oauth/callback"
QUICK: Mapping[str, Any] = {
    "requests_per_second": 0,
    "requests_per_day": 0,
    "token_requests_per_second": 0,
    "rows_per_second": 0,
    "activity_start_seconds": 0,
    "activity_overhead_seconds": 0,
    "visibility_seconds": 0,
}
ADA = Actor("ada", Role.ADMINISTRATOR)
CARL = Actor("carl", Role.CONTRIBUTOR)
VERA = Actor("vera", Role.VIEWER)
HEADER = ("customer_id", "email", "first_name", "country", "consent", "updated_at")


def person(number: int, **values: object) -> dict[str, object]:
    """One profile that names only what matters to the test."""
    base = {
        "customer_id": f"c{number:05}",
        "email": f"person{number}@example.com",
        "first_name": f"Name{number}",
        "country": "Norway",
        "consent": "yes",
        "updated_at": "2026-01-01",
    }
    return base | values


def write_csv(path: Path, people: Iterable[Mapping[str, object]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, HEADER)
        writer.writeheader()
        writer.writerows(people)
    return path


def consent(url: str) -> dict[str, str]:
    """What the person does in the browser."""
    address = urlsplit(url)
    client = HTTPConnection(address.netloc, timeout=20)
    client.request("GET", f"{address.path}?{address.query}", headers={"Accept": "*/*"})
    answer = client.getresponse()
    location = answer.headers.get("Location", "")
    client.close()
    assert location, answer.status
    return dict(parse_qsl(urlsplit(location).query))


def brief(seconds: float) -> None:
    """Waiting cut short: the sandbox answers at once."""
    time.sleep(min(seconds, 0.005))


class Calendar:
    """The clock of the machine, set ahead or back by the test."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


class OtherSide:
    """The other side of one world after another: starting it takes longer than most tests, beginning anew nothing."""

    def __init__(self) -> None:
        self._folder = TemporaryDirectory(prefix="ccexport-there-")
        self.store = Path(self._folder.name) / "there.sqlite"
        self.sandbox = RunningSandbox(
            self.store, client_id="key", client_secret="a-client-secret", redirect_urls=[REDIRECT], empty=True
        )
        atexit.register(self._end)

    def begin(self, config: Mapping[str, Any]) -> None:
        """As at a first start, with that configuration."""
        self.sandbox.admin("POST", "reset", {"empty": True})
        self.sandbox.admin("PATCH", "config", config)

    def _end(self) -> None:
        self.sandbox.stop()
        self._folder.cleanup()


_idle: list[OtherSide] = []


class World:
    """The installation of one test."""

    def __init__(
        self,
        root: Path,
        *,
        config: Mapping[str, Any] | None = None,
        clock: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], None] = brief,
        **settings: Any,
    ) -> None:
        self.root = root
        self._other_side = _idle.pop() if _idle else OtherSide()
        self.sandbox, self.their_store = self._other_side.sandbox, self._other_side.store
        self._other_side.begin(dict(QUICK) | dict(config or {}))
        self.settings = Settings(
            data_dir=root / "store",
            cc_api_url=self.sandbox.api_url,
            cc_auth_url=self.sandbox.auth_url,
            cc_client_id="key",
            cc_client_secret="a-client-secret",
            verify_grace=settings.pop("verify_grace", 0),
            webhook_hosts=settings.pop("webhook_hosts", "127.0.0.1"),
            **settings,
        )
        self.clock, self.sleep = clock, sleep
        self._most_contacts: int | None = None
        self.services = self._opened()
        self.list_name = "Newsletter"

    def close(self) -> None:
        self.services.close()
        _idle.append(self._other_side)

    def reopened(self) -> Services:
        """The same installation after a restart of the program."""
        self.services.close()
        self.services = self._opened()
        return self.services

    def _opened(self) -> Services:
        services = Services(self.settings, clock=self.clock, sleep=self.sleep)
        if self._most_contacts is not None:
            services.wiring.engine = replace(services.engine, most_contacts=self._most_contacts)
        return services

    def fill_requests_with(self, most_contacts: int) -> None:
        """So few contacts fill a request from now on, also after a restart."""
        self._most_contacts = most_contacts
        self.services.wiring.engine = replace(self.services.engine, most_contacts=most_contacts)

    def ingest(self, people: Iterable[Mapping[str, object]], **options: Any) -> None:
        path = write_csv(self.root / "people.csv", people)
        self.services.profiles.ingest(ADA, [path], id_field="customer_id", **options)

    def connect(self, name: str = "Main", **options: Any) -> None:
        options.setdefault("share", Role.CONTRIBUTOR)
        begun = self.services.connections.begin(ADA, name, agree=True, **options)
        back = consent(begun.url)
        draft = self.services.connections.finish(ADA, state=back["state"], bind=begun.bind, code=back["code"])
        self.services.connections.save(ADA, draft.key)

    def ready(self, people: Iterable[Mapping[str, object]], **export: Any) -> Export:
        """Profiles, a segment of everybody, a connection, a list and the export `News` to it."""
        self.ingest(people)
        self.services.segments.create(ADA, "Everybody", everybody=True)
        self.connect()
        self.services.connections.create_list(ADA, "Main", self.list_name)
        return self.export("News", **export)

    def export(self, name: str, **values: Any) -> Export:
        given = {
            "connection": "Main",
            "contact_list": self.list_name,
            "segments": ["Everybody"],
            "email": "email",
            "fields": [MappedField(target="first_name", source="first_name")],
            "mode": Mode.ADD_AND_UPDATE,
        } | values
        return self.services.exports.create(CARL, name, **given)

    def run(self, name: str = "News", **options: Any) -> Run:
        """Queue and drive to its end, or until it waits."""
        started = self.services.runs.start(CARL, name, **options)
        return self.services.runs.drive_here(started.id)

    def on_list(self, name: str | None = None) -> set[str]:
        """The addresses on the list, as the other side sees it."""
        found = self.sandbox.admin("GET", f"inspect/contacts?limit=100000&list={name or self.list_name}")
        return {contact["email"] for contact in found["contacts"]}

    def there(self, email: str) -> dict[str, Any]:
        """One contact as the other side sees it."""
        found = self.sandbox.admin("GET", f"inspect/contacts?email={email.replace('+', '%2B')}")
        contact: dict[str, Any] = found["contacts"][0]
        return contact

    def fault(self, kind: str, **spec: Any) -> None:
        self.sandbox.admin("POST", "faults", {"kind": kind} | spec)
