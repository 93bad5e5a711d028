"""Planning an export: decides what is sent to whom, freezes the plan, and names it by its digest.

Owns the mapping, the checks, de-duplication, the comparison with earlier deliveries, the guards and
the request bodies. Must never do network I/O, and never loop over contacts in Python.
"""
