"""Every reason and every verdict by an example, and the order in which reasons are looked for."""

from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ccexport.model.exports import ConsentRule, Refusal
from ccexport.model.words import FieldType, Mode, Reason, Verdict
from ccexport.plan.reading import PlanRow, addresses_of, rows
from tests.plan.factories import EXPORT, World, mapped

CONSENT = ConsentRule(field="agreed")


def fates(world: World, **changes: Any) -> list[str]:
    """The verdict or reason of each row, in order."""
    return [str(r.verdict or r.reason) for r in rows(world.plan(**changes))]


def only(world: World, **changes: Any) -> PlanRow:
    (row,) = rows(world.plan(**changes))
    return row


@pytest.mark.parametrize(
    ("email", "reason"),
    [
        (None, Reason.NO_EMAIL),
        ("  ", Reason.NO_EMAIL),
        ("kari at example.com", Reason.INVALID_EMAIL),
        ("k" * 50 + "@example.com", Reason.EMAIL_TOO_LONG),
    ],
)
def test_an_address_that_cannot_be_used_is_the_reason(
    world: World, email: str | None, reason: Reason
) -> None:
    """And the row shows what stands there."""
    world.profiles_are([{"email": email}])
    row = only(world)
    assert (row.reason, row.verdict, row.contact, row.batch) == (reason, None, None, None)
    assert row.address == (email or None)


@pytest.mark.parametrize("entry", ["kari@example.com", "example.com", "@Example.com", " KARI@example.com "])
def test_an_address_or_its_domain_is_suppressed(world: World, entry: str) -> None:
    """Entries are compared as addresses are: trimmed, in small letters."""
    world.profiles_are([{"email": "Kari@Example.com"}, {"email": "ola@sub.example.com"}])
    suppression = world.addresses([entry, "someone@else.org"])
    assert fates(world, suppression=suppression) == ["suppressed", "add"]


def test_consent_must_be_given(world: World) -> None:
    """Compared as text, case ignored; nothing known is not consent."""
    answers = ["Yes", "no", None, " ja ", "maybe"]
    world.profiles_are([{"email": f"p{n}@example.com", "agreed": a} for n, a in enumerate(answers)])
    assert fates(world, consent=CONSENT) == ["add", "no_consent", "no_consent", "add", "no_consent"]


def test_consent_may_be_a_boolean(world: World) -> None:
    """The usual type of such a field."""
    world.profiles_are(
        [{"email": f"p{n}@example.com", "agreed": a} for n, a in enumerate([True, False, None])],
        {"agreed": FieldType.BOOLEAN},
    )
    assert fates(world, consent=CONSENT) == ["add", "no_consent", "no_consent"]


@pytest.mark.parametrize(
    ("kind", "answers", "word"),
    [
        (FieldType.BOOLEAN, [True, False, None], "yes"),
        (FieldType.BOOLEAN, [True, False, None], "Ja"),
        (FieldType.BOOLEAN, [False, True, None], "no"),
        (FieldType.NUMBER, [1.0, 0.0, None], "1"),
        (FieldType.NUMBER, [1, 0, None], "1.0"),
        (FieldType.NUMBER, [10, 1, None], "10"),
    ],
)
def test_consent_is_named_as_the_file_has_it(
    world: World, kind: FieldType, answers: list[bool | float | None], word: str
) -> None:
    """Though a column of yes and no is stored as true and false, and a 1 may have become 1.0."""
    world.profiles_are(
        [{"email": f"p{n}@example.com", "agreed": a} for n, a in enumerate(answers)], {"agreed": kind}
    )
    consent = ConsentRule(field="agreed", values=(word,))
    assert fates(world, consent=consent) == ["add", "no_consent", "no_consent"]


def test_one_refusal_counts_for_every_profile_with_the_address(world: World) -> None:
    """Even of a profile outside of the segments; not knowing refuses nothing."""
    world.profiles_are(
        [
            {"email": "a@example.com", "agreed": "yes"},
            {"email": "A@example.com", "agreed": "no"},
            {"email": "b@example.com", "agreed": "yes"},
            {"email": "B@example.com", "agreed": None},
        ]
    )
    found = rows(world.plan(consent=CONSENT, members=(world.segment("S", [0, 2, 3]),)))
    assert [str(r.verdict or r.reason) for r in found] == ["no_consent", "add", "no_consent"]
    assert found[0].warnings == ("consent:refused_elsewhere",)


@pytest.mark.parametrize(
    ("kind", "answers", "values"),
    [
        (FieldType.TEXT, ["1", None, "0", "ON HOLD"], ("1", "on hold")),
        (FieldType.BOOLEAN, [True, None, False, True], ("1",)),
        (FieldType.BOOLEAN, [True, None, False, True], ("oui",)),
        (FieldType.BOOLEAN, [False, None, True, False], ("nein",)),
        (FieldType.NUMBER, [1.0, None, 0.0, 1.0], ("1",)),
    ],
)
def test_a_refusal_says_no_while_empty_says_nothing(
    world: World, kind: FieldType, answers: list[Any], values: tuple[str, ...]
) -> None:
    """As in a column that only holds a mark for those who opted out."""
    world.profiles_are(
        [{"email": f"p{n}@example.com", "no_mail": a} for n, a in enumerate(answers)], {"no_mail": kind}
    )
    refusals = (Refusal(field="no_mail", values=values),)
    assert fates(world, refusals=refusals) == ["no_consent", "add", "add", "no_consent"]


def test_one_of_several_refusals_is_enough_and_counts_for_the_address(world: World) -> None:
    """Whatever consent says, and wherever the profile that refuses is."""
    world.profiles_are(
        [
            {"email": "a@example.com", "agreed": "yes", "out": None, "hold": "bounced"},
            {"email": "b@example.com", "agreed": "yes", "out": None, "hold": None},
            {"email": "B@example.com", "agreed": "yes", "out": "true", "hold": None},
            {"email": "c@example.com", "agreed": "yes", "out": "false", "hold": None},
            {"email": "d@example.com", "agreed": None, "out": None, "hold": None},
        ]
    )
    refusals = (Refusal(field="out", values=("true",)), Refusal(field="hold", values=("Bounced", "spam")))
    members = (world.segment("S", [0, 1, 3, 4]),)
    found = rows(world.plan(consent=CONSENT, refusals=refusals, members=members))
    assert [str(r.verdict or r.reason) for r in found] == ["no_consent", "no_consent", "add", "no_consent"]
    assert found[1].warnings == ("consent:refused_elsewhere",)


def test_a_refusal_is_part_of_what_is_approved(world: World) -> None:
    """Also where nobody holds its value yet; an export without one keeps the digest it had."""
    world.profiles_are([{"email": "a@example.com", "out": None}])
    none, one = world.plan(), world.plan(refusals=(Refusal(field="out", values=("1",)),))
    assert fates(world, refusals=(Refusal(field="out", values=("1",)),)) == ["add"]
    assert none.digest != one.digest
    assert none.digest == world.plan(refusals=()).digest


def test_the_unsubscribed_are_left_alone(world: World) -> None:
    """Even when the list still has them."""
    world.profiles_are([{"email": "a@example.com"}, {"email": "b@example.com"}])
    reading = world.reading(on_list=["a@example.com"], unsubscribed=["A@Example.com"])
    assert fates(world, destination=reading) == ["unsubscribed", "add"]


@pytest.mark.parametrize(
    ("state", "on_list", "fate"),
    [
        ("on_list", False, "left_list"),
        ("left", False, "left_list"),
        ("left", True, "update"),
        ("removed", False, "add"),
        ("missing", False, "add"),
        ("unknown", False, "add"),
        ("rejected", False, "add"),
        ("missing", True, "update"),
        ("on_list", True, "unchanged"),
    ],
)
def test_what_became_of_a_delivery_decides(world: World, state: str, on_list: bool, fate: str) -> None:
    """Who left by their own hand is never put back; what failed is tried again."""
    world.profiles_are([{"email": "a@example.com"}])
    first = only(world)
    deliveries = world.deliveries(
        [{"address": "a@example.com", "state": state, "contact": first.contact, "content": _content(world)}]
    )
    reading = world.reading(["a@example.com"] if on_list else [])
    assert fates(world, deliveries=deliveries, destination=reading) == [fate]


def _content(world: World) -> int:
    return world.content(rows(world.plan())[0].contact)


def test_what_was_delivered_is_known_even_if_its_number_means_nothing_any_more(world: World) -> None:
    """Numbers of another DuckDB, or of the first version, are made anew from the text."""
    world.profiles_are([{"email": f"{n}@example.com"} for n in range(3)])
    sent = [r.contact for r in rows(world.plan())]
    old = [{"address": f"{n}@example.com", "contact": sent[n], "content": n} for n in range(2)]
    never = {"address": "2@example.com", "contact": sent[2]}
    reading = world.reading([f"{n}@example.com" for n in range(3)])
    known = world.deliveries([*old, never])
    assert fates(world, deliveries=known, destination=reading) == ["unchanged", "unchanged", "update"]
    first = pq.read_table(known)
    words = pa.array(["9e107d9d372bb6826bd81d3542a419d6", "e4d909c290d0fb1ca068ffaddf22cbd0", None])
    pq.write_table(first.set_column(first.column_names.index("content"), "content", words), known)
    assert fates(world, deliveries=known, destination=reading) == ["unchanged", "unchanged", "update"]


def test_on_the_list_but_never_delivered_is_an_update(world: World) -> None:
    """Somebody else put them there; we do not know with what."""
    world.profiles_are([{"email": "a@example.com"}])
    assert fates(world, destination=world.reading(["a@example.com"])) == ["update"]


def test_other_content_than_delivered_is_an_update(world: World) -> None:
    """And the row knows what it replaces."""
    world.profiles_are([{"email": "a@example.com", "name": "Kari"}])
    before = '{"email":"a@example.com","first_name":"Karin"}'
    deliveries = world.deliveries([{"address": "a@example.com", "contact": before, "content": 1}])
    reading = world.reading(["a@example.com"])
    row = only(world, fields=mapped("first_name=name"), deliveries=deliveries, destination=reading)
    assert (row.verdict, row.before) == (Verdict.UPDATE, before)


def test_unchanged_is_sent_only_when_asked(world: World) -> None:
    """The verdict stays the same."""
    world.profiles_are([{"email": "a@example.com"}])
    known = world.deliveries([{"address": "a@example.com", "content": _content(world)}])
    reading = world.reading(["a@example.com"])
    for resend, sent in ((False, 0), (True, 1)):
        plan = world.plan(deliveries=known, destination=reading, resend_unchanged=resend)
        assert (plan.verdicts[Verdict.UNCHANGED], plan.to_send) == (1, sent)


def test_without_a_reading_nobody_is_said_to_have_left(world: World) -> None:
    """ "Cannot tell" is not "gone": what was delivered is taken to be there."""
    world.profiles_are([{"email": "a@example.com"}, {"email": "b@example.com"}])
    known = world.deliveries([{"address": "a@example.com", "content": _content(world)}])
    plan = world.plan(deliveries=known, destination=None)
    assert plan.destination_read_at is None
    assert [str(r.verdict) for r in rows(plan)] == ["unchanged", "add"]


def test_of_duplicates_the_newest_stays_then_the_smallest_id(world: World) -> None:
    """And the others name the winner."""
    world.profiles_are(
        [
            {"id": "b", "email": "x@example.com", "at": "2026-01-01"},
            {"id": "c", "email": " X@example.com", "at": "2026-02-01"},
            {"id": "a", "email": "x@Example.com", "at": "2026-02-01"},
            {"id": "d", "email": "x@example.com", "at": None},
        ]
    )
    found = rows(world.plan(newest_by="at"))
    assert [(str(r.verdict or r.reason), r.winner) for r in found] == [
        ("duplicate", "a"),
        ("duplicate", "a"),
        ("add", None),
        ("duplicate", "a"),
    ]


def test_the_snapshots_own_update_time_is_the_default_rule(world: World) -> None:
    """Without "newest by", what the profiles say of themselves."""
    rows_ = [{"email": "x@example.com", "seen": s} for s in ("2026-01-01", "2026-03-01")]
    world.profiles_are(rows_, updated_field="seen")
    assert fates(world) == ["duplicate", "add"]


def test_an_address_field_the_snapshot_has_not_checked(world: World) -> None:
    """Is checked when it is planned; the rest is the same."""
    world.profiles_are([{"mail": "x@example.com"}, {"mail": "X@example.com"}, {"mail": "no"}, {"mail": None}])
    assert fates(world, email="mail") == ["add", "duplicate", "invalid_email", "no_email"]


def test_an_internationalised_domain_is_written_in_ascii(world: World) -> None:
    """And is the same address however it was spelt."""
    world.profiles_are([{"email": "o@Bücher.example.org"}, {"email": "o@xn--bcher-kva.example.org"}])
    found = rows(world.plan())
    assert [str(r.verdict or r.reason) for r in found] == ["add", "duplicate"]
    assert found[0].address == "o@xn--bcher-kva.example.org"


def test_contacts_over_the_limit_stay_behind_in_plan_order(world: World) -> None:
    """Those left out for another reason take no place."""
    world.profiles_are([{"email": None}, *({"email": f"p{n}@example.com"} for n in range(4))])
    plan = world.plan(guards={"contacts_maximum": 2})
    assert [str(r.verdict or r.reason) for r in rows(plan)] == ["no_email", "add", "add", *["over_limit"] * 2]
    assert [g.name for g in plan.guards] == ["contacts_maximum"]


def test_the_first_reason_that_holds_is_given(world: World) -> None:
    """Suppressed before no consent, before unsubscribed, before left."""
    world.profiles_are([{"email": "a@example.com", "agreed": "no"}])
    everything: dict[str, Any] = {
        "suppression": world.addresses(["a@example.com"]),
        "consent": CONSENT,
        "destination": world.reading(unsubscribed=["a@example.com"]),
        "deliveries": world.deliveries([{"address": "a@example.com"}]),
    }
    for expected, drop in (
        ("suppressed", "suppression"),
        ("no_consent", "consent"),
        ("unsubscribed", "destination"),
        ("left_list", "deliveries"),
    ):
        assert fates(world, **everything) == [expected]
        everything.pop(drop)


# -- mirror -----------------------------------------------------------------------------------------


def mirror(world: World, addresses: list[str], **changes: Any) -> Any:
    """A mirror plan of an export that holds these addresses on the list."""
    changes.setdefault("deliveries", world.deliveries([{"address": a} for a in addresses]))
    return world.plan(mode=Mode.MIRROR, destination=world.reading(addresses), **changes)


def test_who_left_the_segments_is_removed_in_mirror_mode_only(world: World) -> None:
    """By address, after the candidates; nothing is sent for them."""
    world.profiles_are([{"email": "a@example.com"}])
    held = world.deliveries([{"address": "gone@example.com", "profile_id": "P9", "contact": "{}"}])
    reading = world.reading(["gone@example.com"])
    assert addresses_of(world.plan(deliveries=held, destination=reading), Verdict.REMOVE) == []
    plan = world.plan(deliveries=held, destination=reading, mode=Mode.MIRROR)
    last = rows(plan)[-1]
    assert (last.verdict, last.profile_id, last.contact, last.before) == (Verdict.REMOVE, "P9", None, "{}")
    assert (plan.candidates, plan.verdicts[Verdict.REMOVE]) == (1, 1)


def test_only_what_this_export_put_there_and_is_there_is_removed(world: World) -> None:
    """Not what others hold, not what is gone already; but what showed there late is ours."""
    world.profiles_are([{"email": "a@example.com"}])
    held = world.deliveries(
        [
            {"address": "theirs@example.com", "exports": ["exp-2"]},
            {"address": "nobodys@example.com", "exports": []},
            {"address": "late@example.com", "state": "missing"},
            {"address": "left@example.com"},
        ]
    )
    reading = world.reading(
        ["theirs@example.com", "nobodys@example.com", "late@example.com", "x@example.com"]
    )
    plan = world.plan(deliveries=held, destination=reading, mode=Mode.MIRROR)
    assert addresses_of(plan, Verdict.REMOVE) == ["late@example.com"]


def test_what_another_export_still_holds_is_only_let_go(world: World) -> None:
    """It is counted, and stays on the list."""
    world.profiles_are([{"email": "a@example.com"}])
    held = world.deliveries([{"address": "b@example.com", "exports": [EXPORT, "exp-2"]}])
    plan = mirror(world, ["b@example.com"], deliveries=held)
    assert plan.verdicts[Verdict.REMOVE] == 0
    assert plan.warnings["held_by_other"] == 1


def test_candidates_are_not_removed_when_a_twin_is_sent_or_the_limit_is_reached(world: World) -> None:
    """Left out as a duplicate or over the limit is still in the segments."""
    world.profiles_are([{"email": "a@example.com"}, {"email": "A@example.com"}, {"email": "b@example.com"}])
    plan = mirror(world, ["a@example.com", "b@example.com"], guards={"contacts_maximum": 1})
    assert plan.reasons[Reason.DUPLICATE] == plan.reasons[Reason.OVER_LIMIT] == 1
    assert addresses_of(plan, Verdict.REMOVE) == []


def test_the_suppressed_and_those_without_consent_are_removed(world: World) -> None:
    """They must not get mail, so they do not stay; the row says why."""
    world.profiles_are(
        [
            {"email": "a@example.com", "agreed": "yes"},
            {"email": "b@example.com", "agreed": "no"},
            {"email": "c@example.com", "agreed": "yes"},
        ]
    )
    plan = mirror(
        world,
        ["a@example.com", "b@example.com", "c@example.com"],
        suppression=world.addresses(["a@example.com"]),
        consent=CONSENT,
    )
    assert [(r.address, r.warnings) for r in rows(plan, what="remove")] == [
        ("a@example.com", ("removal:suppressed",)),
        ("b@example.com", ("removal:no_consent",)),
    ]


def test_every_candidate_says_which_segments_it_came_from(world: World) -> None:
    """In the order of the export, each profile once."""
    world.profiles_are([{"email": f"p{n}@example.com"} for n in range(3)])
    plan = world.plan(members=(world.segment("Oslo", [0, 1]), world.segment("Loyal; gold", [1, 2])))
    assert [r.segments for r in rows(plan)] == [("Oslo",), ("Oslo", "Loyal, gold"), ("Loyal, gold",)]
    assert [r.profile_id for r in rows(plan, segment="Loyal; gold")] == ["P2", "P3"]
    assert plan.segments == {"Oslo": 2, "Loyal; gold": 2}


def test_of_several_addresses_in_a_cell_the_first_is_sent_with_a_warning(world: World) -> None:
    """What stands around an address is not part of it; a cell with one address needs no warning."""
    cells = ["x@; C1@example.com, c2@example.com", "Bo Ek <bo@example.com>", "mailto:ann@example.com"]
    world.profiles_are([{"email": cell} for cell in cells])
    found = [(r.address, r.warnings) for r in rows(world.plan())]
    assert found == [
        ("c1@example.com", ("email:first_of_several",)),
        ("bo@example.com", ()),
        ("ann@example.com", ()),
    ]


def test_a_role_address_is_sent_with_a_warning(world: World) -> None:
    """It is somebody's address, though seldom a person's."""
    world.profiles_are([{"email": "info@example.com"}])
    row = only(world)
    assert (row.verdict, row.warnings) == (Verdict.ADD, ("email:role_address",))
