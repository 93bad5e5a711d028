"""Signing in with an OpenID provider, by `st.login`, when one is configured.

The provider says who somebody is; whether they may come in is decided by the use case, and the session is
ours, as after the form. Must never trust what the provider said a second time.
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
    """What `st.login` wants to know; None when no provider is configured.

    Its cookie is signed with a key that all dashboards of one ledger share: behind a balancer the way to the
    provider may begin at one and end at another.
    """
    try:
        settings = load_settings()
        if not settings.oidc_metadata_url:
            return None
        from ccexport.ledger.sealing import derived_secret  # heavy, and only needed with a provider

        key = settings.secret_key.get_secret_value()
        cookie_secret = derived_secret(key, settings.data_dir, "cookie of the OpenID provider")
    except (BadSettings, StoreTrouble):
        return None  # said by the start, in one sentence
    # The state of the way there is signed by Streamlit's own middleware, made before it reads these secrets.
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
    """Who just came back from the provider, once; why not is shown."""
    if not _configured() or not st.user.is_logged_in:
        return None
    with told():
        return services().people.sign_in_as(st.user.to_dict(), origin=origin())
    return None


def asked_page(here: str) -> str:
    """The page that was asked for before the provider was, else `here`."""
    return local_path(unquote(cookie(ASKED) or here))


def provider_button() -> None:
    """The way to the provider, below the form."""
    if STARTED.settings is None or not _configured():
        return
    name = STARTED.settings.oidc_name
    if st.button(t("Sign in with {provider}", provider=name), icon=":material/passkey:", width="stretch"):
        st.login()
