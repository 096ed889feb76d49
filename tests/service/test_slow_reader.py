"""A sidebar that does not read costs nobody else anything."""

from __future__ import annotations

import asyncio


def flood(service, agent_id, count):
    """Publish large events, as a loop of the service would."""

    async def publish():
        feed = service.tenant.hub.feed(f"agent:{agent_id}")
        for index in range(count):
            feed.publish({"type": "advice.withdrawn", "call_id": "c1", "id": f"{index:08d}" * 500})
            if index % 50 == 0:
                await asyncio.sleep(0)

    service.within(publish)


def test_a_slow_sidebar_is_resynchronised_and_others_are_not_delayed(running, clients, wire):
    """Who reads nothing finds a snapshot when he reads again; meanwhile the others get theirs at once."""
    service = running()
    producer = clients.producer(service)
    producer.send(wire.started(), wire.said("我不知道", seq=2))
    producer.acked("c1", 2)
    slow, other = clients.sidebar(service, "a1"), clients.sidebar(service, "a2")
    other.next()
    flood(service, "a1", 4000)
    producer.send(wire.started("c2", agent_id="a2"))
    assert other.next()["call_id"] == "c2"
    kinds = [slow.next()["type"]]
    while True:
        message = slow.next()
        kinds.append(message["type"])
        if message["type"] == "snapshot":
            break
    assert len(kinds) < 3000
    assert message["call"]["advice"][0]["rule"] == "ignorance/bare-dont-know"
    producer.send(wire.said("好的", seq=3))
    assert slow.until("transcript")["utterance_id"] == "u3"


def test_memory_for_a_slow_sidebar_is_bounded(running, clients):
    """However much passes by, no more than the limit is queued."""
    service = running(send_buffer=16)
    clients.sidebar(service, "a1")
    flood(service, "a1", 4000)

    def queued():
        return [len(reader._frames) for reader in service.tenant.hub.feed("agent:a1").readers]

    assert all(length <= 16 for length in service.within(queued))
