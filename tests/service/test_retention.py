"""What is deleted: by age, by call, by customer; wholly, without holding up the live writer, and told in numbers."""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from test_reviews import CALL, card, finished  # noqa: F401 - a fixture

from coach.service import retention
from coach.service.retention import reviews_with

pytestmark = pytest.mark.databases

WORD = "紫砂壶鹦鹉螺"
DAY_S = 86_400


def talk(service, clients, wire, call_id, *, agent_id="a1", end=True, customer=None):
    """Run a call with a marked word, one card with a verdict, a snooze and a moment."""
    producer = clients.producer(service)
    about = {} if customer is None else {"customer_id": customer}
    producer.send(
        wire.started(call_id, agent_id=agent_id, **about),
        wire.said(f"这个我不知道，{WORD}", seq=2, call_id=call_id),
        wire.said(f"我要投诉你们，{WORD}", seq=3, call_id=call_id, speaker="customer"),
    )
    producer.acked(call_id, 3)
    sidebar = clients.sidebar(service, agent_id)
    advice = sidebar.next()["call"]["advice"][0]["id"]
    sidebar.send({"type": "feedback", "advice_id": advice, "verdict": "useful"})
    sidebar.until("noted")
    sidebar.send({"type": "snooze", "call_id": call_id, "rule": "hedging/should-be"})
    sidebar.until("noted")
    sidebar.close()
    if end:
        producer.send(wire.ended(call_id, seq=4))
        producer.acked(call_id, 4)
    producer.close()


def deleted(answer):
    """Return the numbers of an answer that are not 0."""
    assert answer.status_code == 200, answer.text
    return {name: count for name, count in answer.json()["deleted"].items() if count}


def test_a_call_is_deleted_with_all_that_was_kept_of_it(running, clients, wire, disk):
    """Words, card, verdict, snooze, moments; the decision keeps its verdict and loses its words. No trace in any table."""
    service = running()
    talk(service, clients, wire, "c1")
    talk(service, clients, wire, "c2", agent_id="a2")
    place = {"call": "c1", "utterance": "u2", "rule": "ignorance/bare-dont-know", "start": 2, "end": 6}
    body = {**place, "verdict": "right", "reason": WORD, "reviewer": "qa"}
    decision = service.http("POST", "/v1/decisions", json=body).json()["id"]
    counts = deleted(service.http("DELETE", "/v1/calls/c1"))
    assert (
        counts["calls"],
        counts["utterances"],
        counts["advice"],
        counts["feedback"],
        counts["snoozes"],
    ) == (
        1,
        2,
        1,
        1,
        1,
    )
    assert counts["moments"] >= 1
    assert service.http("GET", "/v1/calls/c1").status_code == 404
    (kept,) = service.http("GET", "/v1/decisions").json()["decisions"]
    assert (kept["id"], kept["verdict"], kept["text"], kept["history"][0]["reason"]) == (
        decision,
        "right",
        "",
        "",
    )
    assert service.http("DELETE", "/v1/calls/c1").status_code == 404
    assert len(service.http("GET", "/v1/calls/c2").json()["utterances"]) == 2


@pytest.mark.databases("sqlite")
def test_what_is_deleted_is_not_in_the_files_any_more(running, clients, wire):
    """Neither in free pages of the database nor in its journal."""
    service = running()
    talk(service, clients, wire, "c1")
    folder = service.service.settings.data_dir

    def on_disk():
        return WORD.encode() in b"".join(file.read_bytes() for file in folder.glob("coach.sqlite3*"))

    assert on_disk()
    service.http("DELETE", "/v1/calls/c1")
    assert not on_disk()


def test_memory_forgets_it_too(running, clients, wire):
    """A sidebar that comes back with an old offset gets a snapshot, not the words from memory."""
    service = running()
    sidebar = clients.sidebar(service)
    offset = sidebar.next()["offset"]
    talk(service, clients, wire, "c1")
    sidebar.close()
    service.http("DELETE", "/v1/calls/c1")
    again = clients.sidebar(service, after=offset)
    assert WORD not in json.dumps(again.next(), ensure_ascii=False)


def test_a_call_that_goes_on_is_refused(running, clients, wire):
    """Nothing is lost under the agent's hands; the sentence says what to do."""
    service = running()
    talk(service, clients, wire, "c1", end=False)
    refused = service.http("DELETE", "/v1/calls/c1")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "conflict")
    assert "call.ended" in refused.json()["error"]["message"]
    assert len(service.http("GET", "/v1/calls/c1").json()["utterances"]) == 2


def test_a_customer_is_deleted_by_an_id_that_is_nowhere(running, clients, wire, disk):
    """All his calls but the one that goes on; the id itself is stored as a keyed hash only."""
    service = running()
    talk(service, clients, wire, "c1", customer="C-4711")
    talk(service, clients, wire, "c2", agent_id="a2", customer="C-4711", end=False)
    talk(service, clients, wire, "c3", agent_id="a3", customer="C-0815")
    stored = dict(disk("SELECT call_id, customer FROM calls"))
    assert stored["c1"] == stored["c2"] != stored["c3"]
    assert "4711" not in stored["c1"]
    answer = service.http("DELETE", "/v1/customers/C-4711")
    assert deleted(answer)["calls"] == 1
    assert answer.json()["running"] == ["c2"]
    assert service.http("GET", "/v1/calls/c1").status_code == 404
    assert service.http("GET", "/v1/calls/c3").status_code == 200
    assert deleted(service.http("DELETE", "/v1/customers/nobody")) == {}


@pytest.mark.parametrize("customer", ["dept/7", "/a//b/", "?a=1#b", "100%2F", " ", "客户 一"])
def test_every_customer_id_can_be_deleted(running, clients, wire, customer):
    """Whatever `call.started` takes, percent-encoded in the address; not one that only looks like it."""
    service = running()
    talk(service, clients, wire, "c1", customer=customer)
    talk(service, clients, wire, "c2", agent_id="a2", customer=f"{customer}x")
    answer = service.http("DELETE", f"/v1/customers/{quote(customer, safe='')}")
    assert deleted(answer)["calls"] == 1
    assert [each["call_id"] for each in service.http("GET", "/v1/calls").json()["calls"]] == ["c2"]


@pytest.mark.parametrize("customer", ["", "x" * 129])
def test_what_is_no_customer_id_is_refused(running, customer):
    """An address without an id deletes nothing."""
    refused = running().http("DELETE", f"/v1/customers/{customer}")
    assert (refused.status_code, refused.json()["error"]["field"]) == (422, "customer_id")


def test_reviews_that_hold_the_call_are_named(running, clients, wire):
    """Their files are the operator's to delete."""
    service = running()
    talk(service, clients, wire, "c1")
    review = finished(service, {"a.jsonl": json.dumps({**CALL, "id": "c1"}, ensure_ascii=False) + "\n"})["id"]
    other = finished(service, {"b.jsonl": json.dumps({**CALL, "id": "c9"}, ensure_ascii=False) + "\n"})["id"]
    assert service.http("DELETE", "/v1/calls/c1").json()["reviews"] == [review]
    assert other != review


def test_a_review_that_cannot_be_read_stops_no_deletion(running, clients, wire, caplog):
    """What was deleted is told all the same, the other reviews are named, and the log says which was not read."""
    service = running()
    talk(service, clients, wire, "c1")
    review = finished(service, {"a.jsonl": json.dumps({**CALL, "id": "c1"}, ensure_ascii=False) + "\n"})["id"]
    reviews = service.tenant.settings.data_dir / "reviews"
    (reviews / "r0broken" / "out" / "results.jsonl").mkdir(parents=True)
    answer = service.http("DELETE", "/v1/calls/c1")
    assert (answer.status_code, answer.json()["reviews"]) == (200, [review])
    assert "r0broken" in caplog.text


def test_a_review_that_vanishes_meanwhile_is_passed_over(tmp_path, caplog):
    """It was deleted between being listed and being opened, which is nobody's mistake."""

    class Folder:
        def glob(self, _):
            yield tmp_path / "r1" / "out" / "results.jsonl"

    assert reviews_with(Folder(), ["c1"]) == ()
    assert caplog.records == []


def test_a_sweep_that_fails_is_not_the_last_one(running, monkeypatch, caplog):
    """Whatever went wrong is in the log with its trace, and the next hour's sweep comes."""
    service = running(retention_days=30)
    monkeypatch.setattr(retention, "_SWEEP_S", 0)
    turns = []

    async def turn(_):
        turns.append(True)
        if len(turns) == 1:
            raise OSError("the disk had a moment")
        raise asyncio.CancelledError

    with pytest.raises(concurrent.futures.CancelledError):
        service.within(service.tenant.retention.sweep_forever, turn)
    assert len(turns) == 2
    (record,) = [each for each in caplog.records if each.name == "coach.service.retention"]
    assert (record.levelname, record.exc_info[0]) == ("ERROR", OSError)


def test_what_is_too_old_is_deleted_and_told(running, clients, wire, caplog):
    """Calls older than the days kept, also one that nobody ended; younger ones stay. Log and audit say so."""
    now = [time.time()]
    service = running(clock=lambda: now[0], retention_days=30, call_idle_s=60, call_timeout_s=0)
    talk(service, clients, wire, "old")
    talk(service, clients, wire, "left", agent_id="a2", end=False)
    now[0] += 31 * DAY_S
    talk(service, clients, wire, "young", agent_id="a3")
    service.within(service.service.default.calls.tick)
    with caplog.at_level("INFO"):
        done = service.within(service.service.default.retention.sweep)
    assert done.erased.calls == 2
    assert [each["call_id"] for each in service.http("GET", "/v1/calls").json()["calls"]] == ["young"]
    assert any("保留期 30 天已过：删除 2 通电话" in record.getMessage() for record in caplog.records)
    (entry,) = service.http("GET", "/v1/audit?action=data-deleted").json()["entries"]
    assert (entry["who"], entry["role"], entry["details"]["calls"]) == ("coach", "service", 2)


def test_words_of_old_decisions_about_recordings_go_too(running):
    """A verdict about a hit of a review outlives its files; its quote and reason do not outlive the days kept."""
    now = [time.time()]
    service = running(clock=lambda: now[0], retention_days=30)
    review = finished(service, {"a.jsonl": json.dumps(CALL, ensure_ascii=False) + "\n"})["id"]
    hit = service.http("GET", f"/v1/reviews/{review}/hits").json()["hits"][0]
    place = {name: hit[name] for name in ("turn", "rule", "start", "end")}
    body = {
        **place,
        "review": review,
        "call": hit["call_id"],
        "verdict": "wrong",
        "reason": WORD,
        "reviewer": "qa",
    }
    assert service.http("POST", "/v1/decisions", json=body).json()["text"] != ""
    now[0] += 31 * DAY_S
    service.within(service.service.default.retention.sweep)
    (kept,) = service.http("GET", "/v1/decisions").json()["decisions"]
    assert (kept["verdict"], kept["text"], kept["history"][0]["reason"]) == ("wrong", "", "")


def test_reasons_given_after_the_quote_was_removed_go_too(running):
    """An appeal against an old decision has words of its own, which do not outlive the days kept either."""
    now = [time.time()]
    service = running(clock=lambda: now[0], retention_days=30)
    review = finished(service, {"a.jsonl": json.dumps(CALL, ensure_ascii=False) + "\n"})["id"]
    hit = service.http("GET", f"/v1/reviews/{review}/hits").json()["hits"][0]
    place = {name: hit[name] for name in ("turn", "rule", "start", "end")}
    body = {**place, "review": review, "call": hit["call_id"], "verdict": "right", "reviewer": "qa"}
    decided = service.http("POST", "/v1/decisions", json=body).json()
    now[0] += 31 * DAY_S
    service.within(service.tenant.retention.sweep)
    words = {"text": WORD, "agent_id": decided["agent_id"]}
    appeal = service.http("POST", f"/v1/decisions/{decided['id']}/appeal", json=words)
    assert appeal.status_code == 200, appeal.text
    service.within(service.tenant.retention.sweep)
    assert service.http("GET", "/v1/decisions").json()["decisions"][0]["history"][1]["reason"] == WORD
    now[0] += 31 * DAY_S
    service.within(service.tenant.retention.sweep)
    (kept,) = service.http("GET", "/v1/decisions").json()["decisions"]
    assert [each["reason"] for each in kept["history"]] == ["", ""]


def test_nothing_is_deleted_unless_days_are_set(running, clients, wire):
    """0 keeps for ever."""
    now = [time.time()]
    service = running(clock=lambda: now[0])
    talk(service, clients, wire, "old")
    now[0] += 10_000 * DAY_S
    service.within(service.service.default.retention.sweep_forever, None)
    assert service.http("GET", "/v1/calls/old").status_code == 200


@pytest.mark.slow
def test_the_live_writer_is_not_held_up(running, clients, wire):
    """While a hundred and twenty calls are deleted, the words of a running call are acked as fast as ever."""
    now = [time.time() - 100 * DAY_S]
    service = running(clock=lambda: now[0], retention_days=30, max_calls=1000)
    events = [
        {"type": "call.started", "seq": 1, "agent_id": "a1"},
        *({**wire.said(f"好的{WORD}", seq=seq), "call_id": None} for seq in range(2, 12)),
        {"type": "call.ended", "seq": 12, "at_ms": 60_000},
    ]
    events = [{name: value for name, value in each.items() if name != "call_id"} for each in events]
    for number in range(120):
        service.http("POST", f"/v1/calls/old-{number}/events", json={"events": events})
    now[0] = time.time()
    service.within(service.service.default.calls.tick)
    producer = clients.producer(service)
    producer.send(wire.started("live", agent_id="a2"))
    producer.acked("live", 1)
    done = []
    sweeping = threading.Thread(
        target=lambda: done.append(service.within(service.service.default.retention.sweep))
    )
    sweeping.start()
    waits = []
    seq = 1
    while sweeping.is_alive():
        seq += 1
        began = time.perf_counter()
        producer.send(wire.said("好的", seq=seq, call_id="live"))
        producer.acked("live", seq)
        waits.append(time.perf_counter() - began)
    sweeping.join()
    assert done[0].erased.calls == 120
    assert len(waits) >= 3
    # Some 50 ms; a sweep that is in the way is in the way with each of its twelve steps, a busy machine now and then.
    assert sorted(waits)[-2] < 1.0, sorted(waits)[-5:]


@pytest.mark.databases("sqlite")
def test_the_command_shows_first_and_deletes_then(running, clients, wire):
    """`--dry-run` says the same numbers and changes nothing; one choice is asked for; a running call is left alone."""
    service = running()
    talk(service, clients, wire, "c1", customer="C-1")
    talk(service, clients, wire, "c2", agent_id="a2", end=False)
    folder = service.service.settings.data_dir

    def command(*options):
        return subprocess.run(
            [sys.executable, "-m", "coach", "data", "delete", "--data-dir", str(folder), *options],
            capture_output=True,
            encoding="utf-8",
            check=False,
        )

    tomorrow = datetime.fromtimestamp(time.time() + DAY_S, UTC).date().isoformat()
    dry = json.loads(command("--before", tomorrow, "--dry-run", "--json").stdout)
    assert (dry["deleted"]["calls"], dry["running"], dry["dry_run"]) == (1, ["c2"], True)
    assert service.http("GET", "/v1/calls/c1").status_code == 200
    shown = command("--customer", "C-1")
    assert "已删除：" in shown.stdout
    assert "1 通电话" in shown.stdout
    assert service.http("GET", "/v1/calls/c1").status_code == 404
    both = ("--call", "c1", "--before", tomorrow)
    for options, code in (((), 2), (both, 2), (("--call", "nosuch"), 2), (("--call", "c2"), 1)):
        wrong = command(*options)
        assert (wrong.returncode, "Traceback" in wrong.stderr) == (code, False), wrong.stderr
    assert service.http("GET", "/v1/calls/c2").status_code == 200
