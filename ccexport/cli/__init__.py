"""The command line: data on stdout, messages on stderr, documented exit codes.

Must never import streamlit; it works through the use cases.
"""
