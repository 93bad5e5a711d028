"""Leases, the pace, tickets, sessions, sealing: what several processes share."""

import threading
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ccexport.errors import BadInput, BadSettings, HandOver, NotFound, StoreTrouble
from ccexport.ledger import Lease, Ledger
from ccexport.ledger.people import Attempt, Limits
from ccexport.ledger.sealing import derived_secret, make_seal
from ccexport.messages import verbatim
from ccexport.model.profiles import Segment
from ccexport.model.words import Role, RunState, SegmentKind
from tests.conftest import Clock
from tests.ledger.conftest import make_batch, make_config, make_connection, make_run


def test_a_lease_is_held_by_one_until_it_is_over(ledger: Ledger, clock: Clock) -> None:
    assert ledger.leases.take("run:1", "a", seconds=30)
    assert not ledger.leases.take("run:1", "b", seconds=30)
    assert ledger.leases.take("run:1", "a", seconds=30)
    clock.sleep(31)

    assert ledger.leases.take("run:1", "b", seconds=30)
    assert ledger.leases.holder("run:1") == "b"


def test_the_number_of_a_lease_grows_with_each_holder_and_never_comes_again(
    ledger: Ledger, clock: Clock
) -> None:
    assert ledger.leases.take("run:1", "a", seconds=30) == 1
    assert ledger.leases.take("run:1", "a", seconds=30) == 1
    ledger.leases.drop("run:1", "a")
    assert ledger.leases.take("run:1", "a", seconds=30) == 2
    clock.sleep(31)
    assert ledger.leases.take("run:1", "b", seconds=30) == 3
    assert not ledger.leases.renew(Lease("run:1", "a", 2), seconds=30)
    ledger.leases.give_back(Lease("run:1", "a", 2))
    assert ledger.leases.holder("run:1") == "b"
    assert ledger.leases.renew(Lease("run:1", "b", 3), seconds=30)


def test_nobody_writes_under_a_lease_that_another_has(with_export: Ledger, clock: Clock) -> None:
    number = with_export.leases.take("run:run-1", "a", seconds=30)
    mine = with_export.under(Lease("run:run-1", "a", number))
    mine.runs.create(make_run(clock))
    mine.runs.move("run-1", RunState.PLANNING, verbatim("planning"), actor="ada")
    clock.sleep(31)
    mine.runs.note("run-1", verbatim("over, but nobody else has it"), actor="ada")
    before = with_export.runs.events("run-1")
    assert with_export.leases.take("run:run-1", "b", seconds=30)
    held = (mine.leases, mine.pace)

    for write in (
        lambda: mine.runs.move("run-1", RunState.SENDING, verbatim("sending"), actor="ada"),
        lambda: mine.runs.note("run-1", verbatim("a note"), actor="ada"),
        lambda: mine.runs.remember("run-1", fact=1),
        lambda: mine.runs.add_batches([make_batch()]),
        lambda: mine.runs.change_batch(make_batch(), note="x"),
        lambda: mine.runs.note_activity("activity"),
        lambda: mine.files.replace_deliveries("acc", "list-1", Path("x.parquet"), run_id="run-1"),
        lambda: mine.releases.use("export-one", "run-1"),
        lambda: mine.connections.change("connection-1", state="reconnect"),
    ):
        with pytest.raises(HandOver):
            write()
    assert with_export.runs.events("run-1") == before
    assert with_export.runs.get("run-1").state is RunState.PLANNING
    assert with_export.connections.get("connection-1").state == "connected"
    assert held == (with_export.leases, with_export.pace)


def test_first_takers_at_once_get_one_lease_and_one_pace(ledger: Ledger) -> None:
    """The first row of each is made by whoever comes first, and nobody is told of a conflict."""
    numbers: list[int] = []
    used: list[int] = []

    def step(kept: dict[str, Any] | None, now: datetime) -> tuple[dict[str, Any], int]:
        number = (kept or {"used": 0})["used"] + 1
        return {"used": number}, number

    def both(holder: str) -> None:
        for n in range(5):
            numbers.append(ledger.leases.take(f"run:{n}", holder, seconds=30))
            used.append(ledger.pace.change(f"key-{n}", step))

    threads = [threading.Thread(target=both, args=(str(n),)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(numbers) == [0] * 35 + [1] * 5
    assert sorted(used) == sorted([*range(1, 9)] * 5)


def test_a_lease_made_by_a_clock_far_ahead_does_not_lock_for_ever(ledger: Ledger, clock: Clock) -> None:
    clock.sleep(3 * 86400)
    assert ledger.leases.take("run:1", "a", seconds=30)
    clock.sleep(-3 * 86400)

    assert ledger.leases.take("run:1", "b", seconds=30)


def test_only_the_holder_can_drop_a_lease(ledger: Ledger) -> None:
    ledger.leases.take("run:1", "a", seconds=30)
    ledger.leases.drop("run:1", "b")
    assert ledger.leases.holder("run:1") == "a"
    ledger.leases.drop("run:1", "a")
    assert ledger.leases.holder("run:1") is None


def test_the_pace_is_changed_by_one_at_a_time(ledger: Ledger) -> None:
    def step(kept: dict[str, Any] | None, now: datetime) -> tuple[dict[str, Any], int]:
        used = (kept or {"used": 0})["used"] + 1
        return {"used": used}, used

    ledger.pace.change("key", step)
    seen: list[int] = []
    threads = [
        threading.Thread(target=lambda: seen.extend(ledger.pace.change("key", step) for _ in range(10)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(seen) == list(range(2, 42))


def test_a_ticket_is_good_once_for_its_purpose_and_time(ledger: Ledger, clock: Clock) -> None:
    ledger.people.put_ticket("secret", "oauth", {"who": "ada"}, seconds=600)
    ledger.people.put_ticket("late", "oauth", {}, seconds=600)

    assert ledger.people.take_ticket("secret", "sign-in") is None
    assert ledger.people.take_ticket("secret", "oauth") == {"who": "ada"}
    assert ledger.people.take_ticket("secret", "oauth") is None
    clock.sleep(601)
    assert ledger.people.take_ticket("late", "oauth") is None


def test_a_session_ends_by_sign_out_time_disabling_and_new_password(ledger: Ledger, clock: Clock) -> None:
    people = ledger.people
    people.add("ada", display_name="Ada", role=Role.VIEWER, password_hash="h")

    def fresh() -> str:
        people.start_session("ada", "cookie", hours=8)
        assert people.session_person("cookie") is not None
        return "cookie"

    people.end_session(fresh())
    assert people.session_person("cookie") is None
    fresh()
    clock.sleep(9 * 3600)
    assert people.session_person("cookie") is None
    fresh()
    people.change("ada", password_hash="other")
    assert people.session_person("cookie") is None
    fresh()
    people.change("ada", disabled=True)
    assert people.session_person("cookie") is None


def test_failures_are_counted_in_a_window(ledger: Ledger, clock: Clock) -> None:
    limits = Limits(pair=1, origin=2, window=timedelta(minutes=15))
    begun = clock()
    assert ledger.people.attempt("ada", "10.0.0.1", limits) == Attempt(None, beyond=False)
    clock.sleep(600)
    assert ledger.people.attempt("bob", "10.0.0.1", limits) == Attempt(None, beyond=False)
    locked = ledger.people.attempt("eve", "10.0.0.1", limits)
    assert locked == Attempt(begun + limits.window, beyond=False)
    clock.sleep(600)
    assert ledger.people.attempt("ada", "10.0.0.2", limits) == Attempt(None, beyond=False)


def test_tokens_are_sealed_in_the_file(
    ledger: Ledger, clock: Clock, tmp_path: Path, ledger_address: str
) -> None:
    made = ledger.connections.add(
        make_connection(clock), tokens={"access_token": "very-secret-token"}, agreed_text="yes"
    )

    assert ledger.connections.tokens(made.id) == {"access_token": "very-secret-token"}
    if ledger_address.startswith("sqlite"):
        stored = b"".join(p.read_bytes() for p in tmp_path.glob("ledger.sqlite*"))
        assert b"very-secret-token" not in stored


def test_a_removed_connection_forgets_its_tokens_and_frees_its_name(ledger: Ledger, clock: Clock) -> None:
    ledger.connections.add(make_connection(clock), tokens={"access_token": "a"}, agreed_text="yes")
    ledger.connections.remove("connection-1")

    assert ledger.connections.tokens("connection-1") == {}
    assert ledger.connections.all() == []
    ledger.connections.add(make_connection(clock, id="connection-2"), tokens={}, agreed_text="yes")


def test_taken_names_and_unknown_names_are_one_clear_sentence(with_export: Ledger, clock: Clock) -> None:
    with pytest.raises(BadInput, match="An export named one is already there"):
        with_export.exports.add("export-3", make_config("one"), by="ada")
    with pytest.raises(BadInput, match="A connection named Main is already there"):
        with_export.connections.add(make_connection(clock, id="c2"), tokens={}, agreed_text="")
    with pytest.raises(NotFound, match=r"no export named three\. Exports: one, two"):
        with_export.exports.named("three")


def test_every_version_of_an_export_is_kept(with_export: Ledger) -> None:
    changed = with_export.exports.change("export-one", make_config("uno", email="e_mail"), by="bob", after=1)

    versions = with_export.exports.versions("export-one")

    assert (changed.version, changed.name, changed.created_by, changed.updated_by) == (2, "uno", "ada", "bob")
    assert [(v["version"], v["config"]["email"]) for v in versions] == [(2, "e_mail"), (1, "email")]


def test_segments_survive_saving(ledger: Ledger) -> None:
    rule = {"all": [{"field": "land", "op": "is", "value": "Norge"}]}
    segment = Segment("segment-1", "Norge", SegmentKind.DYNAMIC, rule=rule, tags=("a", "b"))
    ledger.segments.save(segment, by="ada")

    assert ledger.segments.named("Norge") == segment


def test_deliveries_are_replaced_and_paths_move_with_the_folder(ledger: Ledger, tmp_path: Path) -> None:
    files = ledger.files
    files.replace_deliveries("acc", "list", tmp_path / "deliveries" / "1.parquet", run_id="r1")
    files.replace_deliveries("acc", "list", tmp_path / "deliveries" / "2.parquet", run_id="r2")

    assert files.deliveries("acc", "list") == tmp_path / "deliveries" / "2.parquet"
    assert files.deliveries("acc", "other") is None


def test_a_release_counts_for_one_run(with_export: Ledger) -> None:
    with_export.releases.add("export-one", "removals", by="ada", reason="asked for")
    assert with_export.releases.open("export-one") == {"removals"}
    with_export.releases.use("export-one", "run-1")
    assert with_export.releases.open("export-one") == frozenset()


def test_keys_rotate_and_a_wrong_key_is_said(tmp_path: Path) -> None:
    old, new = "o" * 20, "n" * 20
    sealed = make_seal(old, tmp_path).seal(b"secret")

    assert make_seal(f"{new},{old}", tmp_path).open(sealed) == b"secret"
    with pytest.raises(StoreTrouble, match="CCEXPORT_SECRET_KEY"):
        make_seal(new, tmp_path).open(sealed)
    with pytest.raises(BadSettings, match="too short"):
        make_seal("short", tmp_path)


def test_a_derived_secret_is_the_same_for_all_with_the_key_and_another_for_each_purpose(
    tmp_path: Path,
) -> None:
    key = "k" * 20
    of_file = derived_secret("", tmp_path, "cookie")

    assert derived_secret(key, tmp_path, "cookie") == derived_secret(
        f"{key},{'o' * 20}", tmp_path / "x", "cookie"
    )
    assert of_file == derived_secret("", tmp_path, "cookie")
    assert (
        len({of_file, derived_secret(key, tmp_path, "cookie"), derived_secret(key, tmp_path, "other")}) == 3
    )


def test_the_key_file_is_private_and_made_once(tmp_path: Path) -> None:
    sealed = make_seal("", tmp_path).seal(b"secret")

    assert make_seal("", tmp_path).open(sealed) == b"secret"
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600


def test_two_first_starts_at_once_make_one_ledger(ledger_address: str, tmp_path: Path) -> None:
    opened: list[Ledger] = []
    threads = [
        threading.Thread(target=lambda: opened.append(Ledger(ledger_address, tmp_path))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for ledger in opened:
        ledger.close()

    assert len(opened) == 4


def test_a_ledger_newer_than_the_program_is_refused(
    ledger: Ledger, ledger_address: str, tmp_path: Path
) -> None:
    from sqlalchemy import text

    with ledger._database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(StoreTrouble, match="newer than this program"):
        Ledger(ledger_address, tmp_path)


def test_a_wrong_address_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="CCEXPORT_LEDGER_URL"):
        Ledger("nonsense", tmp_path)
