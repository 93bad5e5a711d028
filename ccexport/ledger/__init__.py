"""The ledger: small transactional rows (connections, exports, runs, people, audit, leases).

It uses SQLite in WAL mode or PostgreSQL through SQLAlchemy Core. Must never give SQLAlchemy objects
to the rooms above: they get values of `ccexport.model`.
"""

from ccexport.ledger.database import Lease
from ccexport.ledger.ledger import Ledger

__all__ = ["Lease", "Ledger"]
