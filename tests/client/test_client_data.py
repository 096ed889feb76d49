"""What an administrator asks: deleting what is kept, and who did what; against a real service."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from coach.client import AsyncClient, Client, RefusedError, requests

WORDS = {"speaker": "agent", "start_ms": 0, "end_ms": 900}


@pytest.fixture
def client(running):
    """A client of a running service, with the key of an administrator."""
    service = running()
    with Client(service.url, service.new_key(role="admin")) as client:
        client.service = service
        yield client


def talk(client: Client, call_id: str, *, end: bool = True, **head) -> None:
    """Feed a call of one sentence that gets one card."""
    client.start_call(call_id, agent_id="a1", **head)
    client.utterance(call_id, "u1", "这个我不知道", **WORDS)
    if end:
        client.end_call(call_id, at_ms=1000)


def mint(client: Client, *names: str) -> None:
    """Leave one entry a name in the audit log."""
    for name in names:
        client.mint_token(name)


def targets(entries) -> list[str]:
    """Return what the minted tokens among the entries are for."""
    return [each.target for each in entries if each.action == "token-minted"]


def test_a_deleted_call_is_counted_and_gone(client):
    """The answer says how much there was; asked for again, there is no such call."""
    talk(client, "c1")
    done = client.delete_call("c1")
    assert (done.deleted.calls, done.deleted.utterances, done.deleted.advice) == (1, 1, 1)
    assert (done.running, done.reviews) == ((), ())
    for again in (client.call, client.delete_call):
        with pytest.raises(RefusedError) as refused:
            again("c1")
        assert (refused.value.code, refused.value.status) == ("unknown_call", 404)


def test_a_call_that_goes_on_is_not_deleted(client):
    """RefusedError with `conflict`; the call is there and goes on."""
    talk(client, "c1", end=False)
    with pytest.raises(RefusedError) as refused:
        client.delete_call("c1")
    assert (refused.value.code, refused.value.status) == ("conflict", 409)
    assert client.end_call("c1", at_ms=1000) == 3


def test_a_customer_is_deleted_but_for_the_call_that_goes_on(client):
    """The running call is named; other customers' calls stay; nobody to delete is no error."""
    talk(client, "c1", customer_id="C-4711")
    talk(client, "c2", customer_id="C-4711", end=False)
    talk(client, "c3", customer_id="C-0815")
    done = client.delete_customer("C-4711")
    assert (done.deleted.calls, done.running) == (1, ("c2",))
    assert [each.call_id for each in client.calls()] == ["c3", "c2"]
    assert client.delete_customer("nobody").deleted.calls == 0


@pytest.mark.parametrize("customer", ["dept/7", "../calls/c2", "..", "?a=1#b", "100%2F", "客户 一"])
def test_every_customer_id_is_encoded(client, customer):
    """Whatever `call.started` takes; not one that only looks like it, and nothing else."""
    talk(client, "c1", customer_id=customer)
    talk(client, "c2", customer_id=f"{customer}x")
    assert client.delete_customer(customer).deleted.calls == 1
    assert [each.call_id for each in client.calls()] == ["c2"]


def test_a_call_whose_id_looks_like_a_path_is_deleted(client):
    """Its dots lead nowhere else."""
    talk(client, "..")
    talk(client, "c1")
    assert client.call("..").call_id == ".."
    assert client.delete_call("..").deleted.calls == 1
    assert [each.call_id for each in client.calls()] == ["c1"]


@pytest.mark.parametrize("method", ["call", "delete_call", "delete_customer"])
def test_an_empty_id_is_refused(client, method):
    """The field that is meant is told, and every call stays."""
    talk(client, "c1", customer_id="C-4711")
    with pytest.raises(RefusedError) as refused:
        getattr(client, method)("")
    field = "customer_id" if method == "delete_customer" else "call_id"
    assert (refused.value.code, refused.value.field) == ("invalid_field", field)
    assert client.call("c1").ended_ms == 1000


def test_an_entry_says_who_did_what(client):
    """A deletion is an entry with its target and its numbers, typed."""
    talk(client, "c1")
    before = datetime.now(UTC) - timedelta(minutes=1)
    client.delete_call("c1")
    (entry,) = client.audit(action="data-deleted")
    assert (entry.role, entry.target, entry.address) == ("admin", "call:c1", "127.0.0.1")
    assert entry.who.startswith("admin-")
    assert entry.details == {"calls": 1, "left_running": 0}
    assert before < entry.at < before + timedelta(minutes=5)


def test_pages_of_entries_join_without_loss(client, monkeypatch):
    """Youngest first over pages of two; each page that was read is an entry itself."""
    monkeypatch.setattr(requests, "_ENTRIES", 2)
    mint(client, "a1", "a2", "a3", "a4", "a5")
    assert targets(client.audit()) == [f"agent:a{n}" for n in (5, 4, 3, 2, 1)]
    numbers = [each.n for each in client.audit()]
    assert numbers == sorted(set(numbers), reverse=True)
    assert len(list(client.audit(action="audit-read"))) > 2


def test_no_more_entries_are_read_than_wanted(client):
    """`limit` counts entries, not pages."""
    mint(client, "a1", "a2", "a3")
    assert targets(client.audit(limit=2, action="token-minted")) == ["agent:a3", "agent:a2"]
    assert list(client.audit(limit=0)) == []


def test_entries_are_narrowed_by_person_target_and_time(client):
    """Each filter by itself, times with their zone and whole days."""
    mint(client, "a1", "a2")
    (entry,) = client.audit(target="agent:a1")
    assert targets(client.audit(who=entry.who)) == ["agent:a2", "agent:a1"]
    assert list(client.audit(who="somebody-else")) == []
    later = entry.at.astimezone(timezone(timedelta(hours=8))) + timedelta(minutes=5)
    assert targets(client.audit(until=later)) == ["agent:a2", "agent:a1"]
    assert list(client.audit(since=later)) == []
    assert list(client.audit(until=date(2001, 1, 1))) == []
    assert targets(client.audit(since=date(2001, 1, 1))) == ["agent:a2", "agent:a1"]


def test_a_filter_that_is_none_is_refused(client):
    """An action by the service, which names the field; an unknown name before anything is sent."""
    with pytest.raises(RefusedError) as refused:
        next(client.audit(action="danced"))
    assert (refused.value.code, refused.value.field) == ("invalid_field", "action")
    with pytest.raises(TypeError):
        next(client.audit(whom="ops"))


@pytest.mark.parametrize("role", ["producer", "reviewer"])
def test_other_roles_neither_delete_nor_read_the_log(client, role):
    """RefusedError with 403."""
    talk(client, "c1")
    with Client(client.service.url, client.service.new_key(role=role)) as other:
        for ask in (
            lambda: other.delete_call("c1"),
            lambda: other.delete_customer("C"),
            lambda: next(other.audit()),
        ):
            with pytest.raises(RefusedError) as refused:
                ask()
            assert refused.value.status == 403


def test_the_asynchronous_client_deletes_and_reads_the_log(running, monkeypatch):
    """A call, a customer with a slash, and the entries of both over pages."""
    monkeypatch.setattr(requests, "_ENTRIES", 1)
    service = running()

    async def work():
        async with AsyncClient(service.url, service.new_key(role="admin")) as client:
            for call_id, customer in (("c1", "dept/7"), ("c2", "dept/8")):
                await client.start_call(call_id, agent_id="a1", customer_id=customer)
                await client.end_call(call_id, at_ms=1)
            assert [each.call_id async for each in client.calls(limit=1)] == ["c2"]
            assert (await client.delete_customer("dept/7")).deleted.calls == 1
            assert (await client.delete_call("c2")).deleted.calls == 1
            assert [each async for each in client.calls()] == []
            return [each.target async for each in client.audit(action="data-deleted")]

    call, customer = asyncio.run(work())
    assert call == "call:c2"
    assert customer.startswith("customer:")
    assert "dept" not in customer
