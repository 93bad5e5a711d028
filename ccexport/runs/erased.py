"""Addresses that were erased and must not come back, as salted hashes; no address is in the file.

Someone with the salt can still test guessed addresses, so this protects a person no better than the
suppression list does. Must never hold, log or return an address.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ccexport.files import locked, published
from ccexport.profiles.database import quote_path, quote_text

_FILE = "erased.parquet"


class ErasedList:
    """The erased addresses of one data directory, read from the file when created."""

    def __init__(self, root: Path) -> None:
        self._path = root / _FILE
        self._salt, self._hashes = self._read()

    def _read(self) -> tuple[str, frozenset[str]]:
        if not self._path.exists():
            return "", frozenset()
        table = pq.read_table(self._path)
        salt = (table.schema.metadata or {}).get(b"salt", b"").decode()
        return salt, frozenset(table["hash"].to_pylist())

    def __len__(self) -> int:
        return len(self._hashes)

    def __contains__(self, address: str) -> bool:
        return self._hash(address) in self._hashes

    def _hash(self, address: str) -> str:
        return hashlib.sha256((self._salt + address).encode()).hexdigest()

    @property
    def digest(self) -> str:
        """A short hash of the list's content."""
        return hashlib.sha256("".join(sorted(self._hashes)).encode()).hexdigest()[:16] if self._hashes else ""

    def add(self, address: str) -> None:
        """Add the normal form of an address; the file is complete at every moment."""
        with locked(self._path.with_suffix(".lock")):
            self._salt, self._hashes = self._read()
            self._salt = self._salt or os.urandom(16).hex()
            self._hashes |= {self._hash(address)}
            table = pa.table({"hash": sorted(self._hashes)}).replace_schema_metadata({"salt": self._salt})
            with published(self._path) as part:
                pq.write_table(table, part)

    def without(self, addresses: Iterable[str]) -> Iterator[str]:
        """Yield the addresses that were not erased."""
        if not self._hashes:
            yield from addresses
            return
        for address in addresses:
            if address.strip().lower() not in self:
                yield address

    def condition(self, address: str) -> str:
        """Return SQL: whether the address (SQL, in its normal form) was erased."""
        if not self._hashes:
            return "false"
        known = f"SELECT hash FROM read_parquet({quote_path(self._path)})"
        return f"coalesce(sha256({quote_text(self._salt)} || {address}) IN ({known}), false)"
