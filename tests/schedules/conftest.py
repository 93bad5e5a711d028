"""A world whose time is set by hand: waiting moves the clock and nothing else."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ccexport.model.runs import Run
from ccexport.model.schedules import Recurrence, Schedule
from ccexport.services import Services
from tests.conftest import Clock
from tests.world import World

MONDAY = datetime(2027, 3, 1, 0, 0, tzinfo=UTC)


class Timed(World):
    """A world on a clock of its own. `until` lets a worker look every half hour."""

    clock: Clock

    def set_clock(self, clock: Clock) -> None:
        self.services.close()
        self.clock = clock
        self.services = Services(self.settings, clock=clock, sleep=clock.sleep)

    def until(self, moment: datetime, *, step: float = 1800) -> None:
        """A worker that looks every `step` seconds, up to that moment."""
        while self.clock.now < moment:
            self.clock.now = min(
                moment, max(self.clock.now, datetime.fromtimestamp(self._next(step), tz=UTC))
            )
            self.services.worker().run_once()

    def _next(self, step: float) -> float:
        return (self.clock.now.timestamp() // step + 1) * step

    def at(self, hour: int, minute: int = 0, *, day: int = 1) -> datetime:
        return datetime(2027, 3, day, hour, minute, tzinfo=UTC)

    def runs(self, export: str = "News") -> list[Run]:
        """Oldest first."""
        export_id = self.services.ledger.exports.named(export).id
        return list(reversed(self.services.ledger.runs.all(export_id=export_id)))


@pytest.fixture
def world(tmp_path: Path, clock: Clock) -> Iterator[Timed]:
    made = Timed(tmp_path)
    clock.now = MONDAY
    made.set_clock(clock)
    yield made
    made.close()


@pytest.fixture
def on() -> Callable[..., Schedule]:
    """A schedule that goes by the clock."""

    def make(zone: str = "UTC", missed: str = "catch_up", **recurrence: object) -> Schedule:
        return Schedule.model_validate(
            {
                "follows": "times",
                "recurrence": Recurrence.model_validate(recurrence),
                "zone": zone,
                "missed": missed,
            }
        )

    return make
