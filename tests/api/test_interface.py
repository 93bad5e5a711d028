"""What the interface answers, to whom, and with which problem it refuses."""

import io

import httpx
import pyarrow.parquet as pq
import pytest

from ccexport.api.limits import Limits
from ccexport.api.serving import OPERATIONS
from ccexport.model.words import Role
from tests.api.conftest import Door
from tests.world import ADA

VIEWER, CONTRIBUTOR, ADMINISTRATOR = Role


def test_a_stranger_with_a_token_previews_runs_by_digest_and_reads_outcomes(door: Door) -> None:
    """And asked twice with the same key, one run is started."""
    planned = door.ask(CONTRIBUTOR, "POST", "/exports/News/previews")
    assert planned.status_code == 201, planned.text
    preview = planned.json()
    assert preview["verdicts"]["add"] == preview["to_send"] == 20
    rows = door.ask(CONTRIBUTOR, "GET", f"/previews/{preview['plan_id']}/rows?what=add&limit=15").json()
    rest = door.ask(
        CONTRIBUTOR, "GET", f"/previews/{preview['plan_id']}/rows?what=add&limit=15&cursor={rows['next']}"
    ).json()
    assert len({row["email"] for row in rows["items"] + rest["items"]}) == 20
    assert rest["next"] is None
    parquet = door.ask(CONTRIBUTOR, "GET", f"/previews/{preview['plan_id']}/rows.parquet")
    assert pq.read_table(io.BytesIO(parquet.content)).num_rows == 20

    asked = {"json": {"export": "News", "digest": preview["digest"]}, "headers": {"Idempotency-Key": "k1"}}
    first, again = (door.ask(CONTRIBUTOR, "POST", "/runs", **asked) for _ in range(2))
    assert (first.status_code, again.json()["run_id"]) == (201, first.json()["run_id"])
    other = door.ask(
        CONTRIBUTOR, "POST", "/runs", json={"export": "News", "resend_all": True}, headers=asked["headers"]
    )
    assert (other.status_code, other.json()["code"]) == (409, "conflict")

    run_id = first.json()["run_id"]
    door.world.services.runs.drive_here(run_id)
    done = door.ask(CONTRIBUTOR, "GET", f"/runs/{run_id}?wait=30").json()
    assert (done["state"], done["counts"]["verified"]) == ("succeeded", 20)
    assert done["created_at"].endswith("Z")
    found = door.ask(CONTRIBUTOR, "GET", f"/runs/{run_id}/contacts?what=verified&limit=1000").json()["items"]
    assert {row["outcome"] for row in found} == {"verified"}
    assert door.ask(CONTRIBUTOR, "POST", "/runs", **asked).json()["run_id"] == run_id
    assert len(door.ask(VIEWER, "GET", "/runs").json()["items"]) == 1
    assert door.ask(VIEWER, "GET", "/history").json()["verified"] == 20

    undone = door.ask(CONTRIBUTOR, "POST", f"/runs/{run_id}/undo/preview").json()
    assert undone["verdicts"]["remove"] == 20
    undo = door.ask(CONTRIBUTOR, "POST", f"/runs/{run_id}/undo", json={"digest": undone["digest"]})
    assert undo.status_code == 201
    cancelled = door.ask(CONTRIBUTOR, "POST", f"/runs/{undo.json()['run_id']}/cancel").json()
    assert cancelled["state"] == "cancelled"


def test_a_viewer_sees_no_address_and_downloads_nothing(door: Door) -> None:
    plan_id = door.ask(VIEWER, "POST", "/exports/News/previews").json()["plan_id"]
    seen = door.ask(VIEWER, "GET", f"/previews/{plan_id}/rows").text
    seen += door.ask(VIEWER, "GET", "/profiles/rows").text
    assert "•••" in seen
    assert "person1@" not in seen and "Name1" not in seen
    refused = door.ask(VIEWER, "GET", f"/previews/{plan_id}/rows.parquet")
    assert refused.status_code == 403
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["code"] == "not_permitted"
    assert "Ask an administrator" in refused.json()["detail"]


def test_a_change_names_the_version_it_is_of(door: Door) -> None:
    """Else one of two people who change the same export at once would lose their change."""
    read = door.ask(CONTRIBUTOR, "GET", "/exports/News")
    seen = {"If-Match": read.headers["etag"]}
    assert door.ask(CONTRIBUTOR, "PATCH", "/exports/News", json={"mode": "mirror"}).status_code == 428
    changed = door.ask(CONTRIBUTOR, "PATCH", "/exports/News", json={"mode": "mirror"}, headers=seen)
    assert changed.json()["mode"] == "mirror"
    late = door.ask(CONTRIBUTOR, "PATCH", "/exports/News", json={"mode": "add_only"}, headers=seen)
    assert (late.status_code, late.json()["code"]) == (412, "changed_meanwhile")
    back = {"If-Match": changed.headers["etag"]}
    body = {"mode": "add_and_update"}
    assert door.ask(CONTRIBUTOR, "PATCH", "/exports/News", json=body, headers=back).status_code == 200
    wrong = door.ask(CONTRIBUTOR, "PATCH", "/exports/News", json={"actor": "ada"}, headers=back)
    assert (wrong.status_code, wrong.json()["code"]) == (400, "bad_input")


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/runs?limit=0", "limit"),
        ("/runs?nothing=1", "nothing"),
        ("/runs?limit=1&limit=2", "twice"),
        ("/runs?cursor=abc", "cursor"),
        ("/runs?since=yesterday", "since"),
        ("/runs?state=happy", "state"),
        ("/profiles/rows?search=%00", "control character"),
        ("/exports/a%00b", "name"),
    ],
)
def test_what_is_wrong_in_a_query_is_named(door: Door, path: str, says: str) -> None:
    answer = door.ask(VIEWER, "GET", path)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_input")
    assert says in answer.json()["detail"]
    assert len(answer.json()["reference"]) == 8


@pytest.mark.parametrize("given", [None, "Bearer", "Bearer ccx_unknown", "Basic YTpi", "Bearer \xe9"])
def test_without_a_living_token_nothing_is_answered(door: Door, given: str | None) -> None:
    headers = {} if given is None else {"Authorization": given.encode("latin-1")}
    for operation in OPERATIONS:
        path = operation.path.replace("{", "").replace("}", "")
        answer = httpx.request(operation.method, door.url + path, headers=headers, trust_env=False)  # type: ignore[arg-type]
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer"), path


def test_a_revoked_token_ends_at_once(door: Door) -> None:
    token, secret = door.world.services.tokens.create(ADA, "gone", role=VIEWER)
    headers = {"Authorization": f"Bearer {secret}"}
    assert httpx.get(f"{door.url}/me", headers=headers).json() == {"name": "ada", "role": "viewer"}
    door.world.services.tokens.revoke(ADA, token.id)
    assert httpx.get(f"{door.url}/me", headers=headers).status_code == 401


def test_nothing_else_is_there(door: Door) -> None:
    assert door.ask(VIEWER, "GET", "/nothing").status_code == 404
    answer = door.ask(VIEWER, "DELETE", "/exports/News")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, PATCH")


def test_an_answer_that_is_known_is_not_sent_again(door: Door) -> None:
    etag = door.ask(VIEWER, "GET", "/profiles").headers["etag"]
    assert door.ask(VIEWER, "GET", "/profiles", headers={"If-None-Match": etag}).status_code == 304


def test_who_asks_too_often_waits() -> None:
    now = [0.0]
    limits = Limits(at_once=2, a_second=1, clock=lambda: now[0])
    assert [limits.wait("a"), limits.wait("a"), limits.wait("b")] == [0, 0, 0]
    assert limits.wait("a") == 1
    now[0] = 1.0
    assert limits.wait("a") == 0


def test_a_file_is_uploaded(door: Door, file) -> None:  # type: ignore[no-untyped-def]
    body = file.read_bytes()
    path = "/profiles?name=customers.csv&id_field=customer_id&type=customer_id=text"
    assert door.ask(VIEWER, "POST", path, content=body).status_code == 403
    surprise = door.ask(CONTRIBUTOR, "POST", path, content=body)
    assert (surprise.status_code, surprise.json()["code"]) == (409, "conflict")
    made = door.ask(CONTRIBUTOR, "POST", f"{path}&accept_changes=true", content=body)
    assert (made.status_code, made.json()["profiles"]) == (201, 30)
    wrong = door.ask(CONTRIBUTOR, "POST", "/profiles?name=../x.csv", content=body)
    assert (wrong.status_code, wrong.json()["code"]) == (400, "bad_input")
