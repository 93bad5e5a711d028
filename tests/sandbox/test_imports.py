"""Imports: 13.4 of the fact sheet; traps 1 to 5, 19, 20, 22, 28, 30, 35, 37, 42 and 43."""

import sqlite3
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
import orjson
import pytest

from ccexport.sandbox import apply, bodies, rows
from ccexport.sandbox.activities import Activity
from ccexport.sandbox.config import Config
from tests.sandbox.conftest import Double

CSV = "/activities/contacts_file_import"
COUNTERS = ("person_count", "error_count", "correctable_count", "cannot_add_to_list_count")


def counts(activity: dict[str, Any]) -> tuple[int, ...]:
    return tuple(activity["status"][name] for name in COUNTERS)


def send_csv(double: Double, text: str | bytes, **more: Any) -> httpx.Response:
    raw = text.encode() if isinstance(text, str) else text
    files = {"file": (more.get("name", "contacts.csv"), raw, "text/csv")}
    return double.call("POST", CSV, files=files, data={"list_ids": double.list_id()})


def test_the_answer_is_201_and_initialized_with_nothing_counted(double: Double) -> None:
    answer = double.import_json({"email": "a@example.com"})
    told = answer.json()

    assert (answer.status_code, told["state"], told["percent_done"]) == (201, "initialized", 0)
    assert told["activity_errors"] == []
    assert {"items_total_count": 0, **dict.fromkeys(COUNTERS, 0)} == told["status"]
    assert {"self": {"href": f"/v3/activities/{told['activity_id']}"}} == told["_links"]
    assert not {"started_at", "completed_at", "type", "list_ids"} & set(told)


def test_a_new_contact_is_implicit_and_from_the_account(double: Double) -> None:
    double.imported({"email": "New.Person@Example.COM", "first_name": "Nia"})
    (found,) = double.get("/contacts", email="new.person@example.com", include="list_memberships")["contacts"]

    assert found["email_address"]["address"] == "new.person@example.com"
    assert (
        found["email_address"]["permission_to_send"],
        found["email_address"]["opt_in_source"],
    ) == ("implicit", "Account")
    assert (found["first_name"], found["create_source"]) == ("Nia", "Account")
    assert [double.list_id()] == found["list_memberships"]


def test_only_supplied_properties_change(double: Double) -> None:
    double.imported(
        {"email": "a@example.com", "first_name": "Ada", "city": "Oslo", "work_phone": "555-123-4567"}
    )
    double.imported({"email": "a@example.com", "last_name": "Berg", "zip": "0150"})

    fields = double.contact("a@example.com")["fields"]
    assert (fields["first_name"], fields["last_name"]) == ("Ada", "Berg")
    assert fields["address"] == {"home": {"city": "Oslo", "zip": "0150"}}
    assert fields["phone"] == {"work": "555-123-4567"}


def test_memberships_are_added_never_removed(double: Double) -> None:
    (other,) = double.admin("POST", "lists", {"names": ["Other"]})["lists"]
    double.imported({"email": "a@example.com"})
    double.imported({"email": "a@example.com"}, lists=[other["list_id"]])

    assert double.contact("a@example.com")["lists"] == ["Newsletter", "Other"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"import_data": []}',
        b'{"import_data": [{"email": "a@example.com"}]}',
        b'{"import_data": {}, "list_ids": ["LIST"]}',
        b'{"import_data": ["a@example.com"], "list_ids": ["LIST"]}',
        b'{"import_data": [{"email": "a@example.com"}], "list_ids": []}',
        b'{"import_data": [{"email": "a@example.com"}], "list_ids": "LIST"}',
        b'{"import_data": [{"email": "a@example.com"}], "list_ids": ["Newsletter"]}',
        b'{"import_data": [{"email": "a@example.com"}], "list_ids": [7]}',
        b'{"import_data": [{"email": "a@example.com"}], "list_ids": ["LIST"], "sms_permission_to_send": "yes"}',
    ],
)
def test_a_wrong_request_is_400_with_an_array(double: Double, body: bytes) -> None:
    body = body.replace(b"LIST", double.list_id().encode())
    json_type = {"Content-Type": "application/json"}
    answer = double.call("POST", "/activities/contacts_json_import", content=body, headers=json_type)

    assert answer.status_code == 400
    assert {"error_key", "error_message"} == set(answer.json()[0])


def test_more_than_fifty_lists_are_400(double: Double) -> None:
    assert double.import_json({"email": "a@example.com"}, lists=[str(uuid.uuid4())] * 51).status_code == 400


def test_an_unknown_list_is_400_or_as_configured_404(double: Double) -> None:
    wrong = [str(uuid.uuid4())]
    assert double.import_json({"email": "a@example.com"}, lists=wrong).status_code == 400

    double.config(unknown_list_status=404)
    assert double.import_json({"email": "a@example.com"}, lists=wrong).status_code == 404


def test_the_queue_takes_a_thousand_activities(double: Double) -> None:
    double.config(queued_activities_max=3)
    codes = [double.import_json({"email": f"a{n}@example.com"}).status_code for n in range(4)]
    assert codes == [201, 201, 201, 429]

    double.advance(60)
    assert double.import_json({"email": "b@example.com"}).status_code == 201


def big(count: int, size: int = 100) -> list[dict[str, str]]:
    return [{"email": f"person{n:06d}@example.com", "company_name": "x" * (size - 64)} for n in range(count)]


def test_what_lies_beyond_four_million_bytes_is_dropped_in_silence(double: Double) -> None:
    double.config(over_length="truncate")
    contacts = big(45, 100_000)
    body = orjson.dumps({"import_data": contacts, "list_ids": [double.list_id()]})
    assert len(body) > 4_000_000
    answer = double.call(
        "POST", "/activities/contacts_json_import", content=body, headers={"Content-Type": "application/json"}
    )

    whole = sum(1 for n in range(45) if body.index(contacts[n]["email"].encode()) + 100_000 - 50 < 4_000_000)
    assert answer.status_code == 201
    assert whole == double.settle(answer)["status"]["person_count"] == 40


def test_a_body_of_exactly_the_limit_is_whole(double: Double) -> None:
    contacts = [{"email": "a@example.com", "first_name": "Ada"}, {"email": "b@example.com"}]
    size = len(orjson.dumps({"import_data": contacts, "list_ids": [double.list_id()]}))
    double.config(import_max_bytes=size)
    body = orjson.dumps({"import_data": contacts, "list_ids": [double.list_id()]})
    json_type = {"Content-Type": "application/json"}
    send = {"content": body, "headers": json_type}

    assert (
        double.settle(double.call("POST", "/activities/contacts_json_import", **send))["status"][
            "person_count"
        ]
        == 2
    )


def test_every_cut_leaves_whole_records_only() -> None:
    records = [{"email": "ø@example.com", "n": [1, {"x": "}"}]}, {"email": "b\\"}, {"email": '"c,{"'}]
    for head in ({"list_ids": ["x"]}, {}):
        body = orjson.dumps({**head, "import_data": records})
        seen = []
        for cut in range(len(body)):
            found = bodies.json_records(body[:cut] + b" " * 9, most_bytes=cut, most=10)
            assert found == records[: len(found)]
            seen.append(len(found))
        assert seen == sorted(seen)
        assert seen[-1] == 3


def test_contacts_beyond_forty_thousand_are_not_processed(double: Double) -> None:
    double.config(import_max_contacts=3, import_max_lines=3)

    assert double.imported(*big(5))["status"]["person_count"] == 3
    assert (
        double.settle(send_csv(double, "email\na@e.com\nb@e.com\nc@e.com\n"))["status"]["person_count"] == 2
    )


def test_items_total_counts_a_header_even_for_json(double: Double) -> None:
    assert double.imported(*big(2))["status"]["items_total_count"] == 3

    double.config(items_total_includes_header=False)
    assert double.imported(*big(2))["status"]["items_total_count"] == 2


@pytest.mark.parametrize(
    "row",
    [
        {"email": "nobody"},
        {"email": "two@@example.com"},
        {"email": "a b@example.com"},
        {"email": " a@example.com"},
        {"email": "ø@example.com"},
        {"email": "a@exämple.com"},
        {"email": "a..b@example.com"},
        {"email": "a@example"},
        {"email": "x" * 39 + "@example.com"},
        {"email": 7},
        {"email": ""},
        {"first_name": "Nobody"},
        {"email": "ok@example.com", "birthday_month": 2, "birthday_day": 30},
        {"email": "ok@example.com", "birthday_month": 2},
        {"email": "ok@example.com", "birthday_month": "May", "birthday_day": 1},
        {"email": "ok@example.com", "birthday_month": 10**30, "birthday_day": 1},
        {"email": "ok@example.com", "anniversary": "2020-13-01"},
        {"email": "ok@example.com", "anniversary": "2020-01-01T00:00:00Z"},
        {"email": "ok@example.com", "anniversary": "1.2.2020"},
        {"email": "ok@example.com", "anniversary": "1890-01-01"},
        {"email": "ok@example.com", "anniversary": "2060-01-01"},
        {"sms_number": "+47 12345678"},
    ],
    ids=str,
)
def test_a_correctable_row_is_left_out_and_counted(double: Double, row: dict[str, Any]) -> None:
    done = double.imported({"email": "fine@example.com"}, row)

    assert (done["state"], counts(done)) == ("completed", (2, 0, 1, 0))
    assert done["activity_errors"][0].startswith("Line 3: ")
    assert double.inspect("contacts", email="ok@example.com")["contacts"] == []


@pytest.mark.parametrize(
    "row",
    [
        {"email": "x" * 38 + "@example.com"},
        {"email": "admin@example.com"},
        {"email": "o'brien+tag@sub.example.co.uk"},
        {"email": "a@xn--bcher-kva.example"},
        {"email": "a@example.com", "birthday_month": 2, "birthday_day": 29},
        {"email": "a@example.com", "birthday_month": "2", "birthday_day": "9"},
        {"email": "a@example.com", "anniversary": "2020-02-29"},
        {"email": "a@example.com", "anniversary": "2/9/2020"},
        {"email": "a@example.com", "anniversary": "2020/2/9"},
        {"email": "a@example.com", "unheard_of": "x", "cf:Nothing": "x"},
        {"email": "a@example.com", "first_name": 'O"Neil, Åse\r\n二'},
        {"sms_number": "123-123-1234"},
    ],
    ids=str,
)
def test_a_good_row_lands(double: Double, row: dict[str, Any]) -> None:
    done = double.imported(row)

    assert (counts(done), done["activity_errors"]) == ((1, 0, 0, 0), [])
    assert double.inspect("counters")["contacts"] == 1


@pytest.mark.parametrize("name, most", [("first_name", 50), ("street", 255), ("phone", 50), ("cf:Team", 255)])
def test_a_value_too_long_costs_the_contact_unless_configured_otherwise(
    double: Double, name: str, most: int
) -> None:
    double.admin("POST", "custom_fields", {"fields": [{"label": "Team"}]})
    double.config(foreign_phones="keep")
    assert counts(double.imported({"email": "a@example.com", name: "x" * (most + 1)})) == (1, 1, 0, 0)
    assert counts(double.imported({"email": "a@example.com", name: "x" * most})) == (1, 0, 0, 0)

    double.config(over_length="truncate")
    assert counts(double.imported({"email": "b@example.com", name: "x" * (most + 1)})) == (1, 0, 0, 0)


def test_a_nul_character_is_an_error(double: Double) -> None:
    assert counts(double.imported({"email": "a@example.com", "first_name": "A\x00da"})) == (1, 1, 0, 0)


def test_sixty_characters_of_address_can_be_allowed(double: Double) -> None:
    address = "x" * 48 + "@example.com"
    assert counts(double.imported({"email": address})) == (1, 0, 1, 0)

    double.config(email_max_chars=80)
    assert counts(double.imported({"email": address})) == (1, 0, 0, 0)


def test_the_last_of_two_rows_with_one_address_wins(double: Double) -> None:
    rows = [
        {"email": "A@example.com", "first_name": "First"},
        {"email": "a@example.com", "first_name": "Last"},
    ]
    assert counts(double.imported(*rows)) == (2, 0, 0, 0)
    assert double.contact("a@example.com")["fields"]["first_name"] == "Last"

    double.config(duplicates="first_wins", person_count="contacts")
    assert counts(double.imported(*rows)) == (1, 0, 0, 0)
    assert double.contact("a@example.com")["fields"]["first_name"] == "First"

    double.config(duplicates="reject", person_count="rows")
    assert counts(double.imported(*rows)) == (2, 1, 0, 0)


def test_blanks_do_not_erase_unless_configured(double: Double) -> None:
    double.imported({"email": "a@example.com", "first_name": "Ada", "city": "Oslo"})
    double.imported({"email": "a@example.com", "first_name": "", "city": None})
    assert double.contact("a@example.com")["fields"]["first_name"] == "Ada"

    double.config(blanks_erase=True)
    double.imported({"email": "a@example.com", "first_name": ""})
    assert "first_name" not in double.contact("a@example.com")["fields"]
    (found,) = double.get("/contacts", email="a@example.com")["contacts"]
    assert "first_name" not in found


def test_a_custom_field_goes_by_its_current_name_only(double: Double) -> None:
    made = double.call("POST", "/contact_custom_fields", json={"label": "Shoe size", "type": "string"}).json()
    double.imported(
        {"email": "a@example.com", "cf:Shoe size": "1", "cf:shoe_size": "2", "cf:Shoe_size": "44"}
    )
    assert double.contact("a@example.com")["custom_fields"] == {"Shoe_size": "44"}

    path = f"/contact_custom_fields/{made['custom_field_id']}"
    double.call("PUT", path, json={"label": "Foot length", "type": "string"})
    done = double.imported({"email": "a@example.com", "cf:Shoe_size": "45"})
    assert counts(done) == (1, 0, 0, 0)
    assert double.contact("a@example.com")["custom_fields"] == {"Foot_length": "44"}


def test_the_twenty_sixth_custom_field_is_dropped_in_silence(double: Double) -> None:
    labels = [f"F{n}" for n in range(26)]
    double.admin("POST", "custom_fields", {"fields": [{"label": label} for label in labels]})
    row = {"email": "a@example.com"} | {f"cf:{label}": "x" for label in labels}

    assert counts(double.imported(row)) == (1, 0, 0, 0)
    assert len(double.contact("a@example.com")["custom_fields"]) == 25
    double.config(extra_custom_fields="reject")
    assert counts(double.imported(row)) == (1, 1, 0, 0)


def test_the_home_country_is_spelled_with_a_space(double: Double) -> None:
    double.imported({"email": "a@example.com", "home_country": "Norway", "work_country": "Sweden"})
    assert double.contact("a@example.com")["fields"]["address"] == {"work": {"country": "Sweden"}}

    double.imported({"email": "a@example.com", "home country": "Norway"})
    assert double.contact("a@example.com")["fields"]["address"]["home"] == {"country": "Norway"}


def test_a_foreign_phone_is_dropped_or_costs_the_contact(double: Double) -> None:
    row = {"email": "a@example.com", "phone": "+47 22 33 44 55", "home_phone": "(555) 123-4567"}
    assert counts(double.imported(row)) == (1, 0, 0, 0)
    assert double.contact("a@example.com")["fields"]["phone"] == {"home": "(555) 123-4567"}

    double.config(foreign_phones="reject")
    assert counts(double.imported(row)) == (1, 1, 0, 0)


def test_an_unsubscribed_contact_is_updated_but_kept_off_the_list(double: Double) -> None:
    double.admin(
        "POST", "contacts", {"contacts": [{"email": "no@example.com", "permission": "unsubscribed"}]}
    )
    done = double.imported({"email": "no@example.com", "first_name": "Nina"}, {"email": "yes@example.com"})

    assert (done["state"], counts(done)) == ("completed", (2, 0, 0, 1))
    found = double.contact("no@example.com")
    assert (
        found["permission"],
        found["lists"],
        found["fields"]["first_name"],
    ) == ("unsubscribed", [], "Nina")


def test_who_left_a_list_by_own_hand_is_put_back_and_that_is_noted(double: Double) -> None:
    double.imported({"email": "a@example.com"}, {"email": "b@example.com"})
    double.admin("POST", "contacts/leave_list", {"email": "a@example.com", "list": "Newsletter"})
    assert double.contact("a@example.com")["lists"] == []
    double.imported({"email": "b@example.com"})
    assert double.inspect("consent_violations")["consent_violations"] == []

    done = double.imported({"email": "a@example.com"})
    assert counts(done) == (1, 0, 0, 0)
    assert double.contact("a@example.com")["lists"] == ["Newsletter"]
    (violation,) = double.inspect("consent_violations")["consent_violations"]
    assert ("a@example.com", double.list_id(), done["activity_id"]) == (
        violation["email"],
        violation["list_id"],
        violation["activity_id"],
    )
    double.imported({"email": "a@example.com"})
    assert double.inspect("counters")["consent_violations"] == 1


def test_a_deleted_contact_comes_back_unless_configured(double: Double) -> None:
    double.admin("POST", "contacts", {"contacts": [{"email": "a@example.com", "deleted": True}]})
    double.config(revive_deleted=False)
    double.imported({"email": "a@example.com"})
    assert double.contact("a@example.com")["deleted"]

    double.config(revive_deleted=True)
    double.imported({"email": "a@example.com"})
    found = double.contact("a@example.com")
    assert (found["deleted"], found["lists"]) == (False, ["Newsletter"])
    assert double.inspect("counters")["contacts_revived"] == 1


def test_nobody_joins_a_fifty_first_list(double: Double) -> None:
    names = [f"L{n}" for n in range(50)]
    made = [each["list_id"] for each in double.admin("POST", "lists", {"names": names})["lists"]]
    double.imported({"email": "a@example.com"}, lists=made)

    assert counts(double.imported({"email": "a@example.com"})) == (1, 0, 0, 0)
    assert names == double.contact("a@example.com")["lists"]
    double.config(over_list_limit="cannot_add")
    assert counts(double.imported({"email": "a@example.com"})) == (1, 0, 0, 1)


def test_messages_are_hints_and_come_in_several_forms(double: Double) -> None:
    bad = [{"email": f"bad{n}"} for n in range(5)]
    done = double.imported(*bad)
    assert (
        done["status"]["correctable_count"],
        done["activity_errors"],
    ) == (5, ["Line 2: Invalid email", "Line 3: Invalid email"])

    double.config(error_messages="objects", error_message_limit=0)
    assert double.imported(*bad)["activity_errors"][-1] == {"message": "Line 6: Invalid email"}
    double.config(error_messages="none")
    assert double.imported(*bad)["activity_errors"] == []


def test_a_csv_file_is_imported_by_its_headers(double: Double) -> None:
    double.admin("POST", "custom_fields", {"fields": [{"label": "Team"}]})
    text = "email,first_name,cf:Team,home_city,work_phone\r\n"
    text += 'a@example.com,"O""Neil, A\r\nB",Red,Oslo,555-123-4567\r\n'
    answer = send_csv(double, text)
    assert answer.json()["source_file_name"] == "contacts.csv"

    assert counts(double.settle(answer)) == (1, 0, 0, 0)
    found = double.contact("a@example.com")
    assert found["custom_fields"] == {"Team": "Red"}
    # CSV has fewer fields than JSON: the home_ and work_ variants are not among them.
    assert found["fields"] == {"first_name": 'O"Neil, A\r\nB'}


def test_a_byte_order_mark_spoils_the_first_header(double: Double) -> None:
    text = b"\xef\xbb\xbfemail\na@example.com\n"
    assert counts(double.settle(send_csv(double, text))) == (1, 0, 1, 0)

    double.config(csv_bom="strip")
    assert counts(double.settle(send_csv(double, text))) == (1, 0, 0, 0)


def test_a_csv_file_is_cut_at_the_byte_limit_of_the_whole_request(double: Double) -> None:
    double.config(import_max_bytes=1_000)
    rows = [f"person{n:03d}@example.com" for n in range(60)]
    done = double.settle(send_csv(double, "email\n" + "\n".join(rows) + "\n"))

    assert 20 < done["status"]["person_count"] < (1_000 - 6) // len(rows[0])
    assert done["status"]["correctable_count"] == 0


@pytest.mark.parametrize("name", ["contacts.txt", "contacts", ""])
def test_a_file_that_is_not_csv_is_415(double: Double, name: str) -> None:
    files = {"file": (name, b"email\n", "text/csv")} if name else {"file": (None, b"email\n")}
    answer = double.call("POST", CSV, files=files, data={"list_ids": double.list_id()})

    assert answer.status_code == 415


def test_a_content_type_set_by_hand_is_415(double: Double) -> None:
    for kind in ("multipart/form-data", "application/json", "text/csv"):
        answer = double.call("POST", CSV, content=b"email\n", headers={"Content-Type": kind})
        assert answer.status_code == 415


def test_list_ids_of_a_file_are_one_string(double: Double) -> None:
    ids = [double.list_id(), double.admin("POST", "lists", {"names": ["B"]})["lists"][0]["list_id"]]
    file = {"file": ("a.csv", b"email\na@example.com\n", "text/csv")}

    assert double.call("POST", CSV, files=file, data={"list_ids": ids}).status_code == 400
    assert (
        double.call("POST", CSV, files=file, data={"list_ids": orjson.dumps(ids).decode()}).status_code == 400
    )
    assert double.call("POST", CSV, files=file, data={"list_ids": ",".join(ids)}).status_code == 201


def test_a_list_deleted_meanwhile_does_not_stop_the_import(double: Double) -> None:
    answer = double.import_json({"email": "a@example.com"})
    double.call("DELETE", f"/contact_lists/{double.list_id()}")
    done = double.settle(answer)

    assert done["state"] == "completed"


def test_the_work_of_an_import_grows_with_its_contacts_and_not_with_their_square(
    make_double: Callable[..., Double],
) -> None:
    """A full one, of 40,000, is worked off in a moment; SQLite's own steps are counted, not seconds."""

    def thousands_of_steps(contacts: int) -> int:
        double = make_double()
        double.connect()
        taken: Counter[str] = Counter()
        for db in double.store._all:
            db.set_progress_handler(lambda: taken.update(["thousand"]), 1000)
        done = double.imported(
            *({"email": f"p{n}@example.com", "first_name": "Ada"} for n in range(contacts))
        )
        for db in double.store._all:
            db.set_progress_handler(None, 0)
        assert counts(done) == (contacts, 0, 0, 0)
        return taken.total()

    few, many = thousands_of_steps(4_000), thousands_of_steps(40_000)
    assert 0 < few < many < 15 * few


def test_rows_laid_out_before_somebody_else_added_contacts_still_land(double: Double) -> None:
    with double.store.read() as db:
        free = db.execute("SELECT coalesce(max(no), 0) FROM contacts").fetchone()[0]
    judged = rows.digest(
        [{"email": "mine@example.com"}, {"email": "known@example.com"}], Config(), custom_fields={}, year=2026
    )
    activity = Activity(1, "x", 1, "", {}, None, 2, 0.0, 0.0, 0.0, False, "", None, {}, [])

    def stage(db: sqlite3.Connection) -> None:
        apply.stage(db, judged)
        plant = "INSERT INTO contacts VALUES (?, 1, ?, NULL, 'implicit', '', '', NULL, '', '', '', 0, 0, NULL, '{}')"
        db.executemany(plant, [(free + 1, "known@example.com"), (free + 2, "other@example.com")])

    with double.store.write(before=stage) as db:
        done = apply.upsert(db, Config(), activity, judged, [1], 0.0)

    assert done.fresh == 1
    assert double.contact("mine@example.com")["lists"] == ["Newsletter"]
    assert double.contact("known@example.com")["lists"] == ["Newsletter"]
    assert double.contact("other@example.com")["lists"] == []
