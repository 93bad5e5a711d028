"""Choices that the page's address keeps."""

from streamlit.testing.v1 import AppTest


def _page() -> None:
    import streamlit as st

    from ccexport.ui.url_state import kept

    options = ["verified", "add", "all"]
    chosen = kept(st.pills, "Show", options, key="what", default=st.session_state["usual"], required=True)
    st.text(chosen or "")


def test_what_was_only_the_default_follows_another_default() -> None:
    """A run that is watched has no outcomes at first; when they come, they are shown first."""
    page = AppTest.from_function(_page)
    page.session_state["usual"] = "add"
    assert page.run().text[0].value == "add"
    page.session_state["usual"] = "verified"
    assert page.run().text[0].value == "verified"
    assert "what" not in page.query_params


def test_what_a_reader_chose_stays_when_the_default_changes() -> None:
    page = AppTest.from_function(_page)
    page.session_state["usual"] = "add"
    page.run().pills[0].set_value("all").run()
    page.session_state["usual"] = "verified"
    assert page.run().text[0].value == "all"
    assert page.query_params["what"] == "all"
