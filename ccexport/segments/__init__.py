"""Segments: the rule tree, its compilation to SQL, and the members of a segment in a snapshot.

Must never build SQL from values as text, and never decide what is sent to whom.
"""
