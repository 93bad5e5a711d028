"""Hostile values all the way: ingested, previewed, sent, in the history and in the download."""

import csv
import io
from pathlib import Path

import pytest

from ccexport.errors import BadInput
from ccexport.model.exports import Actor, MappedField
from ccexport.model.words import Role
from ccexport.services.demo import _consent
from tests.ui.conftest import Pages, said

ADMINISTRATOR = Actor("administrator", Role.ADMINISTRATOR)
CONTRIBUTOR = Actor("contributor", Role.CONTRIBUTOR)
VALUES = {
    "markup": '<img src=x onerror="window.hacked=1">',
    "formula": "=cmd|' /C calc'!A0",
    "turned": "\u202egnp.exe\u2066",
    "long": "x" * 10_000,
    "link": "[click](javascript:alert(1)) www.evil.example",
}
TURNING = ("\u202e", "\u2066")


@pytest.fixture
def hostile(empty: Pages, tmp_path: Path) -> Pages:
    """Profiles, a segment, a connection and an export that are all named like that."""
    services = empty.services
    file = tmp_path / "people.csv"
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(["customer_id", "email", "first_name"])
        writer.writerows([key, f"{key}@example.com", value] for key, value in VALUES.items())
    services.profiles.ingest(ADMINISTRATOR, [file], id_field="customer_id")
    begun = services.connections.begin(ADMINISTRATOR, VALUES["markup"], agree=True, share=Role.CONTRIBUTOR)
    back = _consent(begun.url)
    draft = services.connections.finish(
        ADMINISTRATOR, state=back["state"], bind=begun.bind, code=back["code"]
    )
    services.connections.save(ADMINISTRATOR, draft.key)
    services.segments.create(CONTRIBUTOR, VALUES["turned"], everybody=True)
    services.connections.create_list(CONTRIBUTOR, VALUES["markup"], VALUES["formula"])
    services.exports.create(
        CONTRIBUTOR,
        VALUES["link"],
        connection=VALUES["markup"],
        contact_list=VALUES["formula"],
        segments=[VALUES["turned"]],
        email="email",
        fields=[MappedField(target="first_name", source="first_name")],
    )
    return empty


def test_hostile_values_stay_what_they_are_until_the_download(hostile: Pages) -> None:
    """Shown as text, cut, without the marks that turn the reading; sent untouched; no formula in the file."""
    services = hostile.services
    export = services.ledger.exports.named(VALUES["link"])
    run = services.runs.drive_here(services.runs.start(CONTRIBUTOR, export.id).id)
    assert run.counts["verified"] >= 4  # the long one is left out or cut, by the mapping
    for path, query in (
        ("profiles", {}),
        ("segments", {}),
        ("connections", {}),
        ("exports", {}),
        ("exports", {"export": export.id, "show": "preview"}),
        ("exports", {"export": export.id, "show": "settings"}),
        ("runs", {}),
        ("runs", {"run": run.id}),
        ("runs", {"run": run.id, "view": "story"}),
        ("overview", {}),
        ("system", {"view": "audit"}),
    ):
        page = hostile.open(path, "administrator", **query)
        assert not page.exception, (path, query)
        text = said(page)
        assert not any(mark in text for mark in TURNING), (path, query)
        assert "](javascript:" not in "".join(m.value for m in page.markdown), (path, query)
        for table in page.dataframe:
            cells = [c for c in table.value.to_numpy().ravel() if isinstance(c, str)]
            assert max(map(len, cells), default=0) <= 500, (path, query)
            assert not any(mark in cell for cell in cells for mark in TURNING), (path, query)

    lines = "".join(services.runs.contacts_csv(CONTRIBUTOR, run.id))
    cells = [cell for row in csv.reader(io.StringIO(lines)) for cell in row]
    assert not [c for c in cells if c[:1] in {"=", "+", "-", "@", "\t", "\r"}]
    assert any(c.startswith("'=cmd") or "=cmd" in c for c in cells)


@pytest.mark.parametrize("length", [10_000, 300])
def test_a_name_that_is_too_long_is_refused_with_a_sentence(hostile: Pages, length: int) -> None:
    from ccexport.errors import BadInput

    services = hostile.services
    for refused in (
        lambda: services.exports.duplicate(CONTRIBUTOR, VALUES["link"], "n" * length),
        lambda: services.segments.create(CONTRIBUTOR, "n" * length, everybody=True),
        lambda: services.people.add(
            ADMINISTRATOR, "n" * length, role=Role.VIEWER, password="a long password"
        ),
        lambda: services.connections.begin(ADMINISTRATOR, "n" * length, agree=True),
    ):
        with pytest.raises(BadInput):
            refused()


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("  ", "needs a name"), ("\u200f\u200b", "needs a name"), ("a\x00b", "one line"), ("a\nb", "one line")],
)
def test_a_name_that_cannot_be_seen_or_is_not_one_line_is_refused(
    demo: Pages, name: str, sentence: str
) -> None:
    """Before anything is kept, or asked of Constant Contact; NUL would be refused by PostgreSQL only."""
    services = demo.services
    for refused in (
        lambda: services.segments.create(ADMINISTRATOR, name, everybody=True),
        lambda: services.exports.duplicate(ADMINISTRATOR, "Newsletter", name),
        lambda: services.connections.begin(ADMINISTRATOR, name, agree=True, share=Role.CONTRIBUTOR),
        lambda: services.connections.create_list(ADMINISTRATOR, "Sandbox", name),
    ):
        with pytest.raises(BadInput, match=sentence):
            refused()


def test_every_error_of_a_page_has_a_reference_that_the_log_has_too(
    demo: Pages, caplog: pytest.LogCaptureFixture
) -> None:
    page = demo.open("exports", "contributor", show="new")
    page.button("form-new-save").click()
    demo.run(page, "contributor")
    reference = page.error[0].value.partition("Reference ")[2].rstrip("]")
    assert f"Choose a contact list. reference={reference}" in caplog.text
