"""Named sources keep their order; a password is only ever stored sealed."""

from pathlib import Path

import pytest

from ccexport.errors import NotFound, StoreTrouble
from ccexport.ledger import Ledger
from ccexport.model.sources import Source
from tests.conftest import Clock

CRM = Source(name="CRM", files=("/srv/crm/*.csv",), key="id")
SHOP = Source(name="shop", database="postgresql://reader@db/shop", query="SELECT * FROM people")


def test_sources_keep_their_order_and_their_passwords(ledger: Ledger) -> None:
    ledger.sources.save(CRM, by="ada")
    ledger.sources.save(SHOP, by="ada", password="se/kr@t")
    assert ledger.sources.all() == [CRM, SHOP]
    ledger.sources.order(["shop", "CRM"])
    ledger.sources.save(SHOP.model_copy(update={"key": "mail"}), by="ada")
    assert [s.key for s in ledger.sources.all()] == ["mail", "id"]
    assert (ledger.sources.password("shop"), ledger.sources.password("CRM")) == ("se/kr@t", "")
    ledger.sources.remove("shop")
    with pytest.raises(NotFound, match="no source named shop"):
        ledger.sources.named("shop")


def test_a_source_that_would_be_refused_today_stays_and_can_be_removed(ledger: Ledger) -> None:
    """Saved before a password in the address was looked for in every spelling."""
    before = SHOP.model_copy(update={"database": "postgresql://reader@db/shop?pass%77ord=x"})
    ledger.sources.save(before, by="ada")

    assert ledger.sources.all() == [before]
    ledger.sources.remove("shop")
    assert ledger.sources.all() == []


def test_a_password_is_sealed_and_goes_with_the_key(tmp_path: Path, clock: Clock) -> None:
    address = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    old, new = "an old key of sixteen", "a new key of sixteen"
    ledger = Ledger(address, tmp_path, secret_key=old, clock=clock)
    ledger.sources.save(SHOP, by="ada", password="sekret-42")
    ledger.close()
    assert b"sekret-42" not in b"".join(f.read_bytes() for f in tmp_path.glob("ledger.sqlite*"))
    both = Ledger(address, tmp_path, secret_key=f"{new},{old}", clock=clock)
    assert both.sources.reseal() == 1
    both.close()
    rotated = Ledger(address, tmp_path, secret_key=new, clock=clock)
    assert rotated.sources.password("shop") == "sekret-42"
    rotated.close()
    other = Ledger(address, tmp_path, secret_key=old, clock=clock)
    with pytest.raises(StoreTrouble, match="cannot be opened with this key"):
        other.sources.password("shop")
    other.close()
