"""Numbers for a monitoring system, read from the ledger, as OpenTelemetry gauges and at `/metrics`.

Must never hold a name, an address or an id: its readers need no account in this installation.
"""

from collections import Counter
from collections.abc import Iterator

from ccexport import __version__
from ccexport.model.firings import RefreshState
from ccexport.model.words import RunState
from ccexport.services.wiring import Wiring
from ccexport.telemetry import Reading
from ccexport.worker.notices_delivery import undelivered
from ccexport.worker.presence import machines_with_workers

GAUGES = {
    "ccexport.info": "The version that answers; always 1.",
    "ccexport.runs.by_state": "Runs in each state, live and ended.",
    "ccexport.runs.oldest_live": "Seconds since the oldest run began that has not ended; 0 when there is none.",
    "ccexport.requests.today": "Requests of the day's 10,000 that were used.",
    "ccexport.workers": "Machines on which a worker was seen in the last minute.",
    "ccexport.connections": "Connections in each state.",
    "ccexport.notices.undelivered": "Notices of the last seven days that were tried and have not arrived.",
    "ccexport.refresh.last_done": "When the newest refresh that was carried out ended, in seconds since 1970.",
    "ccexport.profiles": "Profiles in the current snapshot.",
}


def measures(wiring: Wiring) -> Iterator[Reading]:
    """Yield every number as it is now."""
    ledger = wiring.ledger
    yield "ccexport.info", 1, {"version": __version__}
    states = ledger.runs.by_state()
    for state in RunState:
        yield "ccexport.runs.by_state", states.get(state, 0), {"state": str(state)}
    yield "ccexport.runs.oldest_live", _oldest_live(wiring), {}
    yield "ccexport.requests.today", wiring.requests_today(), {}
    yield "ccexport.workers", len(machines_with_workers(ledger)), {}
    for word, number in sorted(Counter(c.state for c in ledger.connections.all()).items()):
        yield "ccexport.connections", number, {"state": str(word)}
    yield "ccexport.notices.undelivered", len(undelivered(ledger)), {}
    done = [r.ended_at for r in ledger.refreshes.all() if r.state is RefreshState.DONE and r.ended_at]
    if done:
        yield "ccexport.refresh.last_done", max(done).timestamp(), {}
    snapshot = wiring.profile_store.current()
    yield "ccexport.profiles", snapshot.profiles if snapshot else 0, {}


def _oldest_live(wiring: Wiring) -> float:
    live = wiring.ledger.runs.all(live=True, limit=1000)
    began = min((run.created_at for run in live), default=None)
    return (wiring.ledger.clock() - began).total_seconds() if began else 0.0


def as_text(wiring: Wiring) -> str:
    """Return all numbers in Prometheus' text format, version 0.0.4."""
    lines: list[str] = []
    told = ""
    for name, value, about in measures(wiring):
        flat = name.replace(".", "_")
        if name != told:
            lines += [f"# HELP {flat} {GAUGES[name]}", f"# TYPE {flat} gauge"]
            told = name
        labels = ",".join(f'{key}="{text}"' for key, text in about.items())
        lines.append(f"{flat}{{{labels}}} {value}" if labels else f"{flat} {value}")
    return "\n".join(lines) + "\n"
