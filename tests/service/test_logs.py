"""What is logged: one record a line, the call id in it, never a customer's word or a secret."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys

import httpx
import pytest

from coach.service.logs import JsonFormatter, TextFormatter, without_secrets

# Words no rule, library or message has.
MARKER = "紫砂壶鹦鹉螺"


def record(message="你好 %s", *arguments, **fields) -> logging.LogRecord:
    """A record as `logging` makes it."""
    made = logging.LogRecord("coach.test", logging.WARNING, "x.py", 1, message, arguments, None)
    vars(made).update(fields)
    return made


@pytest.fixture
def serving(book, tmp_path):
    """Start `coach serve` with settings from the environment; the second value returned ends it and gives its log."""
    processes = []

    def start(**variables):
        environment = {name: each for name, each in os.environ.items() if not name.startswith("COACH_")}
        with (tmp_path / "log").open("wb") as log_file:
            process = subprocess.Popen(
                [
                    *(
                        sys.executable,
                        "-m",
                        "coach",
                        "serve",
                        "--port",
                        "0",
                        "--data-dir",
                        str(tmp_path / "state"),
                    ),
                    *("--rules", str(book / "rules"), "--phrasebook", str(book / "phrasebook")),
                ],
                stdout=subprocess.PIPE,
                stderr=log_file,
                encoding="utf-8",
                env=environment | variables,
            )
        processes.append(process)
        key = process.stdout.readline().strip().rpartition("：")[2]
        url = process.stdout.readline().strip().rpartition("：")[2].removesuffix("/sidebar")

        def stop() -> str:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
            return (tmp_path / "log").read_text("utf-8")

        return url, key, stop

    yield start
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.wait(30)
        process.stdout.close()


def drive(url: str, key: str, clients, wire) -> None:
    """Send the marker every way in: heard, refused, held, too long, broken, in slots, checked, in an address."""
    socket = clients.socket(url + "/v1/ingest", additional_headers={"Authorization": f"Bearer {key}"})
    socket.until("ready")
    socket.send(
        wire.started(slots={"customer_name": MARKER}),
        wire.said(f"{MARKER}我不知道", seq=2),
        wire.said(MARKER, seq=3, speaker="customer"),
        {**wire.said(MARKER, seq=4), "speaker": MARKER},
        wire.said(MARKER * 400, seq=5),
        f'{{"text": "{MARKER}"',
        wire.said(MARKER, seq=6, call_id="never"),
        wire.said(MARKER, seq=6),
        wire.ended(seq=7),
        wire.said(MARKER, seq=8),
    )
    socket.until("ack", seq=7)
    authorised = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=url, trust_env=False, headers=authorised, timeout=60) as http:
        assert http.post("/v1/check", json={"text": f"{MARKER}我不知道"}).json()["hits"]
        http.post("/v1/check", json={"text": MARKER, "speaker": MARKER})
        http.get("/v1/calls/c1", params={"key": key, "word": MARKER})
        http.post("/v1/playground/explain", json={"text": MARKER, "yaml": f"{MARKER}: ["})


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_word_and_no_key_is_logged_above_debug(serving, clients, wire, form):
    """A call full of a marker, with access log: neither the marker nor the key is in what was written."""
    url, key, stop = serving(COACH_LOG_FORMAT=form, COACH_ACCESS_LOG="true")
    drive(url, key, clients, wire)
    written = stop()
    assert "/v1/check" in written
    assert MARKER not in written
    assert key not in written
    assert "?" not in written


def test_words_are_logged_at_debug_with_their_call(serving, clients, wire):
    """The marker is there at DEBUG, so the test above can fail; the key is not, even then."""
    url, key, stop = serving(COACH_LOG_FORMAT="json", COACH_LOG_LEVEL="debug", COACH_ACCESS_LOG="true")
    drive(url, key, clients, wire)
    written = stop()
    assert key not in written
    rows = [json.loads(line) for line in written.splitlines()]
    assert {row["call_id"] for row in rows if MARKER in row["message"]} >= {"c1"}
    assert [row["call_id"] for row in rows if "/v1/calls/c1" in row["message"]] == ["c1"]


def test_a_record_becomes_one_json_object():
    """Line breaks, arguments, the call id and fields of one's own keep their place."""
    row = json.loads(JsonFormatter().format(record("第一行\n%s", "第二行", call_id="c1", calls=3)))
    assert row["message"] == "第一行\n第二行"
    assert (row["level"], row["logger"], row["call_id"], row["calls"]) == ("warning", "coach.test", "c1", 3)
    assert row["time"].endswith("+00:00")


def test_a_trace_stays_inside_its_json_line():
    """A defect is one record too."""
    defect = ValueError("坏了")
    line = JsonFormatter().format(record("出错", exc_info=(ValueError, defect, None)))
    assert "\n" not in line
    assert json.loads(line)["exception"].endswith("ValueError: 坏了")


@pytest.mark.parametrize(
    "secret",
    [
        "coach_0123456789abcdefghijABCDEFGHIJ-_",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhMSJ9.c2lnbmF0dXJl",
        "?token=abc&after=1",
    ],
)
def test_whatever_looks_like_a_secret_is_blotted_out(secret):
    """Keys, tokens and queries go, the words around them stay."""
    line = TextFormatter("%(message)s").format(record("GET /v1/x%s 200", secret))
    assert "***" in line
    assert secret not in line
    assert line.startswith("GET /v1/x")


def test_the_access_log_names_no_customer(serving):
    """A customer's id is a phone number as often as not: neither a deletion nor a mistyped one leaves it in the log."""
    url, key, stop = serving(COACH_ACCESS_LOG="true")
    for path in ("/v1/customers/13812345678", "/v1/customers/138%31%32345678/", "//V1/Customers/13812345678"):
        httpx.delete(url + path, headers={"X-API-Key": key}, trust_env=False)
    written = stop()
    assert written.count("ustomers/***") == 3
    assert "12345678" not in written


def test_a_defect_names_no_customer(running, monkeypatch, caplog):
    """The record of an error of ours has the path without the id too."""
    service = running()

    async def broken(*_, **__):
        raise RuntimeError("broken")

    monkeypatch.setattr(service.tenant.retention, "delete_customer", broken)
    assert service.http("DELETE", "/v1/customers/13812345678").status_code == 500
    assert "DELETE /v1/customers/*** 出错" in caplog.text
    assert "13812345678" not in caplog.text


def test_an_ordinary_question_is_no_query():
    """A question mark in a sentence is left alone."""
    assert without_secrets("why? because") == "why? because"


def test_a_path_cannot_forge_a_record(serving, clients, wire):
    """A line break in a path is written as an escape."""
    url, _, stop = serving(COACH_ACCESS_LOG="true")
    httpx.get(url + "/v1/%0A2026-01-01 CRITICAL forged", trust_env=False)
    assert not any(line.startswith("2026-01-01 CRITICAL") for line in stop().splitlines())
