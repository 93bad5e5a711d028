"""Reads a file in pieces, for an answer that is sent while it is read. Must never hold all of it in memory."""

from collections.abc import Iterator
from typing import BinaryIO

PIECE = 1_000_000


def pieces(file: BinaryIO) -> Iterator[bytes]:
    """Yield the file in pieces, and close it."""
    with file:
        while piece := file.read(PIECE):
            yield piece
