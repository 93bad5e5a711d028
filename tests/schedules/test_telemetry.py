"""Traces and metrics reach a real OTLP/HTTP receiver, with runs and batches and nothing personal; and `/metrics`."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from pydantic import SecretStr
from starlette.applications import Starlette

from ccexport import telemetry
from ccexport.errors import BadSettings
from ccexport.settings import telemetry_signals
from ccexport.ui.app_state import STARTED
from ccexport.ui.middleware import MIDDLEWARE
from ccexport.ui.routes import ROUTES
from tests.conftest import ROOT
from tests.loops import run_async
from tests.world import World, person

TOKEN = "a token of some length"


@dataclass
class Collector:
    """What an OpenTelemetry collector was sent."""

    url: str = ""
    raw: list[bytes] = field(default_factory=list)
    spans: list[Any] = field(default_factory=list)
    metrics: dict[str, Any] = field(default_factory=dict)
    services: set[str] = field(default_factory=set)

    def take(self, path: str, body: bytes) -> None:
        self.raw.append(body)
        if path == "/v1/traces":
            for block in ExportTraceServiceRequest.FromString(body).resource_spans:
                self._note(block.resource)
                self.spans += [span for scope in block.scope_spans for span in scope.spans]
        else:
            for block in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                self._note(block.resource)
                self.metrics |= {m.name: m for scope in block.scope_metrics for m in scope.metrics}

    def _note(self, resource: Any) -> None:
        self.services.add(facts(resource)["service.name"])


def facts(holder: Any) -> dict[str, Any]:
    return {a.key: getattr(a.value, a.value.WhichOneof("value")) for a in holder.attributes}


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            made.take(self.path, self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


def test_a_run_in_a_process_of_its_own_is_traced(tmp_path: Path, collector: Collector) -> None:
    world = World(tmp_path)
    world.ready([person(n) for n in range(20)])
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("CCEXPORT_", "OTEL_"))}
    environment |= {
        "PYTHONPATH": str(ROOT),
        "CCEXPORT_DATA_DIR": str(world.settings.data_dir),
        "CCEXPORT_CC_API_URL": world.sandbox.api_url,
        "CCEXPORT_CC_AUTH_URL": world.sandbox.auth_url,
        "CCEXPORT_CC_CLIENT_ID": "key",
        "CCEXPORT_CC_CLIENT_SECRET": "a-client-secret",
        "CCEXPORT_VERIFY_GRACE": "0",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_SERVICE_NAME": "newsletters",
        "OTEL_METRIC_EXPORT_INTERVAL": "100",  # milliseconds: gauges are read while the command works
    }
    command = [sys.executable, "-m", "ccexport", "exports", "run", "News", "--wait", "--json"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    (run,) = world.services.ledger.runs.all()
    tokens = world.services.ledger.connections.tokens(world.services.ledger.connections.all()[0].id)
    world.close()

    assert done.returncode == 0, done.stderr
    by_id = {span.span_id: span for span in collector.spans}
    (whole,) = (span for span in collector.spans if span.name == "run")
    steps = [span for span in collector.spans if span.parent_span_id == whole.span_id]
    assert [s.name for s in sorted(steps, key=lambda s: s.start_time_unix_nano)] == [
        "run queued",
        "run planning",
        "run sending",
        "run settling",
        "run verifying",
    ]
    (post,) = (s for s in collector.spans if s.name == "POST /v3/activities/contacts_json_import")
    assert by_id[post.parent_span_id].name == "run sending"
    assert facts(post) == {
        "ccexport.run": run.id,
        "ccexport.batch": 1,
        "http.request.method": "POST",
        "url.template": "/v3/activities/contacts_json_import",
        "http.response.status_code": 201,
    }
    contacts = collector.metrics["ccexport.contacts"].sum.data_points
    assert [(facts(p)["outcome"], p.as_int) for p in contacts] == [("verified", 20)]
    assert collector.metrics["http.client.request.duration"].unit == "s"
    assert "ccexport.requests.today" in collector.metrics
    assert collector.services == {"newsletters"}
    sent = b"\n".join(collector.raw)
    secrets = [*(str(person(n)["email"]) for n in range(20)), "a-client-secret", "Newsletter"]
    secrets += [v for v in tokens.values() if isinstance(v, str) and len(v) > 12]
    assert [s for s in secrets if s.encode() in sent] == []


def test_nothing_is_imported_when_nothing_is_configured(tmp_path: Path) -> None:
    code = (
        "import sys; from ccexport import telemetry; import ccexport.cli.main; telemetry.configure()\n"
        "with telemetry.request_span('GET', '/v3/x') as told: told['a'] = 1\n"
        "telemetry.count('x', 1, {}); telemetry.observe(['x'], lambda: ())\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OTEL_")}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("given", "signals"),
    [
        ({}, set()),
        ({"ENDPOINT": "http://x"}, {"traces", "metrics"}),
        ({"TRACES_ENDPOINT": "http://x"}, {"traces"}),
    ],
)
def test_the_standard_variables_decide(
    given: dict[str, str], signals: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(f"OTEL_EXPORTER_OTLP_{name}", value)
    assert telemetry_signals() == signals
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "none")
    assert telemetry_signals() == signals - {"traces"}
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert telemetry_signals() == set()


def test_a_protocol_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://x")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")

    with pytest.raises(BadSettings, match="set it to http/protobuf"):
        telemetry.configure()


def test_ids_are_left_out_of_the_names_of_requests() -> None:
    template = telemetry._AN_ID.sub("/{id}", "/v3/contact_lists/0b1f-77/members")
    assert template == "/v3/contact_lists/{id}/members"


def asked(path: str, **headers: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        way = httpx.ASGITransport(app=Starlette(routes=ROUTES, middleware=MIDDLEWARE))
        async with httpx.AsyncClient(transport=way, base_url="http://127.0.0.1") as web:
            return await web.get(path, headers=headers)

    return run_async(ask())


def test_metrics_are_for_whoever_has_the_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path)
    world.ready([person(n) for n in range(3)])
    world.run()
    monkeypatch.setattr(STARTED, "services", world.services)
    monkeypatch.setattr(STARTED, "settings", world.settings)
    assert asked("/metrics", authorization=f"Bearer {TOKEN}").status_code == 404  # none is set: nobody may
    assert asked("/metrics", authorization="Bearer ").status_code == 404

    monkeypatch.setattr(world.settings, "metrics_token", SecretStr(TOKEN))
    assert asked("/metrics").status_code == 404
    assert asked("/metrics", authorization="Bearer wrong").status_code == 404
    told = asked("/metrics", authorization=f"Bearer {TOKEN}")
    healthy = asked("/healthz")
    world.close()

    assert told.status_code == 200
    lines = told.text.splitlines()
    assert 'ccexport_runs_by_state{state="succeeded"} 1' in lines
    assert "ccexport_profiles 3" in lines
    assert 'ccexport_connections{state="connected"} 1' in lines
    assert "# TYPE ccexport_requests_today gauge" in lines
    assert "person1@" not in told.text and "News" not in told.text
    assert healthy.json() == {"status": "ok", "preparing": False}
