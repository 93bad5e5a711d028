"""Traces and metrics by OpenTelemetry, when its own `OTEL_…` variables name a receiver.

Otherwise everything here does nothing, and the library is not even imported. A span carries the run
and the batch it is about, as the log does. Must never carry an address, a token, a query or the text
of an error: only the kind of an error is reported.
"""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ccexport import __version__
from ccexport.logs import facts
from ccexport.settings import telemetry_signals

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, Meter, Observation
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.trace import Tracer

Facts = Mapping[str, Any]
Reading = tuple[str, float, Facts]
NAME = "ccexport"
_AN_ID = re.compile(r"/(?!v\d+(?:/|$))[^/]*\d[^/]*")


class _Telemetry:
    """What is set up in this process; nothing until `configure` finds a receiver."""

    tracer: "Tracer | None" = None
    meter: "Meter | None" = None
    read: Callable[[], Iterable[Reading]] | None = None

    def __init__(self) -> None:
        self.instruments: dict[str, Any] = {}


_HERE = _Telemetry()


def configure() -> None:
    """Start sending what is configured; once per process. Raises `BadSettings` for what is not possible."""
    signals = telemetry_signals()
    if "traces" in signals and _HERE.tracer is None:
        _HERE.tracer = _tracer()
    if "metrics" in signals and _HERE.meter is None:
        _HERE.meter = _meter()


def _resource() -> "Resource":
    from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource

    made = Resource.create({SERVICE_VERSION: __version__})
    if str(made.attributes.get(SERVICE_NAME, "")).startswith("unknown_service"):
        made = made.merge(Resource({SERVICE_NAME: NAME}))
    return made


def _tracer() -> "Tracer":
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=_resource())  # it sends what is left when the process ends
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider.get_tracer(NAME, __version__)


def _meter() -> "Meter":
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    reader = PeriodicExportingMetricReader(OTLPMetricExporter())
    return MeterProvider([reader], resource=_resource()).get_meter(NAME, __version__)


@contextmanager
def span(name: str, known: Facts | None = None) -> Iterator[dict[str, Any]]:
    """Run the block as one span; the yielded facts become its attributes at the end."""
    learned: dict[str, Any] = {}
    if _HERE.tracer is None:
        yield learned
        return
    from opentelemetry.trace import SpanKind, StatusCode

    about = {f"{NAME}.{key}": value for key, value in facts().items()}
    kind = SpanKind.CLIENT if known and "http.request.method" in known else SpanKind.INTERNAL
    with _HERE.tracer.start_as_current_span(
        name,
        kind=kind,
        attributes={**about, **(known or {})},
        record_exception=False,  # the error's text and traceback may hold anything
        set_status_on_exception=False,
    ) as current:
        try:
            yield learned
        except BaseException as error:
            learned["error.type"] = type(error).__name__
            raise
        finally:
            current.set_attributes(learned)
            if "error.type" in learned:
                current.set_status(StatusCode.ERROR)


@contextmanager
def request_span(method: str, path: str) -> Iterator[dict[str, Any]]:
    """Record one request to Constant Contact as a span and in the histogram of durations."""
    known = {"http.request.method": method, "url.template": _AN_ID.sub("/{id}", path)}
    began = time.perf_counter()
    with span(f"{method} {known['url.template']}", known) as learned:
        try:
            yield learned
        finally:
            record("http.client.request.duration", time.perf_counter() - began, "s", {**known, **learned})


def record(name: str, value: float, unit: str, about: Facts) -> None:
    """Record one value of a histogram."""
    if _HERE.meter is not None:
        if name not in _HERE.instruments:
            _HERE.instruments[name] = _HERE.meter.create_histogram(name, unit)
        _HERE.instruments[name].record(value, dict(about))


def count(name: str, by: int, about: Facts) -> None:
    """Add to a counter."""
    if _HERE.meter is not None:
        if name not in _HERE.instruments:
            _HERE.instruments[name] = _HERE.meter.create_counter(name)
        _HERE.instruments[name].add(by, dict(about))


def observe(names: Iterable[str], read: Callable[[], Iterable[Reading]]) -> None:
    """Register gauges: `read` is called for their values whenever metrics are sent."""
    if _HERE.meter is None:
        return
    _HERE.read = read
    for name in names:
        if name not in _HERE.instruments:
            _HERE.instruments[name] = _HERE.meter.create_observable_gauge(name, [_readings_of(name)])


def _readings_of(wanted: str) -> "Callable[[CallbackOptions], list[Observation]]":
    def observed(_: "CallbackOptions") -> "list[Observation]":
        from opentelemetry.metrics import Observation

        readings = _HERE.read() if _HERE.read is not None else ()
        return [Observation(value, dict(about)) for name, value, about in readings if name == wanted]

    return observed
