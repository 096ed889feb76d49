"""The client against a real service."""

from __future__ import annotations

import asyncio
import threading

import pytest

from coach.client import AsyncClient, AsyncProducer, Client, Producer, RefusedError, UnreachableError
from coach.client.messages import Advice, CallEnded, OtherEvent, Snapshot, Transcript, read_event
from coach.client.stream import Reading, agent_path, read_stream

WORDS = {"speaker": "agent", "start_ms": 0, "end_ms": 900}


@pytest.fixture
def client(running):
    """A client of a running service, with its API key."""
    service = running()
    with Client(service.url, service.key) as client:
        client.service = service
        yield client


def test_check_tells_what_an_agent_would_be_shown(client):
    """The hit with its place, its suggestions and the digest of the rules."""
    found = client.check("这个我不知道")
    assert [(hit.rule, hit.start, hit.end) for hit in found.hits] == [("ignorance/bare-dont-know", 2, 6)]
    assert found.hits[0].suggestions == ("我马上帮您查一下，请您稍等",)
    assert found.digest


def test_many_texts_are_checked_in_their_order(client):
    """One request, one result a text."""
    assert [bool(each.hits) for each in client.check_many(["您好", "我不知道"]).results] == [False, True]


def test_a_call_is_fed_and_shown(client):
    """Each answer is the seq on disk; a partial waits for its final."""
    assert (
        client.start_call("c1", agent_id="a1", slots={"org": "晨光银行"}, team="t1", agent_name="小林") == 1
    )
    assert client.utterance("c1", "u1", "我不", final=False, **WORDS) == 1
    assert client.utterance("c1", "u1", "我不知道", **WORDS) == 3
    assert client.end_call("c1", at_ms=2000) == 4
    call = client.call("c1")
    assert [(each.text, each.revision) for each in call.utterances] == [("我不知道", 2)]
    assert [each.rule for each in call.advice] == ["ignorance/bare-dont-know"]
    assert (call.ended_ms, call.team, call.agent_name) == (2000, "t1", "小林")
    stored = client.give_feedback(call.advice[0].id, verdict="useful")
    assert client.call("c1").advice[0].feedback["verdict"] == stored.verdict == "useful"


def test_what_no_answer_came_for_goes_out_with_the_next_event(running):
    """A service that is away loses no event, and none is stored twice."""
    first = running()
    port = int(first.url.rsplit(":", 1)[1])
    with Client(first.url, first.key) as client:
        client.start_call("c1", agent_id="a1")
        first.stop()
        with pytest.raises(UnreachableError):
            client.utterance("c1", "u1", "一", **WORDS)
        running(port=port)
        assert client.utterance("c1", "u2", "二", **WORDS) == 3
        assert [each.text for each in client.call("c1").utterances] == ["一", "二"]


def test_a_restart_between_a_partial_and_its_final_is_no_gap(running):
    """The partial is on no disk; it is sent again when the service asks."""
    first = running()
    port = int(first.url.rsplit(":", 1)[1])
    with Client(first.url, first.key) as client:
        client.start_call("c1", agent_id="a1")
        client.utterance("c1", "u1", "一", final=False, **WORDS)
        first.stop()
        running(port=port)
        assert client.utterance("c1", "u1", "一二", **WORDS) == 3


def test_a_refusal_names_its_code_and_field(client):
    """A speaker that does not exist; the call goes on after it."""
    client.start_call("c1", agent_id="a1")
    with pytest.raises(RefusedError) as refused:
        client.utterance("c1", "u1", "好", speaker="nobody", start_ms=0, end_ms=1)
    assert (refused.value.code, refused.value.field) == ("invalid_field", "speaker")
    assert client.utterance("c1", "u2", "好", **WORDS) == 3


def test_calls_are_listed_youngest_first_over_pages(client):
    """More than a page; by agent; those that go on and those that are over."""
    for index in range(5):
        client.start_call(f"c{index}", agent_id=f"a{index % 2}")
    client.end_call("c0", at_ms=1)
    assert [each.call_id for each in client.calls()] == ["c4", "c3", "c2", "c1", "c0"]
    assert [each.call_id for each in client.calls(limit=2)] == ["c4", "c3"]
    assert [each.call_id for each in client.calls(agent_id="a1")] == ["c3", "c1"]
    assert [each.call_id for each in client.calls(live=False)] == ["c0"]
    assert all(each.live for each in client.calls(live=True))


def test_pages_of_calls_join_without_loss(client):
    """The cursor of a page leads to the next row."""
    for index in range(5):
        client.start_call(f"c{index}", agent_id="a1")
    seen, cursor = [], None
    while True:
        page = client.service.http(
            "GET", "/v1/calls", params={"limit": 2} | ({"cursor": cursor} if cursor else {})
        ).json()
        seen += [each["call_id"] for each in page["calls"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == ["c4", "c3", "c2", "c1", "c0"]


def test_a_token_lists_the_calls_of_its_agent_only(client):
    """Another agent's are not there, and cannot be asked for."""
    client.start_call("c1", agent_id="a1")
    client.start_call("c2", agent_id="a2")
    with Client(client.service.url, client.mint_token("a1").token) as agent:
        assert [each.call_id for each in agent.calls()] == ["c1"]
        with pytest.raises(RefusedError) as refused:
            list(agent.calls(agent_id="a2"))
    assert refused.value.status == 403


@pytest.mark.parametrize("role", ["supervisor", "reviewer", "admin"])
def test_an_administrator_mints_tokens_for_people(client, role):
    """Which may then do what their role may, and mint none."""
    minted = client.mint_user_token("u1", role=role, teams=["t1"])
    assert (minted.user_id, minted.role) == ("u1", role)
    with Client(client.service.url, minted.token) as person:
        assert list(person.calls()) == []
        with pytest.raises(RefusedError):
            person.mint_token("a1")


def test_a_wrong_query_is_refused_in_the_shape_of_all_errors(client):
    """The code, the field and what came."""
    answer = client.service.http("GET", "/v1/calls?limit=0")
    assert answer.status_code == 422
    assert answer.json()["error"]["field"] == "limit"


def test_a_wrong_key_is_told(running):
    """RefusedError with 401."""
    with Client(running().url, "wrong") as client, pytest.raises(RefusedError) as refused:
        client.check("好")
    assert (refused.value.code, refused.value.status) == ("not_authenticated", 401)


def test_health_needs_no_key(running):
    """The digest and the numbers."""
    service = running()
    with Client(service.url) as client:
        assert client.health().rules.digest == service.tenant.rules.current.rulebook.digest


def test_an_answer_that_is_not_coachs_is_told():
    """A web server that answers something else is no service."""
    from coach.client import ClientError, requests

    with pytest.raises(ClientError, match="协议"):
        requests.read(requests.health(), 200, b"<html>")
    with pytest.raises(UnreachableError, match="502"):
        requests.read(requests.health(), 502, b"<html>Bad Gateway")


def test_events_begin_with_a_snapshot_and_follow_the_call(client):
    """The same things in the same order as on the agent's screen, typed."""
    events = client.events("a1")
    assert isinstance(next(events), Snapshot)
    client.start_call("c1", agent_id="a1")
    client.utterance("c1", "u1", "我不知道", **WORDS)
    client.end_call("c1", at_ms=1000)
    seen = []
    for event in events:
        seen.append(event)
        if isinstance(event, CallEnded):
            break
    events.close()
    assert next(each for each in seen if isinstance(each, Transcript)).text == "我不知道"
    assert [each.rule for each in seen if isinstance(each, Advice)] == ["ignorance/bare-dont-know"]


def test_a_teams_events_are_typed_too(client):
    """The calls first, then what happens; the day's rates in between."""
    events = client.team_events("一组")
    calls = next(each for each in events if each.type == "team.calls")
    assert calls.calls == ()
    client.start_call("c1", agent_id="a1", team="一组", agent_name="小林")
    client.utterance("c1", "u1", "我不知道", **WORDS)
    alert = next(each for each in events if each.type == "alert")
    assert (alert.agent_name, alert.quote, alert.escalated) == ("小林", "我不知道", False)
    events.close()


def test_events_are_taken_up_after_an_offset(client):
    """A reader that was away gets what it missed, once, and no snapshot."""
    events = client.events("a1")
    next(events)
    client.start_call("c1", agent_id="a1")
    offset = next(event for event in events if event.type == "call.started").offset
    events.close()
    client.utterance("c1", "u1", "我不知道", **WORDS)
    missed = client.events("a1", after=offset)
    kinds = [next(missed).type, next(missed).type]
    missed.close()
    assert "snapshot" not in kinds
    assert {"transcript", "advice"} <= set(kinds) | {next(client.events("a1", after=offset)).type, "advice"}


def test_events_go_on_after_the_service_was_away(running):
    """A restart shows as a snapshot, not as an end."""
    first = running()
    events = Client(first.url, first.key).events("a1")
    assert isinstance(next(events), Snapshot)
    first.stop()
    running(port=int(first.url.rsplit(":", 1)[1]))
    assert isinstance(next(events), Snapshot)
    events.close()


def test_events_end_when_the_key_is_wrong_or_nobody_is_there(running):
    """Neither is tried for ever."""
    service = running()
    with pytest.raises(RefusedError):
        next(Client(service.url, "wrong").events("a1"))
    with pytest.raises(UnreachableError):
        next(Client("http://127.0.0.1:9", "x").events("a1", patience_s=0))


def test_an_event_of_a_newer_service_is_handed_on():
    """Its type and fields are there, though unknown."""
    event = read_event({"type": "weather", "offset": "e-1", "sky": "blue"})
    assert isinstance(event, OtherEvent)
    assert (event.offset, event.model_extra) == ("e-1", {"sky": "blue"})


def test_a_producer_leaves_when_everything_is_confirmed(running):
    """Many calls over one socket; after the block all of it is on disk."""
    service = running()
    with Producer(service.url, service.key) as producer:
        for index in range(20):
            producer.start_call(f"c{index}", agent_id=f"a{index}")
            producer.utterance(f"c{index}", "u1", "我不知道", **WORDS)
            producer.end_call(f"c{index}", at_ms=1000)
    with Client(service.url, service.key) as client:
        assert all(client.call(f"c{index}").ended_ms == 1000 for index in range(20))


def test_a_producer_waits_while_its_window_is_full(running):
    """Never more unconfirmed than the window holds; everything arrives."""
    service = running()
    most = 0
    with Producer(service.url, service.key, window=3) as producer:
        producer.start_call("c1", agent_id="a1")
        for index in range(30):
            producer.utterance("c1", f"u{index}", "好", **WORDS)
            most = max(most, producer.unacked)
        producer.end_call("c1", at_ms=1000)
    assert most <= 3
    with Client(service.url, service.key) as client:
        assert len(client.call("c1").utterances) == 30


def test_a_producer_sends_again_what_a_restarted_service_did_not_have(running):
    """The service stops in the middle of many calls; every final is stored once."""
    first = running()
    port = int(first.url.rsplit(":", 1)[1])
    with Producer(first.url, first.key) as producer:
        for index in range(10):
            producer.start_call(f"c{index}", agent_id=f"a{index}")
        restart = threading.Thread(target=lambda: (first.stop(), running(port=port)))
        restart.start()
        for turn in range(20):
            for index in range(10):
                producer.utterance(f"c{index}", f"u{turn}", "好", **WORDS)
        restart.join()
        for index in range(10):
            producer.end_call(f"c{index}", at_ms=1000)
    with Client(first.url, first.key) as client:
        for index in range(10):
            stored = [each.utterance_id for each in client.call(f"c{index}").utterances]
            assert stored == [f"u{turn}" for turn in range(20)]


def test_a_producer_counts_what_was_refused_and_goes_on(running):
    """A wrong event keeps nobody waiting."""
    service = running()
    with Producer(service.url, service.key) as producer:
        producer.start_call("c1", agent_id="a1")
        producer.utterance("c1", "u1", "好", speaker="nobody", start_ms=0, end_ms=1)
        producer.end_call("c1", at_ms=1)
        producer.drain()
        assert [each.code for each in producer.refusals] == ["invalid_field"]


def test_a_producer_that_is_told_busy_tries_again(running):
    """A service with room for one call takes the second when the first is over."""
    service = running(max_calls=1)
    with Producer(service.url, service.key) as producer:
        producer.start_call("c1", agent_id="a1")
        producer.drain()
        producer.start_call("c2", agent_id="a2")
        producer.end_call("c1", at_ms=1)
        producer.drain()
    with Client(service.url, service.key) as client:
        assert client.call("c2").seq == 1


def test_a_producer_with_a_wrong_key_says_so(running):
    """At the latest when it waits; not after half a minute."""
    with pytest.raises(RefusedError, match="密钥"), Producer(running().url, "wrong") as producer:
        producer.start_call("c1", agent_id="a1")


def test_a_producer_without_a_service_gives_up():
    """Sooner than one whose service restarts."""
    with (
        pytest.raises(UnreachableError, match="连不上"),
        Producer("http://127.0.0.1:9", "x", first_patience_s=0) as producer,
    ):
        producer.start_call("c1", agent_id="a1")


def test_an_exception_in_the_block_is_not_held_up(running):
    """Who fails does not wait for acks."""
    service = running()
    producer = Producer(service.url, service.key)

    def fail() -> None:
        with producer:
            producer.start_call("c1", agent_id="a1")
            raise KeyError

    with pytest.raises(KeyError):
        fail()


def test_the_asynchronous_client_does_the_same(running):
    """A call by HTTP and one by socket, read back, listed, and watched."""
    service = running()

    async def work():
        async with AsyncClient(service.url, service.key) as client:
            events = client.events("a1")
            assert isinstance(await anext(events), Snapshot)
            await client.start_call("c1", agent_id="a1")
            said = [client.utterance("c1", f"u{index}", "我不知道", **WORDS) for index in range(3)]
            assert max(await asyncio.gather(*said)) == 4
            await client.end_call("c1", at_ms=1000)
            async for event in events:
                if isinstance(event, CallEnded):
                    break
            await events.aclose()
            async with client.producer() as producer:
                await producer.start_call("c2", agent_id="a1")
                await producer.end_call("c2", at_ms=1)
            assert (await client.check("我不知道")).hits
            assert (await client.call("c1")).ended_ms == 1000
            return [each.call_id async for each in client.calls()]

    assert asyncio.run(work()) == ["c2", "c1"]


def test_a_producer_must_be_entered():
    """The message says how."""
    from coach.client import ClientError

    async def forget():
        await AsyncProducer("http://127.0.0.1:9", "x").start_call("c1", agent_id="a1")

    with pytest.raises(ClientError, match="async with"):
        asyncio.run(forget())


def test_leaving_is_told_as_leaving(running, caplog):
    """The service sees 1000 of a producer and of a reader, not the code of a failure."""
    service = running(access_log=True)
    with caplog.at_level("INFO", logger="coach.access"), Client(service.url, service.key) as client:
        events = client.events("a1")
        next(events)
        events.close()
        with client.producer() as producer:
            producer.start_call("c1", agent_id="a1")
        service.stop()
    codes = [record.args[2] for record in caplog.records if record.args[0] == "WS"]
    assert codes == [1000, 1000]


def test_a_stream_asks_for_a_new_token_when_the_last_one_expires(running):
    """It goes on where it was, and whoever reads does not notice."""
    now = [1_000_000.0]
    service = running(clock=lambda: now[0])
    asked = []

    def mint():
        asked.append(service.token("a1", ttl_s=60))
        return asked[-1]

    reading = Reading(service.url, agent_path("a1"), credential=mint, after=None, patience_s=30)
    events = read_stream(reading, read_event)
    with Client(service.url, service.key) as client:
        assert isinstance(next(events), Snapshot)
        now[0] += 60
        service.within(service.service.lobby.dismiss)
        client.start_call("c1", agent_id="a1")
        assert (next(events).type, len(asked)) == ("call.started", 2)
    events.close()
