"""Profiles: ingest of sources, immutable snapshots, browsing, and the rules for addresses.

Must never change a snapshot once it is written.
"""
