"""Builds a worker: the loop, and the chores it does between runs."""

from datetime import timedelta

from ccexport import telemetry
from ccexport.services.metrics import GAUGES, measures
from ccexport.services.wiring import Wiring
from ccexport.worker.loop import Worker
from ccexport.worker.notices import Herald
from ccexport.worker.notices_delivery import Postman
from ccexport.worker.presence import Presence
from ccexport.worker.refresh import Refresher
from ccexport.worker.schedules import Timetable
from ccexport.worker.tidying import Tidying


def new_worker(wiring: Wiring) -> Worker:
    """Return a new worker on this data directory; its gauges replace those of an earlier worker."""
    settings, engine, mail = wiring.settings, wiring.engine, wiring.mail()
    worker = Worker(engine, grace=timedelta(seconds=settings.verify_grace))
    worker.chores = (
        Refresher(engine, worker.stop).tick,
        Timetable(engine).tick,
        Herald(engine, base_url=settings.base_url, mail=bool(mail.url)).tick,
        Postman(engine, worker.stop, mail, allowed=settings.private_webhooks).tick,
        Tidying(engine, months=settings.retention_months).tick,
        Presence(wiring.ledger).tick,
    )
    telemetry.observe(GAUGES, lambda: measures(wiring))
    return worker
