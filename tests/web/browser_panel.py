"""A panel under test and the call it shows."""

from __future__ import annotations

import json
import secrets
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from websockets.sync.client import ClientConnection, connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from browser_servers import HostPages, LiveService
    from playwright.sync_api import Locator, Page

_EMBED = """async ({ server, agent, attributes }) => {
  window.heard = [];
  for (const name of ["ready", "advice", "moment", "feedback", "undo", "adopted", "dismiss", "error"]) {
    document.addEventListener(`coach-${name}`, (event) => window.heard.push([name, event.detail]));
  }
  const panel = document.createElement("coach-sidebar");
  panel.setAttribute("server", server);
  panel.setAttribute("agent-id", agent);
  for (const [name, value] of Object.entries(attributes)) panel.setAttribute(name, value);
  panel.getToken = window.mintToken;
  document.querySelector("main").append(panel);
}"""

# Offline mode does not cut sockets that are open, so the test keeps hold of them.
_KEEP_SOCKETS = """window.sockets = [];
window.WebSocket = class extends WebSocket {
  constructor(...given) { super(...given); window.sockets.push(this); }
};"""

_WAIT_S = 60


class Call:
    """The producer's side of one call, over a real socket."""

    def __init__(self, service: LiveService, agent_id: str, **head: str) -> None:
        self.id = f"call-{secrets.token_hex(4)}"
        self._agent_id = agent_id
        self._service = service
        self._seq = 0
        self._said = 0
        self._revision = 0
        self._unacked: list[dict[str, Any]] = []
        self._open = ExitStack()
        self._socket = self._connect()
        self._send({"type": "call.started", "agent_id": agent_id, **head})
        self._await_ack()

    def say(self, text: str, *, speaker: str = "agent", at_ms: int | None = None) -> None:
        """Say a whole utterance; returns once the service has stored it."""
        self._utter(text, speaker=speaker, final=True, at_ms=at_ms)
        self._await_ack()

    def grow(self, *texts: str) -> None:
        """Send partial results of the agent's next utterance, which stays open."""
        for text in texts:
            self._utter(text, speaker="agent", final=False, at_ms=None)

    def end(self) -> None:
        """End the call."""
        self._send({"type": "call.ended", "at_ms": 1000 * (self._said + 1)})
        self._await_ack()

    def reconnect(self) -> None:
        """Connect again and resend what was not acked, as docs/protocol.md demands."""
        self._open.close()
        self._socket = self._connect()
        for event in self._unacked:
            self._socket.send(json.dumps(event))

    def close(self) -> None:
        """Hang up the socket."""
        self._open.close()

    def _connect(self) -> ClientConnection:
        return self._open.enter_context(
            connect(
                self._service.url.replace("http", "ws") + "/v1/ingest",
                additional_headers={"Authorization": f"Bearer {self._service.key}"},
                proxy=None,
            )
        )

    def _utter(self, text: str, *, speaker: str, final: bool, at_ms: int | None) -> None:
        start = 1000 * self._said if at_ms is None else at_ms
        self._revision += 1
        self._send(
            {
                "type": "utterance",
                "utterance_id": f"u{self._said}",
                "revision": self._revision,
                "speaker": speaker,
                "text": text,
                "final": final,
                "start_ms": start,
                "end_ms": start + 800,
            }
        )
        if final:
            self._said += 1
            self._revision = 0

    def _send(self, event: dict[str, Any]) -> None:
        self._seq += 1
        numbered = {**event, "call_id": self.id, "seq": self._seq}
        self._unacked.append(numbered)
        self._socket.send(json.dumps(numbered))

    def _await_ack(self) -> None:
        while True:
            answer = json.loads(self._socket.recv(timeout=_WAIT_S))
            if answer["type"] == "error":
                raise AssertionError(answer)
            if answer["type"] == "ack" and answer["seq"] >= self._seq:
                self._unacked.clear()
                return


class Panel:
    """A `<coach-sidebar>` on a page, and what can be seen in it."""

    def __init__(self, page: Page, service: LiveService, agent_id: str) -> None:
        self.page = page
        self.agent_id = agent_id
        self.root: Locator = page.locator("coach-sidebar")
        self.card = self.root.locator(".card")
        self.title = self.root.locator(".card .title")
        self.turns = self.root.locator(".turn .bubble")
        self.marks = self.root.locator("mark")
        self.link = self.root.locator(".link")
        self._service = service
        self.calls: list[Call] = []

    def call(self, **head: str) -> Call:
        """Begin a call of this panel's agent, with further fields of `call.started`."""
        call = Call(self._service, self.agent_id, **head)
        self.calls.append(call)
        return call

    def button(self, name: str) -> Locator:
        """Return a button by what a screen reader would say."""
        return self.root.get_by_role("button", name=name)

    def heard(self, name: str) -> list[Any]:
        """Return the details of the events of this name that reached the host page's document."""
        events: list[list[Any]] = self.page.evaluate("window.heard")
        return [detail for kind, detail in events if kind == name]

    def break_line(self) -> None:
        """Cut the panel's socket, as a network does."""
        self.page.evaluate("window.sockets.at(-1).close()")

    def wait_stored(self, call_id: str, value: str) -> None:
        """Wait until the advice of the call, as stored, mentions `value`."""
        self.eventually(lambda: value in str(self._service.request("GET", f"/v1/calls/{call_id}")["advice"]))

    def wait_not_stored(self, call_id: str, value: str) -> None:
        """Wait until the advice of the call, as stored, does not mention `value` any more."""
        self.eventually(
            lambda: value not in str(self._service.request("GET", f"/v1/calls/{call_id}")["advice"])
        )

    def eventually(self, holds: Callable[[], bool]) -> None:
        """Wait until something is true of the service, which has no event for it."""
        deadline = time.monotonic() + _WAIT_S
        while not holds():
            assert time.monotonic() < deadline, "it did not become true in time"
            # Playwright needs its turn, or nothing in the page moves.
            self.page.wait_for_timeout(50)


class OpenPanel:
    """Opens panels on a host page; each has its own agent."""

    def __init__(self, page: Page, service: LiveService, hosts: HostPages) -> None:
        self.page = page
        self._service = service
        self._hosts = hosts
        self._panels: list[Panel] = []
        self.tokens: list[dict[str, Any]] = []
        page.expose_function("mintToken", self._mint)
        page.add_init_script(_KEEP_SOCKETS)
        self._agent_id = ""
        self.bad_tokens = 0

    def __call__(
        self, *, host: str = "plain", live: bool = True, origin: str = "", **attributes: str
    ) -> Panel:
        """Open a host page with a panel on it and, if `live`, wait until it is connected."""
        self._agent_id = f"agent-{secrets.token_hex(4)}"
        self.page.goto(f"{origin or self._hosts.origin}/{host}?service={self._service.url}")
        panel = Panel(self.page, self._service, self._agent_id)
        self._panels.append(panel)
        self.embed(panel, **attributes)
        if live:
            panel.root.locator(".link.on").wait_for()
        return panel

    def embed(self, panel: Panel, **attributes: str) -> None:
        """Put the panel's element on the page that is open."""
        given = {"server": self._service.url, "agent": panel.agent_id, "attributes": attributes}
        self.page.evaluate(_EMBED, given)

    def rename(self, panel: Panel) -> None:
        """Let the panel on the page belong to another agent."""
        self._agent_id = panel.agent_id = f"agent-{secrets.token_hex(4)}"
        panel.root.evaluate("(root, agent) => root.setAttribute('agent-id', agent)", panel.agent_id)

    @contextmanager
    def call_of(self, agent_id: str) -> Iterator[Call]:
        """Begin a call of any agent."""
        call = Call(self._service, agent_id)
        yield call
        call.close()

    def close(self) -> None:
        """Hang up all calls."""
        for panel in self._panels:
            for call in panel.calls:
                call.close()

    def _mint(self, options: dict[str, Any]) -> str:
        self.tokens.append(options)
        if self.bad_tokens:
            self.bad_tokens -= 1
            return "expired"
        return self._service.mint(self._agent_id)
