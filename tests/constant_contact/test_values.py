"""The vendor's objects, read tolerantly."""

from datetime import UTC, datetime

import pytest

from ccexport.constant_contact.values import (
    active_contacts,
    read_activity,
    read_contact,
    read_counts,
    read_custom_field,
    read_list,
    read_summary,
    read_time,
)
from ccexport.errors import ConstantContactError

from .fake_api import JOB, job


@pytest.mark.parametrize(
    ("state", "finished", "failed"),
    [
        ("initialized", False, False),
        ("processing", False, False),
        ("completed", True, False),
        ("Completed ", True, False),
        ("failed", False, True),
        ("cancelled", False, True),
        ("timed_out", False, True),
        ("time_out", False, True),
        ("queued", False, False),
        (None, False, False),
    ],
)
def test_states_finish_fail_or_go_on(state, finished, failed):
    """A word nobody documented means: keep polling."""
    activity = read_activity(job(state))

    assert (finished, failed, finished or failed) == (activity.finished, activity.failed, activity.ended)


@pytest.mark.parametrize(
    ("raw", "errors"),
    [
        (["Line 2: Invalid email"], ("Line 2: Invalid email",)),
        ([{"message": "No such list"}, {}], ("No such list",)),
        ([None, 3, ""], ()),
        (None, ()),
        ("text", ()),
    ],
    ids=["strings", "objects", "nonsense", "null", "not-an-array"],
)
def test_activity_errors_come_in_several_shapes(raw, errors):
    """The specification has strings, its sibling schema objects."""
    assert errors == read_activity(job(activity_errors=raw)).errors


def test_a_young_activity_may_have_hardly_anything():
    """Counters, times and links can be missing or null while it is initialised."""
    activity = read_activity({"activity_id": JOB, "status": None, "percent_done": None})

    assert (
        activity.id,
        activity.state,
        activity.counters,
        activity.created_at,
    ) == (JOB, "initialized", {}, None)


def test_counters_are_numbers_however_they_come():
    """As text, or with a point; anything else was not sent."""
    status = {
        "person_count": "60",
        "error_count": 2.0,
        "correctable_count": 1.5,
        "list_count": "many",
        "a": True,
    }

    assert read_activity(job(status=status)).counters == {"person_count": 60, "error_count": 2}


def test_counters_keep_the_vendors_names():
    """Nobody knows all of them."""
    activity = read_activity(
        job(status={"person_count": 2, "error_count": None, "list_count": True, "new": 4})
    )

    assert activity.counters == {"person_count": 2, "new": 4}


AT = datetime(2026, 11, 23, 18, 44, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("raw", "moment"),
    [
        ("2026-11-23T18:44:08Z", AT),
        ("2026-11-23T18:44:08.108Z", AT.replace(microsecond=108_000)),
        ("2026-11-23T13:44:08-05:00", AT),
        ("2026-11-23T13:44:08-0500", AT),
        ("2026-11-23 18:44:08", AT),
        ("2026-11-23T18:44:08.1081234Z", AT.replace(microsecond=108_123)),
        ("yesterday", None),
        (None, None),
        (1763923448, None),
    ],
)
def test_times_are_read_as_utc(raw, moment):
    """With Z, an offset, fractions, a blank instead of the T, or not at all."""
    assert moment == read_time(raw)
    assert moment is None or read_time(raw).tzinfo == UTC


def test_a_contact_without_an_address_is_a_contact():
    """Those known by phone only have none."""
    contact = read_contact({"contact_id": "c-1", "sms_channel": {}})

    assert (contact.id, contact.address, contact.permission) == ("c-1", None, "")


def test_people_are_not_shown_in_reprs():
    """Neither contacts nor the account's owner."""
    contact = read_contact({"contact_id": "c-1", "email_address": {"address": "zoe@example.com"}})
    summary = read_summary({"encoded_account_id": "a-1", "contact_email": "zoe@example.com"})

    assert "zoe" not in repr(contact) + repr(summary)
    assert (contact.address, summary.email) == ("zoe@example.com", "zoe@example.com")


def test_a_deleted_list_says_so():
    """It is still given when asked for by id."""
    assert read_list({"list_id": "l", "name": "N", "deleted_at": "2026-01-01T00:00:00Z"}).deleted
    assert read_list({"list_id": "l", "name": "N", "membership_count": 0}).members == 0
    assert read_list({"list_id": "l", "name": "N"}).members is None


def test_a_custom_field_keeps_id_label_and_name_apart():
    """The import wants the name, the mapping is kept by the id."""
    raw = {
        "custom_field_id": "f",
        "label": "Shoe size",
        "name": "Shoe_size",
        "type": "single_select",
        "choices": [{"choice_label": "44", "choice_id": 1}],
    }

    field = read_custom_field(raw)

    assert (field.id, field.label, field.name, field.choices) == ("f", "Shoe size", "Shoe_size", ("44",))


def test_counts_have_every_word():
    """A missing one is zero, and the estimate of what is billed adds three."""
    counts = read_counts({"total": 9, "explicit": 1, "implicit": 2, "pending": 3, "extra": 4})

    assert counts == {"total": 9, "explicit": 1, "implicit": 2, "pending": 3, "unsubscribed": 0}
    assert active_contacts(counts) == 6


@pytest.mark.parametrize("raw", [None, [], "text", {}, {"activity_id": ""}])
def test_an_answer_without_an_id_is_an_error(raw):
    """Nothing could be followed up."""
    with pytest.raises(ConstantContactError):
        read_activity(raw)
