"""Sends the browser to one of our own routes, or on to Constant Contact, in the same tab.

The scripts are constant texts, so that the content security policy can list their hashes.
"""

import base64
import hashlib
from html import escape
from typing import NoReturn
from urllib.parse import urlsplit

import streamlit as st

_SCRIPT = "window.location.assign(document.getElementById('ccx-go').dataset.url)"
_POST = (
    "const form=document.createElement('form');form.method='post';"
    "form.action=document.getElementById('ccx-go').dataset.url;document.body.append(form);form.submit()"
)
SCRIPT_HASHES = tuple(
    base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in (_SCRIPT, _POST)
)


def goto(path: str) -> NoReturn:
    """Leave this page for `path` on this server and stop the script."""
    _leave(path, _SCRIPT)


def post(path: str) -> NoReturn:
    """Do the same by POST, for changes, so that a link from elsewhere cannot trigger them."""
    _leave(path, _POST)


def _leave(path: str, script: str) -> NoReturn:
    target = escape(local_path(path), quote=True)
    st.html(
        f'<div id="ccx-go" data-url="{target}"></div><script>{script}</script>',
        unsafe_allow_javascript=True,
    )
    st.stop()


def local_path(path: str | None) -> str:
    """Return `path` if it stays on this server, else the start page."""
    if not path or "\\" in path or any(ord(c) < 32 for c in path):
        return "/"
    parts = urlsplit(path)
    if parts.scheme or parts.netloc or not path.startswith("/") or path.startswith("//"):
        return "/"
    return path
