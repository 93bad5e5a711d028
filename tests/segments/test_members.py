"""Members: found once, kept, and the same whoever asks; segments of segments; member lists."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ccexport.errors import BadInput, NotFound
from ccexport.model.profiles import Members, Segment, Snapshot
from ccexport.model.words import SegmentKind
from ccexport.profiles.store import ProfileStore
from ccexport.segments.compare import moves, overlap, sizes
from ccexport.segments.members import MemberStore

Select = Callable[[Any], str]


def _segment(name: str, rule: Any = None, **more: Any) -> Segment:
    kind = SegmentKind.DYNAMIC if rule else SegmentKind.ALL
    return Segment(**({"id": f"segment-{name}", "name": name, "kind": kind, "rule": rule} | more))


def _lookup(*segments: Segment) -> Callable[[str], Segment]:
    named = {s.name: s for s in segments} | {s.id: s for s in segments}

    def find(name: str) -> Segment:
        if name not in named:
            raise NotFound(f"There is no segment {name}.")
        return named[name]

    return find


def _rows(members: Members) -> list[int]:
    return pq.read_table(members.path).column("_row").to_pylist()


OLD = {"field": "age", "op": "at_least", "value": 31}
VIP = {"field": "vip", "op": "is_true"}


def test_everybody_and_a_rule(store: MemberStore, snapshot: Snapshot) -> None:
    """Sorted row numbers of the snapshot, and the count."""
    assert _rows(store.members(_segment("all"), snapshot)) == list(range(7))
    found = store.members(_segment("old", OLD), snapshot)
    assert (_rows(found), found.count, found.unmatched) == ([1, 2], 2, 0)
    assert found.path.name == "segment-old-1.parquet"
    assert found.path.parent.name == snapshot.id


def test_members_are_found_once(store: MemberStore, snapshot: Snapshot) -> None:
    """The file is written once and then only read; a new version is a new file."""
    segment = _segment("old", OLD)
    first = store.members(segment, snapshot)
    written = first.path.stat().st_mtime_ns
    assert store.members(segment, snapshot) == first
    assert first.path.stat().st_mtime_ns == written
    second = store.members(replace(segment, version=2, rule=VIP), snapshot)
    assert second.path != first.path
    assert _rows(first) == [1, 2]


def test_relative_dates_are_found_anew_each_day(store: MemberStore, snapshot: Snapshot) -> None:
    """A birthday list made yesterday is not today's."""
    segment = _segment("birthdays", {"field": "born", "op": "anniversary_in_next", "value": "1 day"})
    assert _rows(store.members(segment, snapshot)) == [1, 3]
    later = store.members(segment, snapshot, on=date(2026, 12, 30))
    assert _rows(later) == [5]


def test_a_segment_in_a_segment(store: MemberStore, snapshot: Snapshot) -> None:
    """By id or name, and its negation."""
    old = _segment("old", OLD)
    lookup = _lookup(old)
    both = {"all": [{"op": "not_in_segment", "value": "old"}, VIP]}
    assert _rows(store.members(_segment("young", both), snapshot, lookup=lookup)) == [0, 3, 6]
    assert store.count_rule({"op": "in_segment", "value": old.id}, snapshot, lookup=lookup) == 2
    assert store.count_rule({"op": "not_in_segment", "value": old.id}, snapshot, lookup=lookup) == 5


def test_a_changed_segment_changes_those_that_refer_to_it(store: MemberStore, snapshot: Snapshot) -> None:
    """The members file of the outer one is not taken from before."""
    outer = _segment("outer", {"op": "in_segment", "value": "inner"})
    inner = _segment("inner", OLD)
    assert store.members(outer, snapshot, lookup=_lookup(inner)).count == 2
    changed = replace(inner, version=2, rule=VIP)
    assert store.members(outer, snapshot, lookup=_lookup(changed)).count == 3


def test_segments_cannot_contain_each_other(store: MemberStore, snapshot: Snapshot) -> None:
    """However long the circle is."""
    a = _segment("a", {"op": "in_segment", "value": "b"})
    b = _segment("b", {"none": [{"op": "not_in_segment", "value": "c"}]})
    c = _segment("c", {"op": "in_segment", "value": "a"})
    with pytest.raises(BadInput, match="cannot contain each other: a → b → c → a"):
        store.members(a, snapshot, lookup=_lookup(a, b, c))
    with pytest.raises(NotFound):
        store.members(a, snapshot, lookup=_lookup(a))


def test_sent_by_an_export(store: MemberStore, snapshot: Snapshot, tmp_path: Path) -> None:
    """Whoever keeps the history gives a file of profile ids."""
    asked: list[tuple[str, date | None]] = []

    def sent_by(export: str, since: date | None) -> Path:
        asked.append((export, since))
        pq.write_table(pa.table({"profile_id": ["a", "c", "x"]}), tmp_path / "sent.parquet")
        return tmp_path / "sent.parquet"

    rule = {"op": "sent_by_export", "value": {"export": "Spring", "n": 7, "unit": "days"}}
    assert store.count_rule(rule, snapshot, sent_by=sent_by) == 2
    assert store.count_rule({"op": "not_sent_by_export", "value": "Spring"}, snapshot, sent_by=sent_by) == 5
    assert asked == [("Spring", date(2026, 2, 22)), ("Spring", None)]
    assert store.members(_segment("sent", rule), snapshot, sent_by=sent_by).count == 2
    with pytest.raises(BadInput, match="what exports sent cannot be looked up here"):
        store.members(_segment("unknown", rule), snapshot)


def test_a_rule_that_does_not_fit_leaves_no_file(store: MemberStore, snapshot: Snapshot) -> None:
    """Nothing is half found."""
    with pytest.raises(BadInput, match="no field 'nope'"):
        store.members(_segment("bad", {"field": "nope", "op": "is_empty"}), snapshot)
    assert not list(store.folder.rglob("*.parquet"))


def _static(store: MemberStore, members: Path | list[str], version: int = 1) -> Segment:
    segment = _segment("list", kind=SegmentKind.STATIC, version=version)
    return replace(segment, members_path=store.keep_static(segment, members))


@pytest.mark.parametrize(
    ("text", "rows", "unmatched"),
    [
        pytest.param("id\na\nc\nzz\n", [0, 2], ["zz"], id="the id field"),
        pytest.param("profile_id\na\n", [0], [], id="profile_id"),
        pytest.param("Customer ID;name\na;x\nd;y\n", [0, 3], [], id="another id name, semicolons"),
        pytest.param("email\nASE@example.com \nB@mail.example.com\nno@x.no\n", [0, 1], ["no@x.no"], id="addresses"),
        pytest.param("name,E-mail\nx,ase@example.com\ny,broken\n", [0], ["broken"], id="an address column"),
        pytest.param("id,email\n,ase@example.com\nzz,c@example.org\nd,ase@example.com\n", [0, 2, 3], [], id="both"),
        pytest.param("a\nb\nc\n", [0, 1, 2], [], id="no header, ids"),
        pytest.param("ase@example.com\nd\n", [0, 3], [], id="no header, mixed"),
        pytest.param("\ufeffid\r\na\r\na\r\n\r\n", [0], [], id="BOM, CRLF, twice, a blank line"),
    ],
)  # fmt: skip
def test_a_member_list(
    store: MemberStore, snapshot: Snapshot, tmp_path: Path, text: str, rows: list[int], unmatched: list[str]
) -> None:
    """Ids or addresses; what matches nobody is counted and listed."""
    file = tmp_path / "list.csv"
    file.write_text(text, encoding="utf-8", newline="")
    segment = _static(store, file)
    found = store.members(segment, snapshot)
    assert (_rows(found), found.unmatched) == (rows, len(unmatched))
    assert store.unmatched(segment, snapshot) == unmatched


def test_a_member_list_that_is_none(store: MemberStore, tmp_path: Path) -> None:
    """One sentence that names the file."""
    file = tmp_path / "list.csv"
    file.write_text("name,city\nx,y\n", encoding="utf-8")
    with pytest.raises(
        BadInput, match=r"list\.csv has no column with profile ids or addresses; its header is name"
    ):
        _static(store, file)
    file.write_text("id\n\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"list\.csv holds no profile ids"):
        _static(store, file)
    with pytest.raises(BadInput, match=r"gone\.csv is not there"):
        _static(store, tmp_path / "gone.csv")
    with pytest.raises(BadInput, match="The list holds no profile ids"):
        _static(store, [" "])


def test_a_member_list_is_matched_in_every_snapshot(
    store: MemberStore, profiles: ProfileStore, snapshot: Snapshot, tmp_path: Path
) -> None:
    """Ids given as a list; a frozen segment keeps its members although the rule would change."""
    segment = _static(store, ["g", "a", "nobody"])
    assert (_rows(store.members(segment, snapshot)), store.members(segment, snapshot).unmatched) == (
        [0, 6],
        1,
    )
    frozen = _segment("frozen", kind=SegmentKind.STATIC)
    path = store.freeze(frozen, store.members(_segment("old", OLD), snapshot))
    assert _rows(store.members(replace(frozen, members_path=path), snapshot)) == [1, 2]


def test_overlap_counts_every_combination(
    store: MemberStore, profiles: ProfileStore, snapshot: Snapshot
) -> None:
    """Each profile is in exactly one of them."""
    segments = [_segment("all"), _segment("old", OLD), _segment("vip", VIP)]
    members = [store.members(s, snapshot) for s in segments]
    found = {o.segment_ids: o.profiles for o in overlap(snapshot, members)}
    assert found == {
        ("segment-all",): 2,
        ("segment-all", "segment-old"): 2,
        ("segment-all", "segment-vip"): 3,
    }
    with pytest.raises(BadInput, match="two to 5"):
        overlap(snapshot, members[:1])


def test_sizes_joiners_and_leavers(tmp_path: Path) -> None:
    """Across snapshots, by profile id; a snapshot without the field has no size."""
    now = [datetime(2026, 1, 1, tzinfo=UTC)]
    profiles = ProfileStore(tmp_path / "s", memory_limit="256MB", clock=lambda: now[0])
    snapshots = []
    for day, text in enumerate(
        ["id,n\na,1\nb,5\nc,9\n", "id,n\nc,9\nb,1\nd,7\na,0\n", "id,m\na,1\nb,2\n"], 1
    ):
        (tmp_path / "p.csv").write_text(text, encoding="utf-8")
        now[0] = datetime(2026, 1, day, tzinfo=UTC)
        snapshots.append(profiles.ingest([tmp_path / "p.csv"], accept_changes=True).snapshot)
    store = MemberStore(tmp_path / "s", profiles, clock=lambda: now[0])
    segment = _segment("big", {"field": "n", "op": "at_least", "value": 5})
    found = sizes(profiles.snapshots(), segment, store.members)
    assert [(s.members, s.profiles) for s in found] == [(2, 3), (2, 4), (None, 2)]
    first, second = ((s, store.members(segment, s)) for s in snapshots[:2])
    moved = moves(profiles, first, second)
    assert (moved.joined_ids, moved.left_ids) == (("d",), ("b",))
    assert (moved.joined, moved.left) == (1, 1)


def test_freezing_or_counting_leaves_no_temporary_files(store: MemberStore, snapshot: Snapshot) -> None:
    """Everything is written elsewhere and renamed."""
    store.members(_segment("old", OLD), snapshot)
    store.count_rule(VIP, snapshot)
    assert [p.name for p in store.folder.rglob("*") if p.is_file()] == ["segment-old-1.parquet"]
