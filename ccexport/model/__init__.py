"""The vocabulary every room shares: frozen values and closed word lists.

Must never read a file, a clock, the network or the environment.
"""
