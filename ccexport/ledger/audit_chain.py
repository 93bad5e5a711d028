"""The chain of the audit: each entry carries a hash over itself and the hash of the entry before it.

Whoever changes, inserts or removes an entry has to write every later one anew. Entries removed at the very end leave
no gap, so the newest hash has to be kept elsewhere (a back-up has it) by who needs to find that out.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

FIRST = ""


def entry_hash(before: str, entry: Mapping[str, Any]) -> str:
    """Return the hash of an entry (`at`, `actor`, `action`, `subject`, `detail`) that follows the hash `before`."""
    at: datetime = entry["at"]
    told = [
        before,
        at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC).isoformat(timespec="microseconds"),
        *(entry[name] for name in ("actor", "action", "subject")),
        entry["detail"],
    ]
    text = json.dumps(told, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def first_broken(entries: Iterable[Mapping[str, Any]]) -> int | None:
    """Return the id of the first entry, in order, that does not follow from the one before; None when all do."""
    before = FIRST
    for entry in entries:
        if entry["hash"] != entry_hash(before, entry):
            return int(entry["id"])
        before = entry["hash"]
    return None
