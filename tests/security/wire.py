"""A browser that is none: Streamlit's own protocol over a raw websocket, as an attacker would speak it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect

PATIENCE = 20


@dataclass
class Seen:
    """What one rerun sent back."""

    messages: list[ForwardMsg] = field(default_factory=list)

    def elements(self) -> Iterator[tuple[str, Any]]:
        """(kind, element) of everything that is drawn."""
        for message in self.messages:
            if message.WhichOneof("type") == "delta" and message.delta.WhichOneof("type") == "new_element":
                element = message.delta.new_element
                kind = element.WhichOneof("type")
                if kind:
                    yield kind, getattr(element, kind)

    @property
    def text(self) -> str:
        """Everything a person could read."""
        names = ("body", "label", "value", "options")
        parts = [str(getattr(one, name, "")) for _, one in self.elements() for name in names]
        return "\n".join(part for part in parts if part).replace("\\", "").replace("\u2060", "")

    def ids(self, kind: str) -> dict[str, str]:
        """Label → widget id."""
        return {one.label.replace("\\", ""): one.id for found, one in self.elements() if found == kind}

    @property
    def dialogs(self) -> dict[str, str]:
        """Title → fragment id of the dialogs that were opened."""
        found = {}
        for message in self.messages:
            block = message.delta.add_block if message.WhichOneof("type") == "delta" else None
            if block is not None and block.WhichOneof("type") == "dialog":
                found[block.dialog.title.replace("\\", "").replace("\u2060", "")] = self._inside(message)
        return found

    def _inside(self, dialog: ForwardMsg) -> str:
        place = list(dialog.metadata.delta_path)
        for message in self.messages:
            path = list(message.metadata.delta_path)
            if message.delta.fragment_id and path[: len(place)] == place and path != place:
                return str(message.delta.fragment_id)
        return str(dialog.delta.fragment_id)

    @property
    def repeating(self) -> set[str]:
        """The fragments that rerun by themselves."""
        return {m.auto_rerun.fragment_id for m in self.messages if m.WhichOneof("type") == "auto_rerun"}


class Wire:
    """One open websocket, with a session cookie or without."""

    def __init__(self, url: str, cookie: str | None = None, **headers: str) -> None:
        given = dict(headers) | ({"Cookie": f"ccx_session={cookie}"} if cookie else {})
        self._opening = connect(
            url.replace("http:", "ws:") + "/_stcore/stream",
            additional_headers=given,
            subprotocols=["streamlit"],  # type: ignore[list-item]
            max_size=None,
            open_timeout=PATIENCE,
        )

    def __enter__(self) -> "Wire":
        self.socket: ClientConnection = self._opening.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opening.__exit__(kind, error, trace)

    def rerun(
        self,
        page: str = "",
        query: str = "",
        *,
        pressed: str | Mapping[str, str] = "",
        texts: Mapping[str, str] | None = None,
        ticked: tuple[str, ...] = (),
        fragment: str = "",
    ) -> Seen:
        """Ask for a rerun and wait for the whole of it. `pressed`: a button, or {menu: choice}."""
        asked = BackMsg()
        state = asked.rerun_script
        state.page_name, state.query_string, state.fragment_id = page, query, fragment
        if isinstance(pressed, str) and pressed:
            state.widget_states.widgets.add(id=pressed, trigger_value=True)
        elif not isinstance(pressed, str):
            for menu, choice in pressed.items():
                state.widget_states.widgets.add(id=menu).string_trigger_value.data = choice
        for widget, text in (texts or {}).items():
            state.widget_states.widgets.add(id=widget, string_value=text)
        for widget in ticked:
            state.widget_states.widgets.add(id=widget, bool_value=True)
        self.socket.send(asked.SerializeToString())
        return self.answer()

    def answer(self) -> Seen:
        """Everything up to the end of the rerun."""
        seen = Seen()
        while True:
            message = ForwardMsg()
            message.ParseFromString(self.socket.recv(timeout=PATIENCE))  # type: ignore[arg-type]
            seen.messages.append(message)
            if message.WhichOneof("type") == "script_finished":
                return seen
