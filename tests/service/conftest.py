"""A real service on a free port and real clients; the rule book is a small one of the tests' own."""

from __future__ import annotations

import asyncio
import json
import secrets
import ssl
import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING

import httpx
import pytest
from postgresql import database_url, disk, postgresql  # noqa: F401 - fixtures
from websockets.sync.client import connect

from coach.config import Settings
from coach.service.ruleset import RuleSet, RuleSource
from coach.service.server import serve
from coach.service.service import Service

if TYPE_CHECKING:
    from pathlib import Path

    from coach.service.tenant import Tenant

# Against hanging only: nothing that is measured depends on it.
TIMEOUT_S = 30
_AUTHORITIES = ssl.create_default_context()

WORDS = """\
version: 1
classes:
  you: [您, 你]
"""

RULES = """\
version: 1
rules:
  - id: ignorance/bare-dont-know
    title: 换个说法：先帮客户查
    severity: warning
    status: stable
    match: [我 不 (知道|清楚)]
    except:
      - pattern: 不 知道 <you> {0,3} (方便|是否)
        because: 礼貌探询
    suggest: [ignorance/check-now]
    explain: 客户听到的是“没人管”。
    source: 测试
    hits: [这个【我不知道】]
    misses: [我不知道您方便吗]
"""

MORE_RULES = """\
version: 1
rules:
  - id: hedging/should-be
    title: 给确切的说法
    severity: warning
    status: stable
    match: [应该 (是|会)]
    suggest: [hedging/confirm]
    explain: 含糊会引来追问。
    source: 测试
    hits: [明天【应该会】到]
    misses: [您应该收到短信了]
"""

PHRASES = """\
version: 1
phrases:
  - id: ignorance/check-now
    say: 我马上帮您查一下，请您稍等
    when: 暂时不知道
"""

MORE_PHRASES = """\
version: 1
phrases:
  - id: hedging/confirm
    say: 我核实一下再给您准确答复
    when: 不确定
"""


class Running:
    """A service that runs in a thread of its own, with an API key made for the test."""

    def __init__(self, settings: Settings, *, ruleset: RuleSet, clock=time.time) -> None:
        self.service = Service(settings, clock=clock, ruleset=ruleset)
        self.key = ""
        self._listening = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()), daemon=True)
        self.url = ""

    async def _main(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()

        def on_listening(url: str) -> None:
            self.url = url
            self._listening.set()

        await serve(self.service, on_listening=on_listening, stop=self._stop)

    @property
    def tenant(self) -> Tenant:
        """The tenant of whoever names none."""
        return self.service.default

    def start(self) -> Running:
        """Start and wait until the port is open."""
        self._thread.start()
        assert self._listening.wait(TIMEOUT_S), "the service did not start"
        self.key = self.service.first_key or self.new_key(role="admin")
        return self

    def new_key(self, *, role: str = "producer", tenant: str = "default") -> str:
        """Make an API key."""
        name = f"{role}-{secrets.token_hex(4)}"
        return self.within(lambda: self.service.keys.create(name, role=role, tenant=tenant))

    def stop(self) -> None:
        """Stop as a signal would and wait for the end."""
        if self._thread.is_alive():
            self.loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(TIMEOUT_S)
        assert not self._thread.is_alive(), "the service did not stop"

    def within(self, function, *args):
        """Run `function` (or await it) inside the service's loop and return its result."""

        async def call():
            result = function(*args)
            return await result if asyncio.iscoroutine(result) else result

        return asyncio.run_coroutine_threadsafe(call(), self.loop).result(TIMEOUT_S)

    def http(self, method: str, path: str, *, key: str | None = "", **options) -> httpx.Response:
        """Send a request, with the API key unless told otherwise (None: no key)."""
        headers = options.pop("headers", {})
        if key is not None:
            headers = {"Authorization": f"Bearer {key or self.key}", **headers}
        # Made for each request, the context would cost more than everything the request does.
        options.setdefault("verify", _AUTHORITIES)
        return httpx.request(
            method, self.url + path, headers=headers, timeout=TIMEOUT_S, trust_env=False, **options
        )

    def token(self, subject: str, *, role: str = "agent", ttl_s: int = 60, tenant: str = "default") -> str:
        """Mint a token without the detour over HTTP."""
        return self.service.tokens.mint(role=role, subject=subject, ttl_s=ttl_s, tenant=tenant)[0]


class Socket:
    """A client socket that speaks JSON and never waits for ever."""

    def __init__(self, url: str, **options) -> None:
        self._context = connect(
            url.replace("http://", "ws://"),
            open_timeout=TIMEOUT_S,
            # A client that stopped reading does not see the other side's goodbye.
            close_timeout=0.2,
            max_size=None,
            proxy=None,
            compression=None,
            **options,
        )
        self.raw = self._context.__enter__()

    def close(self) -> None:
        """Close the socket; twice does no harm."""
        self._context.__exit__(None, None, None)

    def send(self, *messages) -> None:
        """Send messages; str and bytes go out as they are."""
        for message in messages:
            self.raw.send(message if isinstance(message, str | bytes) else json.dumps(message))

    def next(self, timeout: float = TIMEOUT_S) -> dict:
        """Return the next message."""
        return json.loads(self.raw.recv(timeout))

    def until(self, kind: str, **fields) -> dict:
        """Skip messages until one of `kind` with these fields."""
        while True:
            message = self.next()
            if message["type"] == kind and fields.items() <= message.items():
                return message

    def acked(self, call_id: str, seq: int) -> None:
        """Wait until the call is acked up to `seq`."""
        while True:
            message = self.next()
            assert message["type"] == "ack", message
            if message["call_id"] == call_id and message["seq"] >= seq:
                return

    def close_code(self) -> int:
        """Read until the other side closes; return its code."""
        from websockets.exceptions import ConnectionClosed

        try:
            while True:
                self.raw.recv(TIMEOUT_S)
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006


def started(call_id="c1", *, seq=1, agent_id="a1", **fields) -> dict:
    """A `call.started`."""
    return {"type": "call.started", "call_id": call_id, "seq": seq, "agent_id": agent_id, **fields}


def said(
    text, *, seq, call_id="c1", utterance_id=None, revision=1, final=True, speaker="agent", at=None
) -> dict:
    """An `utterance`; by default a final one of its own, a second after the one before."""
    start = 1000 * seq if at is None else at
    return {
        "type": "utterance",
        "call_id": call_id,
        "seq": seq,
        "utterance_id": utterance_id or f"u{seq}",
        "revision": revision,
        "speaker": speaker,
        "text": text,
        "final": final,
        "start_ms": start,
        "end_ms": start + 900,
    }


def ended(call_id="c1", *, seq, at_ms=60_000) -> dict:
    """A `call.ended`."""
    return {"type": "call.ended", "call_id": call_id, "seq": seq, "at_ms": at_ms}


def pytest_generate_tests(metafunc):
    """Run a test marked `databases` on each, or on those the mark names."""
    mark = metafunc.definition.get_closest_marker("databases")
    if mark is not None and "database_url" in metafunc.fixturenames:
        metafunc.parametrize("database_url", mark.args or ("sqlite", "postgresql"), indirect=True)


@pytest.fixture
def wire():
    """Builders of producer events: `wire.started`, `wire.said`, `wire.ended`."""

    class Wire:
        pass

    Wire.started, Wire.said, Wire.ended = staticmethod(started), staticmethod(said), staticmethod(ended)
    return Wire


@pytest.fixture
def book(tmp_path) -> Path:
    """A folder with `rules/` and `phrasebook/` of two rules."""
    return write_book(tmp_path)


@pytest.fixture(scope="session")
def ruleset(tmp_path_factory) -> RuleSet:
    """The same two rules, loaded once for all tests."""
    folder = write_book(tmp_path_factory.mktemp("book"))
    source = RuleSource(rules_dir=folder / "rules", phrasebook_dir=folder / "phrasebook")
    source.load()
    return source.current


@pytest.fixture(scope="session")
def fill_book():
    """Return the function that writes the two rules into a folder."""
    return write_book


def write_book(tmp_path: Path) -> Path:
    """Write the two rules with their phrases."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "phrasebook").mkdir()
    (tmp_path / "rules" / "words.yml").write_text(WORDS, "utf-8")
    (tmp_path / "rules" / "ignorance.yml").write_text(RULES, "utf-8")
    (tmp_path / "rules" / "hedging.yml").write_text(MORE_RULES, "utf-8")
    (tmp_path / "phrasebook" / "ignorance.yml").write_text(PHRASES, "utf-8")
    (tmp_path / "phrasebook" / "hedging.yml").write_text(MORE_PHRASES, "utf-8")
    return tmp_path


@pytest.fixture
def settings_for(book, tmp_path, database_url):  # noqa: F811 - the fixture
    """A factory of settings: free port, the tests' rules, the test's own data folder and database."""

    def make(**changes) -> Settings:
        return Settings(
            **{
                "port": 0,
                "data_dir": tmp_path / "state",
                "database_url": database_url or None,
                "rules_dir": book / "rules",
                "phrasebook_dir": book / "phrasebook",
                "reload_rules": False,
                **changes,
            }
        )

    return make


@pytest.fixture
def patient(monkeypatch):
    """Whoever asks the other workers waits for the one that knows, however busy the machine is."""
    for module in ("line", "channel"):
        monkeypatch.setattr(f"coach.service.{module}.ANSWER_S", TIMEOUT_S)


@pytest.fixture
def within_a_minute(monkeypatch):
    """Let no minute end while requests are counted: it ends by the clock, and what it held counts for less then."""
    half_past = time.time() // 60 * 60 + 30
    monkeypatch.setattr("limits.aio.storage.memory.time", SimpleNamespace(time=lambda: half_past))


@pytest.fixture
def running(settings_for, ruleset):
    """A factory of running services; they are stopped after the test."""
    services: list[Running] = []

    def start(*, clock=time.time, **changes) -> Running:
        services.append(Running(settings_for(**changes), clock=clock, ruleset=ruleset).start())
        return services[-1]

    yield start
    for each in services:
        each.stop()


@pytest.fixture
def clients():
    """Factories of clients: `clients.producer(service)`, `clients.sidebar(service, agent_id)`, `clients.socket(url)`."""
    sockets: list[Socket] = []

    class Clients:
        @staticmethod
        def socket(url: str, **options) -> Socket:
            sockets.append(Socket(url, **options))
            return sockets[-1]

        @staticmethod
        def producer(service: Running, *, key: str | None = None) -> Socket:
            socket = Clients.socket(
                service.url + "/v1/ingest",
                additional_headers={"Authorization": f"Bearer {key or service.key}"},
            )
            assert socket.next() == {"type": "ready", "role": "producer"}
            return socket

        @staticmethod
        def sidebar(service: Running, agent_id: str = "a1", *, after: str | None = None) -> Socket:
            socket = Clients.socket(f"{service.url}/v1/agents/{agent_id}/stream")
            hello = {"type": "hello", "token": service.token(agent_id)}
            socket.send(hello if after is None else {**hello, "after": after})
            assert socket.next() == {"type": "ready", "role": "agent"}
            return socket

    yield Clients
    for each in sockets:
        each.close()
