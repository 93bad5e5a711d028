"""Leads the browser to one of our own routes, or on to Constant Contact, in the same tab.

The script is one constant text, so that the content security policy can name it by its hash.
"""

import base64
import hashlib
from html import escape
from urllib.parse import urlsplit

import streamlit as st

_SCRIPT = "window.location.assign(document.getElementById('ccx-go').dataset.url)"
SCRIPT_HASH = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()


def goto(path: str) -> None:
    """Leave this page for `path` on this server and stop the script."""
    target = escape(local_path(path), quote=True)
    st.html(
        f'<div id="ccx-go" data-url="{target}"></div><script>{_SCRIPT}</script>',
        unsafe_allow_javascript=True,
    )
    st.stop()


def local_path(path: str | None) -> str:
    """`path` when it stays on this server, else the start page."""
    if not path or "\\" in path or any(ord(c) < 32 for c in path):
        return "/"
    parts = urlsplit(path)
    if parts.scheme or parts.netloc or not path.startswith("/") or path.startswith("//"):
        return "/"
    return path
