# ruff: noqa: E501
"""Files in the shapes that real tools write, through the preview, the ingest and the suggestions.

The files are beside the project, and not everybody has them; `test_files`, `test_reading` and `test_tools` have
small ones of the same kinds.
"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ccexport.model.profiles import Snapshot
from ccexport.model.sources import Given
from ccexport.model.words import FieldType
from ccexport.plan.suggest import suggest
from ccexport.profiles.store import ProfileStore

CASES = Path(__file__).parents[3] / "shared" / "cases" / "files"
pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="the files are not beside the project")

D, N = date, None


def _at(*parts: int) -> datetime:
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001


ZIP_XLSX = {"Birthday": [D(1980, 5, 17), D(1975, 12, 31)], "Member no": ["00042", "42"]}
JSON = {"id": ["1", "2", "12345678901234567890"], "first_name": ["Åse", "Bo", "Ci"]}
# file → the id, the profiles, what some fields hold, and what is suggested
RIGHT: Mapping[str, tuple[str, int, Mapping[str, list[Any]], Mapping[str, Any]]] = {
    "01_shopify.csv": ("Customer ID", 4, {"Customer ID": ["7001", "7002", "7003", "7004"], "Default Address Zip": ["1234AB", "04101", "35210", N], "Phone": ["+31612345678", "+15035550123", N, "+4791234567"]}, {"email": "Email", "zip": "Default Address Zip", "city": "Default Address City", "phone": "Phone", "consent": ("Accepts Email Marketing", ("true",))}),
    "03_magento.csv": ("email", 3, {"dob": [D(1980, 5, 17), N, N]}, {"email": "email", "first_name": "firstname", "birthday": "dob"}),
    "05_constant_contact.csv": ("Email address", 3, {"Birthday": [D(1980, 5, 17), N, N], "Anniversary": [D(2010, 6, 1), N, N], "Created At": [_at(2021, 11, 15, 19, 42, 23)] * 3, "Zip/Postal Code - Home": ["04101", N, N]}, {"email": "Email address", "home_phone": "Phone - home", "mobile_phone": "Phone - mobile", "street": "Street address line 1 - Home", "city": "City - Home", "zip": "Zip/Postal Code - Home", "country": "Country - Home", "birthday": "Birthday", "anniversary": "Anniversary", "consent": ("Email status", ("Active",))}),
    "07_salesforce_report.csv": ("Contact ID", 2, {"First Name": ["Åse", "Bo"]}, {"email": "Email", "refusal": ("Email Opt Out", ("1",))}),
    "08_google_new.csv": ("E-mail 1 - Value", 2, {"Birthday": ["1980-05-17", " --12-31"]}, {"email": "E-mail 1 - Value", "phone": "Phone 1 - Value", "street": "Address 1 - Street", "birthday": "Birthday"}),
    "10_outlook_cp1252.csv": ("E-mail Address", 2, {"First Name": ["Åge", "Bo"], "Birthday": [D(1980, 5, 17), N]}, {"job_title": "Job Title", "state": "Home State", "mobile_phone": "Mobile Phone"}),
    "13_civicrm_export.csv": ("Contact ID", 2, {"Do Not Email": [N, 1]}, {"email": "Email", "refusal": ("Do Not Email", ("1",))}),
    "14_zoho.csv": ("Record Id", 2, {"Mailing Zip": ["04101", N]}, {"email": "Email", "refusal": ("Email Opt Out", ("true",))}),
    "16c_sap_cp1252.csv": ("Kundennr.", 3, {"Kundennr.": ["0000012345", "0000012346", "0000012347"], "PLZ": ["01067", "80331", "80333"], "Rabatt": [Decimal("0.5"), 10, Decimal("3.25")], "Umsatz": ["1.234,50", "12.000,00", "-5,25-"], "Straße": ["Hauptstraße 1", "Weg 2", "Weg 3"]}, {"street": "Straße", "zip": "PLZ", "consent": ("Newsletter", ("X",))}),
    "20_wix.csv": ("Email 1", 2, {"Phone 1": ["+1 503-555-0123", N]}, {"email": "Email 1", "consent": ("Email subscriber status", ("subscribed",))}),
    "22_woo_analytics.csv": ("Email", 2, {"Country / Region": ["NO", "NO"], "Postal code": ["0150", "5003"]}, {"country": "Country / Region"}),
    "31_emails_odd.csv": ("id", 14, {}, {"email": "email"}),
    "36_trailing_delim_rows.csv": ("id", 3, {"first name": ["A", "B", "C"]}, {}),
    "39_cr_only.csv": ("id", 3, {"first name": ["A", "B", "C"]}, {}),
    "43b_title_rows.csv": ("id", 3, {"first name": ["A", "B", "C"]}, {}),
    "44_total_row.csv": ("id", 2, {"spent": [10, 20]}, {}),
    "46_consent_sub.csv": ("id", 3, {}, {"consent": ("newsletter", ("SUBSCRIBED",))}),
    "46_consent_x.csv": ("id", 3, {"newsletter": ["x", N, "x"]}, {"consent": ("newsletter", ("x",))}),
    "46_consent_yn.csv": ("id", 3, {"newsletter": ["Y", "N", "Y"]}, {"consent": ("newsletter", ("Y",))}),
    "47_dates.csv": ("id", 2, {n: [D(1980, 5, 17), D(2008, 12, 31)] for n in ("two_digit", "named", "de", "compact", "dotted_short")} | {"mdy_time": [_at(1980, 5, 17, 14, 5), _at(2008, 12, 31, 9, 0)], "us_ampm": [_at(1980, 5, 17, 14, 5), _at(2008, 12, 31, 9, 0)], "iso_z": [_at(1980, 5, 17, 0, 0), _at(2009, 1, 1, 4, 30)], "zero": [N, D(2008, 12, 31)]}, {}),
    "51_decimal.csv": ("id", 2, {"bal": [Decimal("1234.5"), 12], "price": [1000, 2500], "qty": [Decimal("1.5"), 2]}, {}),
    "52_leading_zero_zip.csv": ("id", 2, {"id": ["007", "7"], "zip": ["0150", "5003"], "store": ["012", "12"], "member no": ["00042", "42"]}, {"zip": "zip"}),
    "60_plain.csv.gz": ("id", 2, {"first name": ["Åse", "B"]}, {}),
    "60e.zip": ("id", 2, {"first name": ["Åse", "B"]}, {}),
    "61_array.json": ("id", 3, JSON, {"phone": "phone", "consent": ("accepts_marketing", ("true",))}),
    "61c_wrapped_shopify.json": ("id", 3, JSON, {"email": "email"}),
    "61e_bom.json": ("id", 3, JSON, {"email": "email"}),
    "62_latin1.jsonl": ("id", 2, {"first_name": ["Åse", "Bo"], "city": ["Tromsø", "Oslo"]}, {}),
    "62c_one_bad.jsonl": ("id", 2, {"first_name": ["Åse", "Ci"]}, {}),
    "63_year_headers.csv": ("id", 2, {"2023": [5, 7], "2024": [6, 8]}, {}),
    "65_us_dates_ambiguous.csv": ("id", 3, {"birthday": [D(1980, 5, 17), D(1975, 12, 31), D(1990, 1, 2)], "anniversary": [D(2010, 6, 1), D(2015, 3, 4), N]}, {}),
    "66_excel_de_thousands.csv": ("id", 2, {"umsatz": [Decimal("1234.5"), Decimal("99.9")], "punkte": [1000, 2500]}, {}),
    "68_excel_eq.csv": ("id", 2, {"id": ["0001", "0002"], "zip": ["0150", "5003"], "member": ["00042", "42"]}, {}),
    "70_norway.csv": ("Customer ID", 3, {"Country": ["NO", "NO", "NO"]}, {"country": "Country"}),
    "70b_norway_swede.csv": ("Customer ID", 4, {"Country": ["NO", "NO", "NO", "SE"]}, {"country": "Country"}),
    "75_cp1250.csv": ("id", 2, {"first name": ["Łukasz", "Żaneta"], "city": ["Łódź", "Kraków"]}, {}),
    "77_crm_no.csv": ("Customer ID", 2, {"Country": ["NO", "NO"]}, {}),
    "77b_shop.csv": ("Customer ID", 2, {"Country": ["SE", "DK"]}, {}),
    "80b_formats.xlsx": ("Customer ID", 2, ZIP_XLSX | {"Customer ID": ["00007", "00008"], "ZIP": ["0150", "5003"], "Phone": ["4791234567", "5035550123"]}, {"zip": "ZIP"}),
    "81_title_rows.xlsx": ("Customer ID", 2, ZIP_XLSX, {"email": "Email"}),
    "84b_16digits.xlsx": ("Email", 2, {"member card": ["1234567890123456", "1234567890123457"], "ZIP": ["02134", "94107"]}, {}),
    "91_pandas.parquet": ("customer_id", 3, {"customer_id": ["0007", "0008", "0009"], "first_name": ["Åse", "Bo", "Ci"]}, {"email": "email", "birthday": "born"}),
}  # fmt: skip


def _values(store: ProfileStore, snapshot: Snapshot, field: str) -> list[Any]:
    with store.open(snapshot) as db:
        return [value for (value,) in db.rows(f'SELECT "{field}" FROM s.profiles ORDER BY _row')]


@pytest.mark.parametrize("name", RIGHT)
def test_a_file_of_a_tool(store: ProfileStore, name: str) -> None:
    """The id, the values, and the suggested mapping; the preview says the same types as the ingest."""
    id_field, profiles, values, mapping = RIGHT[name]
    seen = store.preview(Given(files=(CASES / name,)))
    snapshot = store.ingest([CASES / name]).snapshot
    assert (seen.id_field, snapshot.id_field, snapshot.profiles) == (id_field, id_field, profiles)
    assert {f.name: f.type for f in snapshot.fields} == seen.fields
    assert {field: _values(store, snapshot, field) for field in values} == values
    offered: dict[str, Any] = {}
    for one in suggest(snapshot.fields, store.evidence(snapshot)):
        offered.setdefault(one.target, (one.source, one.values) if one.values else one.source)
    assert {target: offered.get(target) for target in mapping} == mapping
    assert sum(target.endswith("phone") for target in offered) <= 3


def test_every_file_has_its_right_values() -> None:
    assert {path.name for path in CASES.iterdir()} <= set(RIGHT)


def test_a_swede_does_not_stop_norway(store: ProfileStore) -> None:
    """The country is a text before and after; two sources do not disagree about it."""
    store.ingest([CASES / "70_norway.csv"])
    store.ingest([CASES / "70b_norway_swede.csv"])
    given = [Given(name=n, files=(CASES / n,)) for n in ("77_crm_no.csv", "77b_shop.csv")]
    snapshot = store.ingest_sources(given, accept_changes=True).snapshot
    assert _values(store, snapshot, "Country") == ["NO", "NO", "SE", "DK"]
    assert [f.type for f in snapshot.fields if f.name == "Country"] == [FieldType.TEXT]
