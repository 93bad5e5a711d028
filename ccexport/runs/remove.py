"""Takes people off the list in mirror mode: finds contact ids by address, 500 ids a request.

https://developer.constantcontact.com/api_guide/remove_list_membership.html. Must never delete a
contact, and never remove anybody a plan has not named.
"""

import hashlib
import json
from pathlib import Path

from ccexport.constant_contact.account import Account
from ccexport.files import published
from ccexport.model.plans import REMOVALS_PER_REQUEST, Plan
from ccexport.model.runs import Batch, Run
from ccexport.model.words import BatchKind, BatchState, Verdict
from ccexport.plan.reading import addresses_of
from ccexport.runs.engine import Engine

LOOKUPS_AT_MOST = 60


def removal_batches(
    engine: Engine, account: Account, run: Run, plan: Plan, on_list_count: int
) -> list[Batch]:
    """Write the removal requests of a plan next to its bodies.

    Each leaver's id is looked up singly while that is cheaper than scanning the list, 500 a call.
    """
    leavers = set(addresses_of(plan, Verdict.REMOVE))
    if not leavers:
        return []
    scan_calls = on_list_count // 500 + 1
    ids = (
        _by_lookup(account, leavers, run.list_id)
        if len(leavers) <= min(LOOKUPS_AT_MOST, scan_calls)
        else _by_scan(account, leavers, run.list_id)
    )
    folder = engine.data_dir / "plans" / plan.id / "bodies"
    return [
        _write(run, folder, f"{number:04}.{engine.term}", number, ids[start : start + REMOVALS_PER_REQUEST])
        for number, start in enumerate(range(0, len(ids), REMOVALS_PER_REQUEST), start=1)
    ]


def _by_lookup(account: Account, leavers: set[str], list_id: str) -> list[str]:
    found = (account.contact_by_email(address) for address in sorted(leavers))
    return [contact.id for contact in found if contact is not None and list_id in contact.lists]


def _by_scan(account: Account, leavers: set[str], list_id: str) -> list[str]:
    return sorted(
        contact.id
        for contact in account.contacts_on_list(list_id)
        if contact.address is not None and contact.address.strip().lower() in leavers
    )


def _write(run: Run, folder: Path, name: str, number: int, ids: list[str]) -> Batch:
    body = json.dumps({"source": {"contact_ids": ids}, "list_ids": [run.list_id]}).encode()
    path = folder / f"remove-{name}.json"
    with published(path) as part:
        part.write_bytes(body)
    return Batch(
        run_id=run.id,
        number=number,
        kind=BatchKind.REMOVE,
        state=BatchState.PENDING,
        contacts=len(ids),
        bytes=len(body),
        file=path,
        sha256=hashlib.sha256(body).hexdigest(),
    )


def ids_in(body: bytes) -> list[str]:
    """Return the contact ids of a removal body."""
    ids: list[str] = json.loads(body)["source"]["contact_ids"]
    return ids
