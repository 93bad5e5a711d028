"""Each setting of an export is set, changed and unset through every way there is, and changes nothing else."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from ccexport.errors import WrongUse
from ccexport.model.export_drafts import ExportDraft, default_of
from ccexport.model.exports import Export, ExportConfig, Guards
from tests.cli.conftest import Said
from tests.settings.every import FIELD_PARTS, GUARDS, NOT_UNSET, ROWS
from tests.world import ADA, CARL, World

PATCHED = {"guards": Guards()}  # a patch names some of its parts


def plain(installation: World, export_id: str) -> dict[str, Any]:
    """Every setting of the export as YAML says it, also those that are as by default."""
    services = installation.services
    export = services.exports.get(ADA, export_id)
    names = {c.id: c.name for c in services.connections.list(ADA)}
    names |= {s.id: s.name for s in services.segments.list(ADA)}
    names |= services.exports.names(ADA)
    names |= {f.id: f.name for f in services.connections.custom_fields(ADA, "Main")}
    settings = services.exports.draft(ADA, export, names).model_dump(mode="json", exclude_defaults=True)
    return {name: settings.get(name, as_json(default_of(name))) for name in ExportDraft.model_fields}


def as_json(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json", exclude_defaults=True)
    return list(value) if isinstance(value, tuple) else value


def expected(name: str, value: Any) -> Any:
    """As it stands among all settings."""
    if name == "guards":
        return Guards.model_validate(value).model_dump(mode="json", exclude_defaults=True)
    return value


def test_every_setting_has_a_row() -> None:
    assert set(ROWS) == set(ExportDraft.model_fields)
    assert all(row.unset for name, row in ROWS.items() if name not in NOT_UNSET)


@pytest.mark.parametrize("name", ROWS)
def test_the_use_cases_set_change_and_unset_it(installation: World, export: Export, name: str) -> None:
    services, row = installation.services, ROWS[name]
    before = plain(installation, export.id)
    for value in row.values:
        services.exports.change(CARL, export.id, **{name: value})
        assert plain(installation, export.id) == before | {name: expected(name, value)}
    copy = services.exports.duplicate(CARL, export.id, f"Copy of {export.id}")
    assert plain(installation, copy.id) == plain(installation, export.id) | {"name": copy.name}
    services.exports.remove(ADA, copy.id)
    if name in NOT_UNSET:
        with pytest.raises(WrongUse):
            services.exports.change(CARL, export.id, **{name: None})
    else:
        services.exports.change(CARL, export.id, **{name: None})
        assert plain(installation, export.id)[name] == as_json(default_of(name))


@pytest.mark.parametrize("name", ROWS)
def test_it_is_there_from_the_start_when_it_is_created(
    installation: World, export: Export, name: str
) -> None:
    row, value = ROWS[name], ROWS[name].values[0]
    base = {k: v for k, v in plain(installation, export.id).items() if v is not None}
    made = installation.services.exports.create(
        CARL,
        **(base | {"name": f"Made with {name}", name: value, "guards": value if name == "guards" else {}}),
    )
    assert plain(installation, made.id)[name] == expected(name, value)
    assert row.values[0] == value
    installation.services.exports.remove(ADA, made.id)


@pytest.mark.parametrize("name", ROWS)
def test_every_version_keeps_it(installation: World, export: Export, name: str) -> None:
    for value in ROWS[name].values:
        installation.services.exports.change(CARL, export.id, **{name: value})
        newest = installation.services.exports.history(ADA, export.id)[0]
        stored = installation.services.ledger.exports.get(export.id).config
        assert ExportConfig.model_validate(newest["config"]) == stored


@pytest.mark.parametrize("name", ROWS)
def test_the_command_line_sets_changes_and_unsets_it(
    installation: World, export: Export, ccexport: Callable[..., Said], name: str
) -> None:
    row = ROWS[name]
    before = plain(installation, export.id)
    for value, options in zip(row.values, row.options, strict=True):
        assert ccexport("exports", "change", export.id, *options).code == 0
        assert plain(installation, export.id) == before | {name: expected(name, value)}
        shown = ccexport("exports", "show", export.id, "--json").json
        assert name in shown
    if row.unset:
        assert ccexport("exports", "change", export.id, *row.unset).code == 0
        assert plain(installation, export.id)[name] == as_json(default_of(name))


@pytest.mark.parametrize("name", ROWS)
def test_yaml_sets_changes_and_unsets_it(
    installation: World, export: Export, ccexport: Callable[..., Said], name: str
) -> None:
    """By `dump` and `apply`; `--check` sees each change and makes none."""
    if name == "name":
        pytest.skip("another name is another export in a document")
    row = ROWS[name]
    values: list[Any] = list(row.values) + ([None] if name not in NOT_UNSET else [])
    for value in values:
        document = yaml.safe_load(ccexport("dump").out)
        part = next(p for p in document["exports"] if p["name"] == export.name)
        part.pop(name, None)
        part |= {} if value is None else {name: value}
        wanted = yaml.safe_dump({"version": 1, "exports": [part]})
        before = plain(installation, export.id)
        after = before | {name: as_json(default_of(name)) if value is None else expected(name, value)}
        checked = ccexport("apply", "-", "--check", stdin=wanted)
        assert (checked.code, plain(installation, export.id)) == (int(before != after), before)
        assert ccexport("apply", "-", stdin=wanted).code == 0
        assert plain(installation, export.id) == after
        assert ccexport("apply", "-", "--check", stdin=wanted).code == 0


@pytest.mark.parametrize("guard", GUARDS)
def test_every_limit_is_set_and_switched_off_by_itself(
    installation: World, export: Export, ccexport: Callable[..., Said], guard: str
) -> None:
    default = getattr(Guards(), guard)
    assert ccexport("exports", "change", export.id, "--guard", f"{guard}=3").code == 0
    found = installation.services.exports.get(ADA, export.id).config.guards
    assert found == Guards().model_copy(update={guard: 3})
    off = ccexport("exports", "change", export.id, "--guard", f"{guard}=off")
    optional = type(None) in getattr(Guards.model_fields[guard].annotation, "__args__", ())
    assert off.code == (0 if optional else 2)
    assert ccexport("exports", "change", export.id, "--guard", f"{guard}=default").code == 0
    assert getattr(installation.services.exports.get(ADA, export.id).config.guards, guard) == default


PART_VALUES = {
    "source": "country",
    "constant": "Oslo",
    "transforms": ["trim", "upper"],
    "default": "there",
    "template": "{country|upper}!",
}


@pytest.mark.parametrize("part", FIELD_PARTS)
def test_every_part_of_a_field_survives_dump_and_apply(
    installation: World, export: Export, ccexport: Callable[..., Said], part: str
) -> None:
    field = ({} if part in {"constant", "template"} else {"source": "country"}) | {part: PART_VALUES[part]}
    installation.services.exports.change(CARL, export.id, fields={"city": field})
    document = ccexport("dump").out
    stored = installation.services.exports.get(ADA, export.id).config
    installation.services.exports.change(CARL, export.id, fields=None)
    assert ccexport("apply", "-", stdin=document).code == 0
    assert installation.services.exports.get(ADA, export.id).config == stored
    assert getattr(stored.fields[0], part) in (PART_VALUES[part], tuple(PART_VALUES[part]))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--guard", "removals=3"), "guards.removals: there is no such setting"),
        (("--guard", "removals_percent=much"), "guards.removals_percent"),
        (("--guard", "removals_percent=nan"), "guards: removals_percent"),
        (("--guard", "removals_percent=-1"), "guards: removals_percent"),
        (("--guard", "removals_percent=101"), "guards: removals_percent"),
        (("--guard", "contacts_maximum=0"), "guards: contacts_maximum"),
        (("--guard", "removals_percent"), "is not of the form name=value"),
        (("--consent", "consent=yes", "--no-consent"), "Choose one of --consent and --no-consent"),
        (("--map", "email=email", "--map", "city=country", "--map", "city=email"), "more than once"),
        (("--map", "email=email", "--map", 'city={"source": '), "--map city is not JSON"),
        (("--map", "email=email", "--map", 'city={"sauce": "city"}'), "there is no such setting"),
        (("--consent", "consent=,"), "a consent rule needs at least one value"),
        ((), "Nothing to change was named"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_by_name(
    installation: World,
    export: Export,
    ccexport: Callable[..., Said],
    options: tuple[str, ...],
    sentence: str,
) -> None:
    said = ccexport("exports", "change", export.id, *options)
    assert said.code == 2
    assert sentence in said.err
    assert installation.services.exports.get(ADA, export.id).version == export.version
