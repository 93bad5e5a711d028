"""A local double of Constant Contact's V3 API, built to catch a client out.

Owns everything the other side of the wire does: consent, tokens, limits, imports, activities and
reads. Must never import anything else of this project: a witness that shares code with the
accused repeats its mistakes.
"""
