"""Which field profiles are known by, in files of well-known tools; and what is asked where none is."""

from pathlib import Path

import pytest

from ccexport.errors import BadInput
from ccexport.profiles.store import ProfileStore

NAMES = (
    *("Customer ID", "Record ID", "Record Id", "Contact ID", "External Identifier", "External ID", "Id"),
    *("Attendee #", "Kundennr.", "Kunden-Nr.", "Kundennummer", "Kundenr.", "Kundenummer", "Kundnummer"),
    *("Medlemsnr", "Mitgliedsnummer", "Klantnummer", "N° client", "Numéro de client", "Código cliente"),
    *("Codice cliente", "Numer klienta", "Debitorennummer", "No.", "Nr.", "(Do Not Modify) Contact"),
    *("CustomerId", "UnifiedCustomerId", "EUID", "LEID", "ID klienta", "Datensatz-ID", "ID de registro"),
)


def _ingest(store: ProfileStore, folder: Path, *lines: str) -> str:
    file = folder / "people.csv"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return store.ingest([file]).snapshot.id_field


@pytest.mark.parametrize("name", NAMES)
def test_an_id_is_known_by_its_name(store: ProfileStore, tmp_path: Path, name: str) -> None:
    """Though an address would do as well."""
    assert _ingest(store, tmp_path, f'Email,"{name}"', "a@example.com,A-1", "b@example.com,A-2") == name


def test_an_id_is_different_on_every_row(store: ProfileStore, tmp_path: Path) -> None:
    """The order's number is that of several attendees; the website's is everybody's."""
    lines = ("Order #,website_id,Attendee #,Email", "1,1,11,a@example.com", "1,1,12,a@example.com")
    assert _ingest(store, tmp_path, *lines) == "Attendee #"


@pytest.mark.parametrize(
    "name", ["Email", "Email address", "E-mail 1 - Value", "E-Mail-Adresse", "user_email"]
)
def test_without_an_id_profiles_are_known_by_their_address(
    store: ProfileStore, tmp_path: Path, name: str
) -> None:
    """If it is filled and different on every row; the marks of others are no addresses."""
    lines = (f"Name,{name},Do Not Email", "Ann,Ann <a@example.com>,1", "Bo,b@example.com,2")
    assert _ingest(store, tmp_path, *lines) == name


def test_where_nothing_identifies_a_profile_the_likely_fields_come_first(
    store: ProfileStore, tmp_path: Path
) -> None:
    """In the sentence that asks."""
    lines = ("Name,City,Email,Ref. No.", "Ann,Oslo,a@example.com,1", "Bo,Oslo,a@example.com,1")
    with pytest.raises(BadInput, match=r"the fields are 'Ref\. No\.', 'Email', 'Name', 'City'") as refused:
        _ingest(store, tmp_path, *lines)
    assert "Choose it;" in str(refused.value)


def test_an_empty_field_is_an_address_by_its_whole_name_only(store: ProfileStore, tmp_path: Path) -> None:
    """*Do Not Mail* is none, whatever stands in it."""
    file = tmp_path / "people.csv"
    file.write_text("id,Do Not Mail,Email status,Email,Mail\n1,,,,\n2,,,,\n", encoding="utf-8")
    assert store.ingest([file]).snapshot.address_fields == ("Email", "Mail")
