"""Signing in with an OpenID provider through `st.login`, when one is configured.

The provider identifies the person; the use case decides whether they may sign in, and the session is
ours, as after the form. Must never accept the same identity a second time.
"""

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import streamlit as st

from ccexport.errors import BadSettings, StoreTrouble
from ccexport.settings import load_settings
from ccexport.ui.app_state import STARTED, services
from ccexport.ui.cookies import ASKED, cookie
from ccexport.ui.redirect import local_path
from ccexport.ui.render import told
from ccexport.ui.session import origin
from ccexport.ui.texts import t

if TYPE_CHECKING:
    from ccexport.model.people import Person


def secrets_of_the_provider() -> dict[str, Any] | None:
    """Return the secrets that `st.login` needs; None when no provider is configured.

    All dashboards of one ledger sign its cookie with the same key, because behind a balancer a sign-in may
    begin at one dashboard and end at another.
    """
    try:
        settings = load_settings()
        if not settings.oidc_metadata_url:
            return None
        from ccexport.ledger.sealing import derived_secret  # slow to import, and only needed with a provider

        key = settings.secret_key.get_secret_value()
        cookie_secret = derived_secret(key, settings.data_dir, "cookie of the OpenID provider")
    except (BadSettings, StoreTrouble):
        return None  # the start reports it in one sentence
    # Streamlit's middleware signs the state of the sign-in, and is made before Streamlit reads these secrets.
    st.config._set_option("server.cookieSecret", cookie_secret, "ccexport")
    return {
        "auth": {
            "redirect_uri": f"{settings.base_url}/oauth2callback",
            "cookie_secret": cookie_secret,
            "client_id": settings.oidc_client_id,
            "client_secret": settings.oidc_client_secret.get_secret_value(),
            "server_metadata_url": settings.oidc_metadata_url,
        }
    }


def _configured() -> bool:
    return STARTED.settings is not None and bool(STARTED.settings.oidc_metadata_url)


def by_provider() -> "Person | None":
    """Return the person who just came back from the provider, once; show the reason if they may not sign in."""
    if not _configured() or not st.user.is_logged_in:
        return None
    with told():
        return services().people.sign_in_as(st.user.to_dict(), origin=origin())
    return None


def asked_page(here: str) -> str:
    """Return the page that was open before signing in with the provider, else `here`."""
    return local_path(unquote(cookie(ASKED) or here))


def provider_button() -> None:
    """Draw the button that opens the provider, below the form."""
    if STARTED.settings is None or not _configured():
        return
    name = STARTED.settings.oidc_name
    if st.button(t("Sign in with {provider}", provider=name), icon=":material/passkey:", width="stretch"):
        st.login()
