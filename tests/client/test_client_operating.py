"""Webhooks, rules, the playground and what operators ask, by the client against a real service."""

from __future__ import annotations

import asyncio
import time

import pytest

from coach.client import AsyncClient, Client, RefusedError, webhook_requests

RULE = "ignorance/bare-dont-know"
TIMEOUT_S = 30


@pytest.fixture
def client(running):
    """A client of a running service, with the key of an administrator."""
    service = running(webhook_private=True, webhook_tries=1)
    with Client(service.url, service.new_key(role="admin")) as client:
        client.service = service
        yield client


def until(found):
    """Wait for something that has to come."""
    deadline = time.monotonic() + TIMEOUT_S
    while not (value := found()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return value


def test_a_webhook_is_added_changed_tried_and_removed(client, receiver):
    """Its secret signs the ping; the list shows none."""
    made = client.webhooks.add(receiver.url, events=["call.ended"])
    assert (made.events, made.state) == (("call.ended",), "active")
    attempt = client.webhooks.test(made.id)
    assert (attempt.delivered, attempt.status) == (True, 200)
    (got,) = receiver.wait(1)
    assert got.verified(made.secret).type == "ping"
    turned = client.webhooks.rotate(made.id)
    assert turned.secret != made.secret
    assert client.webhooks.change(made.id, events=["commitment"]).events == ("commitment",)
    assert client.webhooks.change(made.id, state="disabled").state == "disabled"
    (listed,) = client.webhooks.list()
    assert (listed.events, listed.state) == (("commitment",), "disabled")
    client.webhooks.remove(made.id)
    assert client.webhooks.list() == ()
    with pytest.raises(RefusedError) as refused:
        client.webhooks.remove(made.id)
    assert refused.value.status == 404


def test_what_could_not_be_told_is_tried_anew(client, receiver, answer, monkeypatch):
    """Dead letters page by page, one by hand, then all of them."""
    monkeypatch.setattr(webhook_requests, "_DEAD", 1)
    receiver.usual = answer(status=500, body="数据库满了".encode())
    client.webhooks.add(receiver.url, events=["call.ended"])
    for call_id in ("c1", "c2"):
        client.start_call(call_id, agent_id="a1")
        client.end_call(call_id, at_ms=1)
    dead = until(lambda: len(found := list(client.webhooks.dead())) == 2 and found)
    assert {each.call_id for each in dead} == {"c1", "c2"}
    assert {(each.status, each.tries) for each in dead} == {(500, 1)}
    assert len(list(client.webhooks.dead(limit=1))) == 1
    receiver.usual = answer()
    assert client.webhooks.retry(dead[0].id) == 1
    until(lambda: len(list(client.webhooks.dead())) == 1)
    assert client.webhooks.retry_all() == 1
    until(lambda: not list(client.webhooks.dead()))
    with pytest.raises(RefusedError) as refused:
        client.webhooks.retry("msg_nothing")
    assert refused.value.code == "not_found"


def test_an_address_that_may_not_be_told_is_refused(client):
    """The field is named."""
    with pytest.raises(RefusedError) as refused:
        client.webhooks.add("ftp://crm.example/hook")
    assert (refused.value.code, refused.value.field) == ("invalid_field", "url")


def test_the_rules_in_force_are_listed(client):
    """With the digest that /v1/check names."""
    rules = client.rules()
    assert rules.digest == client.check("您好").digest
    assert RULE in {rule.id for rule in rules.rules}


def test_a_draft_is_tried_without_changing_a_rule(client):
    """Taken as it is written, changed, judged, tried over calls, and put into its file."""
    listed = client.playground.rules()
    assert "version: 1" in listed.template
    taken = client.playground.rule(RULE)
    draft = taken.yaml.replace("severity: warning", "severity: violation")
    explained = client.playground.explain("这个我不知道", customer="怎么退", yaml=draft)
    (found,) = explained.turns[0].found
    assert (found.rule, found.severity, found.draft) == (RULE, "violation", True)
    assert client.playground.explain("这个我不知道").turns[0].found[0].severity == "warning"
    assert client.playground.draft(draft).usable
    broken = client.playground.draft(draft.replace("severity: violation", "severity: bad"))
    assert not broken.usable
    assert broken.problems[0].line > 1
    client.start_call("c1", agent_id="a1")
    client.utterance("c1", "u1", "这个我不知道", speaker="agent", start_ms=0, end_ms=900)
    client.end_call("c1", at_ms=1000)
    effect = client.playground.effect(draft.replace("我 不 (知道|清楚)", "绝不会有人说"), calls=5)
    assert (effect.source, effect.calls, effect.vanished.count) == ("stored", 1, 1)
    assert effect.vanished.rows[0].text == "我不知道"
    assert "severity: violation" in client.playground.file(draft).yaml
    assert client.check("这个我不知道").hits[0].severity == "warning"


@pytest.mark.parametrize("rule_id", ["", "ignorance", "/x", "ignorance/"])
def test_what_is_no_id_of_a_rule_is_refused(client, rule_id):
    """Before it is sent: the path would be another one."""
    with pytest.raises(RefusedError) as refused:
        client.playground.rule(rule_id)
    assert refused.value.field == "rule_id"


def test_a_service_says_whether_it_is_ready(client):
    """Without a key; not ready is an answer and no error."""
    with Client(client.service.url) as anybody:
        assert anybody.readiness().ready
        client.service.service.ready = False
        assert not anybody.readiness().ready


def test_metrics_are_text(client):
    """As Prometheus reads them."""
    assert "coach_calls 0.0" in client.metrics()


def test_the_asynchronous_client_operates_too(running, receiver):
    """One request of each group."""
    service = running(webhook_private=True)

    async def work():
        async with AsyncClient(service.url, service.new_key(role="admin")) as client:
            made = await client.webhooks.add(receiver.url)
            assert (await client.webhooks.test(made.id)).delivered
            assert (await client.webhooks.rotate(made.id)).secret != made.secret
            assert (await client.webhooks.change(made.id, state="disabled")).state == "disabled"
            assert [each async for each in client.webhooks.dead()] == []
            assert await client.webhooks.retry_all() == 0
            with pytest.raises(RefusedError):
                await client.webhooks.retry("msg_nothing")
            await client.webhooks.remove(made.id)
            assert await client.webhooks.list() == ()
            draft = (await client.playground.rule(RULE)).yaml
            assert (await client.playground.rules()).rules
            assert (await client.playground.explain("这个我不知道")).turns[0].found
            assert (await client.playground.draft(draft)).usable
            assert (await client.playground.effect(draft)).usable
            assert (await client.playground.file(draft)).file == "rules/ignorance.yml"
            assert (await client.rules()).rules
            assert (await client.readiness()).ready
            return await client.metrics()

    assert "coach_calls" in asyncio.run(work())
