"""Tokens: shown once, kept as a hash, with a role and an end, revoked at once."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from ccexport.errors import BadInput, NotFound, NotPermitted
from ccexport.ledger.people import digest
from ccexport.model.exports import Actor
from ccexport.model.words import Role
from ccexport.services import Services
from ccexport.settings import Settings
from tests.conftest import Clock
from tests.world import ADA, CARL, VERA

LOCAL = Actor("cli:test", Role.ADMINISTRATOR)


@pytest.fixture
def services(tmp_path: Path, clock: Clock) -> Iterator[Services]:
    made = Services(Settings(data_dir=tmp_path / "store"), clock=clock)
    for actor in (ADA, CARL, VERA):
        made.people.add(LOCAL, actor.name, role=actor.role, password="correct horse battery")
    yield made
    made.close()


def test_a_token_is_recognised_by_its_secret_and_kept_only_as_a_hash(services: Services) -> None:
    token, secret = services.tokens.create(CARL, "laptop", role=Role.CONTRIBUTOR)

    assert services.tokens.actor_of(secret) == CARL
    assert secret.startswith("ccx_")
    kept = (services.settings.data_dir / "ledger.sqlite").read_bytes()
    kept += (services.settings.data_dir / "ledger.sqlite-wal").read_bytes()
    assert secret.encode() not in kept
    assert digest(secret).encode() in kept
    assert secret not in str(token) + str(services.ledger.audit.all())


@pytest.mark.parametrize("given", ["", "ccx_", "ccx_wrong", "Bearer x", "ccx_" + "a" * 10_000])
def test_another_secret_is_nobody(services: Services, given: str) -> None:
    services.tokens.create(CARL, "laptop", role=Role.CONTRIBUTOR)

    assert services.tokens.actor_of(given) is None


def test_a_token_ends_by_itself(services: Services, clock: Clock) -> None:
    _, secret = services.tokens.create(CARL, "laptop", role=Role.CONTRIBUTOR, days=1)
    actor = services.tokens.actor_of(secret)
    assert actor is not None

    clock.now += timedelta(days=1)

    assert services.tokens.actor_of(secret) is None
    with pytest.raises(NotPermitted, match="revoked or has ended"):
        services.exports.list(actor)


@pytest.mark.parametrize("state", ["revoked", "disabled", "enabled again"])
def test_a_token_ends_at_once(services: Services, state: str) -> None:
    """Also for a request that is under way; who is enabled again makes new tokens."""
    token, secret = services.tokens.create(CARL, "laptop", role=Role.CONTRIBUTOR)
    actor = services.tokens.actor_of(secret)
    assert actor is not None
    if state == "revoked":
        services.tokens.revoke(ADA, token.id)
    else:
        services.people.disable(ADA, "carl")
    if state == "enabled again":
        services.people.disable(ADA, "carl", disabled=False)

    assert services.tokens.actor_of(secret) is None
    with pytest.raises(NotPermitted, match="Ask an administrator"):
        services.exports.list(actor)


def test_a_token_has_the_lower_of_its_role_and_its_persons(services: Services) -> None:
    _, low = services.tokens.create(ADA, "reading", role=Role.VIEWER)
    _, high = services.tokens.create(CARL, "loading", role=Role.CONTRIBUTOR)
    services.people.change_role(ADA, "carl", Role.VIEWER)

    for secret in (low, high):
        actor = services.tokens.actor_of(secret)
        assert actor is not None
        assert actor.role is Role.VIEWER
        with pytest.raises(NotPermitted, match="Ask an administrator"):
            services.segments.create(actor, "All", everybody=True)


def test_nobody_makes_a_token_above_their_role_or_for_somebody_else(services: Services) -> None:
    with pytest.raises(NotPermitted, match="Ask an administrator"):
        services.tokens.create(CARL, "more", role=Role.ADMINISTRATOR)
    with pytest.raises(NotPermitted, match="Ask an administrator"):
        services.tokens.create(CARL, "crm", role=Role.VIEWER, service="crm")
    with pytest.raises(NotPermitted, match="their own tokens"):
        services.tokens.create(ADA, "carl's", role=Role.VIEWER, person="carl")
    with pytest.raises(BadInput, match="whose"):
        services.tokens.create(LOCAL, "whose", role=Role.VIEWER)
    with pytest.raises(NotFound):
        services.tokens.create(LOCAL, "nobody's", role=Role.VIEWER, person="nobody")


def test_only_an_administrator_sees_and_ends_the_tokens_of_others(services: Services) -> None:
    mine, _ = services.tokens.create(CARL, "laptop", role=Role.VIEWER)
    service, _ = services.tokens.create(ADA, "crm", role=Role.CONTRIBUTOR, service="CRM")

    assert [t.id for t in services.tokens.list(CARL)] == [mine.id]
    assert {t.id for t in services.tokens.list(ADA)} == {mine.id, service.id}
    with pytest.raises(NotFound):
        services.tokens.revoke(CARL, service.id)
    assert services.tokens.state(services.tokens.revoke(CARL, mine.id)) == "revoked"


def test_a_service_account_acts_under_its_own_name(services: Services) -> None:
    token, secret = services.tokens.create(ADA, "crm", role=Role.CONTRIBUTOR, service="CRM")
    actor = services.tokens.actor_of(secret)

    assert actor == Actor("service:crm", Role.CONTRIBUTOR)
    assert actor is not None
    services.segments.create(actor, "All", everybody=True)
    told = [(row["actor"], row["action"]) for row in services.ledger.audit.all()]
    assert ("ada", "token made") in told
    assert ("service:crm", "segment saved") in told
    assert services.ledger.tokens.get(token.id).used_at == services.ledger.clock()


def test_the_audit_names_the_token_that_was_revoked(services: Services) -> None:
    token, _ = services.tokens.create(CARL, "laptop", role=Role.VIEWER)
    services.tokens.revoke(ADA, token.id)

    newest = services.ledger.audit.all()[0]
    assert (newest["actor"], newest["action"]) == ("ada", "token revoked")
    assert newest["detail"] == {"id": token.id, "owner": "carl"}
