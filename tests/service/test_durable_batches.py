"""HTTP batches with an Idempotency-Key."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from coach.service import commit

pytestmark = pytest.mark.databases


@pytest.fixture
def post():
    """Post events of a call under a key."""

    def post(service, events, *, key="k1", call_id="c1", **options):
        headers = {} if key is None else {"Idempotency-Key": key}
        return service.http(
            "POST", f"/v1/calls/{call_id}/events", json={"events": events}, headers=headers, **options
        )

    return post


def test_the_same_batch_gets_the_same_answer(running, post, wire):
    """Also after later events, and after a restart."""
    service = running()
    first = [wire.started(), wire.said("您好", seq=2)]
    answer = post(service, first).json()
    assert answer == {"acked": 2, "errors": []}
    post(service, [wire.said("请讲", seq=3)], key="k2")
    assert post(service, first).json() == answer
    service.stop()
    assert post(running(), first).json() == answer


def test_the_order_of_keys_makes_no_difference(running, post, wire):
    """A client that serialises its events anew sends the same batch."""
    service = running()
    post(service, [wire.started()])
    again = [dict(reversed(wire.started().items()))]
    assert post(service, again).status_code == 200


def test_a_key_with_other_events_is_refused(running, post, wire):
    """The message names the header and says what to do; nothing of the batch is taken."""
    service = running()
    post(service, [wire.started()])
    answer = post(service, [wire.said("您好", seq=2)])
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["field"]) == (409, "conflict", "Idempotency-Key")
    assert "内容不同" in error["message"]
    assert service.http("GET", "/v1/calls/c1").json()["seq"] == 1


def test_a_key_counts_within_its_call_and_its_sender(running, post, wire):
    """Another call, or a token of an agent, has keys of its own: nobody learns what others sent."""
    service = running()
    post(service, [wire.started()])
    assert post(service, [wire.started("c2")], call_id="c2").json()["acked"] == 1
    stranger = service.token("a2", role="producer")
    answer = service.http(
        "POST",
        "/v1/calls/c1/events",
        key=stranger,
        json={"events": [wire.started()]},
        headers={"Idempotency-Key": "k1"},
    )
    assert [each["code"] for each in answer.json()["errors"]] == ["not_allowed"]


def test_a_batch_with_refused_events_is_taken_in_again(running, post, wire):
    """What was refused for want of a start gets through once the call runs, under the same key."""
    service = running()
    words = [wire.said("您好", seq=2)]
    assert [each["code"] for each in post(service, words).json()["errors"]] == ["unknown_call"]
    post(service, [wire.started()], key="k2")
    assert post(service, words).json() == {"acked": 2, "errors": []}


def test_a_batch_refused_in_part_still_owns_its_key(running, post, wire):
    """Other events under the key are a conflict though its answer is not kept."""
    service = running()
    post(service, [wire.started(), {**wire.said("您好", seq=2), "speaker": "boss"}])
    assert post(service, [wire.started()]).status_code == 409


@pytest.mark.parametrize("key", ["", "two words", "键".encode(), "x" * 256])
def test_a_key_that_is_none_is_refused(running, post, wire, key):
    """422, and the header is named."""
    answer = post(running(), [wire.started()], key=key)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "Idempotency-Key")


def test_the_same_batch_at_once_is_taken_in_once(running, post, wire):
    """Sixteen at a time: one answer, no conflict."""
    service = running()
    batch = [wire.started(), *(wire.said("您好", seq=seq) for seq in range(2, 200))]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: post(service, batch).json(), range(16)))
    assert answers == [{"acked": 199, "errors": []}] * 16


def test_answers_are_kept_for_a_day(running, post, wire, disk):
    """After it the key is free, and the old row gone."""
    now = [1_700_000_000.0]
    service = running(clock=lambda: now[0], call_timeout_s=0)
    post(service, [wire.started()])
    now[0] += commit.ANSWER_KEPT_S + 1
    assert post(service, [wire.said("您好", seq=2)]).json()["acked"] == 2
    assert disk("SELECT count(*) FROM batch_answers") == [(1,)]


def test_no_more_answers_are_kept_than_allowed(running, post, wire, disk, monkeypatch):
    """The oldest go first."""
    monkeypatch.setattr(commit, "ANSWERS_KEPT", 3)
    service = running()
    post(service, [wire.started()], key="k1")
    for seq in range(2, 7):
        post(service, [wire.said("您好", seq=seq)], key=f"k{seq}")
    assert disk("SELECT count(*) FROM batch_answers") == [(3,)]
    assert post(service, [wire.said("您好", seq=6)], key="k6").json()["acked"] == 6
