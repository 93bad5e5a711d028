"""Use cases of the system: suppression list, audit, worker status, storage."""

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

from ccexport import __version__
from ccexport.errors import BadInput
from ccexport.messages import mark
from ccexport.model.exports import Actor
from ccexport.model.words import Role, RunState
from ccexport.profiles.addresses import normalise_address
from ccexport.profiles.csv_cells import csv_line
from ccexport.profiles.file_addresses import FileAddresses
from ccexport.services.access import masked, require, sees_personal
from ccexport.services.wiring import UseCases, Wiring

SIZES_KEPT = timedelta(minutes=1)


class SystemUseCases(UseCases):
    """Use cases of the whole installation."""

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self._sizes: tuple[datetime, Mapping[str, int]] | None = None

    def suppress(self, actor: Actor, values: Iterable[str], *, note: str = "") -> int:
        """Add addresses or domains (`@example.com` or `example.com`) never to send to. Returns how many were new."""
        require(actor, Role.CONTRIBUTOR, "change the suppression list")
        added = self._ledger.suppression.add(
            [_entry(v) for v in values if v.strip()], by=actor.name, note=note
        )
        self._ledger.audit.add(actor.name, "suppression added", f"{added} entries")
        return added

    def suppress_file(
        self, actor: Actor, file: Path, *, field: str | None = None
    ) -> tuple[int, FileAddresses]:
        """Add every address of a file, such as one of unsubscribed people.

        Returns how many were new, and what was found in the file.
        """
        require(actor, Role.CONTRIBUTOR, "change the suppression list")
        found = self._wiring.profile_store.addresses_in(file, field)
        entries = [(address, mark("address")) for address in found.addresses]
        added = self._ledger.suppression.add(entries, by=actor.name, note=file.name)
        self._ledger.audit.add(actor.name, "suppression added", f"{added} entries from a file")
        return added, found

    def unsuppress(self, actor: Actor, value: str) -> bool:
        """Take an entry off the suppression list. Returns whether it was there."""
        require(actor, Role.CONTRIBUTOR, "change the suppression list")
        gone = self._ledger.suppression.remove(_entry(value)[0])
        self._ledger.audit.add(actor.name, "suppression removed", "1 entry" if gone else "no entry")
        return gone

    def count_suppressed(self, actor: Actor) -> int:
        """Return how many entries the suppression list has."""
        require(actor, Role.VIEWER, "see the suppression list")
        return self._ledger.suppression.count()

    def suppressed(
        self, actor: Actor, *, offset: int = 0, limit: int | None = None
    ) -> Sequence[dict[str, Any]]:
        """Return the entries of the suppression list, sorted, or one page of them; masked for a viewer."""
        require(actor, Role.VIEWER, "see the suppression list")
        personal = sees_personal(actor)
        return [
            {"value": value if personal else masked(value), "kind": kind, "added_by": by, "added_at": at}
            for value, kind, by, at in self._ledger.suppression.all(offset=offset, limit=limit)
        ]

    def audit(self, actor: Actor, *, search: str = "", limit: int = 500) -> Sequence[dict[str, Any]]:
        """Return audit entries, newest first."""
        require(actor, Role.ADMINISTRATOR, "see the audit")
        return self._ledger.audit.all(search=search, limit=limit)

    def audit_csv(self, actor: Actor) -> Iterator[str]:
        """Return the whole audit as CSV, safe to open in a spreadsheet. The download is audited too."""
        require(actor, Role.ADMINISTRATOR, "download the audit")
        self._ledger.audit.add(actor.name, "audit downloaded", "audit")
        rows = self._ledger.audit.all(limit=1_000_000)
        head = "at,actor,action,subject,detail\r\n"
        return chain([head], (csv_line([row[k] for k in head.strip().split(",")]) for row in rows))

    def status(self, actor: Actor) -> dict[str, Any]:
        """Return the version, settings, storage, who drives live runs, and counts of runs and requests."""
        require(actor, Role.VIEWER, "see the system")
        settings = self._wiring.settings
        root = settings.data_dir
        live = self._ledger.runs.all(live=True, limit=1000)
        states = Counter(run.state for run in live)
        oldest = min((run.created_at for run in live), default=None)
        return {
            "version": __version__,
            "sandbox": settings.sandbox_on,
            "worker": settings.worker,
            "memory_limit": settings.memory_limit,
            "storage": self._stored(root),
            "driving": self._ledger.leases.held("run:") if actor.role is Role.ADMINISTRATOR else {},
            "driven": len(self._ledger.leases.held("run:")),
            "live_runs": len(live),
            "queued": states[RunState.QUEUED],
            "waiting": states[RunState.WAITING],
            "oldest_live": oldest,
            "requests_today": self._wiring.requests_today(),
            "free": shutil.disk_usage(root).free,
            "log_level": settings.log_level,
        }

    def _stored(self, root: Path) -> Mapping[str, int]:
        """Return bytes by file and folder, cached for a minute because a long history has many files."""
        now = self._ledger.clock()
        if self._sizes is None or abs(now - self._sizes[0]) > SIZES_KEPT:
            self._sizes = (now, {p.name: _size(p) for p in sorted(root.iterdir())} if root.exists() else {})
        return self._sizes[1]


def _entry(value: str) -> tuple[str, str]:
    value = value.strip().lower()
    if "@" in value.lstrip("@"):
        address, _, sentence = normalise_address(value)
        if address is None:
            raise BadInput("An entry of the suppression list is not an address: {problem}", problem=sentence)
        return address, mark("address")
    domain = value.lstrip("@")
    if "." not in domain or " " in domain:
        raise BadInput(
            "An entry of the suppression list is neither an address nor a domain such as example.com."
        )
    return domain, mark("domain")


def _size(path: Any) -> int:
    if path.is_file():
        return int(path.stat().st_size)
    return sum(p.stat().st_size for p in path.rglob("*") if p.is_file())


def suppressed(value: str) -> str:
    """Return an entry of the suppression list as it is stored. Raises `BadInput` if it is no address or domain."""
    return _entry(value)[0]
