"""Cuts the contacts into request bodies, as slices of the text Arrow already holds.

Owns the two limits of a request and the exact bytes of a body. A plan keeps only the size and hash of each body;
its bytes are made from the plan's rows when they are sent. Must never loop over single contacts, and never make a
body that Constant Contact would read only in part.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ccexport.errors import BadInput
from ccexport.model.plans import PlannedBatch

# A body must be smaller than 4 MB; the rest is dropped without an error, with a 201. Whether a
# megabyte has 1,000,000 or 1,048,576 bytes is not documented, so this stays below both:
# https://developer.constantcontact.com/api_guide/import_contacts.html
MOST_BYTES = 3_900_000
# At most 40,000 contacts; in a file one of the lines is the header, so this stays below it:
# https://developer.constantcontact.com/api_guide/import_contacts.html
MOST_CONTACTS = 39_000

_HEAD = b'{"import_data":['
Ints = npt.NDArray[np.int64]


def request_body(contacts: pa.ChunkedArray, list_ids: Sequence[str]) -> bytes:
    """Return the exact bytes of one request with these contacts (JSON texts; an erased one, null, is empty)."""
    texts = pa.chunked_array([contacts]) if isinstance(contacts, pa.Array) else contacts
    text = pc.binary_join_element_wise(pc.fill_null(texts, "{}"), "", ",").combine_chunks()
    return _HEAD + _bytes_of(text)[:-1] + _tail(list_ids)


def planned_body(rows: Path, number: int, list_id: str) -> bytes:
    """Return the bytes of the plan's request `number` (from 1), made from its rows file, `plan.parquet`."""
    # Row groups without contacts of this request are skipped by their statistics.
    sent = pq.read_table(rows, columns=["contact"], filters=[("batch", "=", number)])
    return request_body(sent["contact"], [list_id])


def _bytes_of(text: pa.Array) -> bytes:
    """Return the bytes of all texts, one after the other."""
    ends = np.frombuffer(text.buffers()[1], np.int32)[text.offset : text.offset + len(text) + 1]
    return bytes(memoryview(text.buffers()[2])[ends[0] : ends[-1]])


def _tail(list_ids: Sequence[str]) -> bytes:
    return b'],"list_ids":' + json.dumps(list(list_ids)).encode() + b"}"


class Packer:
    """Takes batches of contacts in order and cuts them into request bodies.

    Every body is as full as the limits allow before the next one begins.
    """

    def __init__(
        self,
        list_ids: Sequence[str],
        *,
        most_bytes: int = MOST_BYTES,
        most_contacts: int = MOST_CONTACTS,
    ) -> None:
        self._tail = _tail(list_ids)
        # The comma after the last contact is not sent, so it is not counted.
        self._room = most_bytes - len(_HEAD) - len(self._tail) + 1
        self._most_contacts = most_contacts
        self._hash = hashlib.sha256()
        self._used = 0
        self._count = 0
        self.batches: list[PlannedBatch] = []

    def add(self, contacts: pa.Array) -> tuple[Ints, Ints]:
        """Pack these JSON texts (no nulls); return the batch number and the line of each."""
        if len(contacts) == 0:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        text = pc.binary_join_element_wise(contacts, "", ",").cast(pa.large_string())
        offsets = np.frombuffer(text.buffers()[1], np.int64)[text.offset : text.offset + len(text) + 1]
        data = memoryview(text.buffers()[2])
        numbers, lines = np.empty(len(text), np.int64), np.empty(len(text), np.int64)
        start = 0
        while start < len(text):
            end = self._end(offsets, start)
            if end == start:
                self._next(offsets, start)
                continue
            self._take(data[offsets[start] : offsets[end]])
            numbers[start:end] = len(self.batches) + 1
            lines[start:end] = np.arange(self._count, self._count + end - start)
            self._count += end - start
            start = end
        return numbers, lines

    def _end(self, offsets: Ints, start: int) -> int:
        """Return the first contact that does not fit into the current body."""
        by_bytes = int(np.searchsorted(offsets, offsets[start] + self._room - self._used, "right")) - 1
        return min(by_bytes, start + self._most_contacts - self._count, len(offsets) - 1)

    def _next(self, offsets: Ints, start: int) -> None:
        if not self._used:
            size = int(offsets[start + 1] - offsets[start])
            raise BadInput("One contact has {size} bytes and fits no request; map fewer fields.", size=size)
        self._close()

    def _take(self, piece: memoryview) -> None:
        # The comma after this piece is held back until another contact follows.
        self._hash.update(b"," if self._used else _HEAD)
        self._used += len(piece)
        self._hash.update(piece[:-1])

    def _close(self) -> None:
        if not self._used:
            return
        self._hash.update(self._tail)
        size = len(_HEAD) + self._used - 1 + len(self._tail)
        number = len(self.batches) + 1
        self.batches.append(PlannedBatch(number, self._count, size, self._hash.hexdigest()))
        self._hash, self._used, self._count = hashlib.sha256(), 0, 0

    def close(self) -> tuple[PlannedBatch, ...]:
        """End the last body; return all of them."""
        self._close()
        return tuple(self.batches)
