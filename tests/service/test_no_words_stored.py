"""`store = nothing`: what is said stays in memory, and no file has a word of it, after a kill neither."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from coach.config import load_settings
from coach.errors import ConfigError

# Words no rule, library or message has; the last is the customer's name.
SAID, ASKED, NAME = "紫砂壶鹦鹉螺", "琉璃瓦丹顶鹤", "欧阳翡翠"
TIMEOUT_S = 30


def words_in(folder) -> list[str]:
    """Return which of the words are in any file below a folder, in any of the encodings that may be used."""
    content = b"".join(file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file())
    return [
        word
        for word in (SAID, ASKED, NAME)
        if word.encode() in content
        or word.encode("utf-16-le") in content
        or word.encode("gb18030") in content
        or word.encode("unicode_escape") in content
    ]


def talk(service, clients, wire, *, end):
    """Run a call with words of both sides, a card with its verdict, a name, a promise and a correction."""
    producer, sidebar = clients.producer(service), clients.sidebar(service)
    producer.send(
        wire.started(slots={"customer_name": NAME, "org": ASKED}, customer_id=NAME),
        wire.said(f"这个我不知道，{SAID}", seq=2),
        wire.said(f"我要投诉，{ASKED}，我叫{NAME}", seq=3, speaker="customer"),
        wire.said(f"我半小时之内给您回电话，{SAID}", seq=4),
    )
    producer.acked("c1", 4)
    advice = sidebar.until("advice")["id"]
    sidebar.send({"type": "feedback", "advice_id": advice, "verdict": "useful"})
    sidebar.until("noted")
    if end:
        producer.send(wire.ended(seq=5))
        producer.acked("c1", 5)


@pytest.fixture
def told(clients, monkeypatch, request):
    """Let the helpers accept what `ready` says besides."""
    tools = request.config.pluginmanager.get_plugin(str(Path(__file__).with_name("conftest.py")))
    real = tools.Socket.next

    def without_terms(self, *arguments):
        message = real(self, *arguments)
        if message["type"] == "ready":
            assert message.pop("store") == "nothing"
        return message

    monkeypatch.setattr(tools.Socket, "next", without_terms)


def test_no_file_has_a_word(running, clients, wire, told):
    """A whole call with card, verdict, snooze and moments; the call is listed, its words are nowhere."""
    service = running(store="nothing", masking=False)
    talk(service, clients, wire, end=True)
    folder = service.service.settings.data_dir
    assert words_in(folder) == []
    stored = service.http("GET", "/v1/calls/c1").json()
    assert (stored["seq"], stored["utterances"], stored["advice"], stored["moments"]) == (5, [], [], [])
    service.stop()
    assert words_in(folder) == []


def test_with_words_stored_the_search_finds_them(running, clients, wire):
    """So the test above can fail."""
    service = running(masking=False)
    talk(service, clients, wire, end=True)
    assert set(words_in(service.service.settings.data_dir)) == {SAID, ASKED, NAME}


def test_the_sidebar_works_as_ever(running, clients, wire, told):
    """Cards, transcript and snapshot come from memory."""
    service = running(store="nothing")
    talk(service, clients, wire, end=False)
    call = clients.sidebar(service).next()["call"]
    assert len(call["transcript"]) == 3
    assert len(call["advice"]) == 1


def test_every_socket_is_told(running, clients):
    """Who relies on acks must know that they mean received, not safe."""
    service = running(store="nothing")
    for path, token in (("/v1/ingest", service.key), ("/v1/agents/a1/stream", service.token("a1"))):
        socket = clients.socket(service.url + path)
        socket.send({"type": "hello", "token": token})
        assert socket.next()["store"] == "nothing"


def test_after_a_kill_there_is_no_word_either(book, tmp_path, clients, wire):
    """`kill -9` in the middle of a call: database, journal, log and everything else below the folder."""
    state, log = tmp_path / "state", tmp_path / "state" / "service.log"
    state.mkdir(mode=0o700)
    environment = {name: each for name, each in os.environ.items() if not name.startswith("COACH_")}
    environment |= {"COACH_STORE": "nothing", "COACH_MASKING": "off", "COACH_ACCESS_LOG": "true"}
    with log.open("wb") as log_file:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "coach", "serve", "--port", "0", "--data-dir", str(state)),
                *("--rules", str(book / "rules"), "--phrasebook", str(book / "phrasebook")),
            ],
            stdout=subprocess.PIPE,
            stderr=log_file,
            encoding="utf-8",
            env=environment,
        )
    try:
        key = url = ""
        while "已就绪" not in (line := process.stdout.readline()):
            assert line, log.read_text()
            key = line.strip().rpartition("：")[2]
        url = line.strip().rpartition("：")[2].removesuffix("/sidebar")
        headers = {"Authorization": f"Bearer {key}"}
        socket = clients.socket(f"{url}/v1/ingest", additional_headers=headers)
        assert socket.next() == {"type": "ready", "role": "producer", "store": "nothing"}
        socket.send(
            wire.started(slots={"customer_name": NAME}),
            wire.said(f"这个我不知道，{SAID}", seq=2),
            wire.said(f"{ASKED}，我叫{NAME}", seq=3, speaker="customer"),
        )
        socket.acked("c1", 3)
        process.send_signal(signal.SIGKILL)
        process.wait(TIMEOUT_S)
    finally:
        process.kill()
        process.wait(TIMEOUT_S)
        process.stdout.close()
    assert (state / "coach.sqlite3").stat().st_size > 0
    assert words_in(state) == []


def test_words_in_the_log_are_refused(monkeypatch):
    """DEBUG would write to a file what must not get there."""
    monkeypatch.setenv("COACH_STORE", "nothing")
    monkeypatch.setenv("COACH_LOG_LEVEL", "debug")
    with pytest.raises(ConfigError, match="log_level"):
        load_settings()
