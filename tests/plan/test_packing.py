"""Request bodies: nothing lost, repeated or over the limits, for any text."""

import hashlib
import json
from itertools import accumulate, pairwise

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccexport.errors import BadInput
from ccexport.plan.pack import MOST_BYTES, MOST_CONTACTS, Packer, request_body

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
TRICKY = st.text('"\\{}[],:\u2028\u2029\x00\x07\n👩‍👧é', max_size=20)
FRAME = len(b'{"import_data":[') + len(b'],"list_ids":["L"]}')


def pack(chunks: list[list[str]], most_bytes: int, most_contacts: int = 1_000) -> Packer:
    packer = Packer(["L"], most_bytes=most_bytes, most_contacts=most_contacts)
    placed = [packer.add(pa.array(chunk, pa.string())) for chunk in chunks]
    packer.close()
    packer.places = [  # type: ignore[attr-defined]
        (int(b), int(n)) for numbers, lines in placed for b, n in zip(numbers, lines, strict=True)
    ]
    return packer


def bodies(packer: Packer, chunks: list[list[str]]) -> list[bytes]:
    """The bytes of every request, made from the contacts in the order in which they came."""
    flat = pa.chunked_array([pa.array(chunk, pa.string()) for chunk in chunks], pa.string())
    ends = [0, *accumulate(batch.contacts for batch in packer.batches)]
    return [request_body(flat.slice(a, b - a), ["L"]) for a, b in pairwise(ends)]


@given(
    chunks=st.lists(st.lists(st.one_of(TEXT, TRICKY), max_size=15), max_size=5),
    spare=st.integers(0, 300),
    most_contacts=st.integers(1, 12),
)
def test_every_contact_is_in_one_body_once_in_order_and_none_is_over_full(
    chunks: list[list[str]], spare: int, most_contacts: int
) -> None:
    """However the contacts arrive, and with limits so small that every border is met."""
    texts = [[json.dumps({"email": t}, ensure_ascii=False) for t in chunk] for chunk in chunks]
    flat = [t for chunk in texts for t in chunk]
    most_bytes = FRAME + max((len(t.encode()) for t in flat), default=0) + spare
    packer = pack(texts, most_bytes, most_contacts)
    made = bodies(packer, texts)
    assert [json.loads(t) for t in flat] == [c for b in made for c in json.loads(b)["import_data"]]
    places = []
    for batch, body in zip(packer.batches, made, strict=True):
        read = json.loads(body)
        assert (len(body), hashlib.sha256(body).hexdigest()) == (batch.bytes, batch.sha256)
        assert batch.bytes <= most_bytes
        assert 1 <= batch.contacts == len(read["import_data"]) <= most_contacts
        assert read["list_ids"] == ["L"]
        places += [(batch.number, line) for line in range(batch.contacts)]
    assert places == packer.places  # type: ignore[attr-defined]
    for batch, following in zip(packer.batches, made[1:], strict=False):
        first = json.dumps(json.loads(following)["import_data"][0], ensure_ascii=False).encode()
        full = batch.contacts == most_contacts or batch.bytes + 1 + len(first) > most_bytes
        assert full, "the next contact would have fitted"


def test_the_bytes_are_the_contacts_between_a_fixed_frame() -> None:
    """Exactly what is sent, however many pieces it came in."""
    sent = b'{"import_data":[{"a":1},{"b":2}],"list_ids":["L"]}'
    for chunks in ([['{"a":1}', '{"b":2}']], [['{"a":1}'], [], ['{"b":2}']]):
        packer = pack(chunks, 1_000)
        (batch,) = packer.batches
        assert bodies(packer, chunks) == [sent]
        assert (batch.number, batch.contacts, batch.bytes) == (1, 2, len(sent))


def test_an_erased_contact_leaves_its_line_empty() -> None:
    """So that the others keep theirs."""
    body = request_body(pa.array(['{"a":1}', None, '{"b":2}']), ["L"])
    assert json.loads(body)["import_data"] == [{"a": 1}, {}, {"b": 2}]


def test_nothing_to_send_makes_no_body() -> None:
    """An empty request would be refused."""
    assert pack([[]], 1_000).batches == []


def test_a_contact_that_fits_no_request_is_refused() -> None:
    """It cannot happen with bounded fields; in silence it would be cut at 4 MB."""
    packer = Packer(["L"], most_bytes=60)
    with pytest.raises(BadInput, match="fits no request"):
        packer.add(pa.array(["{" + "x" * 60 + "}"]))


def test_the_limits_stay_below_those_of_constant_contact() -> None:
    """4 MB, in either meaning, and 40,000."""
    assert MOST_BYTES < 4_000_000
    assert MOST_CONTACTS < 40_000
