"""The launcher of the dashboard: `streamlit run app.py`. Must never hold logic."""

from pathlib import Path

import streamlit as st

from ccexport.ui.lifespan import lifespan, on_script_error
from ccexport.ui.middleware import MIDDLEWARE
from ccexport.ui.openid import secrets_of_the_provider
from ccexport.ui.routes import ROUTES

app = st.App(
    Path(__file__).resolve().parent / "ccexport" / "ui" / "main.py",
    routes=ROUTES,
    middleware=MIDDLEWARE,
    lifespan=lifespan,
    on_script_error=on_script_error,
    secrets=secrets_of_the_provider(),
)
