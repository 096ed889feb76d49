"""Moments, stages and must-says of a live call, over real sockets."""

from __future__ import annotations

import pytest

from coach.service.ruleset import RuleSet, RuleSource

SIGNALS = """\
version: 1
rules:
  - id: customer-complaint/compensation-wanted
    title: 客户要赔偿：先问清诉求
    severity: notice
    status: stable
    speaker: customer
    match: [(赔偿|赔钱)]
    suggest: [ignorance/check-now]
    explain: 先问诉求，不先报价。
    source: 测试
    hits: [你们要【赔偿】我]
    misses: [你们好]
"""
GREETING = "您好，晨光银行客服，工号八六零二，请讲"


@pytest.fixture(scope="module")
def ruleset(tmp_path_factory, fill_book) -> RuleSet:
    """The small book of the service tests, with a rule for complaining customers."""
    folder = fill_book(tmp_path_factory.mktemp("signals"))
    (folder / "rules" / "customer-complaint.yml").write_text(SIGNALS, "utf-8")
    source = RuleSource(rules_dir=folder / "rules", phrasebook_dir=folder / "phrasebook")
    source.load()
    return source.current


def begin(clients, service, wire, *events):
    """Start a call with some events; return producer and sidebar, both up to date."""
    producer, sidebar = clients.producer(service), clients.sidebar(service)
    sidebar.until("snapshot")
    producer.send(wire.started(), *events)
    return producer, sidebar


def test_a_moment_reaches_the_sidebar_and_the_disk(running, clients, wire):
    """A vague promise is told with its utterance and can be read back when the call is over."""
    service = running()
    producer, sidebar = begin(
        clients,
        service,
        wire,
        wire.said(GREETING, seq=2),
        wire.said("我稍后给您回电话", seq=3),
        wire.said("好的", seq=4, speaker="customer"),
        wire.said("您放心", seq=5),
    )
    moment = sidebar.until("moment")
    assert (moment["kind"], moment["utterance_id"], moment["due"]) == ("commitment", "u3", False)
    assert moment["details"]["vague"] is True
    producer.send(wire.ended(seq=6))
    producer.acked("c1", 6)
    stored = service.http("GET", "/v1/calls/c1").json()["moments"]
    assert [each["kind"] for each in stored] == ["commitment", "missing-closing"]
    assert stored[0].items() <= moment.items()


def test_the_parts_of_the_greeting_are_ticked_while_they_are_said(running, clients, wire):
    """Partial words tick a part, so the countdown is ahead of the final."""
    service = running()
    _, sidebar = begin(
        clients, service, wire, wire.said("您好", seq=2, utterance_id="u2", final=False, at=500)
    )
    first = sidebar.until("must_say")["parts"]
    assert [(each["part"], each["said"], each["due_ms"]) for each in first] == [
        ("问候", True, 8500),
        ("单位", False, 8500),
        ("工号", False, 8500),
    ]


def test_a_greeting_part_not_said_in_time_is_missed(running, clients, wire):
    """The clock, not the next words, decides; the moment is told once."""
    now = [1_000_000.0]
    service = running(clock=lambda: now[0])
    producer, sidebar = begin(
        clients,
        service,
        wire,
        wire.said("您好", seq=2, utterance_id="u2", final=False, at=500),
        wire.said("您好", seq=3, utterance_id="u2", at=500, revision=2),
    )
    producer.acked("c1", 3)
    now[0] += 11
    service.within(service.tenant.calls.tick)
    service.within(service.tenant.calls.tick)
    told = [sidebar.until("moment") for _ in range(2)]
    assert [each["kind"] for each in told] == ["long-silence", "missing-greeting"]
    assert told[1]["details"] == {"missing": ["单位", "工号"]}
    assert [each["missed"] for each in sidebar.until("must_say")["parts"]] == [False, True, True]
    producer.send(wire.said("请讲", seq=4, at=12_000))
    sidebar.until("transcript", utterance_id="u4")
    assert [each["kind"] for each in clients.sidebar(service).next()["call"]["moments"]] == [
        "missing-greeting",
        "long-silence",
    ]


def test_a_slow_recogniser_makes_no_silence(running, clients, wire):
    """Time runs with the words: what arrives nine seconds late is not nine seconds of silence."""
    now = [1_000_000.0]
    service = running(clock=lambda: now[0])
    producer, sidebar = begin(clients, service, wire)
    producer.acked("c1", 1)
    now[0] += 10
    producer.send(
        wire.said("您", seq=2, utterance_id="u2", final=False, at=100),
        wire.said(GREETING, seq=3, utterance_id="u2", revision=2, at=100),
    )
    producer.acked("c1", 3)
    now[0] += 5
    service.within(service.tenant.calls.tick)
    assert clients.sidebar(service).next()["call"]["moments"] == []
    now[0] += 8
    service.within(service.tenant.calls.tick)
    assert sidebar.until("moment")["kind"] == "long-silence"


def test_the_stage_strip_follows_a_complaint(running, clients, wire):
    """A complaint asks for the first step, regret takes it, and the customer's state is told with it."""
    service = running()
    producer, sidebar = begin(
        clients,
        service,
        wire,
        wire.said(GREETING, seq=2),
        wire.said("你们要赔偿我", seq=3, speaker="customer"),
    )
    stage = sidebar.until("stage", active=True)
    assert (stage["seen"], stage["stage"], stage["next"]) == ([], None, "稳")
    assert stage["customer"] == {
        "mood": "upset",
        "signals": ["customer-complaint"],
        "motive": "compensation",
        "intent": {"motive": "compensation", "settled": False},
    }
    producer.send(wire.said("很抱歉给您添麻烦了", seq=4))
    stage = sidebar.until("stage")
    assert (stage["seen"], stage["stage"], stage["next"]) == (["稳"], "稳", "问")


def test_a_promise_is_due_during_the_call(running, clients, wire):
    """When its time comes the same moment is told again, as due."""
    now = [1_000_000.0]
    service = running(clock=lambda: now[0])
    producer, sidebar = begin(
        clients,
        service,
        wire,
        wire.said(GREETING, seq=2),
        wire.said("我五分钟内给您回电话", seq=3),
        wire.said("好的", seq=4, speaker="customer"),
    )
    told = sidebar.until("moment")
    producer.acked("c1", 4)
    now[0] += 320
    service.within(service.tenant.calls.tick)
    due = next(each for each in iter(lambda: sidebar.until("moment"), None) if each["id"] == told["id"])
    assert (told["kind"], told["due"], due["due"]) == ("commitment", False, True)


def test_after_a_restart_nothing_is_told_twice(running, clients, wire):
    """The rebuilt call stands as the lost one did, and only news is told."""
    first = running()
    producer, _ = begin(
        clients,
        first,
        wire,
        wire.said("您好", seq=2),
        wire.said("你们要赔偿我", seq=3, speaker="customer"),
        wire.said("我稍后给您回电话", seq=4),
        wire.said("什么时候", seq=5, speaker="customer"),
        wire.said("这个我不清楚", seq=6),
        wire.said("那还是要赔偿", seq=7, speaker="customer", at=12_000),
    )
    producer.acked("c1", 7)
    before = clients.sidebar(first).next()["call"]
    first.stop()
    second = running()
    sidebar = clients.sidebar(second)
    after = sidebar.next()["call"]
    assert after == before
    assert {each["kind"] for each in after["moments"]} == {
        "missing-greeting",
        "customer-complaint",
        "commitment",
        "no-empathy-after-complaint",
    }
    producer = clients.producer(second)
    producer.send(wire.said("好的", seq=8, at=14_000), wire.ended(seq=9))
    producer.acked("c1", 9)
    kinds = []
    while (message := sidebar.next())["type"] != "call.ended":
        kinds += [message["kind"]] if message["type"] == "moment" else []
    assert kinds == ["missing-closing"]


def test_an_ended_call_says_what_was_missing(running, clients, wire):
    """What only the end decides is told before the end."""
    service = running()
    producer, sidebar = begin(clients, service, wire, wire.said("您好", seq=2), wire.ended(seq=3))
    producer.acked("c1", 3)
    assert [sidebar.until("moment")["kind"] for _ in range(2)] == ["missing-greeting", "missing-closing"]
    assert sidebar.until("call.ended")["at_ms"] == 60_000


def test_a_verdict_is_taken_back(running, clients, wire):
    """After an undo the advice has no verdict, also on disk."""
    service = running()
    _, sidebar = begin(clients, service, wire, wire.said("我不知道", seq=2))
    advice = sidebar.until("advice")["id"]
    sidebar.send({"type": "feedback", "advice_id": advice, "verdict": "false-alarm"})
    sidebar.until("noted")
    sidebar.send({"type": "feedback.undo", "advice_id": advice})
    assert sidebar.until("noted") == {"type": "noted", "advice_id": advice}
    assert service.http("GET", "/v1/calls/c1").json()["advice"][0]["feedback"] == {}


def test_a_verdict_on_another_agents_advice_cannot_be_taken_back(running, clients, wire):
    """Who was not given the advice has nothing to take back."""
    service = running()
    _, sidebar = begin(clients, service, wire, wire.said("我不知道", seq=2))
    advice = sidebar.until("advice")["id"]
    stranger = clients.sidebar(service, "a2")
    stranger.next()
    stranger.send({"type": "feedback.undo", "advice_id": advice})
    assert stranger.next()["code"] == "invalid_field"


def test_a_rule_speaks_again_after_its_snooze_is_taken_back(running, clients, wire):
    """Quiet between snooze and undo, also in the call rebuilt from disk; not before and not after."""
    first = running()
    producer, sidebar = begin(clients, first, wire)
    sidebar.until("call.started")
    rule = {"call_id": "c1", "rule": "hedging/should-be"}
    sidebar.send({"type": "snooze", **rule})
    sidebar.until("noted")
    producer.send(wire.said("明天应该会到", seq=2))
    producer.acked("c1", 2)
    sidebar.send({"type": "snooze.undo", **rule})
    assert sidebar.until("noted") == {"type": "noted", "rule": "hedging/should-be"}
    producer.send(wire.said("后天应该会到", seq=3))
    assert sidebar.until("advice")["utterance_id"] == "u3"
    producer.acked("c1", 3)
    first.stop()
    call = clients.sidebar(running()).next()["call"]
    assert ([each["utterance_id"] for each in call["advice"]], call["snoozed"]) == (["u3"], [])
