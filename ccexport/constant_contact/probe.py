"""Tests the assumptions of docs/constant-contact.md on a trial account, in at most fifty requests.

It first says what it will touch, and cleans up after itself, also when it fails. Must never touch a
contact or a list that it did not make, except those the operator prepared and named. This is the
only module that can delete anything, one thing at a time, by an id it has made itself.

Left out: reusing a rotated refresh token (it may end the connection) and provoking a 429.
"""

from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote

import orjson

from ccexport.constant_contact import probe_plan as plan
from ccexport.constant_contact.account import Account
from ccexport.constant_contact.calls import PAGE
from ccexport.constant_contact.probe_plan import Finding, People
from ccexport.constant_contact.values import Activity, read_activity, read_list
from ccexport.constant_contact.wire import UPLOAD_TIMEOUT, Answer, Request, url_of
from ccexport.errors import BadInput, ConstantContactError

NOBODYS_LIST = "00000000-0000-4000-8000-000000000000"
REQUESTS = 50
_JSON = {"Accept": "application/json", "Content-Type": "application/json"}
_WAITS = (2.0, 4.0, 8.0, 15.0, 30.0, 60.0)


@dataclass(frozen=True)
class Prepared:
    """The operator's own addresses, put into these states by hand beforehand; empty ones are skipped."""

    unsubscribed: str = ""
    left_list: str = ""
    deleted: str = ""

    @property
    def named(self) -> dict[str, str]:
        """Return those that are given."""
        return {name: address for name, address in vars(self).items() if address}


def probe(
    account: Account,
    api_url: str,
    say: Callable[[str], None],
    *,
    clock: Callable[[], datetime],
    sleep: Callable[[float], None],
    domain: str = "example.com",
    prepared: Prepared = Prepared(),
) -> list[Finding]:
    """Return the findings in the order of the questions; every line is also passed to `say`."""
    people = People(f"{clock():%y%m%d%H%M%S}", domain)
    if len(people.address("double")) > plan.IMPORTED_CHARS:
        raise BadInput(f"The domain {domain} is too long: imported addresses have at most 50 characters.")
    say(f"This makes two lists named “ccexport probe {people.stamp}” and up to {len(people.all)} contacts at")
    say(
        f"{domain}, which count as active contacts of the account, and deletes them again. At most {REQUESTS}"
    )
    say("requests of the day are used. It is meant for a trial account.")
    if prepared.named:
        say(f"It also imports the prepared addresses ({', '.join(prepared.named)}) onto its own list.")
    trial = _Trial(account, api_url, say, clock, sleep, people, prepared)
    try:
        trial.run()
    finally:
        trial.clean_up()
    right = sum(1 for finding in trial.findings if finding.right)
    say(f"{right} of {len(trial.findings)} guesses were right; {trial.requests} requests were used.")
    return trial.findings


@dataclass
class _Trial:
    """One probe in progress: what it made, so that it can be deleted again."""

    account: Account
    api_url: str
    say: Callable[[str], None]
    clock: Callable[[], datetime]
    sleep: Callable[[float], None]
    people: People
    prepared: Prepared
    findings: list[Finding] = field(default_factory=list)
    lists: list[str] = field(default_factory=list)
    headers: set[str] = field(default_factory=set)
    requests: int = 0

    def run(self) -> None:
        target, staging = self._make_list(""), self._make_list(" staging")
        self._imports(target)
        self._second_imports(target, staging)
        self._removal_and_export(target, staging)
        self._found(plan.about_headers(self.headers))

    # -- the questions -----------------------------------------------------------------------

    def _imports(self, target: str) -> None:
        rows = plan.mixed_rows(self.people)
        mixed, status = self._import(plan.body_of(rows, target))
        self._found(Finding("answer to a bulk request", "201", str(status), status == 201))
        large, large_status = self._refusable(plan.oversized_body(self.people, target))
        _, unknown = self._refusable(plan.body_of(rows[:1], NOBODYS_LIST))
        self._found(Finding("import onto an unknown list", "400", str(unknown), unknown == 400))
        ended = self._ended([mixed, large])
        if mixed in ended:
            self._found(*plan.about_counting(len(rows), ended[mixed]))
        found = self._visible(target, {self.people.address("plain").lower()})
        self._found(*plan.about_people(self.people, found))
        self._found(plan.about_size(self.people, found, large_status))

    def _second_imports(self, target: str, staging: str) -> None:
        plain = self.people.address("plain")
        rows = [{"email": address} for address in self.prepared.named.values()]
        blank, _ = self._import(plan.body_of([{"email": plain, "first_name": ""}, *rows], target))
        staged, _ = self._import(plan.body_of([{"email": plain}], staging))
        self._ended([blank, staged])
        self.sleep(_WAITS[2])
        found = self._contacts(target)
        name = found.get(plain.lower(), {}).get("first_name")
        self._found(
            Finding("an empty value", "does not erase", f"first name is now {name!r}", name == "Plain")
        )
        guesses = {"unsubscribed": False, "left_list": True, "deleted": True}
        for state, address in self.prepared.named.items():
            there = address.lower() in found
            guess = "joins the list" if guesses[state] else "does not join the list"
            what = "joined" if there else "did not join"
            self._found(Finding(f"import of one who is {state}", guess, what, there is guesses[state]))

    def _removal_and_export(self, target: str, staging: str) -> None:
        body = {"source": {"list_ids": [staging]}, "list_ids": [target]}
        removed = read_activity(self._post("/activities/remove_list_memberships", orjson.dumps(body)).json())
        self.requests += 1
        export = self.account.start_list_export(target)
        ended = self._ended([removed.id, export.id])
        self.sleep(_WAITS[2])
        there = self.people.address("plain").lower() in self._contacts(target)
        what = "still there" if there else "gone"
        self._found(Finding("removal by a staging list", "the people are gone", what, not there))
        if export.id in ended and ended[export.id].finished:
            self.requests += 1
            header = b"".join(self.account.export_csv(export.id)).decode("utf-8", "replace").splitlines()
            self._found(plan.about_columns(header[0] if header else ""))

    # -- asking ------------------------------------------------------------------------------

    def _send(self, request: Request) -> Answer:
        self.requests += 1
        answer = self.account.raw(request)
        self.headers |= set(answer.headers)
        return answer

    def _post(self, path: str, body: bytes) -> Answer:
        url = url_of(self.api_url, path)
        return self._send(Request("POST", url, headers=_JSON, body=body, timeout=UPLOAD_TIMEOUT, queues=True))

    def _import(self, body: bytes) -> tuple[str, int]:
        answer = self._post("/activities/contacts_json_import", body)
        return read_activity(answer.json()).id, answer.status

    def _refusable(self, body: bytes) -> tuple[str, int]:
        try:
            return self._import(body)
        except ConstantContactError as error:
            return "", int(error.evidence.get("status", 0))

    def _make_list(self, suffix: str) -> str:
        """Create a list of our own: a name in use is an error here, never another program's list."""
        body = {"name": f"ccexport probe {self.people.stamp}{suffix}", "favorite": False}
        made = read_list(self._post("/contact_lists", orjson.dumps(body)).json()).id
        self.lists.append(made)
        return made

    def _ended(self, ids: Collection[str]) -> dict[str, Activity]:
        """Return those of the jobs that ended in the available time; one request polls all."""
        ended: dict[str, Activity] = {}
        for wait in _WAITS:
            self.sleep(wait)
            self.requests += 1
            ended = {a.id: a for a in self.account.activities() if a.id in ids and a.ended}
            if len(ended) == len({one for one in ids if one}):
                break
        return ended

    def _visible(self, list_id: str, wanted: Collection[str]) -> dict[str, dict[str, Any]]:
        """Return the contacts of the list once `wanted` are among them, and record how long that took."""
        began = self.clock()
        found: dict[str, dict[str, Any]] = {}
        for wait in (0.0, *_WAITS[:3]):
            self.sleep(wait)
            found = self._contacts(list_id)
            if set(wanted) <= set(found):
                break
        seconds = (self.clock() - began).total_seconds()
        there = set(wanted) <= set(found)
        what = f"about {seconds:.0f} s" if there else f"more than {seconds:.0f} s"
        self._found(Finding("until an import shows on its list", "a few seconds", what, there))
        return found

    def _contacts(self, list_id: str) -> dict[str, dict[str, Any]]:
        params = {"lists": list_id, "status": "all", "include": "phone_numbers", "limit": str(PAGE)}
        url = url_of(self.api_url, "/contacts")
        raw = self._send(Request("GET", url, params=params, repeatable=True)).json()
        contacts = raw.get("contacts") if isinstance(raw, dict) else None
        by_address = {
            ((c.get("email_address") or {}).get("address") or "").lower(): c for c in contacts or ()
        }
        return {address: contact for address, contact in by_address.items() if address}

    def _found(self, *findings: Finding) -> None:
        for finding in findings:
            self.findings.append(finding)
            self.say(finding.line)

    # -- cleaning up -------------------------------------------------------------------------

    def clean_up(self) -> None:
        """Delete what was made. Report what cannot be deleted, so that a person can do it."""
        paths = [f"/contacts/{quote(one, safe='')}" for one in self._our_contacts().values()]
        paths += [f"/contact_lists/{quote(one, safe='')}" for one in self.lists]
        left = sum(1 for path in paths if not self._deleted(path))
        if left:
            self.say(
                f"{left} lists or contacts named after “ccexport probe {self.people.stamp}” are left over."
            )

    def _our_contacts(self) -> dict[str, str]:
        """Return ids by address, which also finds people who left the list and never finds anybody else."""
        found: dict[str, str] = {}
        for list_id in self.lists:
            with suppress(ConstantContactError):
                for address, contact in self._contacts(list_id).items():
                    if address in self.people.all:
                        found[address] = str(contact["contact_id"])
        return found

    def _deleted(self, path: str) -> bool:
        url = url_of(self.api_url, path)
        try:
            self._send(Request("DELETE", url, headers={"Accept": "application/json"}, repeatable=True))
        except ConstantContactError as error:
            return error.evidence.get("status") == 404
        return True
