"""Configuration as code: what is dumped applies without a difference, here and in an empty installation."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from ccexport.errors import BadInput, NotFound
from ccexport.model.exports import ConsentRule, Guards, MappedField, Refusal
from ccexport.model.schedules import Follows, Schedule
from ccexport.model.words import Mode
from ccexport.services.configuration_document import schema
from tests.world import ADA, CARL, World, person


def furnished(root: Path) -> World:
    """A world with something of everything a document can hold."""
    root.mkdir()
    world = World(root)
    world.ready([person(n) for n in range(3)])
    services = world.services
    services.segments.create(ADA, "Norway", rule={"field": "country", "op": "is", "value": "Norway"})
    services.segments.create(ADA, "Abroad", rule={"none": [{"op": "in_segment", "value": "Norway"}]})
    account = services.accounts().account(services.ledger.connections.named("Main").id)
    account.create_custom_field("Loyalty tier", "string")
    tier = next(f for f in services.connections.custom_fields(ADA, "Main"))
    services.exports.change(
        CARL,
        "News",
        segments=["Norway", "Everybody"],
        fields=[
            MappedField(target="first_name", source="first_name", transforms=("trim",), default="friend"),
            MappedField(target=f"cf:{tier.id}", source="country"),
        ],
        mode=Mode.MIRROR,
        consent=ConsentRule(field="consent"),
        refusals=[Refusal(field="country", values=("Nowhere", "Elsewhere"))],
        guards=Guards(removals_percent=None, contacts_maximum=5),
        newest_by="updated_at",
    )
    world.export("Child")
    services.exports.pause(CARL, "Child")
    weekly = {"every": "week", "days": ["monday", "friday"], "at": ["06:30", "18:00"]}
    on = {"follows": "times", "recurrence": weekly, "zone": "Europe/Oslo", "missed": "drop"}
    services.schedules.set(CARL, ["News"], Schedule.model_validate(on | {"paused_until": "2027-01-07"}))
    services.schedules.set(CARL, ["Child"], Schedule(follows=Follows.EXPORT, after="News"))
    services.refreshes.change(
        ADA,
        sources=[root / "people.csv"],
        id_field="customer_id",
        recurrence={"every": "day", "at": ["03:00"]},
        on=True,
    )
    services.system.suppress(ADA, ["never@example.com", "example.org"])
    services.sources.save(
        ADA, "Shop", database="postgresql://ada@db/shop", query="SELECT 1", password="s3cret"
    )
    services.sources.save(
        ADA, "CRM", files=[root / "people.csv"], key="customer_id", types={"code": "text"}, first_in=["city"]
    )
    services.sources.order(ADA, ["CRM", "Shop"])
    return world


def dumped(world: World) -> Any:
    """As it is after a way through YAML."""
    return yaml.safe_load(yaml.safe_dump(world.services.configuration.dump(ADA), sort_keys=False))


def test_what_is_dumped_applies_without_a_difference(tmp_path: Path) -> None:
    world = furnished(tmp_path / "here")
    document = world.services.configuration.read(ADA, dumped(world), "it")
    version = world.services.exports.get(ADA, "News").version

    assert world.services.configuration.apply(ADA, document) == []
    assert world.services.exports.get(ADA, "News").version == version
    jsonschema.validate(dumped(world), schema())
    world.close()


def test_an_empty_installation_becomes_the_same(tmp_path: Path) -> None:
    here, there = furnished(tmp_path / "here"), World(tmp_path)
    there.ingest([person(n) for n in range(3)])
    there.connect()
    there.services.connections.create_list(ADA, "Main", "Newsletter")
    account = there.services.accounts().account(there.services.ledger.connections.named("Main").id)
    account.create_custom_field("Something else", "string")
    account.create_custom_field("Loyalty tier", "string")
    wanted = dumped(here)

    document = there.services.configuration.read(ADA, wanted, "it")
    made = there.services.configuration.apply(ADA, document)

    assert dumped(there) == wanted
    assert [s.name for s in there.services.sources.list(ADA)] == ["CRM", "Shop"]
    assert not there.services.sources.has_password(ADA, "Shop")
    assert {(d.action, d.kind) for d in made} == {
        ("create", "source"),
        ("create", "segment"),
        ("create", "export"),
        ("change", "schedule"),
        ("change", "refresh"),
        ("change", "suppression"),
    }
    here.close()
    there.close()


def test_the_document_holds_names_and_no_ids_or_secrets(tmp_path: Path) -> None:
    world = furnished(tmp_path / "here")
    text = json.dumps(dumped(world))

    ids = [e.id for e in world.services.ledger.exports.all()]
    ids += [s.id for s in world.services.ledger.segments.all()]
    ids += [c.id for c in world.services.ledger.connections.all()]
    ids += [f.id for f in world.services.connections.custom_fields(ADA, "Main")]
    ids += [e.config.list_id for e in world.services.ledger.exports.all()]
    assert [i for i in [*ids, "s3cret"] if i in text] == []
    assert '"cf:loyalty_tier"' in text.casefold()
    assert "a-client-secret" not in text
    world.close()


def test_a_changed_schedule_is_shown_and_changes_no_version(tmp_path: Path) -> None:
    world = furnished(tmp_path / "here")
    raw = dumped(world)
    next(e for e in raw["exports"] if e["name"] == "News")["schedule"] = {"follows": "nothing"}
    document = world.services.configuration.read(ADA, raw, "it")
    version = world.services.exports.get(ADA, "News").version

    (difference,) = world.services.configuration.differences(ADA, document)
    assert (difference.action, difference.kind, difference.name) == ("change", "schedule", "News")
    world.services.configuration.apply(ADA, document)

    assert world.services.schedules.get(ADA, "News").words == "by hand only"
    assert world.services.exports.get(ADA, "News").version == version
    world.close()


def test_segments_that_name_each_other_are_made_in_the_right_order(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.ready([person(1)])
    inner = {"field": "country", "op": "is", "value": "Norway"}
    parts = [
        {"name": "A", "rule": {"op": "in_segment", "value": "B"}},
        {"name": "B", "rule": inner},
    ]
    document = world.services.configuration.read(ADA, {"segments": parts}, "it")
    world.services.configuration.apply(ADA, document)
    assert world.services.segments.members(ADA, "A").count == 1
    wrong = world.services.configuration.read(
        ADA, {"segments": [{"name": "C", "rule": {"op": "in_segment", "value": "nowhere"}}]}, "it"
    )

    with pytest.raises((BadInput, NotFound)):
        world.services.configuration.apply(ADA, wrong)
    world.close()


def test_a_mistake_names_the_file_and_the_place(tmp_path: Path) -> None:
    world = World(tmp_path)
    raw = {
        "exports": [
            {
                "name": "N",
                "connection": "Main",
                "list": "L",
                "segments": ["S"],
                "email": "email",
                "schedule": {"follows": "times", "recurrence": {"every": "day", "at": ["7"]}},
            }
        ]
    }

    with pytest.raises(BadInput, match=r"it\.yaml: exports\.0\.schedule\.recurrence\.at: '7' is not a time"):
        world.services.configuration.read(ADA, raw, "it.yaml")
    world.close()


EXPORT: dict[str, Any] = {
    "name": "N",
    "connection": "Main",
    "list": "Newsletter",
    "segments": ["Everybody"],
    "email": "email",
}


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ({"exports": [EXPORT, EXPORT]}, "exports: N is there twice"),
        (
            {"exports": [EXPORT | {"connection": "Other"}]},
            "exports.0.connection: there is no connection named",
        ),
        (
            {"exports": [EXPORT | {"segments": ["Nobody"]}]},
            "exports.0.segments: there is no segment named Nobody",
        ),
        (
            {"exports": [EXPORT | {"schedule": {"follows": "export", "after": "M"}}]},
            "exports.0.schedule.after: there is no export named M",
        ),
        ({"segments": [{"name": "S", "rule": {"field": "x"}}]}, "segments.0.rule: "),
        ({"segments": [{"name": "S", "all": True}], "exports": [EXPORT | {"segments": ["S"]}]}, ""),
    ],
)
def test_what_could_not_be_applied_is_refused_before_anything_is_changed(
    raw: dict[str, Any], said: str, world: World
) -> None:
    if not said:
        world.services.configuration.read(ADA, raw, "it.yaml")
        return
    with pytest.raises(BadInput, match=f"it.yaml: {said}"):
        world.services.configuration.read(ADA, raw, "it.yaml")


@pytest.mark.parametrize(
    ("last", "said"),
    [
        (
            {"segments": [{"name": "Bad", "rule": {"field": "x", "op": "is", "value": 1}}]},
            "segment Bad .*'x'",
        ),
        ({"exports": [EXPORT | {"fields": {"first_name": "x"}}]}, "export N .*“x”"),
        ({"exports": [EXPORT | {"email": "x"}]}, "export N .*“x”"),
    ],
)
def test_what_does_not_fit_the_profiles_is_refused_before_anything_is_changed(
    last: dict[str, Any], said: str, world: World
) -> None:
    configuration, before = world.services.configuration, dumped(world)
    good = {"name": "Good", "rule": {"field": "email", "op": "is_not_empty"}}
    document = configuration.read(ADA, last | {"segments": [good, *last.get("segments", [])]}, "it")
    with pytest.raises(BadInput, match=said):
        configuration.apply(ADA, document)
    assert dumped(world) == before


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Read only: what is refused changes nothing."""
    made = World(tmp_path_factory.mktemp("as-code"))
    made.ready([person(1)])
    yield made
    made.close()


def test_the_same_in_other_words_is_no_difference(tmp_path: Path) -> None:
    """Addresses as people write them, files as seen from the folder of the document."""
    world = World(tmp_path)
    (tmp_path / "crm.csv").write_text("id\n1\n")
    raw = {
        "suppression": [" Never@Example.com", "@example.org"],
        "refresh": {"sources": ["crm.csv"], "recurrence": {"every": "day", "at": ["03:00"]}},
    }
    document = world.services.configuration.read(ADA, raw, "it")

    assert len(world.services.configuration.apply(ADA, document)) == 2
    assert world.services.configuration.differences(ADA, document) == []
    world.close()


def test_a_rule_does_not_become_everybody_in_silence(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.ready([person(1)])
    world.services.segments.create(ADA, "Norway", rule={"field": "country", "op": "is", "value": "Norway"})
    document = world.services.configuration.read(ADA, {"segments": [{"name": "Norway", "all": True}]}, "it")

    with pytest.raises(BadInput, match="another name"):
        world.services.configuration.apply(ADA, document)
    world.close()


def test_a_detached_export_stays_detached(tmp_path: Path) -> None:
    """And one is detached by leaving its connection out; then nothing else of it can be changed."""
    world = World(tmp_path)
    world.ready([person(1)])
    configuration = world.services.configuration
    attached = dumped(world)
    detached = dumped(world)
    del detached["exports"][0]["connection"]
    detached["exports"][0]["paused"] = True

    (told,) = configuration.differences(ADA, configuration.read(ADA, detached, "it"))
    assert told.details[-1].startswith("the people it put on its list stay there")
    configuration.apply(ADA, configuration.read(ADA, detached, "it"))
    assert world.services.exports.get(ADA, "News").config.connection_id == ""
    assert dumped(world) == detached
    assert configuration.apply(ADA, configuration.read(ADA, detached, "it")) == []
    with pytest.raises(BadInput, match="nothing else of it can change"):
        configuration.differences(ADA, configuration.read(ADA, _with_mode(detached), "it"))
    configuration.apply(ADA, configuration.read(ADA, attached, "it"))
    assert dumped(world) == attached
    with pytest.raises(BadInput, match="a new export needs one"):
        configuration.read(ADA, {"exports": [EXPORT | {"connection": ""}]}, "it")
    world.close()


def _with_mode(document: Any) -> Any:
    (export,) = document["exports"]
    return document | {"exports": [export | {"mode": "mirror"}]}
