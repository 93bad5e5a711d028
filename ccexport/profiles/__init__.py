"""Profiles: ingest of sources, immutable snapshots, browsing, and what an address is.

Must never change a snapshot once it is written.
"""
