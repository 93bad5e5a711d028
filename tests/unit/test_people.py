"""Signing in: the same answer for every wrong pair, counted failures, sessions that can be ended."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ccexport.errors import BadInput, NotPermitted
from ccexport.model.words import Role
from ccexport.services import Services, passwords
from ccexport.settings import Settings
from tests.conftest import Clock
from tests.world import ADA, CARL, VERA

PASSWORD = "correct horse battery"
ROUNDS = passwords.ROUNDS  # as the product has it; the tests run with fewer


@pytest.fixture
def services(tmp_path: Path, clock: Clock) -> Iterator[Services]:
    made = Services(Settings(data_dir=tmp_path / "store"), clock=clock)
    made.people.add(ADA, "ada", role=Role.ADMINISTRATOR, password=PASSWORD)
    yield made
    made.close()


def test_a_password_is_slow_to_try() -> None:
    """2^12 rounds of bcrypt take a quarter of a second; and what is set is what a hash is made with."""
    assert ROUNDS >= 12
    assert passwords.hashed(PASSWORD).startswith(f"$2b${passwords.ROUNDS:02}$")


def test_a_right_pair_signs_in_and_a_session_carries_the_role(services: Services) -> None:
    person = services.people.sign_in(" Ada ", PASSWORD, origin="here")
    redeemed = services.people.redeem(services.people.ticket(person, {"next": "/runs"}))
    assert redeemed is not None
    secret, payload = redeemed

    assert payload["next"] == "/runs"
    assert services.people.signed_in(secret) == ADA
    services.people.sign_out(secret)
    assert services.people.signed_in(secret) is None


def test_a_ticket_is_good_once(services: Services) -> None:
    ticket = services.people.ticket(services.people.sign_in("ada", PASSWORD, origin="here"), {})

    assert services.people.redeem(ticket) is not None
    assert services.people.redeem(ticket) is None


def test_wrong_name_and_wrong_password_read_the_same(services: Services) -> None:
    said = []
    for name in ("ada", "nobody"):
        with pytest.raises(NotPermitted) as refused:
            services.people.sign_in(name, "wrong password", origin="here")
        said.append(str(refused.value))

    assert said[0] == said[1]


def test_too_many_failures_lock_for_a_while_only(services: Services, clock: Clock) -> None:
    for _ in range(5):
        with pytest.raises(NotPermitted):
            services.people.sign_in("ada", "wrong password", origin="there")
    with pytest.raises(NotPermitted, match="Too many sign-ins failed from here; sign in after"):
        services.people.sign_in("ada", PASSWORD, origin="there")
    clock.sleep(16 * 60)

    assert services.people.sign_in("ada", PASSWORD, origin="there").name == "ada"


def test_a_disabled_person_is_out_at_once(services: Services) -> None:
    services.people.add(ADA, "carl", role=Role.CONTRIBUTOR, password=PASSWORD)
    redeemed = services.people.redeem(
        services.people.ticket(services.people.sign_in("carl", PASSWORD, origin="x"), {})
    )
    assert redeemed is not None
    services.people.disable(ADA, "carl")

    assert services.people.signed_in(redeemed[0]) is None
    with pytest.raises(NotPermitted):
        services.people.sign_in("carl", PASSWORD, origin="x")


def test_the_last_administrator_stays_one(services: Services) -> None:
    with pytest.raises(BadInput, match="only administrator"):
        services.people.disable(ADA, "ada")
    with pytest.raises(BadInput, match="only administrator"):
        services.people.change_role(ADA, "ada", Role.VIEWER)


@pytest.mark.parametrize("actor", [CARL, VERA])
def test_only_administrators_manage_people(services: Services, actor: object) -> None:
    with pytest.raises(NotPermitted, match="Ask an administrator"):
        services.people.add(actor, "new", role=Role.VIEWER, password=PASSWORD)  # type: ignore[arg-type]
    with pytest.raises(NotPermitted):
        services.people.list(actor)  # type: ignore[arg-type]


def test_the_first_administrator_needs_the_code_of_the_console(tmp_path: Path) -> None:
    made = Services(Settings(data_dir=tmp_path / "other"))
    code = made.people.setup_code()
    assert code is not None
    with pytest.raises(NotPermitted):
        made.people.set_up("0000-0000", "eve", PASSWORD)
    made.people.set_up(code, "ada", PASSWORD)

    assert made.people.setup_code() is None
    with pytest.raises(NotPermitted):
        made.people.set_up(code, "eve", PASSWORD)
    made.close()


@pytest.mark.parametrize(("password", "said"), [("short", "too short"), ("x" * 73, "too long")])
def test_weak_passwords_are_refused(services: Services, password: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        services.people.add(ADA, "new", role=Role.VIEWER, password=password)
