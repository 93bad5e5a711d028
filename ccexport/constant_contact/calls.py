"""Every request that ccexport makes of the V3 API, built from plain values.

Owns the vendor's limits that concern a request as a whole. Must never do I/O. These are left out on
purpose: `contact_delete` (wipes contacts from the account), `list_delete`,
`sign_up_form` (claims a consent nobody gave), and any removal that empties a list.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import orjson

from ccexport.constant_contact.wire import UPLOAD_TIMEOUT, FilePart, Request, url_of
from ccexport.errors import BadInput

# Beyond 4 MB only the first 4 MB are imported, and the answer is still 201. Whether that is
# 4,000,000 or 4,194,304 bytes is not documented: https://developer.constantcontact.com/api_guide/import_contacts.html
IMPORT_BYTES = 4_000_000
# Only so many lines of a file are read, and its header is one of them:
# https://developer.constantcontact.com/api_guide/import_contacts.html
IMPORT_LINES = 40_000
# The maximum size of a multipart envelope around a CSV file; "request body" seems to include it.
ENVELOPE_BYTES = 1_000
# https://developer.constantcontact.com/api_guide/import_contacts.html
LISTS_PER_IMPORT = 50
# https://developer.constantcontact.com/api_guide/remove_list_membership.html
CONTACTS_PER_REMOVAL = 500
# https://developer.constantcontact.com/api_guide/paginated_results.html; custom fields: at most 100
PAGE = 500
FIELDS_PAGE = 100

_JSON = {"Accept": "application/json"}
_JSON_BODY = {**_JSON, "Content-Type": "application/json"}


class Calls:
    """The requests of one API address."""

    def __init__(self, api_url: str) -> None:
        self._api_url = api_url.rstrip("/")

    def summary(self) -> Request:
        """GET /account/summary; needs the scope account_read."""
        return self._get("/account/summary")

    def privileges(self) -> Request:
        """GET /account/user/privileges; needs no scope."""
        return self._get("/account/user/privileges")

    def counts(self) -> Request:
        """GET /contacts/counts."""
        return self._get("/contacts/counts")

    def lists(self, *, name: str | None = None, status: str = "active") -> Request:
        """GET /contact_lists. The text says a page size of 500, the schema 1,000; 500 fits both."""
        params = {"limit": str(PAGE), "include_membership_count": "active", "status": status}
        return self._get("/contact_lists", params | ({"name": name} if name else {}))

    def list(self, list_id: str) -> Request:
        """GET /contact_lists/{id}."""
        return self._get(f"/contact_lists/{_segment(list_id)}", {"include_membership_count": "active"})

    def create_list(self, name: str, description: str = "") -> Request:
        """POST /contact_lists. Names are unique, so repeating it makes one list (and a 409)."""
        body = {"name": name, "favorite": False} | ({"description": description} if description else {})
        return self._post("/contact_lists", body, repeatable=True)

    def custom_fields(self) -> Request:
        """GET /contact_custom_fields; 100 is the maximum of both page and account."""
        return self._get("/contact_custom_fields", {"limit": str(FIELDS_PAGE)})

    def create_custom_field(self, label: str, type_: str) -> Request:
        """POST /contact_custom_fields. Labels are unique, so repeating it makes one field."""
        if type_ not in {"string", "date"}:
            raise BadInput(
                "Custom fields of type {type} are not created from here; use string or date.", type=type_
            )
        return self._post("/contact_custom_fields", {"label": label, "type": type_}, repeatable=True)

    def import_json(self, body: bytes) -> Request:
        """POST /activities/contacts_json_import with exactly these bytes."""
        _check_size(len(body))
        return self._queued("/activities/contacts_json_import", body)

    def import_csv(self, data: bytes, list_ids: Sequence[str], file_name: str) -> Request:
        """POST /activities/contacts_file_import.

        The lists are one comma-joined part, and no Content-Type is set: it must carry the
        boundary, which only the transport knows.
        """
        _check_size(len(data) + ENVELOPE_BYTES)
        # Quoted line breaks count too: how the vendor counts them is not documented, and one more request is cheap.
        if len(data.splitlines()) > IMPORT_LINES:
            raise BadInput(
                "A file of more than {limit} lines is too large: Constant Contact would silently "
                "drop the rest. Send it in smaller batches.",
                limit=IMPORT_LINES,
            )
        if not 1 <= len(list_ids) <= LISTS_PER_IMPORT:
            raise BadInput(
                "An import needs 1 to {most} lists, not {count}.", most=LISTS_PER_IMPORT, count=len(list_ids)
            )
        if not file_name.endswith(".csv"):
            raise BadInput("The name of an imported file must end in .csv, not be {name}.", name=file_name)
        return Request(
            "POST",
            url_of(self._api_url, "/activities/contacts_file_import"),
            headers=_JSON,
            form={"list_ids": ",".join(list_ids)},
            files=(FilePart("file", file_name, data, "text/csv"),),
            timeout=UPLOAD_TIMEOUT,
            queues=True,
        )

    def activities(self) -> Request:
        """GET /activities: every job of the last 10 days, so that one request polls them all."""
        return self._get("/activities", {"limit": str(PAGE)}, purpose="poll")

    def activity(self, activity_id: str) -> Request:
        """GET /activities/{id}."""
        return self._get(f"/activities/{_segment(activity_id)}", purpose="poll")

    def export_list(self, list_id: str) -> Request:
        """POST /activities/contact_exports for the active members of one list, addresses only."""
        return self._export({"list_ids": [list_id], "status": "active", "fields": ["email_address"]})

    def export_unsubscribed(self) -> Request:
        """POST /activities/contact_exports for everybody unsubscribed in the account."""
        return self._export({"status": "unsubscribed", "fields": ["email_address"]})

    def exported(self, activity_id: str) -> Request:
        """GET /contact_exports/{id}. The specification's example link spells it contacts_exports."""
        url = url_of(self._api_url, f"/contact_exports/{_segment(activity_id)}")
        headers = {"Accept": "text/csv"}
        return Request("GET", url, headers=headers, timeout=UPLOAD_TIMEOUT, repeatable=True, prepared=True)

    def contacts_on_list(self, list_id: str, status: str) -> Request:
        """GET /contacts of one list. The status is always given: the default leaves out only the deleted."""
        return self._get("/contacts", {"lists": list_id, "status": status, "limit": str(PAGE)})

    def contact_by_email(self, email: str) -> Request:
        """GET /contacts?email=; includes deleted contacts, because they explain a 409."""
        return self._get("/contacts", {"email": email, "status": "all", "include": "list_memberships"})

    def remove_from_list(self, contact_ids: Sequence[str], list_id: str) -> Request:
        """POST /activities/remove_list_memberships for at most 500 contacts, by id and never by address."""
        if not 1 <= len(contact_ids) <= CONTACTS_PER_REMOVAL:
            raise BadInput(
                "A removal takes 1 to {most} contacts, not {count}.",
                most=CONTACTS_PER_REMOVAL,
                count=len(contact_ids),
            )
        body = {"source": {"contact_ids": list(contact_ids)}, "list_ids": [list_id]}
        return self._queued("/activities/remove_list_memberships", orjson.dumps(body))

    def tag_list(self, list_id: str, tag_id: str) -> Request:
        """POST /activities/contacts_taggings_add for a whole list."""
        body = {"source": {"list_ids": [list_id]}, "tag_ids": [tag_id]}
        return self._queued("/activities/contacts_taggings_add", orjson.dumps(body))

    def _get(self, path: str, params: Mapping[str, str] | None = None, **more: Any) -> Request:
        url = url_of(self._api_url, path)
        return Request("GET", url, params=params or {}, headers=_JSON, repeatable=True, **more)

    def _post(self, path: str, body: Mapping[str, Any], **more: Any) -> Request:
        url = url_of(self._api_url, path)
        return Request("POST", url, headers=_JSON_BODY, body=orjson.dumps(body), **more)

    def _queued(self, path: str, body: bytes, **more: Any) -> Request:
        url = url_of(self._api_url, path)
        return Request(
            "POST", url, headers=_JSON_BODY, body=body, timeout=UPLOAD_TIMEOUT, queues=True, **more
        )

    def _export(self, body: Mapping[str, Any]) -> Request:
        # An export changes nothing: a second one after a lost answer only leaves an unused file.
        return self._queued("/activities/contact_exports", orjson.dumps(body), repeatable=True)


def following(url: str, first: Request) -> Request:
    """Return the request for the next page of `first`. Its link holds the cursor, which a parameter would replace."""
    return Request(
        "GET", url, headers=first.headers, timeout=first.timeout, repeatable=True, purpose=first.purpose
    )


def _segment(value: str) -> str:
    """Return an id quoted as one path segment, whatever characters it has."""
    if not value:
        raise BadInput("An id is missing.")
    return quote(value, safe="")


def _check_size(size: int) -> None:
    if size > IMPORT_BYTES:
        raise BadInput(
            "An import request of {size} bytes is too large: Constant Contact would silently "
            "drop everything after {limit}. Send it in smaller batches.",
            size=size,
            limit=IMPORT_BYTES,
        )
