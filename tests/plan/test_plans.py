"""Promises every plan keeps, for any profiles, segments, mapping and history."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccexport.errors import BadInput, Conflict, StoreTrouble
from ccexport.model.exports import ConsentRule, MappedField
from ccexport.model.plans import Plan
from ccexport.model.words import FieldType, Mode, Reason, Verdict
from ccexport.plan.freeze import load_plan
from ccexport.plan.inputs import Taken
from ccexport.plan.reading import counts, rows
from ccexport.profiles.addresses import normalise_address
from tests.plan.factories import EXPORT, World, bodies_of, mapped

anything = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])

LOCAL = st.sampled_from(["ann", "Bob", "c.d", "eva+x", "info", "ø", "f" * 45])
DOMAIN = st.sampled_from(
    ["example.com", "EXAMPLE.com", "shop.example.org", "bücher.example.org", "x", "banned.example.org"]
)
EMAIL = st.one_of(
    st.none(), st.sampled_from(["", "no address", "a@b@c.no"]), st.builds("{}@{}".format, LOCAL, DOMAIN),
    st.builds(" {}@{}\t".format, LOCAL, DOMAIN),
)  # fmt: skip
PROFILE = st.fixed_dictionaries(
    {
        "email": EMAIL,
        "name": st.one_of(st.none(), st.text(st.characters(exclude_categories=("Cs", "Cn")), max_size=55)),
        "agreed": st.sampled_from(["yes", "no", None]),
        "seen": st.sampled_from(["2026-01-01", "2026-02-01", None]),
    }
)
NORMAL = st.builds("{}@{}".format, LOCAL, DOMAIN).map(lambda a: normalise_address(a)[0] or "z@example.com")
STATES = st.sampled_from(["on_list", "missing", "rejected", "unknown", "left", "removed"])
HELD = st.sampled_from([[EXPORT], [EXPORT, "exp-2"], ["exp-2"], []])
SOME = st.lists(NORMAL, max_size=6, unique=True)


@anything
@given(
    profiles=st.lists(PROFILE, max_size=25),
    segments=st.lists(st.sets(st.integers(0, 24)), max_size=3),
    on_list=SOME,
    unsubscribed=SOME,
    suppressed=st.lists(st.one_of(NORMAL, st.just("banned.example.org")), max_size=3),
    delivered=st.dictionaries(NORMAL, st.tuples(STATES, HELD), max_size=8),
    mode=st.sampled_from(Mode),
    resend=st.booleans(),
    consent=st.booleans(),
    known=st.booleans(),
    excluded=st.lists(st.integers(0, 24), max_size=4),
    taken=st.lists(st.integers(0, 24), max_size=4),
    maximum=st.sampled_from([1_000_000, 3]),
)
def test_rows_add_up_and_nobody_is_sent_who_must_not_be(
    world: World,
    profiles: list[dict[str, Any]],
    segments: list[set[int]],
    on_list: list[str],
    unsubscribed: list[str],
    suppressed: list[str],
    delivered: dict[str, Any],
    mode: Mode,
    resend: bool,
    consent: bool,
    known: bool,
    excluded: list[int],
    taken: list[int],
    maximum: int,
) -> None:
    """The rule of every number on the screen, and the promise to people."""
    world.profiles_are(
        profiles, dict.fromkeys(("name", "agreed", "seen"), FieldType.TEXT), updated_field="seen"
    )
    members = tuple(
        world.segment(f"S{n}", [r for r in chosen if r < len(profiles)]) for n, chosen in enumerate(segments)
    )
    plan = world.plan(
        members=members,
        fields=mapped("first_name=name"),
        destination=world.reading(on_list, unsubscribed) if known else None,
        suppression=world.addresses(suppressed),
        deliveries=world.deliveries(
            [{"address": a, "state": s, "exports": e} for a, (s, e) in delivered.items()]
        ),
        consent=ConsentRule(field="agreed") if consent else None,
        mode=mode,
        resend_unchanged=resend,
        guards={"contacts_maximum": maximum},
        excluded=(world.segment("Excluded", sorted({r for r in excluded if r < len(profiles)})),),
        taken=(Taken((world.segment("Taken", sorted({r for r in taken if r < len(profiles)})),)),),
    )
    found = rows(plan, limit=1_000)
    candidates = [r for r in found if mode is Mode.REMOVE or r.verdict is not Verdict.REMOVE]
    union = {r for chosen in segments for r in chosen if r < len(profiles)}

    # every candidate is there once, in order, with one verdict or one reason
    assert [r.profile_id for r in candidates] == [f"P{r + 1}" for r in sorted(union)]
    assert all((r.verdict is None) != (r.reason is None) for r in found)
    assert [r.seq for r in found] == list(range(len(found)))
    assert plan.candidates == len(candidates)
    total = sum(plan.reasons.values())
    total += sum(plan.verdicts[v] for v in Verdict if mode is Mode.REMOVE or v is not Verdict.REMOVE)
    assert total == plan.candidates
    words = Counter(str(r.verdict or r.reason) for r in found)
    numbers = counts(plan)
    assert {w: n for w, n in numbers.items() if n and w in {*Verdict, *Reason}} == words
    assert numbers["sent"] == sum(r.batch is not None for r in found)

    # what is sent is what the bodies hold, in order
    wanted = {Verdict.ADD, Verdict.UPDATE} | ({Verdict.UNCHANGED} if resend else set())
    sent = [r for r in candidates if r.verdict in wanted]
    bodies = [c for body in bodies_of(plan) for c in json.loads(body)["import_data"]]
    assert bodies == [r.fields for r in sent]
    assert [r.seq for r in found if r.batch is not None] == [r.seq for r in sent]

    # and nobody gets mail who must not
    refused = (
        {normalise_address(p["email"])[0] for p in profiles if p["agreed"] == "no"} if consent else set()
    )
    by_hand = {a for a, (s, _) in delivered.items() if s == "left" or (known and s == "on_list")} - set(
        on_list
    )
    forbidden = set(suppressed) | refused | ({*unsubscribed, *by_hand} if known else set())
    for contact in bodies:
        assert contact["email"] not in forbidden
        assert not contact["email"].endswith("@banned.example.org") or "banned.example.org" not in suppressed
    assert len({c["email"] for c in bodies}) == len(bodies)
    assert len(bodies) <= maximum

    # only who is ours alone, and not a contact any more, is removed
    removed = {r.address for r in found if r.verdict is Verdict.REMOVE}
    assert not removed & {c["email"] for c in bodies}
    # (who never was seen there, and is there by this reading, is ours, seen late)
    late = {"missing", "unknown"} if known else set()
    ours = {a for a, (s, held) in delivered.items() if held == [EXPORT] and s in {"on_list", *late}}
    assert mode is Mode.REMOVE or removed <= ours
    assert mode in {Mode.MIRROR, Mode.REMOVE} or not removed
    assert not known or removed <= set(on_list)

    # a mode does only what its name says
    verdicts = {r.verdict for r in candidates}
    assert mode is not Mode.ADD_ONLY or verdicts <= {Verdict.ADD, None}
    assert mode is not Mode.UPDATE_ONLY or Verdict.ADD not in verdicts
    assert mode is not Mode.REMOVE or (not bodies and verdicts <= {Verdict.REMOVE, None})

    # and nobody is touched who is excluded, or whom an export that comes first takes
    others = {normalise_address(profiles[r]["email"])[0] for r in {*excluded, *taken} if r < len(profiles)}
    assert not {r.address for r in candidates if r.verdict} & others


# -- the digest -------------------------------------------------------------------------------------


def build(root: Path, **changes: Any) -> Plan:
    """One fixed plan in a world of its own, but for what is changed."""
    world = World(root)
    people = [{"email": f"p{n}@example.com", "name": f"N{n}", "agreed": "yes"} for n in range(6)]
    people += [{"email": "P1@example.com"}, {"email": "bad"}]
    people = changes.pop("people", lambda p: p)(people)
    world.profiles_are(people, {"agreed": FieldType.TEXT, "name": FieldType.TEXT})
    history = [{"address": f"p{n}@example.com", "contact": "{}", "content": 1} for n in (1, 2, 9)]
    history = changes.pop("history", lambda h: h)(history)
    given = {
        "fields": mapped("first_name=name"),
        "mode": Mode.MIRROR,
        "destination": world.reading(
            changes.pop("on_list", ["p1@example.com", "p2@example.com", "p9@example.com"])
        ),
        "deliveries": world.deliveries(history),
        "members": (world.segment(changes.pop("segment", "All"), changes.pop("chosen", None)),),
        **changes,
    }
    return world.plan(**given)


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The digest of the fixed plan."""
    return build(tmp_path_factory.mktemp("unchanged")).digest


def test_equal_input_gives_an_equal_digest_wherever_and_however_it_is_made(tmp_path: Path) -> None:
    """Another folder, plan id and snapshot id; other names for people; another packing of the same rows."""
    first = build(tmp_path / "a")
    again = build(tmp_path / "b", name="Renamed", list_name="Also renamed")
    assert (first.digest, first.id != again.id) == (again.digest, True)
    assert len(first.digest) == 64


@pytest.mark.parametrize(
    "change",
    [
        {"people": lambda p: [{**p[0], "name": "Other"}, *p[1:]]},
        {"people": lambda p: p[:-1]},
        {"people": lambda p: [*p[:-1], {"email": "bad2"}]},
        {"people": lambda p: [p[1], p[0], *p[2:]]},
        {"people": lambda p: [{**p[0], "id": "X"}, *p[1:]]},
        {"history": lambda h: h[:-1]},
        {"history": lambda h: [{**h[0], "contact": '{"a":1}'}, *h[1:]]},
        {"history": lambda h: [*h[:-1], {**h[-1], "exports": [EXPORT, "exp-2"]}]},
        {"on_list": ["p1@example.com", "p2@example.com"]},
        {"segment": "Others"},
        {"chosen": [0, 1, 2]},
        {"fields": mapped("last_name=name")},
        {"fields": mapped("first_name=name", transforms=("trim",))},
        {"fields": (*mapped("first_name=name"), MappedField(target="city", constant="Oslo"))},
        {"mode": Mode.ADD_AND_UPDATE},
        {"consent": ConsentRule(field="agreed")},
        {"resend_unchanged": True},
        {"newest_by": "name"},
        {"guards": {"removals_count": 7}},
        {"account_id": "acc-2", "destination": None},
        {"most_contacts": 2},
    ],
    ids=lambda change: "-".join(change),
)
def test_any_change_gives_another_digest(unchanged: str, tmp_path: Path, change: dict[str, Any]) -> None:
    """Of a row, of what is not sent, of a removal, of the mapping or of what is approved with it."""
    assert build(tmp_path, **change).digest != unchanged


def test_the_renaming_of_a_custom_field_is_another_plan(tmp_path: Path) -> None:
    """Its name is what is sent."""
    fields = mapped("cf:1=name")
    one, other = (build(tmp_path / n, fields=fields, custom_fields={"1": n}) for n in ("a", "b"))
    assert one.digest != other.digest


# -- the folder -------------------------------------------------------------------------------------


def test_a_plan_is_read_back_as_it_was_made(tmp_path: Path) -> None:
    """From its folder alone."""
    plan = build(tmp_path)
    assert load_plan(plan.path.parent, hashes=True) == plan
    names = "seq profile_id address verdict reason winner warnings segments contact batch line"
    assert " ".join(pq.read_table(plan.path).column_names) == names


def test_a_changed_file_is_found(tmp_path: Path) -> None:
    """A byte with hashes, a missing or short file always."""
    plan = build(tmp_path)
    original = plan.path.read_bytes()
    plan.path.write_bytes(original.replace(b"p0", b"q0"))
    load_plan(plan.path.parent)
    with pytest.raises(StoreTrouble, match=r"plan\.parquet"):
        load_plan(plan.path.parent, hashes=True)
    plan.path.write_bytes(original[:-1])
    with pytest.raises(StoreTrouble, match=r"plan\.parquet"):
        load_plan(plan.path.parent)
    plan.path.unlink()
    with pytest.raises(StoreTrouble, match=r"plan\.parquet"):
        load_plan(plan.path.parent)


def test_a_folder_is_used_once_and_never_half(world: World, tmp_path: Path) -> None:
    """An error leaves nothing behind; a second plan of the same name is refused."""
    world.profiles_are([{"email": "a@example.com"}])
    folder = tmp_path / "plans" / "plan-1"
    with pytest.raises(BadInput):
        world.plan(folder=folder, most_bytes=70)
    assert list(folder.parent.iterdir()) == []
    world.plan(folder=folder)
    with pytest.raises(Conflict):
        world.plan(folder=folder)
    assert [p.name for p in folder.parent.iterdir()] == ["plan-1"]


def test_members_of_another_snapshot_are_refused(world: World) -> None:
    """Their rows would be other people."""
    world.profiles_are([{"email": "a@example.com"}])
    old = world.segment()
    world.profiles_are([{"email": "b@example.com"}])
    with pytest.raises(BadInput, match="another snapshot"):
        world.plan(members=(old,))


def test_many_slices_keep_the_order_of_the_profiles(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """More candidates than are mapped in one go."""
    monkeypatch.setattr("ccexport.plan.make.SLICE", 700)
    monkeypatch.setattr("ccexport.plan.make._GRAIN", 300)
    world.profiles_are([{"email": f"p{n}@example.com"} for n in range(5_000)])
    plan = world.plan(members=(world.segment("S", [n for n in range(5_000) if n % 3]),), most_contacts=999)
    bodies = [c["email"] for body in bodies_of(plan) for c in json.loads(body)["import_data"]]
    assert bodies == [f"p{n}@example.com" for n in range(5_000) if n % 3]
    assert [b.contacts for b in plan.batches] == [999, 999, 999, 336]
