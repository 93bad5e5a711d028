"""Use cases of the named sources: save, order, preview and remove them, and ingest them all.

Must never show a password.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ccexport.errors import BadInput
from ccexport.messages import Unusable, message
from ccexport.model.exports import Actor
from ccexport.model.profiles import IngestReport
from ccexport.model.sources import Source, SourcePreview, Tell
from ccexport.model.words import Role
from ccexport.profiles.one_query import check_query
from ccexport.services.access import require
from ccexport.services.validation import parsed
from ccexport.services.wiring import UseCases
from ccexport.worker.sources import given


class SourceUseCases(UseCases):
    """The named sources, from which profiles can be read without a person."""

    def names(self, actor: Actor) -> Sequence[str]:
        """Return the names of the sources, in their order."""
        require(actor, Role.VIEWER, "see the names of the sources")
        return [source.name for source in self._ledger.sources.all()]

    def list(self, actor: Actor) -> Sequence[Source]:
        """Return the sources in their order of precedence: the first one that has a value wins."""
        require(actor, Role.CONTRIBUTOR, "see the sources")
        return self._ledger.sources.all()

    def get(self, actor: Actor, name: str) -> Source:
        require(actor, Role.CONTRIBUTOR, "see the sources")
        return self._ledger.sources.named(name)

    def has_password(self, actor: Actor, name: str) -> bool:
        require(actor, Role.CONTRIBUTOR, "see the sources")
        return bool(self._ledger.sources.password(self._ledger.sources.named(name).name))

    def save(self, actor: Actor, name: str, *, password: str | None = None, **values: Any) -> Source:
        """Create or change a source; values not given stay. A new source comes last, with lowest precedence."""
        require(actor, Role.ADMINISTRATOR, "change the sources")
        old = next(
            (s for s in self._ledger.sources.all() if s.name.casefold() == name.strip().casefold()), None
        )
        if "files" in values:
            values["files"] = tuple(str(Path(file).expanduser().absolute()) for file in values["files"])
        start = old.model_dump() if old else {"name": name}
        made: Source = parsed(Source, start | values, message("The source {name}", name=name))
        if not made.database:
            password = ""
        if made.query and made.query != (old.query if old else None):
            self._check_query(made)
        self._check_first_in(made)
        self._ledger.sources.save(made, by=actor.name, password=password)
        self._ledger.audit.add(actor.name, "source saved", made.name)
        return made

    def _check_query(self, made: Source) -> None:
        try:
            check_query(made.query or "")
        except Unusable as error:
            raise BadInput(
                "The query of the source {source} is refused: {problem}.",
                source=made.name,
                problem=error.message,
            ) from None

    def _check_first_in(self, made: Source) -> None:
        for other in self._ledger.sources.all():
            if other.name != made.name:
                both = {f.casefold() for f in other.first_in} & {f.casefold() for f in made.first_in}
                if both:
                    raise BadInput(
                        "The source {other} comes first in '{both}' already; only one source can.",
                        other=other.name,
                        both=min(both),
                    )

    def order(self, actor: Actor, names: Sequence[str]) -> Sequence[Source]:
        """Set the order of precedence; `names` lists every source. Returns them in the new order."""
        require(actor, Role.ADMINISTRATOR, "change the sources")
        wanted = [self._ledger.sources.named(name).name for name in names]
        there = [source.name for source in self._ledger.sources.all()]
        if sorted(wanted) != sorted(there):
            raise BadInput("Name every source once, in the order of precedence: {there}.", there=list(there))
        self._ledger.sources.order(wanted)
        self._ledger.audit.add(actor.name, "sources ordered", ", ".join(wanted))
        return self._ledger.sources.all()

    def remove(self, actor: Actor, name: str) -> None:
        """Remove a source and its password; its profiles stay until the next ingest."""
        require(actor, Role.ADMINISTRATOR, "change the sources")
        source = self._ledger.sources.named(name)
        self._ledger.sources.remove(source.name)
        self._ledger.audit.add(actor.name, "source removed", source.name)

    def preview(self, actor: Actor, name: str) -> SourcePreview:
        """Return the first rows of a source, read now; nothing is stored."""
        require(actor, Role.CONTRIBUTOR, "read the sources")
        return self._wiring.profile_store.preview(given(self._ledger, self._ledger.sources.named(name)))

    def ingest(
        self, actor: Actor, *, accept_changes: bool = False, progress: Tell | None = None
    ) -> IngestReport:
        """Read all sources and join them into a new current snapshot."""
        require(actor, Role.CONTRIBUTOR, "ingest profiles")
        sources = [given(self._ledger, source) for source in self._ledger.sources.all()]
        if not sources:
            raise BadInput("There are no named sources: name a file, or add a source (sources set).")
        report = self._wiring.profile_store.ingest_sources(
            sources, accept_changes=accept_changes, progress=progress
        )
        self._ledger.audit.add(
            actor.name, "profiles ingested", report.snapshot.id, {"profiles": report.snapshot.profiles}
        )
        return report
