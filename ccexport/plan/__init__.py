"""Planning an export: what would be sent to whom, decided once, frozen, and named by its digest.

Owns the mapping, the checks, de-duplication, the difference to what was delivered, the guards and
the request bodies. Must never do network I/O, and never loop over contacts in Python.
"""
