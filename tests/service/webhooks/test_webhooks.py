"""Webhooks of a running service: what is told, in which order, how often, and to whom."""

from __future__ import annotations

import threading
import time
from collections import Counter

import pytest

from coach.client import WebhookError
from coach.service.webhooks.webhooks import Webhooks

FAULTY = "这个我不知道"
COMPLAINT = "我要投诉你们，太过分了"


@pytest.fixture
def telling(running, receivers):
    """A factory of (service, receiver, secret): everything is told unless `events` says less."""

    def start(*, events=("*",), service=None, **changes):
        service = service or running(webhook_private=True, **changes)
        receiver = receivers()
        endpoint = service.within(hooks(service).endpoints.add, receiver.url, events)
        return service, receiver, endpoint.secret

    return start


def hooks(service):
    """The webhooks of the default tenant."""
    return service.service.default.webhooks


def make_call(service, clients, wire, *texts, call_id="c1", agent_id="a1", end=True):
    """Make a call of agent's utterances, and wait until it is on disk."""
    producer = clients.producer(service)
    producer.send(wire.started(call_id, agent_id=agent_id))
    for seq, text in enumerate(texts, 2):
        producer.send(wire.said(text, seq=seq, call_id=call_id))
    last = len(texts) + 1
    if end:
        last += 1
        producer.send(wire.ended(call_id, seq=last))
    producer.acked(call_id, last)


def eventually(service, look, expected, *, timeout_s=60.0):
    """Wait until something in the service has a value."""
    deadline = time.monotonic() + timeout_s
    while (found := service.within(look)) != expected:
        assert time.monotonic() < deadline, found
        threading.Event().wait(0.02)


@pytest.mark.databases
def test_a_call_is_told_with_signatures_that_fit(telling, clients, wire):
    """Card, outcome, end and score arrive in order; each can be checked by its receiver."""
    service, receiver, secret = telling(
        events=["advice.given", "advice.resolved", "call.ended", "call.score"]
    )
    make_call(service, clients, wire, FAULTY, "我马上帮您查一下，请您稍等")
    got = [each.verified(secret) for each in receiver.wait(4)]
    assert [each.type for each in got] == ["advice.given", "advice.resolved", "call.ended", "call.score"]
    assert {each.tenant for each in got} == {"default"}
    assert {(each.data["call_id"], each.data["agent_id"]) for each in got} == {("c1", "a1")}
    given, resolved, ended, score = (each.data for each in got)
    assert (given["rule"], given["quote"]) == ("ignorance/bare-dont-know", "我不知道")
    assert given["suggestions"] == [{"phrase": "ignorance/check-now", "text": "我马上帮您查一下，请您稍等"}]
    assert (resolved["id"], resolved["outcome"]) == (given["id"], "adopted")
    assert ended["at_ms"] == 60_000
    assert [hit["rule"] for hit in score["hits"]] == ["ignorance/bare-dont-know"]
    assert score["scorecard"]["points"] >= score["score"]["points"]


def test_what_waits_is_delivered_and_forgotten(telling, clients, wire):
    """The outbox is empty again, and the meter knows how much was told."""
    service, receiver, _ = telling(events=["advice.given", "call.ended"])
    make_call(service, clients, wire, FAULTY)
    receiver.wait(2)
    eventually(service, hooks(service).outbox.next_at, None)
    assert hooks(service).meter.delivered == 2


def test_only_what_was_asked_for_is_told(telling, clients, wire):
    """Each endpoint has events of its own; one event has one id for all who are told."""
    service, cards, _ = telling(events=["advice.given"])
    _, both, _ = telling(events=["advice.given", "call.ended"], service=service)
    make_call(service, clients, wire, FAULTY)
    both.wait(2)
    assert [got.message["type"] for got in cards.wait(1)] == ["advice.given"]
    assert cards.got[0].message["id"] == both.got[0].message["id"]


def test_a_card_that_was_taken_back_is_told_as_taken_back(telling, clients, wire):
    """The recogniser changed its mind after the card was on disk."""
    service, receiver, _ = telling(events=["advice.given", "advice.withdrawn"])
    producer = clients.producer(service)
    producer.send(wire.started(), wire.said("这个我不知道呢亲", seq=2, utterance_id="u1", final=False))
    producer.send(wire.said("好的", seq=3, speaker="customer"))
    producer.acked("c1", 3)
    given = receiver.wait(1)[0].message["data"]
    producer.send(wire.said("这个我知道呢亲", seq=4, utterance_id="u1", revision=2))
    withdrawn = receiver.wait(2)[1].message
    assert (withdrawn["type"], withdrawn["data"]["id"]) == ("advice.withdrawn", given["id"])


def test_personal_data_is_masked(telling, clients, wire):
    """A webhook tells no more than a sidebar shows."""
    service, receiver, _ = telling()
    make_call(service, clients, wire, "您的手机号13812345678我不知道，应该会发到这里")
    receiver.wait(1, kind="call.score")
    bodies = b"".join(got.body for got in receiver.got)
    assert b"13812345678" not in bodies
    assert b"5678" not in bodies


def test_nothing_is_told_of_what_was_not_committed(telling, clients, wire):
    """An event that comes again after it was acked is told once."""
    service, receiver, _ = telling(events=["advice.given", "call.ended"])
    make_call(service, clients, wire, FAULTY)
    make_call(service, clients, wire, FAULTY)
    make_call(service, clients, wire, FAULTY, call_id="c2")
    receiver.wait(4)
    eventually(service, hooks(service).outbox.next_at, None)
    # Between calls there is no order.
    told = Counter((got.message["data"]["call_id"], got.message["type"]) for got in receiver.got)
    assert told == {(call_id, kind): 1 for call_id in ("c1", "c2") for kind in ("advice.given", "call.ended")}


def test_the_events_of_a_call_keep_their_order_while_one_is_tried_again(
    telling, clients, wire, answer, monkeypatch
):
    """What is behind a failed event waits for it."""
    monkeypatch.setattr("coach.service.webhooks.retry.RetryPolicy.wait_s", lambda *_, **__: 0.05)
    service, receiver, _ = telling(events=["advice.given", "call.ended"])
    receiver.answers.extend([answer(500), answer(500)])
    make_call(service, clients, wire, FAULTY)
    kinds = [got.message["type"] for got in receiver.wait(4)]
    assert kinds == ["advice.given", "advice.given", "advice.given", "call.ended"]
    assert len({got.message["id"] for got in receiver.got[:3]}) == 1


def test_a_stubborn_event_lets_the_others_pass(telling, clients, wire, answer, monkeypatch):
    """After three failures order gives way: one poisoned event must not hold a call back for a day."""
    waits = iter([0.01, 0.01, 3600.0])
    monkeypatch.setattr("coach.service.webhooks.retry.RetryPolicy.wait_s", lambda *_, **__: next(waits))
    service, receiver, _ = telling(events=["advice.given", "call.ended"])
    receiver.answers.extend([answer(500)] * 3)
    make_call(service, clients, wire, FAULTY)
    kinds = [got.message["type"] for got in receiver.wait(4)]
    assert kinds == ["advice.given"] * 3 + ["call.ended"]


def test_a_receiver_that_was_down_gets_it_when_it_is_back(telling, clients, wire, monkeypatch):
    """Down, then up: nothing is lost, and the time of each attempt is signed anew."""
    monkeypatch.setattr("coach.service.webhooks.retry.RetryPolicy.wait_s", lambda *_, **__: 0.1)
    service, receiver, secret = telling(events=["call.ended"])
    receiver.stop()
    make_call(service, clients, wire, FAULTY)
    eventually(service, lambda: hooks(service).meter.failed > 0, expected=True)
    receiver.start()
    assert receiver.wait(1)[0].verified(secret).type == "call.ended"


@pytest.mark.databases
def test_after_the_last_try_it_is_a_dead_letter_that_can_be_tried_by_hand(
    telling, clients, wire, answer, monkeypatch
):
    """Kept, counted, visible; tried anew it arrives under the same id."""
    quick = lambda _, tried, **__: None if tried == 3 else 0.01  # noqa: E731
    monkeypatch.setattr("coach.service.webhooks.retry.RetryPolicy.wait_s", quick)
    service, receiver, _ = telling(events=["call.ended"])
    receiver.usual = answer(500, body="数据库满了".encode())
    make_call(service, clients, wire, FAULTY)
    receiver.wait(3)
    eventually(service, lambda: hooks(service).meter.dead, 1)
    eventually(service, lambda: count_dead(service), 1)
    (dead,) = service.within(hooks(service).outbox.dead)
    assert (dead.type, dead.tries, dead.status, dead.says) == ("call.ended", 3, 500, "HTTP 500：数据库满了")
    receiver.usual = answer(200)
    assert service.within(hooks(service).retry, dead.id) == 1
    assert receiver.wait(4)[3].message["id"] == dead.id
    eventually(service, hooks(service).outbox.next_at, None)


async def _dead(service):
    return len(await hooks(service).outbox.dead())


def count_dead(service):
    """How many dead letters there are."""
    return _dead(service)


def test_a_slow_endpoint_holds_up_neither_others_nor_calls(telling, clients, wire, answer):
    """One receiver that never answers; the other has everything, and acks do not wait."""
    service, slow, _ = telling(events=["*"])
    _, quick, _ = telling(events=["call.ended"], service=service)
    release = threading.Event()
    slow.usual = answer(after=release)
    try:
        for number in range(20):
            make_call(service, clients, wire, FAULTY, call_id=f"c{number}")
        assert len(quick.wait(20)) == 20
    finally:
        release.set()


def test_a_new_secret_signs_beside_the_old_one(telling, clients, wire):
    """A receiver that has only one of the two, either one, goes on."""
    service, receiver, old = telling(events=["call.ended"])
    (endpoint,) = service.within(hooks(service).endpoints.list)
    new = service.within(hooks(service).endpoints.rotate, endpoint.id).secret
    make_call(service, clients, wire, FAULTY)
    (got,) = receiver.wait(1)
    assert new != old
    assert got.verified(new).id == got.verified(old).id


def test_the_old_secret_ends(telling, clients, wire):
    """After a day only the new one signs."""
    moved = [0.0]
    service, receiver, old = telling(events=["call.ended"], clock=lambda: time.time() + moved[0])
    (endpoint,) = service.within(hooks(service).endpoints.list)
    new = service.within(hooks(service).endpoints.rotate, endpoint.id).secret
    moved[0] = 86_401.0
    make_call(service, clients, wire, FAULTY)
    (got,) = receiver.wait(1)
    with pytest.raises(WebhookError, match="签名不符"):
        _verify(got, old, moved[0])
    assert _verify(got, new, moved[0]).type == "call.ended"


def _verify(got, secret, moved):
    from coach.client import verify_webhook

    return verify_webhook(got.headers, got.body, secret, now=time.time() + moved)


def test_an_endpoint_that_says_410_is_disabled(telling, clients, wire, answer):
    """It wants nothing more; what waited for it is kept as dead letters, what comes is not noted for it."""
    service, receiver, _ = telling(events=["call.ended"])
    receiver.usual = answer(410)
    make_call(service, clients, wire, FAULTY)
    receiver.wait(1)

    async def state():
        return (await hooks(service).endpoints.list())[0].state

    eventually(service, state, "disabled")
    make_call(service, clients, wire, FAULTY, call_id="c2")
    eventually(service, lambda: count_dead(service), 1)
    assert len(receiver.got) == 1


@pytest.mark.databases
def test_an_endpoint_that_fails_for_long_is_disabled_with_its_reason(
    telling, clients, wire, answer, monkeypatch
):
    """Three days of nothing but failures; the list says why."""
    monkeypatch.setattr("coach.service.webhooks.retry.RetryPolicy.wait_s", lambda *_, **__: 0.01)
    service, receiver, _ = telling(events=["call.ended"], webhook_disable_h=0.00001)
    receiver.usual = answer(500)
    make_call(service, clients, wire, FAULTY)

    async def reason():
        endpoint = (await hooks(service).endpoints.list())[0]
        return endpoint.state, endpoint.reason[:4]

    eventually(service, reason, ("disabled", "连续 0"))


@pytest.mark.databases
def test_what_a_receiver_repeats_goes_with_its_call(telling, clients, wire, answer, caplog, disk):
    """A receiver that answers with what it was sent puts no word into the log or where nothing is deleted."""
    service, receiver, _ = telling(events=["advice.given"], webhook_tries=1, webhook_disable_h=0.00001)
    receiver.usual = answer(500, body="收到：我不知道".encode())
    make_call(service, clients, wire, FAULTY)
    eventually(service, lambda: count_dead(service), 1)
    (dead,) = service.within(hooks(service).outbox.dead)
    assert "我不知道" in dead.says

    async def state():
        (endpoint,) = await hooks(service).endpoints.list()
        return endpoint.state

    make_call(service, clients, wire, FAULTY, call_id="c2")
    eventually(service, state, "disabled")
    (endpoint,) = service.within(hooks(service).endpoints.list)
    assert endpoint.reason.endswith("最后一次：HTTP 500")
    assert "HTTP 500" in caplog.text
    assert "我不知道" not in caplog.text
    for call_id in ("c1", "c2"):
        assert service.http("DELETE", f"/v1/calls/{call_id}").status_code == 200
    assert disk("SELECT count(*) FROM webhook_outbox") == [(0,)]


def test_the_push_does_not_wait_for_webhooks(telling, clients, wire, answer):
    """A card comes while the receiver keeps every attempt waiting."""
    service, slow, _ = telling()
    release = threading.Event()
    slow.usual = answer(after=release)
    try:
        make_call(service, clients, wire, FAULTY, call_id="c1")
        slow.wait(1)
        sidebar = clients.sidebar(service, "a2")
        sidebar.until("snapshot")
        make_call(service, clients, wire, FAULTY, call_id="c2", agent_id="a2", end=False)
        assert sidebar.until("advice")["rule"] == "ignorance/bare-dont-know"
    finally:
        release.set()


def test_a_score_is_that_of_coach_review(telling, clients, wire, settings_for):
    """The same engine, the same scorecard, the same words."""
    from coach import shipped
    from coach.coaching.review_call import CallReviewer, RecordedTurn
    from coach.coaching.scorecard_file import find_scorecard, load_scorecard
    from coach.review.judge import Judge
    from coach.transcripts.model import Place, TranscriptCall

    service, receiver, _ = telling(events=["call.score"])
    make_call(service, clients, wire, FAULTY, "明天应该会到")
    told = receiver.wait(1)[0].message["data"]
    book, folder = service.service.default.rules.current.rulebook, settings_for().rules
    file = find_scorecard(folder, shipped.rules_dir())
    card = load_scorecard(file, book=book, rules_dir=shipped.rules_dir())
    turns = tuple(
        RecordedTurn("agent", text, 1000 * seq, 1000 * seq + 900)
        for seq, text in enumerate((FAULTY, "明天应该会到"), 2)
    )
    result = Judge(CallReviewer(book), card).judge(TranscriptCall("c1", turns, Place(""))).result
    assert told["score"]["points"] == result.score.points
    assert [hit["rule"] for hit in told["hits"]] == [hit.rule for hit in result.hits]
    assert told["digest"] == result.digest


@pytest.mark.databases
def test_a_webhook_that_hangs_is_given_back_at_the_end(telling, clients, wire, answer, running):
    """Stopping the service does not lose it: the next one delivers it at once."""
    service, receiver, _ = telling(events=["call.ended"])
    release = threading.Event()
    receiver.answers.append(answer(after=release))
    make_call(service, clients, wire, FAULTY)
    receiver.wait(1)
    service.stop()
    release.set()
    running(webhook_private=True)
    again = receiver.wait(2)
    assert again[0].message["id"] == again[1].message["id"]


def test_workers_of_one_file_do_not_take_each_others_rows(
    settings_for, running, receiver, answer, clients, wire
):
    """Only a process that is alone may take back at its start what was claimed."""
    service = running(webhook_private=True)
    service.within(hooks(service).endpoints.add, receiver.url, ["call.ended"])
    release = threading.Event()
    receiver.answers.append(answer(after=release))
    make_call(service, clients, wire, FAULTY)
    receiver.wait(1)
    settings = settings_for(webhook_private=True, workers=2, redis_url="redis://127.0.0.1:9/0")
    second = Webhooks(service.service.default.database, tenant="default", settings=settings, clock=time.time)

    async def start():
        await context.__aenter__()

    async def stop():
        await context.__aexit__(None, None, None)

    context = second.running(service.service.default.rules, alone=True)
    service.within(start)
    # It has claimed what there is to claim once it has looked.
    eventually(service, lambda: bool(second.meter.endpoints), expected=True)
    service.within(stop)
    release.set()
    eventually(service, hooks(service).outbox.next_at, None)
    assert len(receiver.got) == 1
