"""The pages a person sees at the authorisation server.

Owns their HTML and their content security policy. Must never reach outside: no script, no remote
asset, and every value escaped.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from html import escape
from urllib.parse import urlsplit

from starlette.responses import HTMLResponse

from ccexport.sandbox.roles import TITLES

_STYLE = """
:root{color-scheme:light dark;--ink:#1b2a3a;--soft:#5b6b7b;--line:#d7dee6;
--card:#fff;--page:#eef2f6;--go:#1656c4}@media(prefers-color-scheme:dark){:root{--ink:#e8eef4;
--soft:#9fb0c0;--line:#33414f;--card:#1a232d;--page:#10171e;--go:#4b8bf5}
}*{box-sizing:border-box}body{margin:0;min-height:100vh;display:grid;
place-items:center;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,sans-serif;
padding:1rem}main{background:var(--card);border:1px solid var(--line);
border-radius:12px;max-width:30rem;width:100%;padding:2rem}h1{font-size:1.3rem;
margin:0 0 .25rem}p{margin:.5rem 0}.soft{color:var(--soft);font-size:.9rem}
.mark{display:inline-block;font-size:.75rem;letter-spacing:.06em;
text-transform:uppercase;border:1px solid var(--line);border-radius:99px;
padding:.1rem .7rem;color:var(--soft);margin-bottom:1rem}ul{padding-left:1.2rem;
margin:.5rem 0 1rem}fieldset{border:1px solid var(--line);border-radius:8px;
margin:1rem 0;padding:.5rem 1rem}legend{padding:0 .4rem;color:var(--soft);
font-size:.9rem}label{display:block;padding:.35rem 0;cursor:pointer}
.buttons{display:flex;gap:.75rem;margin-top:1.25rem}button{font:inherit;
padding:.6rem 1.4rem;border-radius:8px;border:1px solid var(--line);
background:transparent;color:inherit;cursor:pointer}button.go{background:var(--go);
border-color:var(--go);color:#fff}button:focus-visible,input:focus-visible{outline:3px solid var(--go);
outline-offset:2px}code{word-break:break-all}
"""

SCOPES = {
    "contact_data": "See and change contacts, lists, custom fields and bulk activities",
    "account_read": "See the account's name and details",
    "account_update": "Change the account's details",
    "billing_data": "See the plan and the bills",
    "campaign_data": "See and change email campaigns",
    "offline_access": "Stay connected while you are away",
    "openid": "Know who you are",
    "profile": "Know your name",
    "email": "Know your email address",
}


def consent(
    app_name: str, scopes: Sequence[str], people: Sequence[tuple[int, str, str, str]], told: Mapping[str, str]
) -> HTMLResponse:
    """Who asks for what, as whom to answer, Allow and Deny. `people` is no, name, role, organisation."""
    asked = "".join(f"<li>{escape(SCOPES[scope])}</li>" for scope in scopes)
    choices = "".join(_choice(person, first=index == 0) for index, person in enumerate(people))
    hidden = "".join(
        f'<input type="hidden" name="{escape(key)}" value="{escape(value)}">' for key, value in told.items()
    )
    inside = (
        f"<h1>{escape(app_name)} asks for access</h1>"
        f"<p class=soft>If you allow it, it may:</p><ul>{asked}</ul>"
        f'<form method="post" action="authorize">{hidden}'
        f"<fieldset><legend>Answer as</legend>{choices}</fieldset>"
        '<div class="buttons"><button class="go" name="decision" value="allow">Allow</button>'
        '<button name="decision" value="deny">Deny</button></div></form>'
    )
    return _page("Allow access", inside, back_to=told.get("redirect_uri", ""))


def refusal(message: str) -> HTMLResponse:
    """400 without a redirect: the request itself cannot be trusted."""
    inside = f"<h1>400 Bad Request</h1><p>{escape(message)}</p>"
    return _page("Bad request", inside + "<p class=soft>You have not been sent back.</p>", status=400)


def device(user_code: str, people: Sequence[tuple[int, str, str, str]], message: str = "") -> HTMLResponse:
    """Where a person types the code a device shows."""
    choices = "".join(_choice(person, first=index == 0) for index, person in enumerate(people))
    inside = (
        f"<h1>Connect a device</h1><p>{escape(message)}</p>"
        '<form method="post" action="activate"><label>Code shown by the device '
        f'<input name="user_code" value="{escape(user_code)}" autocomplete="off"></label>'
        f"<fieldset><legend>Answer as</legend>{choices}</fieldset>"
        '<div class="buttons"><button class="go" name="decision" value="allow">Allow</button>'
        '<button name="decision" value="deny">Deny</button></div></form>'
    )
    return _page("Connect a device", inside)


def _choice(person: tuple[int, str, str, str], *, first: bool) -> str:
    no, name, role, organisation = person
    checked = " checked" if first else ""
    return (
        f'<label><input type="radio" name="person" value="{no}"{checked}> {escape(name)} '
        f"<span class=soft>{escape(TITLES.get(role, role))} of {escape(organisation)}</span></label>"
    )


def _page(title: str, inside: str, *, status: int = 200, back_to: str = "") -> HTMLResponse:
    mark = '<span class="mark">Sandbox, not Constant Contact</span>'
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><main>{mark}{inside}</main></body></html>"
    )
    return HTMLResponse(
        html, status, {"Content-Security-Policy": _policy(back_to), "Cache-Control": "no-store"}
    )


def _policy(back_to: str) -> str:
    hashed = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    parts = urlsplit(back_to)
    # Browsers apply form-action to the redirect that follows the form as well.
    back = f" {parts.scheme}://{parts.netloc}" if parts.netloc else ""
    return (
        f"default-src 'none'; style-src 'sha256-{hashed}'; base-uri 'none'; frame-ancestors 'none';"
        f" form-action 'self'{back}"
    )
