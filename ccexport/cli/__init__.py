"""The command line: data on stdout, narration on stderr, documented exit codes.

Must never import streamlit, and knows nothing below the use cases.
"""
