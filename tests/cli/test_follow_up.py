"""What follows a run, as commands: compare, download, undo, retry, erase, tidy."""

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Said, commanded
from tests.world import ADA, CARL, World, person


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


@pytest.fixture
def ccexport(world: World) -> Callable[..., Said]:
    """Commands on the data directory and the sandbox of this world."""
    settings = json.loads(world.settings.model_dump_json()) | {"cc_client_secret": "a-client-secret"}
    given = {k: str(v) for k, v in settings.items() if isinstance(v, str | int | float) and v != ""}

    def run(*arguments: str | Path) -> Said:
        return commanded(arguments, given)

    return run


@pytest.mark.slow
def test_a_run_is_compared_downloaded_undone_and_retried(
    world: World, ccexport: Callable[..., Said], tmp_path: Path
) -> None:
    world.ready([person(n) for n in range(4)])
    first = world.run()
    world.ingest([person(n) for n in range(6)])
    second = world.run()

    compared = ccexport("runs", "compare", first.id, second.id, "--json")
    written = ccexport("runs", "contacts", second.id, "--out", tmp_path / "rows.csv", "--json")
    preview = ccexport("runs", "undo", second.id, "--preview", "--json")
    undone = ccexport("runs", "undo", second.id, "--digest", preview.json["digest"], "--wait", "--json")
    retried = ccexport("runs", "retry", second.id, "--wait", "--json")
    resent = ccexport("exports", "run", "News", "--resend-all", "--wait", "--json")

    assert compared.json["differences"] == {"new": 2, "gone": 0, "changed": 0, "same": 4}
    assert written.code == 0, written.err
    with (tmp_path / "rows.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 6
    assert preview.json["verdicts"]["remove"] == 2
    assert "2 contacts are taken off the list again." in preview.json["sentences"]
    assert (undone.code, undone.json["counts"]["removed"]) == (0, 2), undone.err
    assert (retried.code, retried.json["trigger"], retried.json["counts"]["verified"]) == (0, "retry", 2)
    assert (resent.code, resent.json["counts"]["sent"]) == (0, 6)


@pytest.mark.slow
def test_a_person_is_erased_only_when_that_is_meant(world: World, ccexport: Callable[..., Said]) -> None:
    world.ready([person(n) for n in range(4)])
    world.run()

    refused = ccexport("erase", "person1@example.com", "--json")
    erased = ccexport("erase", "person1@example.com", "--yes", "--json")
    tidied = ccexport("tidy", "--json")

    assert (refused.code, "--yes" in refused.err) == (2, True)
    assert erased.code == 0, erased.err
    assert erased.json["still_on"] == ["Main: Newsletter"]
    assert "person1" not in erased.out + erased.err
    assert (tidied.code, tidied.json["runs"]) == (0, 0)


def test_an_export_is_changed_detached_and_given_a_connection_again(
    world: World, ccexport: Callable[..., Said]
) -> None:
    world.ready([person(1)])

    missing = ccexport("exports", "change", "News", "--list", "Events")
    ccexport("lists", "create", "Events", "--connection", "Main")
    detached = ccexport("exports", "detach", "News", "--json")
    refused = ccexport("exports", "run", "News")
    changed = ccexport(
        "exports", "change", "News", "--connection", "Main", "--list", "Events", "--mode", "mirror",
        "--consent", "country=Norway", "--map", "email=email", "--map", "last_name=country", "--json",
    )  # fmt: skip
    ccexport("exports", "pause", "News", "--go-on")
    preview = ccexport("exports", "preview", "News", "--json")
    shown = ccexport("exports", "show", "News").out.splitlines()
    nothing = ccexport("exports", "change", "News")

    assert (detached.code, detached.json["paused"], detached.json["connection"]) == (0, True, "")
    assert (refused.code, "has no connection; choose one" in refused.err) == (2, True)

    assert (changed.code, changed.json["list"], changed.json["mode"]) == (0, "Events", "mirror"), changed.err
    assert changed.json["map"] == {"email": "email", "last_name": "country"}
    contact = preview.json["contacts"][0]["contact"]
    assert contact == {"email": "person1@example.com", "last_name": "Norway"}
    lines = ["segments: Everybody", "map: email=email, last_name=country", "resend unchanged: no"]
    lines += ["consent: field=country, values=Norway", "last run: (none)"]
    assert set(lines) <= set(shown)
    assert missing.err == "error: There is no contact list named Events in Main. Contact lists: Newsletter.\n"
    assert (nothing.code, "Nothing to change was named" in nothing.err) == (2, True)


def test_a_run_that_nothing_drives_says_so_and_times_have_a_zone(
    world: World, ccexport: Callable[..., Said]
) -> None:
    world.ready([person(1)])

    queued = ccexport("exports", "run", "News")
    listed = ccexport("runs", "list")
    run_id = world.services.runs.list(CARL)[0].id
    cancelled = ccexport("runs", "cancel", run_id)

    assert "No worker is at work, so nothing drives it" in queued.err
    assert f"ccexport runs resume {run_id}" in queued.err
    assert " UTC" in listed.out
    assert "Nothing of it has been sent." in cancelled.out


def test_earlier_plans_are_listed_and_compared(world: World, ccexport: Callable[..., Said]) -> None:
    world.ready([person(n) for n in range(3)])
    none = ccexport("exports", "compare", "News", "plan-none")
    ccexport("exports", "preview", "News")
    world.ingest([person(n) for n in range(1, 6)])
    ccexport("exports", "preview", "News")

    listed = ccexport("exports", "previews", "News", "--json")
    compared = ccexport("exports", "compare", "News", listed.json[-1]["plan_id"])

    assert (none.code, "has not been previewed yet" in none.err) == (2, True)
    assert [plan["candidates"] for plan in listed.json] == [5, 3]
    assert "3 more, 1 fewer, 0 changed." in compared.out
    assert "  1 fewer: is not a candidate" in compared.out


def test_people_an_export_leaves_behind_stay_or_are_taken_off(
    world: World, ccexport: Callable[..., Said]
) -> None:
    world.ready([person(n) for n in range(3)])
    world.run()
    world.services.connections.create_list(ADA, "Main", "Events")

    useless = ccexport("exports", "change", "News", "--skip-unchanged", "--people", "take_off")
    moved = ccexport("exports", "change", "News", "--list", "Events")
    back = ccexport("exports", "change", "News", "--list", world.list_name)
    world.run()
    taken = ccexport("exports", "detach", "News", "--people", "take_off", "--json")

    assert (useless.code, "still holds the people" in useless.err) == (2, True)
    assert "The people it put on the list stay there, and it holds them no more." in moved.out
    assert (back.code, taken.code) == (0, 0), back.err + taken.err
    run = world.services.runs.drive_here(taken.json["run"])
    assert (run.counts["removed"], len(world.on_list())) == (3, 0)


def test_a_refusal_is_written_on_the_command_line(world: World, ccexport: Callable[..., Said]) -> None:
    """Several, each with several values; who holds one of them is left out."""
    world.ready([person(1), person(2, country="Denmark"), person(3, country="Sweden")])

    changed = ccexport(
        "exports", "change", "News", "--refusal", "country=Denmark, Finland", "--refusal", "email=x", "--json"
    )  # fmt: skip
    preview = ccexport("exports", "preview", "News", "--json")
    wrong = ccexport("exports", "change", "News", "--refusal", "country")

    refusals = [{"field": "country", "values": ["Denmark", "Finland"]}, {"field": "email", "values": ["x"]}]
    assert (changed.code, changed.json["refusals"]) == (0, refusals), changed.err
    assert (preview.json["verdicts"]["add"], preview.json["reasons"]["no_consent"]) == (2, 1)
    assert (wrong.code, wrong.err) == (2, "error: --refusal country is not of the form name=value.\n")


def test_suggestions_look_at_names_and_values(
    tmp_path: Path, world: World, ccexport: Callable[..., Said]
) -> None:
    """An empty field of the right name is nothing; consent and refusal are found by their values."""
    file = tmp_path / "crm.csv"
    file.write_text(
        "Contact ID,Do Not Mail,Email,E-mail 2,First Name,Title,Newsletter,Do Not Email\n"
        "A1,,,ann@example.com,Ann,Mrs.,SUBSCRIBED,\nA2,,,bo@example.com,Bo,Mr.,UNSUBSCRIBED,1\n"
    )
    ccexport("profiles", "ingest", str(file), "--accept-changes")
    found = ccexport("exports", "suggest", "--json")
    told = [(s["target"], s["source"], s["values"]) for s in found.json]
    assert (found.code, told) == (
        0,
        [
            ("email", "E-mail 2", []),
            ("first_name", "First Name", []),
            ("consent", "Newsletter", ["SUBSCRIBED"]),
            ("refusal", "Do Not Email", ["1"]),
        ],
    ), found.err
    assert all(s["why"] and 0 < s["confidence"] <= 1 for s in found.json)


def test_profiles_are_written_to_a_file_and_ingested_again(
    tmp_path: Path, world: World, ccexport: Callable[..., Said]
) -> None:
    """To the same digest; an unknown format and a folder that is not there are refused."""
    world.ready([person(1), person(2)])
    digest = ccexport("profiles", "show", "--json").json["digest"]
    for form in ("csv", "parquet", "xlsx"):
        out = tmp_path / f"profiles.{form}"
        written = ccexport("profiles", "export", "--format", form, "--out", str(out), "--json")
        again = ccexport("profiles", "ingest", str(out), "--accept-changes")
        assert (written.code, written.json["digest"], again.code) == (0, digest, 0), written.err + again.err
        assert ccexport("profiles", "show", "--json").json["digest"] == digest
    assert ccexport("profiles", "export", "--format", "xls", "--out", str(tmp_path / "x")).code == 2
    assert ccexport("profiles", "export", "--out", str(tmp_path / "no" / "x.csv")).code == 2


def test_a_whole_file_is_suppressed(tmp_path: Path, world: World, ccexport: Callable[..., Said]) -> None:
    """Every address of it, also the second of a cell; rows without one are told."""
    world.ready([person(1), person(2), person(3)])
    file = tmp_path / "cleaned_members.csv"
    file.write_text(
        "Email Address,First Name,CLEAN_TIME\nPerson1@Example.com,A,2026-01-01\n"
        "mailto:x@example.com; person2@example.com,B,2026-01-02\nnobody,C,2026-01-03\n,D,2026-01-03\n"
    )

    done = ccexport("suppression", "import", str(file), "--json")
    preview = ccexport("exports", "preview", "News", "--json")
    wrong = ccexport("suppression", "import", str(file), "--field", "Mail")

    expected = {"added": 3, "addresses": 3, "unusable": 2, "field": "Email Address"}
    assert (done.code, done.json) == (0, expected), done.err
    assert (preview.json["verdicts"]["add"], preview.json["reasons"]["suppressed"]) == (1, 2)
    assert (wrong.code, "no field" in wrong.err) == (2, True)


def test_one_list_for_each_segment(world: World, ccexport: Callable[..., Said]) -> None:
    world.ready([person(1)])
    ccexport("segments", "create", "Norway", "--rule", '{"field": "country", "op": "is", "value": "Norway"}')
    given = ("--connection", "Main", "--segment", "Everybody", "--segment", "Norway", "--map", "email=email")

    both = ccexport("exports", "create", "All", *given, "--list", "Events", "--list-per-segment")
    neither = ccexport("exports", "create", "All", *given)
    made = ccexport("exports", "create", "All", *given, "--list-per-segment", "--json")

    assert (both.code, neither.code) == (2, 2)
    assert "--list NAME, or --list-per-segment" in neither.err
    assert [(e["name"], e["list"], e["segments"]) for e in made.json] == [
        ("All: Everybody", "Everybody", ["Everybody"]),
        ("All: Norway", "Norway", ["Norway"]),
    ]
