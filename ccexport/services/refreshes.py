"""Use cases of the refresh: which files are watched, when they are read again, its history.

Must never switch itself on: a person does.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from threading import Event
from typing import Any

from ccexport.model.exports import Actor
from ccexport.model.firings import Refresh
from ccexport.model.schedules import RefreshSettings, recurrence_in_words, times
from ccexport.model.words import Role
from ccexport.services.access import require
from ccexport.services.validation import parsed
from ccexport.services.wiring import UseCases
from ccexport.worker.refresh import Refresher
from ccexport.worker.schedules import Timetable
from ccexport.worker.sources import to_read


class RefreshUseCases(UseCases):
    """Reading the watched sources again."""

    def settings(self, actor: Actor) -> RefreshSettings:
        require(actor, Role.VIEWER, "see the refresh")
        return self._ledger.refreshes.settings()[0]

    def change(self, actor: Actor, **values: Any) -> RefreshSettings:
        """Change some of: on, sources, id_field, recurrence, zone. The sources must exist now."""
        require(actor, Role.ADMINISTRATOR, "change the refresh")
        old = self._ledger.refreshes.settings()[0].model_dump()
        if "sources" in values:
            values["sources"] = tuple(str(Path(source).absolute()) for source in values["sources"])
        made: RefreshSettings = parsed(RefreshSettings, old | values, "The refresh")
        if made.on or "sources" in values:
            to_read(self._ledger, made)
        self._ledger.refreshes.save_settings(made, by=actor.name)
        self._ledger.audit.add(actor.name, "refresh changed", self.words(made))
        return made

    def words(self, settings: RefreshSettings) -> str:
        """Return the times in words, such as `every day at 03:00 (Europe/Oslo)`, or that it is off."""
        if settings.recurrence is None:
            return "off, no times are set"
        said = recurrence_in_words(settings.recurrence, settings.zone)
        return said if settings.on else f"off ({said} when it is switched on)"

    def next(self, actor: Actor, count: int = 3) -> list[datetime]:
        """Return the next times; none while the refresh is off."""
        settings = self.settings(actor)
        if not settings.on or settings.recurrence is None:
            return []
        return list(islice(times(settings.recurrence, settings.zone, self._ledger.clock()), count))

    def history(self, actor: Actor, *, limit: int = 50) -> Sequence[Refresh]:
        """Return past refreshes, newest first, each with its duration."""
        require(actor, Role.VIEWER, "see the refresh")
        return self._ledger.refreshes.all(limit=limit)

    def ask(self, actor: Actor) -> Refresh:
        """Ask for a refresh now; a worker starts it within seconds."""
        require(actor, Role.CONTRIBUTOR, "refresh the profiles")
        to_read(self._ledger, self._ledger.refreshes.settings()[0])
        return Refresher(self._wiring.engine, Event()).ask(actor=actor.name)

    def run_here(self, actor: Actor, *, accept_changes: bool = False) -> Refresh:
        """Refresh now in this process, unless another process is refreshing, and queue the exports that follow.

        `accept_changes` accepts a changed source that a check would stop.
        """
        asked = self.ask(actor)
        Refresher(self._wiring.engine, Event(), accept_changes=accept_changes).tick()
        Timetable(self._wiring.engine).tick()
        return self._ledger.refreshes.get(asked.id)
