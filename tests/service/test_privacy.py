"""Masking at the edges of the running service: the sidebar, the disk, the answers, the log."""

from __future__ import annotations

import logging
import sqlite3

from coach.config import load_settings

NUMBER = "13812345678"


def everything_on_disk(service):
    """Return all that the database and its journal hold."""
    folder = service.service.settings.data_dir
    return b"".join(path.read_bytes() for path in folder.glob("coach.sqlite3*"))


def test_the_sidebar_never_sees_a_number(running, clients, wire):
    """Not in a partial, not in the final, not in a snapshot, not in a card."""
    service = running()
    producer, sidebar = clients.producer(service), clients.sidebar(service)
    events = [wire.started()]
    events += [
        wire.said(
            f"我不知道{NUMBER[:length]}", seq=length + 1, utterance_id="u", revision=length, final=False, at=0
        )
        for length in range(1, len(NUMBER) + 1)
    ]
    events.append(wire.said(f"我不知道{NUMBER}是谁", seq=13, utterance_id="u", revision=99, at=0))
    producer.send(*events)
    producer.acked("c1", 13)
    shown = []
    while True:
        message = sidebar.next()
        shown.append(message)
        if message["type"] == "transcript" and message["final"]:
            break
    text = str([*shown, clients.sidebar(service).next()])
    assert NUMBER[:6] not in text
    assert "138****5678" in text.replace("'}, {'text': '", "")


def test_the_disk_holds_masked_words(running, clients, wire):
    """Finals, cards and slots."""
    service = running()
    producer = clients.producer(service)
    producer.send(
        wire.started(slots={"customer_name": "王小明", "org": "晨光银行"}),
        wire.said(f"我不知道{NUMBER}是谁，我叫李大伟", seq=2),
    )
    producer.acked("c1", 2)
    stored = service.http("GET", "/v1/calls/c1").json()
    disk = everything_on_disk(service)
    assert stored["utterances"][0]["text"] == "我不知道138****5678是谁，我叫李**"
    assert stored["advice"][0]["quote"] == "我不知道"
    assert [word for word in (NUMBER, "李大伟", "王小明") if word.encode() in disk] == []


def test_masking_is_on_until_switched_off(monkeypatch):
    """COACH_MASKING=off is the only way."""
    on = load_settings().masking
    monkeypatch.setenv("COACH_MASKING", "off")
    assert (on, load_settings().masking) == (True, False)


def test_unmasked_is_warned_about_once(running, caplog):
    """The start of a service that shows everything says so."""
    with caplog.at_level(logging.WARNING):
        running(masking=False)
    assert [record.message for record in caplog.records if "脱敏" in record.message] == [
        "租户 default 的个人信息脱敏已关闭（masking=off）：号码、姓名、地址会原样显示和保存"
    ]


def test_unmasked_words_are_stored_as_they_came(running, clients, wire):
    """With masking off the number is on the disk."""
    service = running(masking=False)
    producer = clients.producer(service)
    producer.send(wire.started(), wire.said(NUMBER, seq=2))
    producer.acked("c1", 2)
    assert service.http("GET", "/v1/calls/c1").json()["utterances"][0]["text"] == NUMBER


def test_words_stored_before_masking_are_masked_on_the_way_out(running, clients, wire):
    """A database that an earlier version wrote in clear is not shown in clear."""
    service = running()
    producer = clients.producer(service)
    producer.send(wire.started(), wire.said("号码", seq=2))
    producer.acked("c1", 2)
    with sqlite3.connect(service.service.settings.data_dir / "coach.sqlite3") as other:
        other.execute("UPDATE utterances SET text = ?", (f"号码{NUMBER}",))
    other.close()
    assert service.http("GET", "/v1/calls/c1").json()["utterances"][0]["text"] == "号码138****5678"


def test_check_answers_with_offsets_of_the_callers_text_and_masked_words(running):
    """The offsets are exact; the words in the answer are masked, because answers get logged."""
    answer = running().http("POST", "/v1/check", json={"text": "这13812345678我不知道"}).json()
    hit = answer["hits"][0]
    assert (hit["start"], hit["end"]) == (12, 16)
    assert NUMBER not in str(answer)


def test_the_debug_log_is_masked(running, clients, wire, caplog):
    """At DEBUG the words appear, the number does not."""
    service = running()
    with caplog.at_level(logging.DEBUG, logger="coach"):
        producer = clients.producer(service)
        producer.send(wire.started(), wire.said(f"号码{NUMBER}", seq=2))
        producer.acked("c1", 2)
    assert "号码138****5678" in caplog.text
    assert NUMBER not in caplog.text
