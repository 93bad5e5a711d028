"""Asks what becomes of the people an export put on its list, when it stops holding them there.

Must never decide that by itself: leaving them is the default, and is said.
"""

from collections.abc import Sequence

import streamlit as st

from ccexport.model.exports import Actor, Export
from ccexport.model.words import People
from ccexport.ui.app_state import services
from ccexport.ui.render import number, plain
from ccexport.ui.texts import t, tn


def take_off_asked(actor: Actor, exports: Sequence[Export], key: str, *, held: bool = False) -> bool:
    """Draw the choice, with the numbers of a single export. Returns whether a run takes people off the list.

    `held`: the export still holds the people it leaves on the list.
    """
    if len(exports) == 1:
        _counted(actor, exports[0])
    left = t("stay on the list; the export holds them until it goes to another list")
    words = {
        People.LEAVE: left if held else t("stay on the list, held by no export"),
        People.TAKE_OFF: t("are taken off it by a run"),
    }
    chosen = st.radio(
        t("The people whom only this export holds on its list")
        if len(exports) == 1
        else t("The people whom only these exports hold on their lists"),
        list(People),
        format_func=words.__getitem__,
        key=key,
    )
    return chosen == People.TAKE_OFF


def _counted(actor: Actor, export: Export) -> None:
    found = services().exports.held(actor, export.id)
    lines = [
        tn(
            "{n} person on {list} is held by this export alone.",
            "{n} people on {list} are held by this export alone.",
            n=found.alone,
            list=plain(export.config.list_name),
        )
    ]
    lines += [
        t("{count} are held by {export} too, and stay.", count=number(n), export=plain(name))
        for name, n in found.shared.items()
    ]
    st.markdown("\n".join(f"- {line}" for line in lines))
