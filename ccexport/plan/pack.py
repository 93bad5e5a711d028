"""Cuts the contacts into request bodies, as slices of the text Arrow already holds.

Owns the two limits of a request and the exact bytes of a body. Must never loop over single contacts,
and never make a body that Constant Contact would read only in part.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ccexport.errors import BadInput
from ccexport.model.plans import PlannedBatch

# A body must be smaller than 4 MB; the rest is dropped without an error, with a 201. Whether a
# megabyte has 1,000,000 or 1,048,576 bytes is not documented, so this stays below both:
# https://developer.constantcontact.com/api_guide/import_contacts.html
MOST_BYTES = 3_900_000
# At most 40,000 contacts; in a file one of the lines is the header, so this stays below it:
# https://developer.constantcontact.com/api_guide/import_contacts.html
MOST_CONTACTS = 39_000

Ints = npt.NDArray[np.int64]


class Packer:
    """Takes batches of contacts in order and writes request bodies into `folder`.

    The folder is not published yet: its maker does that when it is complete.

    Every body is as full as the limits allow before the next one begins.
    """

    def __init__(
        self,
        folder: Path,
        list_ids: Sequence[str],
        *,
        most_bytes: int = MOST_BYTES,
        most_contacts: int = MOST_CONTACTS,
    ) -> None:
        self._folder = folder
        self._head = b'{"import_data":['
        self._tail = b'],"list_ids":' + json.dumps(list(list_ids)).encode() + b"}"
        # The comma after the last contact is not written, so it is not counted.
        self._room = most_bytes - len(self._head) - len(self._tail) + 1
        self._most_contacts = most_contacts
        self._file: BinaryIO | None = None
        self._hash = hashlib.sha256()
        self._used = 0
        self._count = 0
        self.batches: list[PlannedBatch] = []
        # Another thread waits for the disk, while the next body is cut.
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="outbox")
        self._kept: list[Future[None]] = []
        folder.mkdir(exist_ok=True)

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
            self._write(data[offsets[start] : offsets[end]])
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
        if self._file is None:
            size = int(offsets[start + 1] - offsets[start])
            raise BadInput("One contact has {size} bytes and fits no request; map fewer fields.", size=size)
        self._close()

    def _write(self, piece: memoryview) -> None:
        if self._file is None:
            self._file = self._path().open("wb")
            self._hash = hashlib.sha256()
            self._put(memoryview(self._head))
        # The comma after this piece is held back until another contact follows.
        if self._used:
            self._put(memoryview(b","))
        self._used += len(piece)
        self._put(piece[:-1])

    def _put(self, piece: memoryview) -> None:
        assert self._file is not None  # noqa: S101
        self._file.write(piece)
        self._hash.update(piece)

    def _path(self) -> Path:
        return self._folder / f"{len(self.batches) + 1:04d}.json"

    def _close(self) -> None:
        if self._file is None:
            return
        self._put(memoryview(self._tail))
        size = self._file.tell()
        self._file.flush()
        path = self._path()
        self._kept.append(self._disk.submit(_keep, self._file))
        self.batches.append(
            PlannedBatch(len(self.batches) + 1, path, self._count, size, self._hash.hexdigest())
        )
        self._file, self._used, self._count = None, 0, 0

    def close(self) -> tuple[PlannedBatch, ...]:
        """End the last body; return all of them once they are on disk."""
        self._close()
        for kept in self._kept:
            kept.result()
        self._disk.shutdown()
        return tuple(self.batches)


def _keep(file: BinaryIO) -> None:
    os.fsync(file.fileno())
    file.close()
