"""Requests and answers as values, and where links lead."""

import pytest

from ccexport.constant_contact.wire import Answer, FilePart, Request, next_url, url_of

from .fake_api import API, JOB


def page(href):
    """A page with this next link."""
    return {"contacts": [], "_links": {"next": {"href": href}}}


@pytest.mark.parametrize(
    ("asked", "href", "url"),
    [
        (f"{API}/contacts", "/v3/contacts?cursor=abc", f"{API}/contacts?cursor=abc"),
        (f"{API}/contacts", "https://api.cc.email/v3/contacts?cursor=a", f"{API}/contacts?cursor=a"),
        (f"{API}/contacts?cursor=a", "?cursor=b&limit=5", f"{API}/contacts?cursor=b&limit=5"),
        (
            "http://127.0.0.1:9/v3/activities",
            "/v3/activities?cursor=a%3D",
            "http://127.0.0.1:9/v3/activities?cursor=a%3D",
        ),
    ],
    ids=["path", "absolute", "query-only", "loopback"],
)
def test_next_links_are_joined_with_what_was_asked(asked, href, url):
    """They include /v3 already."""
    assert url == next_url(asked, page(href))


@pytest.mark.parametrize(
    "href",
    [
        "https://evil.example/v3/contacts?cursor=a",
        "//evil.example/v3/contacts?cursor=a",
        "http://api.cc.email/v3/contacts?cursor=a",
        "https://api.cc.email:8443/v3/contacts?cursor=a",
        "https://someone:secret@evil.example/v3/contacts?cursor=a#x",
    ],
    ids=["other-host", "protocol-relative", "unencrypted", "other-port", "with-password"],
)
def test_a_next_link_never_leads_to_another_host(href):
    """It would be given the token; a gateway writes the name it has for itself, so the rest is followed."""
    assert next_url(f"{API}/contacts", page(href)) == f"{API}/contacts?cursor=a"


@pytest.mark.parametrize(
    "last",
    [
        {},
        {"_links": None},
        {"_links": {}},
        {"_links": {"next": {}}},
        {"_links": {"next": {"href": ""}}},
        [],
        None,
    ],
    ids=["none", "null", "empty", "no-href", "blank-href", "array", "nothing"],
)
def test_the_last_page_has_no_next(last):
    """Whatever way the vendor has of saying so."""
    assert next_url(f"{API}/contacts", last) is None


def test_paths_are_joined_plainly():
    """A trailing slash of a setting does not double."""
    assert url_of(API + "/", "/contacts") == "https://api.cc.email/v3/contacts"


def test_a_request_shows_no_token_no_query_and_no_body():
    """Reprs end up in logs and tracebacks."""
    request = Request(
        "GET",
        f"{API}/contacts?cursor=zoe@example.com",
        params={"email": "zoe@example.com"},
        body=b"zoe@example.com",
        files=(FilePart("file", "a.csv", b"zoe@example.com", "text/csv"),),
    ).with_token("secret")

    shown = (
        repr(request) + repr(request.files) + repr(Answer(200, {"set-cookie": "secret"}, b"zoe@example.com"))
    )

    assert "GET /v3/contacts" in shown
    assert "zoe" not in shown
    assert "secret" not in shown
    assert request.headers["Authorization"] == "Bearer secret"


@pytest.mark.parametrize(("body", "value"), [(b"", None), (b"<p>", None), (b'{"a":1}', {"a": 1})])
def test_a_body_that_is_not_json_is_none(body, value):
    """HTML and nothing are answers too."""
    assert value == Answer(200, {}, body).json()
    assert JOB not in repr(Answer(200, {}, body))
