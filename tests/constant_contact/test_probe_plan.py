"""What the probe sends and what its answers mean."""

import json

import pytest

from ccexport.constant_contact import probe_plan as plan
from ccexport.constant_contact.values import read_activity

from .fake_api import LIST, job

PEOPLE = plan.People("261123200000", "example.com")
READ_BACK = {
    PEOPLE.address("plain"): {},
    PEOPLE.address("double"): {"first_name": "Last"},
    PEOPLE.address("field"): {},
    PEOPLE.address("phone"): {},
}


def test_the_rows_are_as_long_as_they_claim():
    """Sixty characters, and everybody else within fifty."""
    rows = plan.mixed_rows(PEOPLE)

    assert len(PEOPLE.long) == 60
    assert all(len(row["email"]) <= 50 for row in rows if row["email"] != PEOPLE.long)
    assert {row["email"].lower() for row in rows if "@" in row["email"]} <= PEOPLE.all


def test_the_oversized_body_has_one_contact_on_each_side_of_both_limits():
    """And only three contacts in all: the rest is blanks."""
    body = plan.oversized_body(PEOPLE, LIST)

    assert [row["email"].split("-")[1] for row in json.loads(body)["import_data"]] == [
        "early",
        "middle",
        "late",
    ]
    assert body.index(b"early") < 4_000_000 < body.index(b"middle") < 4_194_304 < body.index(b"late")


@pytest.mark.parametrize(
    ("landed", "said", "right"),
    [
        ([], "nothing was imported", None),
        (["early"], "cut at 4,000,000", True),
        (["early", "middle"], "cut at 4,194,304", False),
        (["early", "middle", "late"], "not cut", False),
        (["late"], "unexpected", False),
    ],
    ids=["nothing", "million", "mebibyte", "whole", "odd"],
)
def test_who_landed_tells_where_it_was_cut(landed, said, right):
    """By the three contacts."""
    finding = plan.about_size(PEOPLE, [PEOPLE.address(name) for name in landed], 201)

    assert (said in finding.found, finding.right) == (True, right)


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({}, []),
        ({PEOPLE.address("double"): {"first_name": "First"}}, ["an address twice in a body"]),
        ({PEOPLE.long: {}}, ["an address of 60 characters"]),
        (
            {PEOPLE.address("phone"): {"phone_numbers": [{"phone_number": "+47 22 33 44 55"}]}},
            ["a foreign phone number"],
        ),
    ],
    ids=["as-guessed", "first-wins", "long-lands", "phone-kept"],
)
def test_what_became_of_the_rows(change, wrong):
    """Each guess on its own."""
    findings = plan.about_people(PEOPLE, READ_BACK | change)

    assert [f.question for f in findings if f.right is False] == wrong


def test_an_import_that_does_not_show_settles_nothing():
    """Absence would look like rejection."""
    assert [f.right for f in plan.about_people(PEOPLE, {})] == [None]


def test_counters_are_compared_with_rows():
    """The header row is the guess."""
    status = {"items_total_count": 10, "person_count": 9, "error_count": 3}
    ended = read_activity(job("completed", status=status, activity_errors=["Line 8: Invalid email"]))

    assert [f.right for f in plan.about_counting(9, ended)] == [True, True, True]
    assert [f.right for f in plan.about_counting(10, ended)] == [False, False, True]


def test_findings_are_lines_for_a_person():
    """Question, what was found, and whether that was the guess."""
    assert plan.about_columns("\ufeffEmail address,Source\r\n").line == (
        "columns of an export: Email address,Source (as guessed; guess: one is “Email address”)"
    )
    assert plan.about_headers(["date", "x-ratelimit-limit"]).line.endswith("(NOT as guessed; guess: none)")
    assert "not settled" in plan.Finding("q", "g", "f").line
